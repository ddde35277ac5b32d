#!/usr/bin/env python3
"""Samples over the network beside the real programs: CPU time of both for the same samples, sent at the same time.

    Benchmarks/remote.py in    [--version 1|2]   remote write in, beside PROMETHEUS_BIN (and VICTORIA_BIN)
    Benchmarks/remote.py out   [--version 1|2]   what a queue of remote write costs: two servers of each kind, one of them with a receiver
    Benchmarks/remote.py otlp                    OpenTelemetry's protocol in; Debian's Prometheus has no such receiver, so beside VICTORIA_BIN,
                                                 and beside PROMETHEUS_BIN that gets the same samples by remote write

    --series 100000 --seconds 20 --warm 5        so many samples a second, one of each series

CPU time is utime+stime of the whole server. Python's snappy (python-snappy) packs as agents do; without it bodies are sent unpacked.
"""
import argparse
import http.client
import http.server
import os
import struct
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Tests", "Conformance"))
import otlp_cases
import peers
from remote_write import double, field, label_pairs, snappy as literals, varint

try:
    from snappy import compress
except ImportError:
    compress = literals
PER_REQUEST = 5000
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

    def __init__(self, kind, series, seconds, start):
        self.headers = {"otlp": {"Content-Type": "application/x-protobuf"}}.get(kind) or HEADERS[kind] | {"Content-Encoding": "snappy"}
        make = {1: self.version1, 2: self.version2, "otlp": self.otlp}[kind]
        self.seconds = [[make(range(first, min(series, first + PER_REQUEST)), second, start + second * 1000)
                         for first in range(0, series, PER_REQUEST)] for second in range(seconds)]

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


def cpu(process):
    with open(f"/proc/{process.pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process):
    with open(f"/proc/{process.pid}/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmRSS"))


def size(folder):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


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


def report(names, times, seconds, series, against):
    for name, spent in zip(names, times):
        print(f"{name:28} {spent:7.2f} s CPU in {seconds} s  {spent / seconds / series * 1e6:6.2f} µs a sample  ratio {spent / against:5.2f}")


def named(server, name):
    server.name = name
    return server


def start_victoria():
    folder = tempfile.mkdtemp(prefix="promenade-remote-")
    address = f"{peers.HOST}:{peers.free_port()}"
    server = peers.Server([peers.program("VICTORIA_BIN", "victoria-metrics"), f"-storageDataPath={folder}", f"-httpListenAddr={address}",
                           "-loggerLevel=ERROR"], address, "/health")
    server.folder = folder
    return server


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("what", choices=["in", "out", "otlp"])
    ap.add_argument("--version", type=int, default=1, choices=[1, 2])
    ap.add_argument("--series", type=int, default=100_000)
    ap.add_argument("--seconds", type=int, default=20)
    ap.add_argument("--warm", type=int, default=5)
    a = ap.parse_args()
    prometheus = peers.program("PROMETHEUS_BIN", "prometheus")
    # Ahead of the clock, by less than receivers allow: Prometheus sends on only what is younger than its queue.
    start = int(time.time() + 60) * 1000
    measured = a.seconds - a.warm
    plain = Bodies(a.version if a.what != "otlp" else 1, a.series, a.seconds, start)
    print(f"{a.series} samples a second, {sum(map(len, plain.seconds[0])) / a.series:.1f} bytes a sample on the wire, packed by {compress.__module__}")
    servers = []
    try:
        if a.what == "out":
            Sink.version = a.version
            sink = peers.listen(Sink)
            message = "io.prometheus.write.v2.Request" if a.version == 2 else "prometheus.WriteRequest"

            def config(name):
                return f"remote_write: [{{url: 'http://{peers.HOST}:{sink.server_port}/{name}', protobuf_message: {message}, metadata_config: {{send: false}}}}]\n"
            servers = [named(peers.start_prometheus(prometheus), "prometheus, stored"),
                       named(peers.start_prometheus(prometheus, config("prometheus")), "prometheus, sent on"),
                       named(peers.start_promenade(peers.promenade()), "promenade, stored"),
                       named(peers.start_promenade(peers.promenade(), config("promenade")), "promenade, sent on")]
            # Queues begin with what comes after their start.
            time.sleep(2)
            times = run([(server, plain, WRITE) for server in servers], a.warm)
            time.sleep(5)
            report([server.name for server in servers], times, measured, a.series, times[0])
            theirs, ours = times[1] - times[0], times[3] - times[2]
            print(f"the queue alone: prometheus {theirs:.2f} s, promenade {ours:.2f} s, ratio {ours / theirs:.2f}")
            for path, (requests, count, last) in sorted(Sink.counts.items()):
                print(f"{path}: {requests} requests, {count / a.series / a.seconds:.1f} bytes a sample, the last {last - next(x.ended for x in servers if x.name == path[1:] + ', sent on'):+.2f} s after its last samples came")
        else:
            servers = [named(peers.start_prometheus(prometheus), "prometheus"),
                       named(peers.start_promenade(peers.promenade(), flags=["--web.enable-otlp-receiver"]), "promenade")]
            ways = [(servers[0], plain, WRITE), (servers[1], plain, WRITE)]
            if peers.program("VICTORIA_BIN", "victoria-metrics") and a.version == 1:
                servers.append(named(start_victoria(), "victoria-metrics"))
                ways.append((servers[2], plain, WRITE))
            if a.what == "otlp":
                bodies = Bodies("otlp", a.series, a.seconds, start)
                print(f"OTLP: {sum(map(len, bodies.seconds[0])) / a.series:.1f} bytes a sample on the wire")
                servers[0].name += ", remote write"
                ways[1] = (servers[1], bodies, "/api/v1/otlp/v1/metrics")
                if len(ways) > 2:
                    ways[2] = (servers[2], bodies, "/opentelemetry/v1/metrics")
            times = run(ways, a.warm)
            report([server.name for server in servers], times, measured, a.series, times[0])
            for server in servers:
                print(f"{server.name}: {server.took:.1f} s for {a.seconds} s, {memory(server.process):.0f} MiB, "
                      f"{size(server.folder) / a.series / a.seconds:.1f} bytes a sample in its folder")
    finally:
        for server in servers:
            server.stop()


if __name__ == "__main__":
    main()
