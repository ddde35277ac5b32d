"""OpenTelemetry's Python SDK sends for real: by both exporters of OTLP over HTTP, without any settings, and by its exporter of remote write.

OTEL_PYTHON names a Python that has the packages; else they are installed from PyPI for the time of the test, and where that cannot be it is
skipped. PROMENADE_BIN names the stack.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

from peers import promenade

PROMENADE = promenade()
# These fit each other; the newest of each do not.
PACKAGES = [
    "opentelemetry-sdk==1.45.1", "opentelemetry-exporter-otlp-proto-http==1.45.1", "opentelemetry-exporter-otlp-json-http==0.66b1",
    "opentelemetry-exporter-prometheus-remote-write==0.66b1",
]
PROGRAM = r"""
import sys
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
kind, settings = sys.argv[1], dict(pair.split("=", 1) for pair in sys.argv[2:])
if kind == "json":
    from opentelemetry.exporter.otlp.json.http.metric_exporter import OTLPMetricExporter
    exporter = OTLPMetricExporter(**settings)
elif kind == "protobuf":
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    exporter = OTLPMetricExporter(**settings)
else:
    from opentelemetry.exporter.prometheus_remote_write import PrometheusRemoteWriteMetricsExporter
    exporter = PrometheusRemoteWriteMetricsExporter(**settings)
views = [] if kind == "write" else [View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation())]
provider = MeterProvider(
    metric_readers=[PeriodicExportingMetricReader(exporter, export_interval_millis=100_000)],
    resource=Resource.create({"service.name": kind, "service.instance.id": "i", "service.version": "1.2"}), views=views)
meter = provider.get_meter("shop", "0.1")
sold = meter.create_counter("sold", unit="1", description="Things sold.")
sold.add(3, {"what": "tea", "number": 7})
sold.add(4, {"what": "tea", "number": 7})
meter.create_up_down_counter("queue.length").add(-2)
meter.create_observable_gauge("temperature", [lambda options: [metrics.Observation(21.5, {"room": "a b"})]], unit="Cel")
duration = meter.create_histogram("http.server.duration", unit="ms", description="How long.")
for value in (1, 30, 700):
    duration.record(value, {"http.route": "/a"})
if kind != "write":
    exponential = meter.create_histogram("exponential", unit="s")
    for value in (0.1, 0.2, 5):
        exponential.record(value)
print(provider.force_flush(10_000))
sold.add(5, {"what": "tea", "number": 7})
provider.shutdown()
"""


def python(folder):
    """A Python with the packages; None where they cannot be had."""
    if os.environ.get("OTEL_PYTHON"):
        return os.environ["OTEL_PYTHON"]
    own = os.path.join(folder, "venv")
    for command in [sys.executable, "-m", "venv", own], [f"{own}/bin/pip", "install", "-q", "--pre", "--retries", "0", "--timeout", "10", *PACKAGES]:
        try:
            if subprocess.run(command, capture_output=True, timeout=120).returncode:
                return None
        except (OSError, subprocess.TimeoutExpired):
            return None
    return f"{own}/bin/python"


@unittest.skipUnless(PROMENADE, "promenade is not built")
class OpenTelemetryTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.python = python(folder.name)
        if not cls.python:
            raise unittest.SkipTest("OpenTelemetry's packages cannot be installed")
        with open(f"{folder.name}/stack.yml", "w") as f:
            f.write("otlp: {promote_resource_attributes: [service.version]}\ndemo_server: {enabled: false}\n")
        cls.process = subprocess.Popen(
            [PROMENADE, "run", "--test", f"--config.file={folder.name}/stack.yml", "--web.enable-remote-write-receiver"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cls.addClassCleanup(cls.process.wait)
        cls.addClassCleanup(cls.process.stdin.close)
        cls.addClassCleanup(cls.process.stdout.close)
        cls.urls = json.loads(cls.process.stdout.readline())

    def api(self, path, **parameters):
        url = f"{self.urls['prometheus']}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]

    def value(self, query):
        deadline = time.monotonic() + 10
        while True:
            found = self.api("query", query=query)["result"]
            if found or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        self.assertEqual(len(found), 1, f"{query}: {found}")
        return float(found[0]["value"][1])

    def send(self, kind, **settings):
        done = subprocess.run([self.python, "-W", "ignore", "-c", PROGRAM, kind, *(f"{n}={v}" for n, v in settings.items())], capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (0, "True\n"), done.stderr)
        # What an exporter could not send it tells its log.
        self.assertNotIn("Failed", done.stderr)

    def check(self, kind):
        me = f'job="{kind}",instance="i"'
        self.assertEqual(self.value(f'sold_total{{{me},what="tea",number="7",service_version="1.2"}}'), 12)
        self.assertEqual(self.value(f"queue_length{{{me}}}"), -2)
        self.assertEqual(self.value(f'temperature_celsius{{{me},room="a b"}}'), 21.5)
        self.assertEqual(self.value(f'http_server_duration_milliseconds_bucket{{{me},http_route="/a",le="50.0"}} or http_server_duration_milliseconds_bucket{{{me},http_route="/a",le="50"}}'), 2)
        self.assertEqual(self.value(f'http_server_duration_milliseconds_sum{{{me}}}'), 731)
        self.assertEqual(self.value(f"histogram_count(exponential_seconds{{{me}}})"), 3)
        self.assertEqual(self.value(f'sold_total{{{me}}} * on (job, instance) group_left (telemetry_sdk_language) target_info{{telemetry_sdk_language="python"}}'), 12)
        mine = [one for one in self.api("otlp/received") if any(m["name"] == "sold" for m in one["metrics"])]
        self.assertTrue(all(one["status"] == 200 for one in mine))
        verdicts = {m["name"]: (m["family"], m["type"], m["unit"], m["verdict"]) for m in mine[-1]["metrics"]}
        self.assertEqual(verdicts["sold"], ("sold_total", "counter", "1", "taken"))
        self.assertEqual(verdicts["http.server.duration"], ("http_server_duration_milliseconds", "histogram", "ms", "taken"))
        self.assertEqual(verdicts["temperature"], ("temperature_celsius", "gauge", "Cel", "taken"))
        return mine

    def test_protobuf(self):
        self.send("protobuf", endpoint=self.urls["prometheus"] + "/api/v1/otlp/v1/metrics")
        mine = self.check("protobuf")
        self.assertEqual(mine[-1]["contentType"], "application/x-protobuf")

    def test_json(self):
        self.send("json", endpoint=self.urls["otlp"] + "/v1/metrics")
        mine = self.check("json")
        self.assertEqual(mine[-1]["contentType"], "application/json")

    def test_without_settings(self):
        if not self.urls["otlp"].endswith(":4318"):
            self.skipTest("somebody else has port 4318")
        self.send("protobuf")
        self.check("protobuf")

    def test_remote_write(self):
        self.send("write", endpoint=self.urls["prometheus"] + "/api/v1/write")
        self.assertEqual(self.value('{__name__=~"sold.*",service_name="write",what="tea"}'), 12)


if __name__ == "__main__":
    unittest.main()
