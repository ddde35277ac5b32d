//! The stack as a fixture of Rust tests, with the standard library only: `rustc --edition 2021 --test fixture.rs && ./fixture`.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A whole stack on free ports. It ends when it is dropped, at the latest with this process.
struct Stack {
    process: Child,
    ready: String,
}

impl Stack {
    fn start() -> Stack {
        let program = std::env::var("PROMENADE_BIN").unwrap_or("promenade".into());
        let mut process = Command::new(program)
            .args(["run", "--test"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        Stack { process, ready }
    }

    /// Sends a request to one of the servers; the answer's body.
    fn request(&self, server: &str, method: &str, path: &str, body: &str) -> String {
        let url = self.ready.split(&format!("\"{server}\":\"http://")).nth(1).unwrap();
        let address = url.split('"').next().unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{head}");
        body.to_string()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}

#[test]
fn a_push_is_scraped() {
    let stack = Stack::start();
    stack.request("pushgateway", "PUT", "/metrics/job/nightly", "rows_total 42\n");
    // Scraped now; when this returns, the samples can be queried.
    stack.request("prometheus", "POST", "/api/v1/scrape?job=pushgateway&wait=true", "");
    let answer = stack.request("prometheus", "GET", "/api/v1/query?query=rows_total", "");
    assert!(answer.contains("\"job\":\"nightly\"") && answer.contains(",\"42\"]"), "{answer}");
}
