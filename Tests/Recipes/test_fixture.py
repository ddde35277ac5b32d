"""The stack as a fixture of Python tests: unittest or pytest, with the standard library only."""
import http.server
import json
import os
import subprocess
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request

PROMENADE = os.environ.get("PROMENADE_BIN", "promenade")


class Refused(OSError):
    """A server said no; the text is the server's own."""


class Target:
    """A target that lives in the test: it exposes `body`, which the test changes as it likes."""

    def __init__(self, body):
        self.body = body
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = target.body.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Stack:
    """A whole stack on free ports. It ends with `close()`, and with this process.

    With `--clock=manual` time passes only by `advance()`, so that nothing depends on how fast a test runs.
    """

    def __init__(self, *flags):
        self.process = subprocess.Popen([PROMENADE, "run", "--test", *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.urls = json.loads(self.process.stdout.readline())
        self.targets = []
        self.pushes = 0

    def close(self):
        for target in self.targets:
            target.close()
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def request(self, method, url, body=None):
        request = urllib.request.Request(url, method=method, data=body)
        try:
            with urllib.request.urlopen(request) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace").strip()
            try:
                text = json.loads(text)["error"]
            except (ValueError, KeyError, TypeError):
                pass
            raise Refused(f"{method} {url}: {error.code} {error.reason}: {text}") from None

    def api(self, method, path, body=None, **parameters):
        """The data of an answer of the Prometheus server."""
        url = f"{self.urls['prometheus']}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        return json.loads(self.request(method, url, body and json.dumps(body).encode()))["data"]

    def begin(self):
        """A test begins: refused pushes of those before it are none of its business."""
        pushes = json.loads(self.request("GET", f"{self.urls['pushgateway']}/api/v1/pushes"))["data"]
        self.pushes = max((push["number"] for push in pushes), default=0)

    def push(self, job, text, **grouping):
        """Replaces a group (PUT)."""
        path = "".join(f"/{name}/{urllib.parse.quote(value, safe='')}" for name, value in grouping.items())
        self.request("PUT", f"{self.urls['pushgateway']}/metrics/job/{job}{path}", text.encode())

    def target(self, job, target, labels=None, **config):
        """Adds a target to a job: a text that it exposes, or the `host:port` of a server. What is passed besides is the job's
        configuration: `scrape_interval="5s"`. Answers the target, whose `body` can be changed."""
        if "\n" in target:
            target = Target(target)
            self.targets.append(target)
        address = target if isinstance(target, str) else target.address
        body = {"targets": [address], "labels": labels or {}}
        if config:
            body["config"] = config
        self.api("POST", "targets/" + urllib.parse.quote(job, safe=""), body)
        return target

    def scrape(self, job=""):
        """Scrapes now; the samples can be queried when it returns."""
        self.api("POST", "scrape", job=job, wait="true")

    def advance(self, duration):
        """Lets time pass (`"30s"`): every scrape that falls due is done when it returns. Needs `--clock=manual`."""
        return self.api("POST", "clock", advance=duration)["now"]

    def query(self, expression):
        return [(row["metric"], float(row["value"][1])) for row in self.api("GET", "query", query=expression)["result"]]

    def expect(self, *expressions, within=0):
        """Fails unless all conditions hold; `within` so many seconds of the manual clock."""
        command = [PROMENADE, "expect", "--within", "0s", "--url", self.urls["prometheus"], "--pushgateway",
                   self.urls["pushgateway"], "--pushes-after", str(self.pushes), *expressions]
        while True:
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode == 0:
                return
            if within <= 0 or done.returncode != 1:
                raise AssertionError(done.stdout + done.stderr)
            self.advance("1s")
            within -= 1


class StackTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack("--clock=manual")
        cls.addClassCleanup(cls.stack.close)

    def setUp(self):
        self.stack.begin()

    def test_a_push_is_scraped(self):
        self.stack.push("nightly", "rows_total 42\n")
        self.stack.scrape("pushgateway")
        self.assertEqual(self.stack.query("rows_total"), [({"__name__": "rows_total", "job": "nightly"}, 42)])
        self.stack.expect('rows_total{job="nightly"} == 42')

    def test_time_passes_when_it_is_told_to(self):
        app = self.stack.target("app", "jobs_total 5\n", labels={"zone": "x"}, scrape_interval="15s")
        start = self.stack.advance("0s")
        self.assertEqual(self.stack.advance("30s"), start + 30)
        app.body = "jobs_total 8\n"
        self.stack.expect('jobs_total{job="app",zone="x"} == 8', within=20)
        self.stack.expect("increase(jobs_total[1m]) > 3", "resets(jobs_total[1m]) == 0")

    def test_a_refusal_has_the_servers_words(self):
        with self.assertRaisesRegex(Refused, 'expected float as value, got "many"'):
            self.stack.push("nightly", "rows_total many\n")
        with self.assertRaisesRegex(Refused, "unclosed left parenthesis"):
            self.stack.query("sum(up")
        with self.assertRaisesRegex(AssertionError, "push refused: .*got \"many\""):
            self.stack.expect("rows_of_nobody")

    def test_an_earlier_tests_push_is_not_told(self):
        with self.assertRaises(Refused):
            self.stack.push("before", "broken {\n")
        self.stack.begin()
        with self.assertRaises(AssertionError) as failure:
            self.stack.expect("rows_of_nobody")
        self.assertNotIn("push refused", str(failure.exception))
        self.assertIn("no metric is called rows_of_nobody", str(failure.exception))


if __name__ == "__main__":
    unittest.main()
