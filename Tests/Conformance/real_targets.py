#!/usr/bin/env python3
"""What real clients expose, in each format that they speak, is taken once and then served to a real Prometheus and to Promenade; the
series, values, exemplars and metadata that both make of it are compared.

    real_targets.py

Node exporter, a Go and a Python program with the official clients, a real Prometheus and a real Pushgateway are the targets, and
Promenade's own servers; what is not installed is left out. Exits 0 without a difference, 1 with one, 77 without a Prometheus.
"""
import contextlib
import gzip
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
import peers
import scrape_cases
import scrape_differential

HERE = os.path.dirname(os.path.abspath(__file__))
GO_ENV = dict(os.environ, GO111MODULE="off", GOPATH=os.environ.get("TUTORIAL_GOPATH", "/usr/share/gocode"), GOFLAGS="")
PYTHON = """
import sys, time
from prometheus_client import Counter, Gauge, Histogram, Summary, Info, Enum, start_http_server
c = Counter("py_requests", "Requests.", ["code"])
c.labels("200").inc(3, exemplar={"trace_id": "t"})
c.labels('a"b\\\\c\\n').inc()
Gauge("py_gauge", "G").set(1e-7)
h = Histogram("py_seconds", "Seconds.", ["path"], unit="seconds")
for i in range(50):
    h.labels("/x").observe(i / 10, {"trace_id": str(i)})
Summary("py_summary", "S").observe(4)
Info("py_build", "I").info({"version": "1"})
Enum("py_state", "E", states=["a", "b"]).state("b")
start_http_server(int(sys.argv[1]), "127.0.0.1")
time.sleep(600)
"""
FORMATS = {
    "text": "text/plain;version=0.0.4",
    "utf8": "text/plain;version=1.0.0;escaping=allow-utf-8",
    "om": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
    "om0": "application/openmetrics-text;version=0.0.1",
    "proto": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
}


def targets(stack):
    """Starts what there is; answers names and addresses."""
    found = {}
    folder = tempfile.mkdtemp(prefix="promenade-targets-")
    stack.callback(shutil.rmtree, folder, True)

    def start(name, argv, ready="/metrics", **more):
        address = f"{peers.HOST}:{peers.free_port()}"
        stack.enter_context(peers.Server([x.replace("ADDRESS", address).replace("PORT", address.split(":")[1]) for x in argv], address, ready, **more))
        found[name] = address

    exporter = peers.program("NODE_EXPORTER_BIN", "node_exporter", "prometheus-node-exporter")
    if exporter:
        start("node_exporter", [exporter, "--web.listen-address=ADDRESS"])
    gateway = peers.program("PUSHGATEWAY_BIN", "pushgateway", "prometheus-pushgateway")
    if gateway:
        start("pushgateway", [gateway, "--web.listen-address=ADDRESS"])
        peers.get(found["pushgateway"], "/metrics/job/a/b/c%20d", "PUT", b"# TYPE x counter\nx{l=\"m\"} 1\n# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\n")
    for python in ("/usr/bin/python3", sys.executable):
        if subprocess.run([python, "-c", "import prometheus_client"], capture_output=True).returncode == 0:
            start("python", [python, "-c", PYTHON, "PORT"])
            break
    if shutil.which("go"):
        program = os.path.join(folder, "native")
        built = subprocess.run(["go", "build", "-o", program, os.path.join(HERE, "go", "native", "main.go")], env=GO_ENV, capture_output=True)
        if built.returncode == 0:
            start("go", [program, "ADDRESS"])
        else:
            print("no Go client:", built.stderr.decode().strip()[:200])
    real = stack.enter_context(peers.start_prometheus(peers.program("PROMETHEUS_BIN", "prometheus")))
    found["prometheus"] = real.address
    ours = stack.enter_context(peers.start_promenade(peers.promenade()))
    peers.get(ours.push_address, "/metrics/job/a/b/c%20d", "PUT", b"# TYPE x counter\nx{l=\"m\"} 1\n")
    found.update(promenade=ours.address, promenade_push=ours.push_address, promenade_demo=ours.demo_address)
    return found


def main():
    prometheus = peers.program("PROMETHEUS_BIN", "prometheus")
    if not prometheus:
        print("no prometheus to compare with; set PROMETHEUS_BIN")
        sys.exit(77)
    scrape_cases.CASES.clear()
    with contextlib.ExitStack() as stack:
        for name, address in targets(stack).items():
            for tag, accept in FORMATS.items():
                _, headers, body = peers.get(address, "/metrics", headers={"Accept": accept, "Accept-Encoding": "gzip"})
                headers = {k.lower(): v for k, v in headers.items()}
                packed = headers.get("content-encoding") == "gzip"
                settings = "always_scrape_classic_histograms: true"
                extra = {"Content-Encoding": "gzip"} if packed else {}
                scrape_cases.case(f"{name}_{tag}", body, headers.get("content-type", ""), settings, headers=extra)
                print(f"{name} {tag}: {len(gzip.decompress(body) if packed else body)} bytes of {headers.get('content-type', '')}")
    for case in scrape_cases.CASES.values():
        case["times"] = True
    sys.exit(1 if scrape_differential.compare(prometheus, list(scrape_cases.CASES), 35) else 0)


if __name__ == "__main__":
    main()
