"""Targets that come and go, and faults: `/api/v1/targets/JOB` and `/api/v1/faults` of a test fixture.

The table of docs/fixture.md: each fault ends in the value of `up`, the error and the exit code of `promenade expect` that are
promised there."""
import gzip
import http.client
import http.server
import json
import os
import subprocess
import threading
import unittest
import urllib.error
import urllib.request

from test_fixture import Refused, Stack

PROMENADE = os.environ.get("PROMENADE_BIN", "promenade")


class Target(http.server.ThreadingHTTPServer):
    """A target on a free port; what it exposes can be changed."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = self.server.body.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body) + self.server.missing))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = self.server.missing > 0

        def log_message(self, *_):
            pass

    def __init__(self, body):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.daemon_threads = True
        self.body = body
        self.missing = 0
        self.address = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class Case(unittest.TestCase):
    def setUp(self):
        self.stack = Stack()
        self.addCleanup(self.stack.close)

    def target(self, body):
        target = Target(body)
        self.addCleanup(target.close)
        return target

    def call(self, method, path, document=None, server="prometheus"):
        body = document if isinstance(document, (bytes, type(None))) else json.dumps(document).encode()
        request = urllib.request.Request(self.stack.urls[server] + path, method=method, data=body)
        try:
            with urllib.request.urlopen(request) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def expect(self, *expressions):
        done = subprocess.run([PROMENADE, "expect", "--url", self.stack.urls["prometheus"], "--within", "0s",
                               *expressions], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout


class Targets(Case):
    def test_a_target_comes_and_goes(self):
        one, two = self.target("rows 1\n"), self.target("rows 2\n")
        status, answer = self.call("PUT", "/api/v1/targets/app?wait=true",
                                   {"targets": [one.address], "labels": {"zone": "x"}, "config": {"scrape_interval": "1h"}})
        self.assertEqual(status, 200, answer)
        self.assertEqual([(t["labels"]["instance"], t["health"], t["scrapeInterval"])
                          for t in answer["data"]["targets"]], [(one.address, "up", "1h")])
        self.assertEqual(self.stack.query("rows")[0][0]["zone"], "x")
        # Another one comes to it; the settings stay.
        status, answer = self.call("POST", "/api/v1/targets/app?wait=true", {"targets": [two.address]})
        self.assertEqual((status, len(answer["data"]["targets"])), (200, 2), answer)
        self.assertEqual(sorted(value for _, value in self.stack.query("rows")), [1, 2])
        # One goes: its series are stale at once.
        status, answer = self.call("DELETE", f"/api/v1/targets/app?target={one.address}")
        self.assertEqual((status, len(answer["data"]["targets"])), (200, 1), answer)
        self.assertEqual([value for _, value in self.stack.query("rows")], [2])
        self.assertEqual(len(self.stack.query('up{job="app"}')), 1)
        # PUT replaces what was there.
        self.call("PUT", "/api/v1/targets/app?wait=true", {"targets": [one.address]})
        self.assertEqual([value for _, value in self.stack.query("rows")], [1])
        status, _ = self.call("DELETE", "/api/v1/targets/app")
        self.assertEqual(status, 200)
        self.assertEqual(self.stack.query('{job="app"}'), [])

    def test_mistakes_teach(self):
        for method, path, document, status, words in (
                ("PUT", "targets/app", {"targets": ["http://x:1/metrics"]}, 400, '"http://x:1/metrics" is not a valid hostname'),
                ("PUT", "targets/app", {"targets": ["http://x:1"]}, 400, '{"targets":["x:1"],"config":{"scheme":"http"}}'),
                ("PUT", "targets/app", {}, 400, "there are no targets"),
                ("PUT", "targets/app", {"target": ["x:1"]}, 400, "did you mean targets?"),
                ("PUT", "targets/app", {"targets": ["x:1"], "config": {"scrape_timeot": "1s"}}, 400, "did you mean scrape_timeout?"),
                ("PUT", "targets/app", {"targets": ["x:1"], "config": {"scrape_interval": "soon"}}, 400, "not a valid duration"),
                ("PUT", "targets/app", b"{", 400, "unexpected end of JSON input"),
                ("DELETE", "targets/nobody", None, 404, 'there is no job "nobody"; there are demo, prometheus, pushgateway'),
                ("DELETE", "targets/demo?target=x:1", None, 404, 'has no target "x:1"; it has 127.0.0.1:'),
                ("PUT", "faults/targets/demo", {"fault": "latancy"}, 400, "did you mean latency?"),
                ("PUT", "faults/targets/demo", {"fault": "status"}, 400, '{"fault":"status","status":503}'),
                ("PUT", "faults/targets/demo", {"fault": "refused", "statsu": 1}, 400, 'unknown field "statsu"'),
                ("PUT", "faults/targets/nobody", {"fault": "refused"}, 404, "there is no job"),
                ("PUT", "faults/pushgateway", {"fault": "reset_counters"}, 400, "put reset_counters on the job that scrapes"),
        ):
            answer = self.call(method, "/api/v1/" + path, document)
            self.assertEqual(answer[0], status, (path, document, answer))
            self.assertIn(words, answer[1]["error"], (path, document))

    def test_only_in_a_fixture(self):
        command = [PROMENADE, "run", "--storage.memory", "--web.listen-address=127.0.0.1:0",
                   "--pushgateway.listen-address=127.0.0.1:0", "--demo.listen-address=127.0.0.1:0", "--ready-file"]
        import tempfile
        import time
        with tempfile.TemporaryDirectory() as folder:
            ready = os.path.join(folder, "ready")
            process = subprocess.Popen([*command, ready], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, cwd=folder)
            try:
                while not os.path.exists(ready):
                    self.assertIsNone(process.poll())
                    time.sleep(0.01)
                with open(ready) as file:
                    self.stack.urls = json.load(file)
                for method, path in (("PUT", "targets/x"), ("DELETE", "targets/demo"), ("GET", "faults"),
                                     ("PUT", "faults/pushgateway")):
                    status, answer = self.call(method, "/api/v1/" + path, {"targets": ["x:1"]} if method == "PUT" else None)
                    self.assertEqual(status, 403)
                    self.assertIn("only in a test fixture, which promenade run --test starts", answer["error"])
            finally:
                process.terminate()
                process.wait()


class Traffic(Case):
    def test_what_went_over_the_wire_in_scrapes(self):
        app = self.target("# TYPE rows counter\nrows_total 5\nold 1\nsame 1\n")
        self.call("PUT", "/api/v1/targets/app?wait=true", {"targets": [app.address], "config": {"scrape_interval": "1h"}})
        app.body = "# TYPE rows counter\nrows_total 3\nsame 1\nfresh{a=\"<\"} 2\n"
        self.stack.scrape("app")
        path = f"/api/v1/targets/last_scrape?scrapePool=app&scrapeUrl=http://{app.address}/metrics"
        status, answer = self.call("GET", path)
        self.assertEqual(status, 200, answer)
        scrape = answer["data"]
        self.assertEqual((scrape["status"], scrape["format"], scrape["kept"], scrape["body"]), (200, "text/plain", 2, app.body))
        sent = {header["name"]: header["value"] for header in scrape["requestHeaders"]}
        self.assertEqual(sent["X-Prometheus-Scrape-Timeout-Seconds"], "5")
        self.assertIn("application/openmetrics-text", sent["Accept"])
        got = {header["name"]: header["value"] for header in scrape["responseHeaders"]}
        self.assertEqual(got["Content-Type"], "text/plain; version=0.0.4")
        self.assertEqual(scrape["difference"], {
            "added": [{"series": 'fresh{a="<"}', "value": "2"}], "removed": [{"series": "old", "value": "1"}],
            "changed": [{"series": "rows_total", "before": "5", "after": "3", "wentDown": True}], "unchanged": 1})
        status, answer = self.call("GET", path + "&index=1")
        self.assertEqual((status, answer["data"]["difference"]), (200, None))
        self.assertIn("old 1", answer["data"]["body"])
        status, answer = self.call("GET", path + "&index=2")
        self.assertEqual(status, 400)
        self.assertIn("to 1, the oldest that is kept", answer["error"])

    def test_what_went_over_the_wire_in_pushes(self):
        gateway = self.stack.urls["pushgateway"]
        self.stack.push("nightly", "# TYPE rows counter\nrows 5\n")
        packed = gzip.compress(b"# TYPE rows counter\nrows 4\nfresh 1\n")
        urllib.request.urlopen(urllib.request.Request(
            gateway + "/metrics/job/nightly", method="PUT", data=packed, headers={"Content-Encoding": "gzip"})).close()
        with self.assertRaises(Refused):
            self.stack.push("nightly", "rows many\n")
        _, pushes = self.call("GET", "/api/v1/pushes", server="pushgateway")
        numbers = [push["number"] for push in pushes["data"]]
        self.assertEqual(len(numbers), 3)
        _, answer = self.call("GET", f"/api/v1/pushes/{numbers[1]}", server="pushgateway")
        traffic = answer["data"]["traffic"]
        self.assertEqual(answer["data"]["push"]["status"], 200)
        self.assertIn({"name": "Content-Encoding", "value": "gzip"}, traffic["requestHeaders"])
        self.assertEqual(traffic["body"], "# TYPE rows counter\nrows 4\nfresh 1\n")
        self.assertEqual(traffic["difference"], {
            "added": [{"series": "fresh", "value": "1"}], "removed": [],
            "changed": [{"series": "rows", "before": "5", "after": "4", "wentDown": True}], "unchanged": 0})
        self.assertIn('counter metrics should have "_total" suffix', json.dumps(traffic["verdicts"]).replace("\\", ""))
        _, answer = self.call("GET", f"/api/v1/pushes/{numbers[0]}", server="pushgateway")
        self.assertIn('expected float as value, got "many"', answer["data"]["traffic"]["responseBody"])
        self.assertEqual(answer["data"]["traffic"]["verdicts"][0]["verdict"], "error")
        status, answer = self.call("GET", "/api/v1/pushes/99", server="pushgateway")
        self.assertEqual((status, answer["errorType"]), (404, "not_found"))


class Faults(Case):
    BODY = "# TYPE rows counter\nrows_total 42\n# TYPE depth gauge\ndepth 7\n"

    # fault, error of the last scrape (empty where it succeeds), exit code of expect 'up{job="app"} == 1'
    TABLE = (
        ({"fault": "latency", "latency": "100ms"}, "", 0),
        ({"fault": "latency", "latency": "20s"}, 'Get "{url}": context deadline exceeded', 1),
        ({"fault": "status", "status": 503}, "server returned HTTP status 503 Service Unavailable", 1),
        ({"fault": "truncated"}, "unexpected EOF", 1),
        ({"fault": "body", "body": "<html>"}, 'expected a valid start token, got "<" ("INVALID") while parsing: "<"', 1),
        ({"fault": "content_type", "content_type": "text/html"},
         'received unsupported Content-Type "text/html" and no fallback_scrape_protocol specified for target', 1),
        ({"fault": "content_type", "content_type": ""},
         "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target", 1),
        ({"fault": "refused"}, 'Get "{url}": dial tcp {address}: connect: connection refused', 1),
        ({"fault": "closed"}, 'Get "{url}": EOF', 1),
        ({"fault": "reset_counters"}, "", 0),
    )

    def test_the_table(self):
        app = self.target(self.BODY)
        url = f"http://{app.address}/metrics"
        config = {"scrape_interval": "1h", "scrape_timeout": "300ms"}
        status, answer = self.call("PUT", "/api/v1/targets/app?wait=true", {"targets": [app.address], "config": config})
        self.assertEqual(status, 200, answer)
        for fault, error, code in self.TABLE:
            with self.subTest(fault=fault):
                status, answer = self.call("PUT", "/api/v1/faults/targets/app", fault)
                self.assertEqual(status, 200, answer)
                self.assertEqual({**answer["data"]["targets"][0]}, {"job": "app", "target": "", **fault})
                _, answer = self.call("POST", "/api/v1/scrape?job=app&wait=true")
                error = error.format(url=url, address=app.address)
                self.assertEqual([(t["health"], t["lastError"]) for t in answer["data"]["targets"]],
                                 [("up" if code == 0 else "down", error)])
                ended, text = self.expect('up{job="app"} == 1')
                self.assertEqual(ended, code, text)
                if error:
                    self.assertIn(f"scrape failed: app {url}: {error}", text)
                    self.assertEqual(self.stack.query("depth"), [])
        status, answer = self.call("DELETE", "/api/v1/faults")
        self.assertEqual(answer["data"], {"targets": [], "pushgateway": None})
        self.stack.scrape("app")
        self.assertEqual(self.expect('up{job="app"} == 1', "depth == 7", "rows_total == 42")[0], 0)

    def test_the_real_things_have_the_same_words(self):
        app = self.target(self.BODY)
        config = {"scrape_interval": "1h", "scrape_timeout": "1s"}
        self.call("PUT", "/api/v1/targets/app?wait=true", {"targets": [app.address], "config": config})
        app.missing = 10
        _, answer = self.call("POST", "/api/v1/scrape?job=app&wait=true")
        self.assertEqual(answer["data"]["targets"][0]["lastError"], "unexpected EOF")
        app.close()
        _, answer = self.call("POST", "/api/v1/scrape?job=app&wait=true")
        self.assertEqual(answer["data"]["targets"][0]["lastError"],
                         f'Get "http://{app.address}/metrics": dial tcp {app.address}: connect: connection refused')

    def test_counters_begin_anew(self):
        app = self.target("# TYPE rows counter\nrows_total 42\n")
        self.call("PUT", "/api/v1/targets/app?wait=true", {"targets": [app.address], "config": {"scrape_interval": "1h"}})
        self.call("PUT", "/api/v1/faults/targets/app", {"fault": "reset_counters"})
        self.stack.scrape("app")
        app.body = "# TYPE rows counter\nrows_total 45\n"
        self.stack.scrape("app")
        code, text = self.expect("rows_total == 3", "resets(rows_total[1m]) == 1")
        self.assertEqual(code, 0, text)

    def test_flapping_and_a_number_of_times(self):
        app = self.target("rows 1\n")
        self.call("PUT", "/api/v1/targets/app?wait=true", {"targets": [app.address], "config": {"scrape_interval": "1h"}})
        for fault, wanted in (({"fault": "flapping", "good": 1, "bad": 2}, "up down down up down down"),
                              ({"fault": "refused", "times": 2}, "down down up")):
            self.call("PUT", "/api/v1/faults/targets/app", fault)
            seen = []
            for _ in wanted.split():
                _, answer = self.call("POST", "/api/v1/scrape?job=app&wait=true")
                seen.append(answer["data"]["targets"][0]["health"])
            self.assertEqual(" ".join(seen), wanted)

    def push(self):
        server = self.stack.urls["pushgateway"].removeprefix("http://")
        connection = http.client.HTTPConnection(server, timeout=1)
        try:
            connection.request("PUT", "/metrics/job/nightly", b"rows 1\n")
            response = connection.getresponse()
            response.read()
            return response.status
        except (http.client.HTTPException, OSError) as error:
            return type(error).__name__
        finally:
            connection.close()

    def test_pushes(self):
        for fault, outcome, error in (
                ({"fault": "status", "status": 503}, 503, "injected fault: HTTP status 503 Service Unavailable"),
                ({"fault": "closed"}, "RemoteDisconnected", "injected fault: connection closed without an answer"),
                ({"fault": "refused"}, "RemoteDisconnected", "injected fault: connection closed without an answer"),
                ({"fault": "truncated"}, "IncompleteRead", None),
                ({"fault": "latency", "latency": "3s"}, "TimeoutError", None),
        ):
            with self.subTest(fault=fault):
                self.call("PUT", "/api/v1/faults/pushgateway", {**fault, "times": 1})
                self.assertEqual(self.push(), outcome)
                if error:
                    code, text = self.expect("no_such_metric")
                    self.assertEqual(code, 1)
                    self.assertIn(error, text)
                self.assertEqual(self.push(), 200)


if __name__ == "__main__":
    unittest.main()
