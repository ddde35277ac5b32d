"""Remote read as a client: Promenade and a real Prometheus read from the same real Prometheus, and answer the same.

PROMETHEUS_BIN names the real one, PROMENADE_BIN the stack; without one of them it is skipped.
"""
import http.server
import json
import time
import unittest
import urllib.parse

import remote_write
from peers import HOST, free_port, get, listen, program, promenade, start_prometheus, start_promenade

PROMENADE = promenade()
PROMETHEUS = program("PROMETHEUS_BIN", "prometheus")
STEP = 15_000
NATIVE = dict(schema=0, zero_threshold=0.001, zero_count=2, count=9, sum=12.5, positive=(0, [1, 3, 2]), negative=(1, [1]))


def samples(now, values):
    """Every 15 s up to now."""
    return [(now - (len(values) - 1 - i) * STEP, v) for i, v in enumerate(values)]


def far(now):
    return [
        ({"__name__": "m", "i": "both"}, samples(now - 10 * STEP, [float(v) for v in range(150)])),
        ({"__name__": "m", "i": "far"}, samples(now, [v * v / 8 for v in range(150)])),
        ({"__name__": "m", "i": "gone"}, samples(now - 4 * STEP, [1.0, 2.0, 3.0, remote_write.STALE])),
        ({"__name__": "m", "i": "zone", "zone": "us"}, samples(now, [1.0])),
        ({"__name__": "odd", "i": "x"}, samples(now, [float("inf"), 0.1, -1e300, float("nan"), 5.0])),
        ({"__name__": "h", "i": "x"}, samples(now, [dict(NATIVE, count=9 + 2 * n, zero_count=2 + 2 * n) for n in range(9)])),
    ]


def near(now):
    return [
        # Where both have a sample of one time they have the same: which of two a real one takes is left to chance.
        ({"__name__": "m", "i": "both"}, samples(now, [140.0 + v for v in range(20)])),
        ({"__name__": "m", "i": "near"}, samples(now, [float(v) for v in range(20)])),
    ]


QUERIES = [
    "m", "m{i=\"both\"}", "m{i=~\"b.*|far\"}[1h]", "rate(m[5m])", "sum by (i) (m)", "m offset 20m", "count(m{zone=\"us\"})",
    "h", "histogram_quantile(0.9, h)", "rate(h[2m])", "odd[10m]", "max_over_time(m[1h:1m])", "m @ end() - m offset 5m", "absent(nothing)",
    "{i=\"x\"}", "m and on (i) m offset 10m",
]


class Refusing(http.server.BaseHTTPRequestHandler):
    """Answers as it is told to by the path."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, kind, body = {
            "/refused": (400, "text/plain", b"no such thing\n"), "/html": (200, "text/html", b"<p>"),
            "/nothing": (200, "application/x-protobuf", b"\x00"),
        }[self.path]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@unittest.skipUnless(PROMENADE and PROMETHEUS, "needs Promenade and a real Prometheus")
class RemoteReadTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.now = int(time.time()) // 15 * 15_000
        cls.far = start_prometheus(PROMETHEUS, flags=["--enable-feature=native-histograms"])
        cls.addClassCleanup(cls.far.stop)
        status, body = remote_write.send(cls.far.address, far(cls.now))
        assert status < 300, body
        cls.refusing = listen(Refusing)
        cls.addClassCleanup(cls.refusing.server_close)
        cls.addClassCleanup(cls.refusing.shutdown)

    def both(self, config):
        """A Promenade and a Prometheus with the same samples of their own."""
        ours = start_promenade(PROMENADE, config + "demo_server: {enabled: false}\npushgateway: {enabled: false}\n")
        self.addCleanup(ours.stop)
        real = start_prometheus(PROMETHEUS, config, flags=["--enable-feature=native-histograms"])
        self.addCleanup(real.stop)
        for server in ours, real:
            status, body = remote_write.send(server.address, near(self.now))
            self.assertLess(status, 300, body)
        return ours.address, real.address

    def ask(self, address, path, **parameters):
        status, _, body = get(address, f"/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}")
        answer = json.loads(body)
        data = answer.get("data")
        rows = data.get("result") if isinstance(data, dict) else data
        if isinstance(rows, list):
            rows.sort(key=lambda row: json.dumps(row.get("metric", row) if isinstance(row, dict) else row, sort_keys=True))
        return status, data, sorted(answer.get("warnings", []))

    def compare(self, config, queries=QUERIES):
        ours, real = self.both(config)
        seconds = self.now / 1000
        for query in queries:
            for path, parameters in [
                ("query", {"query": query, "time": seconds}),
                ("query_range", {"query": query, "start": seconds - 1800, "end": seconds, "step": 60}),
                ("series", {"match[]": ["m", "{i=\"x\"}"], "start": seconds - 3600, "end": seconds}),
            ]:
                with self.subTest(config=config, query=query, path=path):
                    self.assertEqual(self.ask(ours, path, **parameters), self.ask(real, path, **parameters))
        return ours, real

    def remote(self, more=""):
        return f"remote_read: [{{url: 'http://{self.far.address}/api/v1/read', name: far{more}}}]\n"

    def test_as_a_real_one(self):
        ours, real = self.compare(self.remote())
        # It was asked, and by chunks.
        for address in ours, real:
            metrics = get(address, "/metrics")[2].decode()
            self.assertRegex(metrics, r'prometheus_remote_read_client_queries_total\{code="200",remote_name="far",response_type="chunked",url="[^"]*"\} [1-9]')
            self.assertRegex(metrics, r'prometheus_remote_read_client_queries\{remote_name="far",url="[^"]*"\} 0')
        names = [sorted({line.split("{")[0] for line in get(one, "/metrics")[2].decode().splitlines() if line.startswith("prometheus_remote_read_client")}) for one in (ours, real)]
        self.assertEqual(*names)

    def test_recent_times(self):
        self.compare(self.remote(", read_recent: true"), QUERIES[:6])

    def test_required_matchers(self):
        self.compare(self.remote(", required_matchers: {i: both}"), QUERIES[:3])

    def test_external_labels(self):
        labels = "global: {external_labels: {zone: us}}\n"
        self.compare(labels + self.remote(), QUERIES[:2] + ["m{zone=\"us\"}", "m{zone=\"eu\"}", "m{zone=\"\"}"])
        self.compare(labels + self.remote(", filter_external_labels: false"), QUERIES[:2] + ["m{zone=\"us\"}"])

    def test_two_of_them(self):
        self.compare(f"remote_read:\n- {{url: 'http://{self.far.address}/api/v1/read'}}\n- {{url: 'http://{self.far.address}/api/v1/read', read_recent: true}}\n", QUERIES[:4])

    def test_what_goes_wrong_is_a_warning(self):
        port = self.refusing.server_port
        for url in [f"http://{HOST}:{port}/refused", f"http://{HOST}:{port}/html", f"http://{HOST}:{free_port()}/", f"http://{HOST}:{port}/nothing"]:
            ours, _ = self.compare(f"remote_read: [{{url: '{url}'}}]\n", ["m", "rate(m[5m])"])
            self.assertEqual(len(self.ask(ours, "query", query="m")[2]), 1)


if __name__ == "__main__":
    unittest.main()
