#!/usr/bin/env python3
"""Client libraries of other languages push for real: Python, C++, Ruby, Perl; each is skipped where it is not installed.

    python3 -m unittest Tests/Conformance/clients_test.py
"""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import peers
from tutorial_test import PYTHON

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients")
PYTHON_CLIENT = r"""
import sys
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary
from prometheus_client import push_to_gateway, pushadd_to_gateway, delete_from_gateway, instance_ip_grouping_key
from prometheus_client.exposition import basic_auth_handler
url, what = sys.argv[1:]
registry = CollectorRegistry()
job, key, more = 'python', instance_ip_grouping_key(), {}
if what == 'auth':
    more = dict(handler=lambda **a: basic_auth_handler(**a, username='ann', password='pa:ss'))
if what == 'odd':
    key = {'path': 'a/b', 'empty': '', 'text': 'ü%2F"\\'}
if what in ('push', 'auth', 'odd'):
    Counter('py_rows', 'Rows "read"\n\\ all.', ['table'], registry=registry).labels('x"\\\n').inc(3)
    Histogram('py_seconds', 'Steps.', registry=registry).observe(0.3)
    Summary('py_sizes', 'Sizes.', registry=registry).observe(5)
    Info('py_build', 'Build.', registry=registry).info({'v': '1'})
    Enum('py_state', 'State.', states=['on', 'off'], registry=registry)
    push_to_gateway(url, job=job, registry=registry, grouping_key=key, **more)
elif what == 'add':
    Gauge('py_extra', 'More.', registry=registry).set(float('inf'))
    pushadd_to_gateway(url, job=job, registry=registry, grouping_key=key)
elif what == 'delete':
    delete_from_gateway(url, job=job, grouping_key=key)
"""


def runs(*command):
    return bool(shutil.which(command[0])) and subprocess.run(command, capture_output=True).returncode == 0


def has_cpp():
    return bool(shutil.which("g++")) and os.path.exists("/usr/include/prometheus/gateway.h")


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = peers.start_promenade(peers.promenade())
        cls.addClassCleanup(cls.stack.stop)
        cls.url = "http://" + cls.stack.push_address

    def run_client(self, *command):
        p = subprocess.run(command, capture_output=True, text=True, timeout=60)
        self.assertEqual(p.returncode, 0, p.stdout + p.stderr)

    def groups(self, job):
        body = peers.get(self.stack.push_address, "/api/v1/metrics")[2]
        return [g for g in json.loads(body)["data"] if g["labels"]["job"] == job]

    def metrics(self, **labels):
        text = peers.get(self.stack.push_address, "/metrics")[2].decode()
        return [l for l in text.split("\n") if not l.startswith("#") and all(f'{n}="{v}"' in l for n, v in labels.items())]

    @unittest.skipUnless(PYTHON, "no prometheus_client")
    def test_python(self):
        def run(what):
            self.run_client(PYTHON, "-c", PYTHON_CLIENT, self.url, what)
        run("push")
        (group,) = self.groups("python")
        self.assertIn("instance", group["labels"])
        self.assertEqual(group["py_rows_total"]["metrics"][0]["labels"]["table"], 'x"\\\n')
        self.assertEqual(group["py_rows_total"]["help"], 'Rows "read"\n\\ all.')
        self.assertEqual(group["py_seconds"]["metrics"][0]["count"], "1")
        run("add")
        (group,) = self.groups("python")
        self.assertEqual(group["py_extra"]["metrics"][0]["value"], "+Inf")
        self.assertIn("py_rows_total", group)
        run("push")
        self.assertNotIn("py_extra", self.groups("python")[0])
        run("odd")
        labels = [g["labels"] for g in self.groups("python") if "path" in g["labels"]]
        self.assertEqual(labels, [{"job": "python", "path": "a/b", "empty": "", "text": 'ü%2F"\\'}])
        run("delete")
        self.assertEqual(len(self.groups("python")), 1)

    @unittest.skipUnless(PYTHON, "no prometheus_client")
    def test_python_with_a_password(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "web.yml")
            with open(file, "w") as f:  # the password is pa:ss
                f.write("basic_auth_users:\n  ann: " + bcrypt("pa:ss") + "\n")
            stack = peers.start_promenade(peers.promenade(), flags=[f"--pushgateway.config.file={file}"])
            try:
                url = "http://" + stack.push_address
                self.run_client(PYTHON, "-c", PYTHON_CLIENT, url, "auth")
                p = subprocess.run([PYTHON, "-c", PYTHON_CLIENT, url, "push"], capture_output=True, text=True, timeout=60)
                self.assertIn("401", p.stderr)
                token = base64.b64encode(b"ann:pa:ss").decode()
                body = peers.get(stack.push_address, "/metrics", headers={"Authorization": "Basic " + token})[2]
                self.assertIn(b"py_seconds_count{", body)
            finally:
                stack.stop()

    @unittest.skipUnless(has_cpp(), "no prometheus-cpp")
    def test_cpp(self):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "push")
            subprocess.run(["g++", "-std=c++17", "-o", program, os.path.join(HERE, "push.cpp"), "-lprometheus-cpp-push", "-lprometheus-cpp-core"],
                           check=True, timeout=300)
            host, port = self.stack.push_address.rsplit(":", 1)
            self.run_client(program, host, port, "push")
            self.run_client(program, host, port, "add")
            (group,) = self.groups("cpp")
            self.assertEqual(group["labels"], {"job": "cpp", "shard": "1"})
            self.assertEqual(group["cpp_rows_total"]["metrics"][0]["value"], "2")
            self.assertEqual(group["cpp_rows_total"]["metrics"][0]["labels"]["table"], 'a/b "c"\\\n')
            self.assertEqual(group["cpp_step_seconds"]["metrics"][0]["count"], "1")
            self.run_client(program, host, port, "delete")
            self.assertEqual(self.groups("cpp"), [])

    @unittest.skipUnless(runs("ruby", "-e", "require 'prometheus/client/push'"), "no Ruby client")
    def test_ruby(self):
        for what in ("replace", "add"):
            self.run_client("ruby", os.path.join(HERE, "push.rb"), self.url, what)
        (group,) = self.groups("ruby")
        self.assertEqual(group["labels"]["job"], "ruby")
        self.assertEqual(float(group["ruby_rows_total"]["metrics"][0]["value"]), 2)
        self.assertEqual(float(group["ruby_size_bytes"]["metrics"][0]["value"]), 7)
        self.run_client("ruby", os.path.join(HERE, "push.rb"), self.url, "delete")
        self.assertEqual(self.groups("ruby"), [])

    @unittest.skipUnless(runs("perl", "-MNet::Prometheus", "-e", "1"), "no Perl client")
    def test_perl(self):
        for method in ("PUT", "POST"):
            self.run_client("perl", os.path.join(HERE, "push.pl"), self.url, method)
        (group,) = self.groups("perl")
        self.assertEqual(group["perl_rows"]["metrics"][0]["value"], "2")
        self.assertEqual(group["perl_step_seconds"]["metrics"][0]["count"], "1")
        self.assertEqual(group["perl_sizes"]["metrics"][0]["buckets"], {"1": "1", "10": "2", "+Inf": "3"})
        self.run_client("perl", os.path.join(HERE, "push.pl"), self.url, "DELETE")
        self.assertEqual(self.groups("perl"), [])


def bcrypt(password):
    """A hash of few rounds, by the system's own crypt."""
    salt = "$2b$04$" + "A" * 22
    p = subprocess.run(["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", password, salt], capture_output=True, text=True)
    if not p.stdout.startswith("$2b$"):
        raise unittest.SkipTest("this system's crypt has no bcrypt")
    return p.stdout


if __name__ == "__main__":
    unittest.main()
