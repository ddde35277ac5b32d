#!/usr/bin/env python3
"""Samples over the network beside the real programs: CPU time of both for the same samples, sent at the same time.

    Benchmarks/remote.py in    [--version 1|2]   remote write in, beside PROMETHEUS_BIN (and VICTORIA_BIN)
    Benchmarks/remote.py out   [--version 1|2]   what a queue of remote write costs: two servers of each kind, one of them with a receiver
    Benchmarks/remote.py otlp                    OpenTelemetry's protocol in; Debian's Prometheus has no such receiver, so beside VICTORIA_BIN,
                                                 and beside PROMETHEUS_BIN that gets the same samples by remote write

    --series 100000 --seconds 20 --warm 5        so many samples a second, one of each series
    --per-request 5000                           so many series a request

CPU time is utime+stime of the whole server. Python's snappy (python-snappy) packs as agents do; without it bodies are sent unpacked.
"""
import argparse
import http.client
import http.server
import struct
import threading
import time

import measure
from measure import OURS, PROMETHEUS, VICTORIA, cpu, peers
import otlp_cases
from remote_write import double, field, label_pairs, snappy as literals, varint

try:
    from snappy import compress
except ImportError:
    compress = literals
PER_REQUEST = 5000
OTLP = "otlp"
WRITE = "/api/v1/write"
HEADERS = {1: {"Content-Type": "application/x-protobuf", "X-Prometheus-Remote-Write-Version": "0.1.0"},
           2: {"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request", "X-Prometheus-Remote-Write-Version": "2.0.0"}}


def labels(i):
    return {"__name__": f"http_requests_{i % 50}_total", "job": f"service-{i // 50 % 20}", "instance": f"10.0.{i // 1000 % 100}.7:8080",
            "method": ("GET", "POST")[i % 2], "path": f"/api/v1/resource/{i // 50}"}


def value(i, second):
    return float(i % 1000 * 7 + second * (i % 13))


class Bodies:
    """Requests of each second, made before time is taken."""

    def __init__(self, kind, series, seconds, per_request=PER_REQUEST, ahead=60):
        self.headers = {OTLP: {"Content-Type": "application/x-protobuf"}}.get(kind) or HEADERS[kind] | {"Content-Encoding": "snappy"}
        make = {1: self.version1, 2: self.version2, OTLP: self.otlp}[kind]
        # Ahead of the clock, by less than receivers allow: Prometheus sends on only what is younger than its queue.
        self.start = start = int(time.time() + ahead) * 1000
        self.seconds = [[make(range(first, min(series, first + per_request)), second, start + second * 1000)
                         for first in range(0, series, per_request)] for second in range(seconds)]
        #: Bytes of a sample on the wire.
        self.wire = sum(map(len, self.seconds[0])) / series

    known = {}

    def version1(self, numbers, second, timestamp):
        tail = b"\x10" + varint(timestamp)
        size = 9 + len(tail)
        out = []
        for i in numbers:
            if i not in self.known:
                self.known[i] = label_pairs(labels(i))
            pairs = self.known[i]
            out += [b"\x0a", varint(len(pairs) + 2 + size), pairs, b"\x12", bytes([size]), b"\x09", struct.pack("<d", value(i, second)), tail]
        return compress(b"".join(out))

    def version2(self, numbers, second, timestamp):
        symbols, body = {"": 0}, []
        tail = b"\x10" + varint(timestamp)
        for i in numbers:
            refs = b"".join(varint(symbols.setdefault(x, len(symbols))) for pair in sorted(labels(i).items()) for x in pair)
            sample = b"\x09" + struct.pack("<d", value(i, second)) + tail
            body.append(field(5, 2, field(1, 2, refs) + field(2, 2, sample) + field(5, 2, field(1, 0, b"\x01"))))
        return compress(b"".join(field(4, 2, x.encode()) for x in symbols) + b"".join(body))

    def otlp(self, numbers, second, timestamp):
        """A resource for each job and instance, a metric with its points for each name."""
        resources = {}
        for i in numbers:
            own = labels(i)
            resources.setdefault((own["job"], own["instance"]), {}).setdefault(own["__name__"], []).append((i, own))
        out = []
        for (job, instance), metrics in resources.items():
            text = [{"key": "service.name", "value": {"stringValue": job}}, {"key": "service.instance.id", "value": {"stringValue": instance}}]
            scope = b""
            for name, members in metrics.items():
                points = b"".join(field(1, 2, otlp_cases.attributes(7, [{"key": k, "value": {"stringValue": own[k]}} for k in ("method", "path")])
                                        + field(3, 1, struct.pack("<Q", timestamp * 1_000_000)) + field(4, 1, double(value(i, second))))
                                  for i, own in members)
                scope += field(2, 2, field(1, 2, name.removesuffix("_total").encode()) + field(7, 2, points + b"\x10\x02\x18\x01"))
            out.append(field(1, 2, field(1, 2, otlp_cases.attributes(1, text)) + field(2, 2, scope)))
        return b"".join(out)


def feed(server, bodies, path, warm, failures):
    """Sends each second's requests in their second, over one connection."""
    host, port = server.address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    begin = time.monotonic()
    for second, requests in enumerate(bodies.seconds):
        time.sleep(max(0, begin + second - time.monotonic()))
        if second == warm:
            server.begun = cpu(server.process)
        for body in requests:
            connection.request("POST", path, body, bodies.headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 300:
                failures.append((server.name, answer.status, text[:200]))
    connection.close()
    server.ended = time.monotonic()
    server.took = server.ended - begin


def run(servers, warm):
    """servers: [(server, bodies, path)]; gives CPU seconds of each for all that is sent after the warm-up."""
    failures = []
    threads = [threading.Thread(target=feed, args=(server, bodies, path, warm, failures)) for server, bodies, path in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        print("refused:", failures[:3], len(failures))
    time.sleep(3)
    return [cpu(server.process) - server.begun for server, _, _ in servers]


class Sink(http.server.BaseHTTPRequestHandler):
    """A receiver that counts bytes and requests."""
    protocol_version = "HTTP/1.1"
    counts = {}
    version = 1

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        count = self.counts.setdefault(self.path, [0, 0, 0.0])
        count[0] += 1
        count[1] += len(body)
        count[2] = time.monotonic()
        self.send_response(204)
        if self.version == 2:
            for kind in ("Samples", "Histograms", "Exemplars"):
                self.send_header(f"X-Prometheus-Remote-Write-{kind}-Written", "1000000")
        self.end_headers()

    def log_message(self, *_):
        pass


def receive(kind, series, seconds, warm, per_request=PER_REQUEST):
    """The same samples for each program, by remote write (kind 1 and 2) or OTLP; the CPU seconds of each, and more in its figures."""
    bodies = Bodies(kind, series, seconds, per_request)
    # Neither takes the second version; Debian's Prometheus takes no OTLP.
    names = (OURS, PROMETHEUS) if kind == 2 else (OURS, PROMETHEUS, VICTORIA)
    plain = Bodies(1, series, seconds, per_request) if kind == OTLP and measure.present((PROMETHEUS,)) else bodies
    paths = {OURS: "/api/v1/otlp/v1/metrics", VICTORIA: "/opentelemetry/v1/metrics"} if kind == OTLP else {}
    with measure.servers(flags=lambda name: [*measure.ALONE, "--web.enable-otlp-receiver"] if name == OURS else (), names=names) as running:
        ways = [(server, plain if name == PROMETHEUS else bodies, paths.get(name, WRITE)) for name, server in running.items()]
        times = run(ways, warm)
        return bodies, {name: Figures(server, spent, series * seconds) for (name, server), spent in zip(running.items(), times)}


class Figures:
    def __init__(self, server, spent, samples):
        self.cpu, self.took = spent, server.took
        self.memory = measure.memory(server.process)
        self.disk = measure.size(server.data) / samples


def forward(version, series, seconds, warm):
    """What it costs to send samples on: (CPU seconds of those that store and of those that send on too, [(name, requests, bytes a sample, lateness)])."""
    Sink.version, Sink.counts = version, {}
    sink = peers.listen(Sink)
    message = "io.prometheus.write.v2.Request" if version == 2 else "prometheus.WriteRequest"
    bodies = Bodies(version, series, seconds)
    started = []
    try:
        for name in measure.present((OURS, PROMETHEUS)):
            to = f"remote_write: [{{url: 'http://{peers.HOST}:{sink.server_port}/{name}', protobuf_message: {message}, metadata_config: {{send: false}}}}]\n"
            started += [measure.start(name, config, measure.ALONE if name == OURS else ()) for config in (measure.NOTHING, to)]
        # Queues begin with what comes after their start.
        time.sleep(2)
        times = run([(server, bodies, WRITE) for server in started], warm)
        time.sleep(5)
        found = [(path[1:], requests, count / series / seconds, last - next(x.ended for x in started[1::2] if x.name == path[1:]))
                 for path, (requests, count, last) in sorted(Sink.counts.items())]
        return dict(zip([server.name for server in started[::2]], zip(times[::2], times[1::2]))), found
    finally:
        for server in started:
            server.stop()
        sink.shutdown()
        sink.server_close()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("what", choices=["in", "out", OTLP])
    ap.add_argument("--version", type=int, default=1, choices=[1, 2])
    ap.add_argument("--series", type=int, default=100_000)
    ap.add_argument("--seconds", type=int, default=20)
    ap.add_argument("--warm", type=int, default=5)
    ap.add_argument("--per-request", type=int, default=PER_REQUEST)
    a = ap.parse_args()
    samples = (a.seconds - a.warm) * a.series

    def tell(name, spent, against):
        print(f"{name:28} {spent:7.2f} s CPU in {a.seconds - a.warm} s  {spent / samples * 1e6:6.2f} µs a sample  ratio {spent / against:5.2f}")
    if a.what == "out":
        times, found = forward(a.version, a.series, a.seconds, a.warm)
        against = times.get(PROMETHEUS, times[OURS])
        for name, (stored, sent) in times.items():
            tell(f"{name}, stored", stored, against[0])
            tell(f"{name}, sent on", sent, against[0])
            tell(f"{name}, the queue alone", sent - stored, against[1] - against[0])
        for name, requests, each, late in found:
            print(f"{name}: {requests} requests, {each:.1f} bytes a sample, the last {late:+.2f} s after its last samples came")
    else:
        bodies, figures = receive(OTLP if a.what == OTLP else a.version, a.series, a.seconds, a.warm, a.per_request)
        print(f"{a.series} samples a second, {bodies.wire:.1f} bytes a sample on the wire, packed by {compress.__module__}")
        for name, one in figures.items():
            by = ", remote write" if a.what == OTLP and name == PROMETHEUS else ""
            tell(name + by, one.cpu, figures.get(PROMETHEUS, one).cpu)
            print(f"{'':28} {one.took:.1f} s for {a.seconds} s, {one.memory:.0f} MiB, {one.disk:.1f} bytes a sample in its folder")


if __name__ == "__main__":
    main()
