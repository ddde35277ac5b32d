//! The stack as a fixture of Rust tests, with the standard library only: `rustc --edition 2021 --test fixture.rs && ./fixture`.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

fn program() -> String {
    std::env::var("PROMENADE_BIN").unwrap_or("promenade".into())
}

/// A whole stack on free ports. It ends when it is dropped, at the latest with this process.
struct Stack {
    process: Child,
    ready: String,
}

impl Stack {
    fn start() -> Stack {
        // Time passes only by `advance`.
        let mut process = Command::new(program())
            .args(["run", "--test", "--clock=manual"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started (PROMENADE_BIN names the program): {error}", program()));
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        if !ready.contains("\"ready\"") {
            panic!("{} did not start ({}), and said: {ready}", program(), process.wait().unwrap());
        }
        Stack { process, ready }
    }

    /// Sends a request to one of the servers; the answer's body.
    fn request(&self, server: &str, method: &str, path: &str, body: &str) -> String {
        let address = self.url(server).strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        // A refusal has the server's own words.
        assert!(head.split(' ').nth(1).unwrap().starts_with('2'), "{method} {path}: {head}\n{body}");
        body.to_string()
    }

    /// Lets time pass: every scrape that falls due is done when it returns.
    fn advance(&self, duration: &str) {
        self.request("prometheus", "POST", &format!("/api/v1/clock?advance={duration}"), "");
    }

    fn url(&self, server: &str) -> &str {
        let rest = self.ready.split(&format!("\"{server}\":\"")).nth(1).unwrap();
        rest.split('"').next().unwrap()
    }

    /// Panics, with what was seen instead, unless all conditions hold now.
    fn expect(&self, expressions: &[&str]) {
        let done = Command::new(program())
            .args(["expect", "--within", "0s", "--url", self.url("prometheus")])
            .args(["--pushgateway", self.url("pushgateway")])
            .args(expressions)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
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
    stack.expect(&["rows_total{job=\"nightly\"} == 42"]);
    stack.request("pushgateway", "PUT", "/metrics/job/nightly", "rows_total 50\n");
    stack.advance("10s");
    stack.expect(&["rows_total == 50", "changes(rows_total[1m]) == 1"]);
    stack.request("pushgateway", "DELETE", "/metrics/job/nightly", "");
    stack.advance("10s");
    stack.expect(&["absent(rows_total)"]);
}
