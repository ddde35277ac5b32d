#!/usr/bin/env python3
"""The tutorial, end to end, with real clients: a server that is scraped, batches that push with Add and Push and grouping keys, both
read back through PromQL; Go and Python clients where they are installed; a kill and a restart.

    python3 -m unittest Tests/Conformance/tutorial_test.py
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(__file__))
import peers

HERE = os.path.dirname(os.path.abspath(__file__))
TUTORIAL = os.environ.get("TUTORIAL_DIR") or os.path.join(HERE, "..", "..", "..", "shared", "tutorial")
GO_ENV = dict(os.environ, GO111MODULE="off", GOPATH=os.environ.get("TUTORIAL_GOPATH", "/usr/share/gocode"), GOFLAGS="")
CONFIG = """
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: demo
    static_configs: [{targets: ['DEMO']}]
  - job_name: pushgateway
    honor_labels: true
    static_configs: [{targets: ['PUSH']}]
  - job_name: others
    static_configs: [{targets: [OTHERS]}]
demo_server:
  traffic: {requests_per_second: 20, seed: 7}
"""


def has_go():
    return shutil.which("go") and os.path.isdir("/usr/share/gocode/src/github.com/prometheus/client_golang")


PYTHON = next((p for p in (sys.executable, "/usr/bin/python3") if os.path.exists(p) and subprocess.run(
    [p, "-c", "import prometheus_client"], capture_output=True).returncode == 0), None)


def has_python_client():
    return PYTHON is not None


class Stack:
    """Promenade on free ports, or on the tutorial's, over a folder that outlives it."""

    def __init__(self, others=(), ports=None):
        self.folder = tempfile.mkdtemp(prefix="promenade-tutorial-")
        self.web, self.push, self.demo = ports or [f"{peers.HOST}:{peers.free_port()}" for _ in range(3)]
        text = CONFIG.replace("DEMO", self.demo).replace("PUSH", self.push).replace("OTHERS", ", ".join(f"'{x}'" for x in others))
        with open(os.path.join(self.folder, "stack.yml"), "w") as f:
            f.write(text)
        self.server = None

    def start(self):
        self.server = peers.Server(
            [peers.promenade(), "run", f"--config.file={self.folder}/stack.yml", f"--storage.path={self.folder}/data",
             f"--web.listen-address={self.web}", f"--pushgateway.listen-address={self.push}", f"--demo.listen-address={self.demo}",
             "--log.level=warn"], self.web)
        return self

    def close(self):
        if self.server:
            self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def query(self, expression):
        status, _, body = peers.get(self.web, "/api/v1/query?" + urllib.parse.urlencode(dict(query=expression)))
        answer = json.loads(body)
        if status != 200:
            raise AssertionError(f"{expression}: {status} {answer}")
        return [(x["metric"], x["value"][1]) for x in answer["data"]["result"]]

    def wait_for(self, expression, count=1, seconds=15):
        """Until the query answers that many series."""
        deadline = time.monotonic() + seconds
        while True:
            result = self.query(expression)
            if len(result) == count:
                return result
            if time.monotonic() > deadline:
                raise AssertionError(f"{expression}: {len(result)} series instead of {count}: {result}")
            time.sleep(0.1)


class Tutorial(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.mkdtemp(prefix="promenade-go-")
        cls.helpers = []
        others = []
        if has_go():
            for name in ("push", "server"):
                subprocess.run(["go", "build", "-o", os.path.join(cls.work, name), os.path.join(HERE, "go", name, "main.go")],
                               check=True, env=dict(GO_ENV, GOCACHE=os.path.join(cls.work, "cache")))
            others.append(f"{peers.HOST}:{peers.free_port()}")
            cls.helpers.append(subprocess.Popen([os.path.join(cls.work, "server"), others[-1]]))
        if has_python_client():
            port = peers.free_port()
            others.append(f"{peers.HOST}:{port}")
            cls.helpers.append(subprocess.Popen([PYTHON, "-c", f"""
import prometheus_client, time
h = prometheus_client.Histogram('py_seconds', 'Python.')
h.observe(0.3)
prometheus_client.Info('py_build', 'Build.').info({{'v': '1'}})
prometheus_client.start_http_server({port}, '127.0.0.1')
time.sleep(600)
"""]))
        cls.addClassCleanup(cls.end_helpers)
        cls.stack = Stack(others).start()
        cls.others = others

    @classmethod
    def end_helpers(cls):
        for p in cls.helpers:
            p.kill()
            p.wait()

    @classmethod
    def tearDownClass(cls):
        cls.stack.close()
        shutil.rmtree(cls.work, ignore_errors=True)

    def test_demo_server_counts_what_it_answers(self):
        before = None
        words = set()
        for _ in range(60):
            status, _, body = peers.get(self.stack.demo, "/")
            self.assertEqual(status, 200)
            words.add(body.decode())
        self.assertEqual(words, {"OK", "Normal", "Error"})
        _, headers, text = peers.get(self.stack.demo, "/metrics")
        self.assertIn("text/plain; version=0.0.4", headers["Content-Type"])
        for pattern in (r"(?m)^# TYPE request_count_total counter$", r"(?m)^request_count_total \d+$", r"(?m)^request_error_count_total \d+$",
                        r"(?m)^process_cpu_seconds_total "):
            self.assertRegex(text.decode(), pattern)
        (labels, value), = self.stack.wait_for('request_count_total{job="demo"} > 60')
        self.assertEqual(labels, {"__name__": "request_count_total", "job": "demo", "instance": self.stack.demo})
        self.stack.wait_for("rate(request_count_total{job='demo'}[30s]) > 0")

    def test_first_scrape_comes_at_once(self):
        (_, value), = self.stack.wait_for('up{job="demo"}')
        self.assertEqual(value, "1")

    def test_plain_series(self):
        self.stack.wait_for('up{job="demo"}')
        status, _, body = peers.get(self.stack.web, "/series/up")
        self.assertEqual(status, 200)
        self.assertIn('"job":"demo"', body.decode().replace(" ", ""))

    def own_batch(self, *arguments):
        p = subprocess.run([peers.promenade(), "batch", *arguments, "--url", f"http://{self.stack.push}"], capture_output=True, text=True,
                           timeout=60)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)
        return p.stdout

    def go_push(self, what):
        subprocess.run([os.path.join(self.work, "push"), f"http://{self.stack.push}", what], check=True, timeout=60)

    def wipe(self):
        _, _, body = peers.get(self.stack.push, "/api/v1/metrics")
        for group in json.loads(body)["data"]:
            path = "/metrics/job/" + group["labels"]["job"]
            for k, v in group["labels"].items():
                if k != "job" and v:
                    path += f"/{k}/{v}"
            self.assertEqual(peers.get(self.stack.push, path, "DELETE")[0], 202)

    def check_groups(self, add, customers, producers, sample):
        self.wipe()
        add()
        customers()
        producers()
        sample()
        _, _, body = peers.get(self.stack.push, "/api/v1/metrics")
        groups = sorted(json.dumps(g["labels"], sort_keys=True) for g in json.loads(body)["data"])
        self.assertEqual(len(groups), 4, groups)
        name = "db_backup_last_completion_timestamp_seconds"
        found = sorted((m.get("db", ""), m) for m, _ in self.stack.wait_for(name, 3))
        self.assertEqual([db for db, _ in found], ["", "customers", "producers"])
        for db, m in found:
            expected = {"__name__": name, "job": "db_backup"}
            if db:
                expected["db"] = db
            self.assertEqual(m, expected)
        self.stack.wait_for('batch_count_total{job="my_batch_job"} == 100')
        # push replaces the whole group, add keeps what it does not name
        add_again = peers.get(self.stack.push, "/metrics/job/db_backup", "POST", b"extra 1\n")[0]
        self.assertEqual(add_again, 200)
        text = peers.get(self.stack.push, "/metrics")[2].decode()
        self.assertRegex(text, r'(?m)^extra\{instance="",job="db_backup"\} 1$')
        self.assertRegex(text, r'(?m)^db_backup_records_processed\{instance="",job="db_backup"\} 42$')
        self.assertEqual(peers.get(self.stack.push, "/metrics/job/db_backup", "PUT", b"extra 2\n")[0], 200)
        text = peers.get(self.stack.push, "/metrics")[2].decode()
        self.assertRegex(text, r'(?m)^extra\{instance="",job="db_backup"\} 2$')
        self.assertNotRegex(text, r'(?m)^db_backup_records_processed\{instance="",job="db_backup"\}')

    def test_own_batches(self):
        out = []
        self.check_groups(lambda: self.own_batch("add"), lambda: self.own_batch("push"), lambda: self.own_batch("push", "--db", "producers"),
                          lambda: out.append(self.own_batch("mysample")))
        self.assertRegex(out[0], r"^duration: [0-9.]+\nok: \d+, normal: \d+, error: \d+\n$")
        self.assertEqual(sum(map(int, re.findall(r": (\d+)(?=[,\n])", out[0].split("\n")[1] + "\n"))), 100)

    @unittest.skipUnless(has_go(), "Go and its client library are not installed")
    def test_go_client_pushes(self):
        self.check_groups(*[lambda what=what: self.go_push(what) for what in ("add", "customers", "producers", "sample")])
        self.go_push("delete")
        self.assertNotIn('db="customers"', peers.get(self.stack.push, "/metrics")[2].decode())

    @unittest.skipUnless(has_go(), "Go and its client library are not installed")
    def test_go_server_is_scraped(self):
        peers.get(self.others[0], "/")
        self.stack.wait_for(f'request_count_total{{instance="{self.others[0]}"}} > 0')
        self.stack.wait_for(f'go_goroutines{{instance="{self.others[0]}"}} > 0')

    @unittest.skipUnless(has_python_client(), "Python's prometheus_client is not installed")
    def test_python_client_is_scraped_and_pushes(self):
        self.stack.wait_for('py_seconds_bucket{le="0.5"} == 1')
        self.stack.wait_for('py_build_info{v="1"} == 1')
        subprocess.run([PYTHON, "-c", f"""
import prometheus_client as p
r = p.CollectorRegistry()
p.Gauge('py_pushed', 'Pushed.', registry=r).set(7)
p.push_to_gateway('{self.stack.push}', job='py', grouping_key={{'path': 'a/b'}}, registry=r)
p.pushadd_to_gateway('{self.stack.push}', job='py2', registry=r)
p.delete_from_gateway('{self.stack.push}', job='py2')
"""], check=True, timeout=60)
        (labels, value), = self.stack.wait_for("py_pushed")
        self.assertEqual((labels, value), ({"__name__": "py_pushed", "job": "py", "path": "a/b"}, "7"))


class Restart(unittest.TestCase):
    def test_samples_and_pushes_survive_a_kill(self):
        stack = Stack()
        try:
            stack.start()
            stack.wait_for('up{job="demo"}')
            self.assertEqual(peers.get(stack.push, "/metrics/job/kept", "PUT", b"kept 5\n")[0], 200)
            stack.wait_for("kept == 5")
            stack.wait_for('count_over_time(up{job="demo"}[1m]) >= 3')
            before = {int(t) for t, _ in samples(stack)}
            stack.server.process.send_signal(signal.SIGKILL)
            stack.server.process.wait()
            stack.start()
            after = {int(t) for t, _ in samples(stack)}
            self.assertTrue(before <= after, (before, after))
            self.assertIn("kept", peers.get(stack.push, "/metrics")[2].decode())
        finally:
            stack.close()

    def test_ends_in_order(self):
        stack = Stack()
        try:
            stack.start()
            stack.wait_for('up{job="demo"}')
            started = time.monotonic()
            stack.server.process.send_signal(signal.SIGTERM)
            self.assertEqual(stack.server.process.wait(10), 0)
            self.assertLess(time.monotonic() - started, 2)
        finally:
            stack.close()


def samples(stack):
    _, _, body = peers.get(stack.web, "/api/v1/query?" + urllib.parse.urlencode(dict(query='up{job="demo"}[5m]')))
    return json.loads(body)["data"]["result"][0]["values"]


@unittest.skipUnless(has_go() and os.path.isdir(TUTORIAL), "the tutorial's Go programs are not there")
class UnmodifiedPrograms(unittest.TestCase):
    """The tutorial's own programs, which push to localhost:9091, against the stack on its own ports."""

    def test_tutorial_programs(self):
        import socket
        for port in (8080, 9090, 9091):
            with socket.socket() as s:
                if s.connect_ex((peers.HOST, port)) == 0:
                    self.skipTest(f"port {port} is in use")
        stack = Stack(ports=[f"{peers.HOST}:{p}" for p in (9090, 9091, 8080)])
        try:
            stack.start()
            with tempfile.TemporaryDirectory() as cache:
                for name in ("batch_add", "batch_push", "batch_push2", "batch_mysample"):
                    p = subprocess.run(["go", "run", os.path.join(TUTORIAL, name, "main.go")], capture_output=True, text=True, timeout=300,
                                       env=dict(GO_ENV, GOCACHE=cache))
                    self.assertEqual((p.returncode, "Could not" in p.stdout), (0, False), p.stdout + p.stderr)
            text = peers.get(stack.push, "/metrics")[2].decode()
            self.assertRegex(text, r'(?m)^db_backup_records_processed\{instance="",job="db_backup"\} 42$')
            self.assertRegex(text, r'(?m)^batch_count_total\{instance="",job="my_batch_job"\} 100$')
            for db in ("customers", "producers"):
                self.assertRegex(text, rf'(?m)^db_backup_last_completion_timestamp_seconds\{{db="{db}",instance="",job="db_backup"\}} ')
            self.assertEqual(len(json.loads(peers.get(stack.push, "/api/v1/metrics")[2])["data"]), 4)
            labels = sorted((m.get("db", ""), m) for m, _ in stack.wait_for("db_backup_last_completion_timestamp_seconds", 3))
            self.assertEqual([x[0] for x in labels], ["", "customers", "producers"])
            self.assertTrue(all("exported_job" not in m and m["job"] == "db_backup" for _, m in labels))
        finally:
            stack.close()


if __name__ == "__main__":
    unittest.main()
