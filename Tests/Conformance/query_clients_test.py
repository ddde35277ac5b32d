"""What queries the API in practice, against the built program: promtool, Grafana's requests, prometheus-api-client; and queries
that mean harm. Each client that is not installed is skipped. PROMTOOL_BIN and PROMENADE_BIN name the programs."""
import datetime
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(__file__))
import peers
import query_differential as queries

COUNT = 1000


class Case(unittest.TestCase):
    flags = ()

    @classmethod
    def setUpClass(cls):
        if not peers.promenade():
            raise unittest.SkipTest("promenade is not built")
        cls.start = (int(time.time()) - 4000) // 60 * 60_000
        cls.now = cls.start // 1000 + 3000
        cls.server = peers.start_promenade(peers.promenade(), flags=cls.flags)
        cls.addClassCleanup(cls.server.stop)
        queries.load(cls.server.address, queries.make_data(5, cls.start))

    def get(self, path, method="GET", form=None, status=200, **parameters):
        if parameters:
            path += "?" + urllib.parse.urlencode(parameters, doseq=True)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        body = urllib.parse.urlencode(form, doseq=True) if form is not None else None
        found, _, text = peers.get(self.server.address, path, method=method, body=body, headers=headers)
        self.assertEqual(found, status, text[:300])
        return json.loads(text)


class Promtool(Case):
    @classmethod
    def setUpClass(cls):
        cls.promtool = peers.program("PROMTOOL_BIN", "promtool")
        if not cls.promtool:
            raise unittest.SkipTest("there is no promtool")
        super().setUpClass()

    def run_tool(self, *arguments, code=0):
        url = "http://" + self.server.address
        done = subprocess.run([self.promtool, "query", *(a.replace("URL", url) for a in arguments)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def test_instant(self):
        out = self.run_tool("instant", f"--time={self.now}", "URL", 'limit{job="api"}')
        self.assertEqual(sorted(out.splitlines()), [
            f'limit{{instance="host{i}:9100", job="api"}} => {10 * (i + 1)} @[{self.now}]' for i in range(3)])

    def test_instant_refused(self):
        self.assertIn("unclosed left parenthesis", self.run_tool("instant", "URL", "sum(", code=1))

    def test_range(self):
        out = self.run_tool("range", f"--start={self.now - 60}", f"--end={self.now}", "--step=30s", "URL", 'count(build_info)')
        self.assertEqual(out.splitlines(), ["{} =>"] + [f"3 @[{t}]" for t in (self.now - 60, self.now - 30, self.now)])

    def test_series(self):
        out = self.run_tool("series", '--match=build_info', "URL")
        self.assertEqual(len(out.splitlines()), 3)
        self.assertIn('{__name__="build_info", job="api", version="1.3.0"}', out)

    def test_labels(self):
        self.assertEqual(self.run_tool("labels", "URL", "job").split(), ["api", "db", "web"])

    def test_analyze(self):
        # It looks at classic histograms from the buckets' counts over a time of its own, which is after the data's.
        out = self.run_tool("analyze", "--server=URL", "--type=histogram", f"--time={self.now}", "--duration=30m", "--match=latency_seconds_bucket")
        self.assertIn("latency_seconds_bucket", out)


class Grafana(Case):
    """The requests of Grafana's Prometheus data source."""

    def test_health_check(self):
        answer = self.get("/api/v1/query", "POST", form={"query": "1+1", "time": "1700000000.5"})
        self.assertEqual(answer["data"], {"resultType": "scalar", "result": [1700000000.5, "2"]})

    def test_build_info_and_rules(self):
        self.assertIn("version", self.get("/api/v1/status/buildinfo")["data"])
        self.assertEqual(self.get("/api/v1/rules")["data"], {"groups": []})
        self.assertEqual(self.get("/api/v1/alerts")["data"], {"alerts": []})

    def test_panels(self):
        form = {"query": "sum by (job) (rate(requests_total[1m]))", "start": self.now - 600, "end": self.now, "step": 15}
        answer = self.get("/api/v1/query_range", "POST", form=form)
        self.assertEqual([len(s["values"]) for s in answer["data"]["result"]], [41] * 3)
        self.assertEqual(answer, self.get("/api/v1/query_range", **form))

    def test_variables(self):
        span = {"start": self.now - 600, "end": self.now}
        self.assertEqual(self.get("/api/v1/label/job/values", **span)["data"], ["api", "db", "web"])
        chosen = self.get("/api/v1/label/job/values", **span, **{"match[]": 'latency_seconds_bucket{le="0.5"}'})
        self.assertEqual(chosen["data"], ["api", "web"])
        names = self.get("/api/v1/labels", "POST", form=dict(span, **{"match[]": ["build_info", "limit"]}))
        self.assertEqual(names["data"], ["__name__", "instance", "job", "version"])
        series = self.get("/api/v1/series", "POST", form=dict(span, **{"match[]": 'limit{job="db"}'}))
        self.assertEqual(len(series["data"]), 3)

    def test_metadata_and_exemplars(self):
        self.assertEqual(self.get("/api/v1/metadata", limit=10)["status"], "success")
        self.assertEqual(self.get("/api/v1/query_exemplars", "POST", form={"query": "limit", "start": 0, "end": 1})["data"], [])


class Python(Case):
    @classmethod
    def setUpClass(cls):
        try:
            import prometheus_api_client
        except ImportError:
            raise unittest.SkipTest("there is no prometheus-api-client")
        super().setUpClass()
        cls.client = prometheus_api_client.PrometheusConnect(url="http://" + cls.server.address)

    def test_everything(self):
        self.assertTrue(self.client.check_prometheus_connection())
        self.assertIn("requests_total", self.client.all_metrics())
        self.assertEqual(self.client.get_label_values("job"), ["api", "db", "web"])
        found = self.client.custom_query('limit{job="api"}', params={"time": self.now})
        self.assertEqual(sorted(s["value"][1] for s in found), ["10", "20", "30"])
        end = datetime.datetime.fromtimestamp(self.now)
        found = self.client.custom_query_range("count(limit)", end - datetime.timedelta(minutes=5), end, "60")
        self.assertEqual([v for _, v in found[0]["values"]], ["9"] * 6)
        self.assertEqual(len(self.client.get_metric_range_data("build_info", start_time=end - datetime.timedelta(minutes=5), end_time=end)), 3)


class Hostile(Case):
    """Queries that mean harm are answered or refused, and the server goes on."""
    flags = ("--query.timeout=500ms", "--query.max-concurrency=4", "--query.max-samples=2000000")

    def hostile(self, r):
        n = r.randrange(100, 20_000)
        deep = r.choice([("(", "limit", ")"), ("-", "limit", ""), ("sum(", "limit", ")"), ("1+(", "1", ")"), ("abs(", "limit", ")"),
                         ("max_over_time(", "limit", "[1h:1s])"), ("(limit or ", "limit", ")"), ("[", "", "]"), ("{", "", "}")])
        name = '{__name__=~".+"}'
        return r.choice([
            deep[0] * n + deep[1] + deep[2] * n,
            "limit" + " + limit" * n,
            "limit" + " or limit" * (n // 20),
            '{__name__=~"%sc"}' % ("(a|b)*" * (n // 10)),
            '{job=~"%s%s"}' % ("a?" * 2000, "a" * 2000),
            '{job=~"(%s)"}' % ("x{1000}" * 3),
            '{job=~"%s"}' % "|".join(str(i) for i in range(n)),
            '{job=~"%s"}' % ("(" * n),
            f"sum_over_time({name}[1h:1s])",
            f"max_over_time(max_over_time(max_over_time({name}[1h:5s])[1h:5s])[1h:5s])",
            f"count_over_time(limit[{r.randrange(1, 200)}y:{r.randrange(1, 5)}ms])",
            f"{name} * on () group_left () {name}",
            f"count by ({', '.join('l%d' % i for i in range(n // 10))}) ({name} or {name} offset 1s)",
            'label_replace(%s, "x", "%s", "job", "(.*)")' % (name, "$1" * n),
            'label_join(%s, "x", "%s", %s)' % (name, "-" * n, ", ".join(['"job"'] * 200)),
            f'count_values("x", {name} + time())',
            "limit offset " + "9" * r.randrange(1, 400) + "y",
            "limit @ " + r.choice(["1e308", "-1e308", "NaN", "Inf", "9" * 300]),
            '"%s"' % ("x" * 1_000_000),
            "#" * n,
            f"topk(1e300, {name})",
            f"quantile_over_time(NaN, {name}[100y])",
            'histogram_quantile(0.9, {__name__=~".+", le=~".*"})',
            "".join(r.choice("(){}[]<>=!~+-*/%^,:@\"'`#abc019. \n") for _ in range(r.randrange(1, 200))),
        ])

    def ask(self, r, statuses):
        query = self.hostile(r)
        form = {"query": query, "time": self.now}
        path = "/api/v1/query"
        if r.random() < 0.3:
            path, form = "/api/v1/query_range", {"query": query, "start": self.now - 10_999, "end": self.now, "step": 1}
        elif r.random() < 0.2:
            path, form = r.choice(["/api/v1/format_query", "/api/v1/parse_query"]), {"query": query}
        c = http.client.HTTPConnection(*self.server.address.rsplit(":", 1), timeout=30)
        try:
            c.request("POST", path, urllib.parse.urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})
            if r.random() < 0.15:  # gone before the answer
                time.sleep(r.random() * 0.05)
                return statuses.append("gone")
            answer = c.getresponse()
            size = len(answer.read())
            statuses.append(answer.status)
            assert size > 0
        except (OSError, http.client.HTTPException) as e:
            statuses.append(f"{type(e).__name__} on {query[:80]}")
        finally:
            c.close()

    def test_a_thousand(self):
        statuses = []
        lock = threading.Lock()
        left = list(range(COUNT))

        def work():
            while True:
                with lock:
                    if not left:
                        return
                    seed = left.pop()
                self.ask(random.Random(seed), statuses)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(statuses), COUNT)
        self.assertLessEqual({str(s) for s in statuses}, {"200", "400", "413", "422", "503", "gone"})
        self.assertIsNone(self.server.process.poll())
        # Nothing of it is left running: a modest query is answered at once.
        begin = time.monotonic()
        self.assertEqual(len(self.get("/api/v1/query", query="limit", time=self.now)["data"]["result"]), 9)
        self.assertLess(time.monotonic() - begin, 3)


if __name__ == "__main__":
    unittest.main()
