"""Several real engines: three VictoriaMetrics behind a vmagent that gives each series to two of them, three Prometheus by remote read.

VICTORIA_BIN, VMAGENT_BIN and PROMETHEUS_BIN name the engines, PROMENADE_BIN the stack; what is missing is skipped.
"""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

from peers import HOST, RECEIVER, Multiples, Server, free_port, get, program, promenade, serve, until

PROMENADE = promenade()
PROMETHEUS = program("PROMETHEUS_BIN", "prometheus")
VICTORIA = program("VICTORIA_BIN", "victoria-metrics")
VMAGENT = program("VMAGENT_BIN", "vmagent")
SERIES = 60


class Target(Multiples):
    series = SERIES


@unittest.skipUnless(PROMENADE, "promenade is not built")
class SeveralEngines(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        Target.scrapes = 0
        self.target = f"{HOST}:{serve(Target, self).server_port}"
        self.processes = []
        self.addCleanup(self.end)

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()

    def run_server(self, argv, address, ready="/-/ready"):
        process = Server(argv, address, ready).process
        self.processes.append(process)
        return process

    def run_promenade(self, config):
        address = f"{HOST}:{free_port()}"
        with open(f"{self.folder}/stack.yml", "w") as f:
            f.write("demo_server: {enabled: false}\npushgateway: {enabled: false}\n" + config)
        self.run_server([PROMENADE, "run", f"--config.file={self.folder}/stack.yml", f"--storage.path={self.folder}/data",
                         f"--web.listen-address={address}", "--log.level=error"], address)
        return address

    def api(self, address, path, **parameters):
        status, _, body = get(address, f"/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}")
        answer = json.loads(body)
        self.assertEqual(status, 200, answer)
        return answer

    def values(self, address, query, at=None):
        """Values, or windows of them, by the label i."""
        rows = self.api(address, "query", query=query, **({"time": at} if at else {}))["data"]["result"]
        return {row["metric"].get("i", ""): row.get("values") or row["value"][1] for row in rows}

    def settled(self, engines, query, at):
        """What they have up to a moment, once each has something newer, and nothing of it comes any more."""
        self.until(lambda: all(float(values[-1][0]) > at + 1 for x in engines for values in self.values(x, query).values()))
        last = None
        for _ in range(20):
            parts = [self.values(x, query, at) for x in engines]
            if parts == last:
                return parts
            last = parts
            time.sleep(2)
        self.fail("samples still come")

    def until(self, condition, seconds=40):
        return until(self, condition, seconds)

    @unittest.skipUnless(VICTORIA and VMAGENT, "there is no VictoriaMetrics")
    def test_three_victoria_metrics_with_sharding_and_replicas(self):
        engines = []
        for n in range(3):
            address = f"{HOST}:{free_port()}"
            self.run_server([VICTORIA, f"-storageDataPath={self.folder}/v{n}", f"-httpListenAddr={address}", "-loggerLevel=ERROR",
                             "-search.latencyOffset=0s", "-search.disableCache"], address, "/health")
            engines.append(address)
        agent = f"{HOST}:{free_port()}"
        self.run_server([VMAGENT, f"-httpListenAddr={agent}", f"-remoteWrite.tmpDataPath={self.folder}/agent",
                         "-remoteWrite.shardByURL", "-remoteWrite.shardByURLReplicas=2", "-remoteWrite.flushInterval=200ms",
                         "-loggerLevel=ERROR", *[f"-remoteWrite.url=http://{x}/api/v1/write" for x in engines]], agent, "/health")
        own = self.run_promenade(f"""
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s}}
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
    query: [{', '.join(f'"http://{x}"' for x in engines)}]
    write: [{{url: 'http://{agent}/api/v1/write', queue_config: {{batch_send_deadline: 100ms}}}}]
""")
        self.until(lambda: len(self.values(own, "steps_total")) == SERIES)
        self.until(lambda: self.values(own, "steps:sum"))
        at = time.time()
        parts = self.settled(engines, "steps_total[60s]", at)
        # Each series is at two of them, and nobody has all.
        for i in map(str, range(SERIES)):
            self.assertEqual(sum(i in part for part in parts), 2, i)
        self.assertTrue(all(0 < len(part) < SERIES for part in parts), [len(part) for part in parts])
        union = {i: values for part in parts for i, values in part.items()}
        self.assertEqual(self.values(own, "steps_total[60s]", at), union)
        # Over all of them, which none of them could evaluate: nothing counts twice.
        last = {i: float(values[-1][1]) for i, values in union.items()}
        self.assertEqual(float(self.values(own, "sum(steps_total)", at)[""]), sum(last.values()))
        self.assertEqual(float(self.values(own, "count(steps_total)", at)[""]), SERIES)
        self.assertEqual(sorted(self.api(own, "label/i/values")["data"]), sorted(map(str, range(SERIES))))
        self.assertEqual(len(self.api(own, "series", **{"match[]": "steps_total"})["data"]), SERIES)
        explained = self.api(own, "explain", query="sum(steps_total)", time=at)["data"]
        self.assertEqual(explained["store"]["pushedDown"], "selectors")
        # One of them dies: nothing is missing, and the query says who did not answer.
        self.processes[0].send_signal(signal.SIGKILL)
        self.processes[0].wait()
        self.assertEqual(self.values(own, "steps_total[60s]", at), union)
        warnings = self.api(own, "query", query="sum(steps_total)", time=at)["warnings"]
        self.assertEqual(len(warnings), 1, warnings)
        self.assertIn(engines[0], warnings[0])
        # What is scraped meanwhile goes to the others.
        self.until(lambda: len(self.values(own, f"steps_total[5s] @ {time.time():.3f}")) == SERIES)

    @unittest.skipUnless(VICTORIA and VMAGENT, "there is no VictoriaMetrics")
    def test_the_example(self):
        for port in (8428, 8429, 8430, 8431, 9090):
            with socket.socket() as s:
                if s.connect_ex((HOST, port)) == 0:
                    self.skipTest(f"port {port} is taken")
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "three-engines", "run")
        names = os.environ | {"VICTORIA_BIN": VICTORIA, "VMAGENT_BIN": VMAGENT, "PROMENADE_BIN": os.path.abspath(PROMENADE)}
        with open(f"{self.folder}/log", "w") as log:
            running = subprocess.Popen([script, f"{self.folder}/data"], env=names, stdout=log, stderr=log)
        self.addCleanup(running.wait)
        self.addCleanup(running.terminate)
        own = f"{HOST}:9090"

        def answered(query):
            try:
                return self.values(own, query)
            except OSError:
                return None
        self.until(lambda: answered("up"), 60)
        self.until(lambda: answered("job:up:sum"), 120)
        parts = [len(self.values(f"{HOST}:{port}", '{job="promenade"}')) for port in (8428, 8429, 8430)]
        self.assertTrue(all(parts), parts)

    @unittest.skipUnless(PROMETHEUS, "there is no Prometheus")
    def test_three_prometheus_with_remote_read(self):
        engines = []
        for n in range(3):
            address = f"{HOST}:{free_port()}"
            # Each keeps the series whose number leaves this rest, and the third one those of the first as well.
            rest = "0|2" if n == 2 else str(n)
            with open(f"{self.folder}/p{n}.yml", "w") as f:
                f.write(f"""
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
- job_name: steps
  static_configs: [{{targets: ['{self.target}'], labels: {{instance: a}}}}]
  metric_relabel_configs:
  - {{source_labels: [i], modulus: 3, target_label: __tmp_rest, action: hashmod}}
  - {{source_labels: [__tmp_rest], regex: '{rest}', action: keep}}
""")
            self.run_server([PROMETHEUS, f"--config.file={self.folder}/p{n}.yml", f"--storage.tsdb.path={self.folder}/p{n}",
                             f"--web.listen-address={address}", "--log.level=error", *RECEIVER], address)
            engines.append(address)
        reads = "".join(f"- {{url: 'http://{x}/api/v1/read', read_recent: true}}\n" for x in engines)
        own = self.run_promenade("scrape_configs: []\nremote_read:\n" + reads)
        self.until(lambda: len(self.values(own, "steps_total")) == SERIES)
        at = time.time()
        parts = self.settled(engines, "steps_total[30s]", at)
        self.assertTrue(all(0 < len(part) < SERIES for part in parts), [len(part) for part in parts])
        # Two of them may scrape in the same millisecond: of one time there is one sample, which either has.
        union = {}
        for part in parts:
            for i, values in part.items():
                for time_, value in values:
                    union.setdefault(i, {}).setdefault(time_, []).append(float(value))
        self.assertEqual(len(union), SERIES)
        found = self.values(own, "steps_total[30s]", at)
        self.assertEqual({i: [time_ for time_, _ in values] for i, values in found.items()},
                         {i: sorted(values) for i, values in union.items()})
        for i, values in found.items():
            for time_, value in values:
                self.assertIn(float(value), union[i][time_])
        for function, own_way in {"count_over_time": len, "max_over_time": max, "min_over_time": min}.items():
            for i, value in self.values(own, f"{function}(steps_total[30s])", at).items():
                bounds = [own_way([choose(values) for values in union[i].values()]) for choose in (min, max)]
                self.assertTrue(bounds[0] <= float(value) <= bounds[1], (function, i, value, bounds))
        # One dies: its series are missing, and the query says so.
        self.processes[1].kill()
        self.processes[1].wait()
        answer = self.api(own, "query", query="count(steps_total)", time=at)
        self.assertEqual(float(answer["data"]["result"][0]["value"][1]), len(set(parts[0]) | set(parts[2])))
        self.assertEqual(len(answer["warnings"]), 1)
        self.assertIn(engines[1], answer["warnings"][0])


if __name__ == "__main__":
    unittest.main()
