"""Remote write from real agents, across restarts of the stack: nothing may be lost.

PROMETHEUS_BIN and VMAGENT_BIN name the agents, PROMENADE_BIN the stack; what is missing is skipped.
"""
import json
import os
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.parse

from peers import HOST, Server, Target, free_port, get, program, promenade, serve

PROMETHEUS = program("PROMETHEUS_BIN", "prometheus")
VMAGENT = program("VMAGENT_BIN", "vmagent")
PROMENADE = promenade()


class Counter(Target):
    """A target whose value is the number of scrapes that it has answered."""
    scrapes = 0

    def text(self):
        Counter.scrapes += 1
        return f"# TYPE scrapes_total counter\nscrapes_total {Counter.scrapes}\n"


@unittest.skipUnless(PROMENADE, "promenade is not built")
class RemoteWriteTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        Counter.scrapes = 0
        self.target = serve(Counter, self)
        self.port = free_port()
        self.stack = None
        self.addCleanup(self.stop, signal.SIGTERM)
        self.write("stack.yml", "demo_server: {enabled: false}\npushgateway: {enabled: false}\n")

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def start(self):
        address = f"{HOST}:{self.port}"
        self.stack = Server([
            PROMENADE, "run", f"--config.file={self.folder.name}/stack.yml", f"--storage.path={self.folder.name}/data",
            f"--web.listen-address={address}", "--web.enable-remote-write-receiver"], address)

    def stop(self, how):
        if self.stack:
            self.stack.process.send_signal(how)
            self.stack.process.wait(30)
            self.stack = None

    def values(self):
        query = urllib.parse.quote("scrapes_total[10m]")
        _, _, body = get(f"{HOST}:{self.port}", f"/api/v1/query?query={query}")
        series = json.loads(body)["data"]["result"]
        return [int(float(v)) for _, v in series[0]["values"]] if series else []

    def wait_for(self, count):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = self.values()
            if found and found[-1] >= count:
                return found
            time.sleep(0.2)
        self.fail(f"only {self.values()[-3:]} after 60 s, wanted {count}")

    def nothing_is_lost(self, argv):
        """The agent scrapes each 200 ms; the stack ends (well, then badly) and comes back."""
        self.start()
        agent = subprocess.Popen(argv, cwd=self.folder.name, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def end():
            agent.terminate()
            agent.wait(30)

        self.addCleanup(end)
        self.wait_for(10)
        for how in (signal.SIGTERM, signal.SIGKILL):
            self.stop(how)
            away = Counter.scrapes + 10
            while Counter.scrapes < away:
                time.sleep(0.1)
            self.start()
            self.wait_for(away + 10)
        found = self.values()
        self.assertEqual(found, list(range(found[0], found[-1] + 1)))
        self.assertLessEqual(found[0], 2)

    @unittest.skipUnless(PROMETHEUS, "there is no Prometheus")
    def test_from_prometheus(self):
        config = self.write("prometheus.yml", f"""
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
- job_name: counter
  static_configs: [{{targets: ['{HOST}:{self.target.server_port}']}}]
remote_write:
- url: http://{HOST}:{self.port}/api/v1/write
  queue_config: {{batch_send_deadline: 200ms, max_backoff: 500ms}}
""")
        self.nothing_is_lost([
            PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={self.folder.name}/agent",
            f"--web.listen-address={HOST}:{free_port()}"])

    @unittest.skipUnless(VMAGENT, "there is no vmagent")
    def test_from_vmagent(self):
        # It sends what waited beside what is new, so a receiver has to take samples out of order.
        self.write("stack.yml", "demo_server: {enabled: false}\npushgateway: {enabled: false}\n"
                   "storage: {tsdb: {out_of_order_time_window: 10m}}\n")
        config = self.write("agent.yml", f"""
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
- job_name: counter
  static_configs: [{{targets: ['{HOST}:{self.target.server_port}']}}]
""")
        self.nothing_is_lost([
            VMAGENT, f"-promscrape.config={config}", f"-remoteWrite.url=http://{HOST}:{self.port}/api/v1/write",
            f"-remoteWrite.tmpDataPath={self.folder.name}/agent", "-remoteWrite.forcePromProto",
            "-remoteWrite.flushInterval=200ms", "-remoteWrite.retryMinInterval=200ms",
            "-remoteWrite.retryMaxTime=1s", f"-httpListenAddr={HOST}:{free_port()}"])


if __name__ == "__main__":
    unittest.main()
