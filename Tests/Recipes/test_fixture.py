"""The stack as a fixture of Python tests: unittest or pytest, with the standard library only."""
import json
import os
import subprocess
import unittest
import urllib.parse
import urllib.request


class Stack:
    """A whole stack on free ports. It ends with `close()`, and with this process."""

    def __init__(self):
        command = [os.environ.get("PROMENADE_BIN", "promenade"), "run", "--test"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.urls = json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def request(self, method, url, body=None):
        request = urllib.request.Request(url, method=method, data=body)
        with urllib.request.urlopen(request) as response:
            return response.read()

    def push(self, job, text):
        self.request("PUT", f"{self.urls['pushgateway']}/metrics/job/{job}", text.encode())

    def scrape(self, job=""):
        """Scrapes now; the samples can be queried when it returns."""
        form = urllib.parse.urlencode({"job": job, "wait": "true"})
        self.request("POST", f"{self.urls['prometheus']}/api/v1/scrape?{form}")

    def query(self, expression):
        form = urllib.parse.urlencode({"query": expression})
        answer = json.loads(self.request("GET", f"{self.urls['prometheus']}/api/v1/query?{form}"))
        return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]


class PushTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()
        cls.addClassCleanup(cls.stack.close)

    def test_push_is_scraped(self):
        self.stack.push("nightly", "rows_total 42\n")
        self.stack.scrape("pushgateway")
        self.assertEqual(self.stack.query("rows_total"), [({"__name__": "rows_total", "job": "nightly"}, 42)])


if __name__ == "__main__":
    unittest.main()
