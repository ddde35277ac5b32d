"""A class of a hundred: everyone goes through two lessons to their ends at the same time, and asks what the pages ask. What it costs, and
whether the stack that runs beside it is disturbed."""
import concurrent.futures
import http.client
import json
import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

PROMENADE = os.environ.get("PROMENADE_BIN", "promenade")
LEARNERS = 100
# What a hundred learners may cost, in bytes.
LIMIT = 300 << 20
CONFIG = """
global: {scrape_interval: 1s}
scrape_configs:
  - {job_name: demo, static_configs: [{targets: [localhost:8080]}]}
  - {job_name: pushgateway, honor_labels: true, static_configs: [{targets: [localhost:9091]}]}
"""


def memory(pid):
    """What is in memory now, in bytes."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmRSS:"))


class Learners(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        config = os.path.join(place.name, "stack.yml")
        with open(config, "w") as file:
            file.write(CONFIG)
        self.process = subprocess.Popen(
            [PROMENADE, "run", "--test", "--config.file", config], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=place.name)
        self.addCleanup(self.end)
        self.address = urllib.parse.urlsplit(json.loads(self.process.stdout.readline())["prometheus"]).netloc

    def end(self):
        self.process.stdin.close()
        if self.process.wait(timeout=30) not in (0, -signal.SIGTERM):
            self.fail("the stack did not end well")
        self.process.stdout.close()

    def ask(self, connection, method, path, tries=1, **form):
        text = urllib.parse.urlencode(form)
        if method == "GET":
            connection.request("GET", path + ("?" + text if text else ""))
        else:
            connection.request("POST", path, text, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == 503 and tries > 1:
            # As the page does: what takes longer than a request may goes on with the next one.
            return self.ask(connection, method, path, tries=tries - 1, **form)
        self.assertEqual(answer.status, 200, body[:500])
        return json.loads(body)["data"]

    def learn(self, lessons, everyone):
        """One learner's way; nobody waits for one who cannot go on."""
        try:
            former, stops = "", 0
            for lesson in lessons:
                former, more = self.go(lesson, former, everyone)
                stops += more
            return stops
        except BaseException:
            everyone.abort()
            raise

    def go(self, lesson, former, everyone):
        """The way with the questions that a page asks at each stop."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        content = self.ask(connection, "GET", f"/api/v1/learn/lessons/{lesson}", language="ja")
        queries = [panel["query"] for step in content["steps"] for block in step["blocks"] if block["kind"] == "panel"
                   for panel in block["panels"]]
        own = self.ask(connection, "POST", "/api/v1/learn/sessions", lesson=lesson, former=former)["id"]
        session = f"/api/v1/learn/sessions/{own}"
        for stop in content["stops"]:
            state = self.ask(connection, "POST", session + "/step", tries=5, position=stop)
            self.assertEqual(state["position"], stop)
            for query in queries[:2]:
                self.ask(connection, "GET", session + "/query", query=query, at=state["at"], range="5m")
        # Everyone is at the end of the lesson at once: this is when most is held.
        everyone.wait(timeout=240)
        connection.close()
        return own, len(content["stops"])

    def watch(self, over, times):
        """Asks the running stack all the while."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        while not over.is_set():
            begin = time.monotonic()
            self.ask(connection, "GET", "/api/v1/query", query="sum(rate(request_count_total[10s]))")
            times.append(time.monotonic() - begin)
            over.wait(0.05)
        connection.close()

    def test_a_hundred_at_once(self):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        names = [one["name"] for one in self.ask(connection, "GET", "/api/v1/learn/course")["lessons"]]
        self.assertGreaterEqual(len(names), 12)
        self.ask(connection, "POST", "/api/v1/scrape", wait="true")
        before = memory(self.process.pid)
        over, times, held = threading.Event(), [], []
        everyone = threading.Barrier(LEARNERS, action=lambda: held.append(memory(self.process.pid)))
        watcher = threading.Thread(target=self.watch, args=(over, times))
        watcher.start()
        begin = time.time()
        try:
            with concurrent.futures.ThreadPoolExecutor(LEARNERS) as pool:
                turned = names + names
                ways = [pool.submit(self.learn, turned[number % len(names):][:2], everyone) for number in range(LEARNERS)]
                concurrent.futures.wait(ways)
                broken = [way.exception() for way in ways if way.exception()]
                for error in sorted(broken, key=lambda one: isinstance(one, threading.BrokenBarrierError)):
                    raise error
                stops = sum(way.result() for way in ways)
        finally:
            over.set()
            watcher.join()
        spent = time.time() - begin
        self.assertEqual(len(held), 2)
        most = max(held)
        samples = self.ask(connection, "GET", "/api/v1/query", query=f'up{{job="demo"}}[{int(spent) + 1}s]')["result"][0]["values"]
        gaps = [b - a for (a, _), (b, _) in zip(samples, samples[1:])]
        latest = sorted(times)[int(len(times) * 0.95)]
        print(f"\n  {LEARNERS} learners, {stops} stops in {spent:.1f} s: {(most - before) / (1 << 20):.0f} MiB; the running stack "
              f"answered in {statistics.median(times) * 1000:.1f} ms (95 % within {latest * 1000:.1f} ms), its scrapes every second were "
              f"at most {max(gaps):.2f} s apart")
        self.assertLess(most - before, LIMIT)
        self.assertTrue(all(value == "1" for _, value in samples))
        self.assertLess(max(gaps), 2.5, "a scrape was left out")
        self.assertLess(latest, 1)
        # Nothing of the lessons is in the running stack's store.
        found = self.ask(connection, "GET", "/api/v1/query", query='count({__name__=~"rows_processed|job_seconds|backup_rows|logins_total"})')
        self.assertEqual(found["result"], [])
        connection.close()


if __name__ == "__main__":
    unittest.main()
