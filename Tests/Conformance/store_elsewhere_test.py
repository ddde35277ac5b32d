"""The store elsewhere: what is scraped goes to a real engine, and comes from there.

VICTORIA_BIN and PROMETHEUS_BIN name the engines, PROMENADE_BIN the stack; what is missing is skipped.
"""
import json
import shutil
import signal
import tempfile
import time
import unittest
import urllib.parse

from peers import HOST, Multiples, Server, free_port, get, program, promenade, serve, until

PROMENADE = promenade()
PROMETHEUS = program("PROMETHEUS_BIN", "prometheus")
VICTORIA = program("VICTORIA_BIN", "victoria-metrics")
SERIES = 20


class Target(Multiples):
    series = SERIES


@unittest.skipUnless(PROMENADE, "promenade is not built")
class StoreElsewhere(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.target = f"{HOST}:{serve(Target, self).server_port}"
        self.address, self.engine = f"{HOST}:{free_port()}", f"{HOST}:{free_port()}"
        self.sender = self.receiver = None
        self.addCleanup(self.end)

    def end(self):
        for process in (self.sender, self.receiver):
            if process and process.poll() is None:
                process.kill()
                process.wait()

    def start_engine(self, kind):
        if kind == "victoria":
            argv, ready = [VICTORIA, f"-storageDataPath={self.folder}/v", f"-httpListenAddr={self.engine}", "-loggerLevel=ERROR",
                           "-search.latencyOffset=0s", "-search.disableCache"], "/health"
        else:
            with open(f"{self.folder}/p.yml", "w") as f:
                f.write("scrape_configs: []\n")
            argv, ready = [PROMETHEUS, f"--config.file={self.folder}/p.yml", f"--storage.tsdb.path={self.folder}/p",
                           f"--web.listen-address={self.engine}", "--web.enable-remote-write-receiver", "--log.level=error"], "/-/ready"
        self.receiver = Server(argv, self.engine, ready).process

    def start(self, more=""):
        with open(f"{self.folder}/stack.yml", "w") as f:
            f.write(f"""
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s}}
demo_server: {{enabled: false}}
pushgateway: {{enabled: false}}
scrape_configs:
- job_name: steps
  static_configs: [{{targets: ['{self.target}'], labels: {{instance: a}}}}]
rules:
  groups:
  - name: sums
    interval: 1s
    rules: [{{record: "steps:sum", expr: sum(steps_total)}}]
storage:
  remote:
    query: http://{self.engine}
    write: [{{url: 'http://{self.engine}/api/v1/write', queue_config: {{batch_send_deadline: 100ms}}}}]
    headers: {{X-Scope-OrgID: us}}
{more}""")
        self.sender = Server([PROMENADE, "run", f"--config.file={self.folder}/stack.yml", f"--storage.path={self.folder}/data",
                              f"--web.listen-address={self.address}", "--log.level=error"], self.address).process

    def api(self, address, path, **parameters):
        status, _, body = get(address, f"/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}")
        return status, json.loads(body)

    def rows(self, address, query, at=None):
        parameters = {"query": query} | ({"time": at} if at else {})
        status, answer = self.api(address, "query", **parameters)
        self.assertEqual(status, 200, answer)
        rows = answer["data"]["result"]
        return sorted((json.dumps(row["metric"], sort_keys=True), row.get("value") or row.get("values")) for row in rows)

    def check(self, kind):
        Target.scrapes = 0
        self.start_engine(kind)
        self.start()
        until(self, lambda: len(self.rows(self.address, "steps_total")) == SERIES)
        # A rule reads there, and what it makes goes there.
        until(self, lambda: self.rows(self.engine, "steps:sum"))
        at = time.time() - 1
        for query in ["steps_total", "sum(steps_total)", "rate(steps_total[5s])", "topk(3, steps_total)"]:
            self.assertEqual(self.rows(self.address, query, at), self.rows(self.engine, query, at))
        for path, parameters in [("labels", {}), ("label/i/values", {}), ("series", {"match[]": "steps_total"})]:
            ours, theirs = self.api(self.address, path, **parameters), self.api(self.engine, path, **parameters)
            self.assertEqual(ours[1]["data"], theirs[1]["data"])
        explained = self.api(self.address, "explain", query="sum(steps_total)")[1]["data"]
        self.assertEqual(explained["store"], {"url": f"http://{self.engine}", "pushedDown": "expression"})
        self.assertEqual(explained["node"]["children"][0]["series"], SERIES)
        # What is stored here does not matter.
        early = self.rows(self.engine, "steps_total", at)
        self.sender.send_signal(signal.SIGKILL)
        self.sender.wait()
        shutil.rmtree(f"{self.folder}/data")
        self.start("    exact: true\n")
        self.assertEqual(self.rows(self.address, "steps_total", at), early)
        explained = self.api(self.address, "explain", query="sum(steps_total)", time=at)[1]["data"]
        self.assertEqual(explained["store"]["pushedDown"], "selectors")
        # Evaluated here it is what Prometheus would make of these samples.
        until(self, lambda: self.rows(self.address, "steps_total", time.time()))
        at = time.time() - 1
        samples = self.rows(self.engine, "steps_total[10s]", at)
        self.assertEqual([key for key, _ in samples], [key for key, _ in self.rows(self.address, "steps_total[10s]", at)])
        counts = {json.loads(key)["i"]: str(len(values)) for key, values in samples}
        counted = {json.loads(key)["i"]: value[1] for key, value in self.rows(self.address, "count_over_time(steps_total[10s])", at)}
        self.assertEqual(counted, counts)
        # While the engine is away a query says so, and what is scraped waits.
        self.receiver.send_signal(signal.SIGTERM)
        self.receiver.wait()
        away = time.time()
        status, answer = self.api(self.address, "query", query="steps_total")
        self.assertGreaterEqual(status, 400)
        self.assertIn("connection refused", answer["error"])
        time.sleep(2)
        back = time.time()
        self.start_engine(kind)
        query = f"count_over_time(steps_total[{int((back - away) * 1000)}ms])"
        until(self, lambda: [row for row in self.rows(self.engine, query, back) if float(row[1][1]) >= 3])

    @unittest.skipUnless(VICTORIA, "there is no VictoriaMetrics")
    def test_victoria_metrics(self):
        self.check("victoria")

    @unittest.skipUnless(PROMETHEUS, "there is no Prometheus")
    def test_prometheus(self):
        self.check("prometheus")


if __name__ == "__main__":
    unittest.main()
