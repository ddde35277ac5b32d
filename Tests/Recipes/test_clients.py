"""`promenade check client`: Promenade's own servers, clients of Go and Python where they are installed, and misbehaving ones."""
import contextlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
import xml.etree.ElementTree

from test_commands import PROMENADE, run
from test_fixture import Stack

PYTHON = next((p for p in (sys.executable, "/usr/bin/python3") if shutil.which(p) and subprocess.run(
    [p, "-c", "import prometheus_client"], capture_output=True).returncode == 0), None)

PUSHER = """
import os
from prometheus_client import CollectorRegistry, Counter, delete_from_gateway, push_to_gateway, pushadd_to_gateway
registry = CollectorRegistry()
Counter("rows_total", "Rows.", registry=registry).inc()
key = {"shard": "/a b", "empty": ""}
for push in (push_to_gateway, pushadd_to_gateway):
    push(os.environ["PUSHGATEWAY_URL"], job="nightly", registry=registry, grouping_key=key)
delete_from_gateway(os.environ["PUSHGATEWAY_URL"], job="nightly", grouping_key=key)
"""


def verdicts(text):
    return {f["id"]: f["verdict"] for f in json.loads(text)["findings"]}


class Falling(http.server.BaseHTTPRequestHandler):
    """A client whose counter goes down, with a type that nobody knows."""
    protocol_version = "HTTP/1.1"
    value = 100

    def do_GET(self):
        type(self).value -= 1
        body = b"# HELP a_total A.\n# TYPE a_total counter\na_total %d\n" % self.value
        self.send_response(200)
        self.send_header("Content-Type", "text/plain" if "openmetrics" in self.headers.get("Accept", "") else "text/metrics")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Clients(unittest.TestCase):
    def test_own_servers(self):
        with contextlib.closing(Stack()) as stack:
            for name in ("prometheus", "pushgateway", "demo"):
                code, text, _ = run("check", "client", "--scrape", stack.urls[name], "--format", "json")
                self.assertEqual(code, 0, text)

    def test_a_misbehaving_client(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Falling)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{server.server_address[1]}"
        code, text, _ = run("check", "client", "--scrape", address, "--format", "json")
        self.assertEqual(code, 1)
        found = verdicts(text)
        self.assertEqual((found["repeat.counters"], found["scrape.content-type"], found["http.head"]), ("fail", "fail", "warn"))
        code, text, _ = run("check", "client", "--scrape", address, "--format", "tap")
        self.assertIn("not ok", text)
        code, text, _ = run("check", "client", "--scrape", address, "--format", "junit")
        self.assertGreater(int(xml.etree.ElementTree.fromstring(text).get("failures")), 1)
        server.shutdown()
        server.server_close()

    def test_nobody_there_and_wrong_use(self):
        self.assertEqual(run("check", "client", "--scrape", "127.0.0.1:1")[0], 1)
        self.assertEqual(run("check", "client")[0], 2)
        self.assertEqual(run("check", "client", "--scrape", "x", "--format", "xml")[0], 2)

    def test_pushes_by_hand(self):
        curl = "curl -sf --data-binary '%s' %s/metrics/job/nightly"
        if not shutil.which("curl"):
            self.skipTest("no curl")
        code, text, _ = run("check", "client", "--push-command", curl % ("rows 1\n", "$PUSHGATEWAY_URL"), "--format", "json")
        self.assertEqual((code, verdicts(text)["push.content-type"]), (0, "warn"), text)
        code, text, _ = run("check", "client", "--push-command", curl % ("rows 1 1700000000000", "{url}"), "--format", "json")
        found = verdicts(text)
        self.assertEqual([found["push." + n] for n in ("timestamps", "newline", "command", "status")], ["fail"] * 4, text)
        code, text, _ = run("check", "client", "--push-command", "sleep 100", "--timeout", "1", "--format", "json")
        self.assertEqual((code, verdicts(text)), (1, {"push.command": "fail"}))

    @unittest.skipUnless(PYTHON, "prometheus_client is not installed")
    def test_the_python_client_pushes_well(self):
        with tempfile.NamedTemporaryFile("w", suffix=".py") as program:
            program.write(PUSHER)
            program.flush()
            code, text, _ = run("check", "client", "--push-command", f"{PYTHON} {program.name}", "--format", "json")
        self.assertEqual((code, set(verdicts(text).values())), (0, {"pass"}), text)

    def test_health(self):
        with contextlib.closing(Stack()) as stack:
            for what in ("healthy", "ready"):
                code, _, said = run("check", what, "--url", stack.urls["prometheus"])
                self.assertEqual((code, said.startswith("  SUCCESS:  Prometheus Server is")), (0, True), said)
        self.assertEqual(run("check", "ready", "--url", "http://127.0.0.1:1")[0], 1)


if __name__ == "__main__":
    unittest.main()
