"""Remote write out while sender and receiver are killed at random moments: what is stored arrives, and what was acknowledged is not sent
again. Receivers: one that counts, a real Prometheus (PROMETHEUS_BIN) and a real VictoriaMetrics (VICTORIA_BIN).

ROUNDS is how often something is killed with the counting receiver (12), SEED makes a run again.
"""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

import peers
from counting_receiver import key
from peers import HOST, Server, Steps, free_port, get, program, promenade, serve

PROMENADE = promenade()
PROMETHEUS = program("PROMETHEUS_BIN", "prometheus")
VICTORIA = program("VICTORIA_BIN", "victoria-metrics")
SERIES, SHARDS, BATCH = 40, 3, 100
ROUNDS = int(os.environ.get("ROUNDS", "12"))


class Target(Steps):
    """Series whose value is the number of scrapes."""
    series = SERIES


class WithExemplars(peers.Target):
    """Counters with an exemplar each, new ones at each scrape."""
    scrapes = 0

    def do_GET(self):
        WithExemplars.scrapes += 1
        lines = ["# TYPE steps counter"]
        lines += [f'steps_total{{i="{i}"}} {self.scrapes} # {{trace_id="{i}-{self.scrapes}"}} 0.5' for i in range(SERIES)]
        body = "\n".join([*lines, "# EOF", ""]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Sending(unittest.TestCase):
    targets = Target

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.target = serve(self.targets, self)
        self.address, self.remote = f"{HOST}:{free_port()}", f"{HOST}:{free_port()}"
        self.sender = self.receiver = None
        self.addCleanup(self.end)
        self.seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        self.random = random.Random(self.seed)

    def end(self):
        for process in (self.sender, self.receiver):
            if process and process.poll() is None:
                process.kill()
                process.wait()

    def configure(self, path, more=""):
        with open(f"{self.folder}/stack.yml", "w") as f:
            f.write(f"""
global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}
demo_server: {{enabled: false}}
pushgateway: {{enabled: false}}
scrape_configs:
- job_name: steps
  static_configs: [{{targets: ['{HOST}:{self.target.server_port}'], labels: {{instance: a}}}}]
remote_write:
- url: http://{self.remote}{path}
  name: there
  write_relabel_configs: [{{source_labels: [__name__], regex: steps_total, action: keep}}]
  queue_config: {{max_samples_per_send: {BATCH}, batch_send_deadline: 50ms, min_shards: {SHARDS}, max_shards: {SHARDS},
    capacity: 1000, min_backoff: 10ms, max_backoff: 200ms, retry_on_http_429: true}}
{more}""")

    def start_sender(self):
        server = Server([PROMENADE, "run", f"--config.file={self.folder}/stack.yml", f"--storage.path={self.folder}/data",
                         f"--web.listen-address={self.address}", "--log.level=error"], self.address)
        self.sender = server.process

    def kill(self, process, how=signal.SIGKILL):
        process.send_signal(how)
        process.wait(60)

    def stored(self):
        """What the sender's store has: {(series, time)}."""
        query = urllib.parse.quote("steps_total[1h]")
        data = json.loads(get(self.address, f"/api/v1/query?query={query}")[2])["data"]["result"]
        return {(key(one["metric"]), round(float(t) * 1000)) for one in data for t, _ in one["values"]}

    def wait(self, what, condition, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(0.1)
        self.fail(f"not within {seconds} s: {what} (SEED={self.seed})")

    def rest(self):
        """Scrapes end, and all that is stored is sent."""
        status = lambda: json.loads(get(self.address, "/api/v1/status/remote_write")[2])["data"][0]
        self.target.shutdown()
        self.wait("the queue is empty", lambda: status()["pending"] == 0 and status()["entriesBehind"] == 0)
        return status()

    def is_equal(self, arrived):
        stored = self.stored()
        self.assertGreater(len(stored), SERIES * 10)
        lost = stored - arrived
        self.assertEqual(len(lost), 0, f"lost of {len(stored)}: {sorted(lost)[:5]} (SEED={self.seed})")


@unittest.skipUnless(PROMENADE, "promenade is not built")
class CountedTest(Sending):
    def start_receiver(self, *answers):
        self.receiver = subprocess.Popen([
            sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "counting_receiver.py"),
            self.remote.split(":")[1], f"{self.folder}/received", *answers])

    def mark(self):
        """From here on what was under way may come again."""
        time.sleep(0.05)
        with open(f"{self.folder}/received", "a") as f:
            f.write("\nkilled\tend\n")

    def requests(self):
        with open(f"{self.folder}/received") as f:
            # What was cut off in the middle was not acknowledged.
            return [line.split("\t")[:-1] for line in f if line.endswith("\tend\n")]

    def check(self, version):
        seen, doubled, fresh = {}, 0, set()
        lines = self.requests()
        for number, line in enumerate(lines):
            if line == ["killed"]:
                # The last request of each shard that was written down may not have been acknowledged; shards overtake each other.
                fresh.update([i for i in range(number) if lines[i] != ["killed"]][-2 * SHARDS:])
                continue
            self.assertEqual(line[0], version)
            for sample in line[1:]:
                series, moment, _ = sample.rsplit(" ", 2)
                place = (series, int(moment))
                if place in seen:
                    doubled += 1
                    self.assertIn(seen[place], fresh, f"acknowledged long ago, and sent again: {sample} (SEED={self.seed})")
                else:
                    seen[place] = number
        self.is_equal(set(seen))
        return doubled, len(seen)

    def killed_at_random(self, version, more):
        self.configure("/write", more)
        self.start_receiver("503,429,500,204,503")
        self.start_sender()
        for _ in range(ROUNDS):
            time.sleep(self.random.uniform(0.05, 1.2))
            who = self.random.choice(["sender", "receiver", "both", "receiver for a while"])
            if "sender" in who or who == "both":
                self.kill(self.sender)
            if "receiver" in who or who == "both":
                self.kill(self.receiver)
            self.mark()
            if who == "receiver for a while":
                time.sleep(self.random.uniform(0.2, 1.5))
            if self.receiver.poll() is not None:
                self.start_receiver(*(["503"] if self.random.random() < 0.5 else []))
            if self.sender.poll() is not None:
                self.start_sender()
        time.sleep(0.5)
        self.rest()
        doubled, all_of_them = self.check(version)
        print(f"version {version}: {all_of_them} samples, {ROUNDS} kills, none lost, {doubled} under way came twice")

    def test_version_1(self):
        self.killed_at_random("1", "")

    def test_version_2(self):
        self.killed_at_random("2", "  protobuf_message: io.prometheus.write.v2.Request\n")

    def test_a_receiver_that_is_away_for_long(self):
        """What waits is more than the head holds, and the sender ends in between, well and badly."""
        self.configure("/write")
        self.start_sender()
        self.wait("scrapes", lambda: len(self.stored()) > SERIES * 5)
        for how in (signal.SIGTERM, signal.SIGKILL):
            self.kill(self.sender, how)
            self.start_sender()
            time.sleep(1)
        self.start_receiver()
        time.sleep(0.5)
        status = self.rest()
        doubled, _ = self.check("1")
        self.assertEqual(doubled, 0)
        self.assertEqual(status["failed"], 0)


@unittest.skipUnless(PROMENADE, "promenade is not built")
class RealReceiverTest(Sending):
    def killed(self, argv, ready, path, arrived, how, more=""):
        self.configure(path, more)

        def start():
            self.receiver = Server(argv, self.remote, ready).process

        start()
        self.start_sender()
        for number in range(4):
            time.sleep(self.random.uniform(0.3, 1.2))
            if number % 2:
                self.kill(self.sender)
                self.start_sender()
            else:
                self.kill(self.receiver, how)
                time.sleep(self.random.uniform(0, 0.5))
                start()
        time.sleep(0.5)
        status = self.rest()
        self.assertEqual(status["failed"], 0, status)
        self.wait("all has arrived", lambda: not self.stored() - arrived(), 30)
        self.is_equal(arrived())

    @unittest.skipUnless(PROMETHEUS, "there is no Prometheus")
    def test_prometheus(self):
        for more in ("", "  protobuf_message: io.prometheus.write.v2.Request\n"):
            with self.subTest(more):
                self.setUp()
                with open(f"{self.folder}/p.yml", "w") as f:
                    f.write("scrape_configs: []\n")

                def arrived():
                    query = urllib.parse.quote("steps_total[1h]")
                    data = json.loads(get(self.remote, f"/api/v1/query?query={query}")[2])["data"]["result"]
                    return {(key(one["metric"]), round(float(t) * 1000)) for one in data for t, _ in one["values"]}

                self.killed([
                    PROMETHEUS, f"--config.file={self.folder}/p.yml", f"--storage.tsdb.path={self.folder}/p",
                    f"--web.listen-address={self.remote}", "--web.enable-remote-write-receiver", "--log.level=error"],
                    "/-/ready", "/api/v1/write", arrived, signal.SIGKILL, more)
                self.end()

    @unittest.skipUnless(VICTORIA, "there is no VictoriaMetrics")
    def test_victoria_metrics(self):
        # Killed hard it forgets what it acknowledged in the last seconds, by its design; so it is ended well here.
        def arrived():
            lines = get(self.remote, "/api/v1/export?match[]=steps_total")[2].decode().splitlines()
            return {(key(one["metric"]), t) for one in map(json.loads, lines) for t in one["timestamps"]}

        self.killed([
            VICTORIA, f"-storageDataPath={self.folder}/v", f"-httpListenAddr={self.remote}", "-loggerLevel=ERROR",
            "-search.latencyOffset=0s"], "/health", "/api/v1/write", arrived, signal.SIGTERM)


@unittest.skipUnless(PROMENADE and PROMETHEUS, "there is no Prometheus")
class ExemplarTest(Sending):
    """Newer ones than 3.5 refuse series that have exemplars alone: each comes with its sample, wherever requests end."""
    targets = WithExemplars

    def test_prometheus(self):
        with open(f"{self.folder}/p.yml", "w") as f:
            f.write("scrape_configs: []\n")
        self.configure("/api/v1/write", "  protobuf_message: io.prometheus.write.v2.Request\n  send_exemplars: true\n")
        self.receiver = Server([
            PROMETHEUS, f"--config.file={self.folder}/p.yml", f"--storage.tsdb.path={self.folder}/p",
            f"--web.listen-address={self.remote}", "--web.enable-remote-write-receiver", "--enable-feature=exemplar-storage",
            "--log.level=error"], self.remote).process
        self.start_sender()

        def exemplars(address):
            path = f"/api/v1/query_exemplars?query=steps_total&start={time.time() - 600:.0f}&end={time.time() + 600:.0f}"
            rows = json.loads(get(address, path)[2])["data"]
            return sorted(one["labels"]["trace_id"] for row in rows for one in row["exemplars"])
        self.wait("scrapes", lambda: len(exemplars(self.address)) > 20 * SERIES)
        status = self.rest()
        self.assertEqual(status["failed"], 0, status)
        self.assertEqual(exemplars(self.remote), exemplars(self.address))


if __name__ == "__main__":
    unittest.main()
