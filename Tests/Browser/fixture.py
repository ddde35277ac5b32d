"""A target that shows what the demo server does not: a counter that falls, a series that comes and goes, exemplars, native
histograms, markup in label values and help texts, and a body with mistakes. Each path is a target of its own; one that is read
moves on by one step, so that what a test finds depends on the scrapes and not on the clock.
"""

import http.server
import math
import random
import struct
import threading
import time

EVIL = '<script>window.pwned=1</script><img src=x onerror="window.pwned=1">'
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5]
RESET_EVERY, FLICKER = 8, 3


def ups_and_downs(step):
    """A counter that begins anew every few scrapes, and a gauge that is exposed for some scrapes and then not."""
    body = f"# HELP fixture_jobs_total Jobs done since the last restart.\n# TYPE fixture_jobs_total counter\nfixture_jobs_total {step % RESET_EVERY * 3 + 1}\n"
    body += f"# HELP fixture_steady A gauge that is always there.\n# TYPE fixture_steady gauge\nfixture_steady {10 + 5 * math.sin(step / 5):.3f}\n"
    if step // FLICKER % 2 == 0:
        body += f"# HELP fixture_flicker A gauge that comes and goes.\n# TYPE fixture_flicker gauge\nfixture_flicker {5 + step % 4}\n"
    return TEXT, body.encode()


class Latencies:
    """Requests whose duration drifts, as a classic histogram with exemplars and as a native one."""

    def __init__(self):
        self.random = random.Random(7)
        self.classic, self.count, self.sum, self.native = [0] * (len(BOUNDS) + 1), 0, 0.0, {}

    def step(self, step):
        centre = math.log(0.25 + 0.15 * math.sin(step / 15))
        seen = [self.random.lognormvariate(centre, 0.5) for _ in range(20)]
        for one in seen:
            self.count += 1
            self.sum += one
            self.classic[sum(one > bound for bound in BOUNDS)] += 1
            index = math.ceil(math.log2(one) * 8)
            self.native[index] = self.native.get(index, 0) + 1
        return seen

    def openmetrics(self, step):
        seen, now = self.step(step), time.time()
        lines = ["# HELP fixture_latency_seconds How long requests took.", "# TYPE fixture_latency_seconds histogram", "# UNIT fixture_latency_seconds seconds"]
        total = 0
        for i, bound in enumerate([*map(str, BOUNDS), "+Inf"]):
            total += self.classic[i]
            mine = [one for one in seen if sum(one > each for each in BOUNDS) == i]
            exemplar = f' # {{trace_id="trace-{step}-{i}"}} {mine[0]:.4f} {now:.3f}' if mine else ""
            lines.append(f'fixture_latency_seconds_bucket{{le="{bound}"}} {total}{exemplar}')
        lines += [f"fixture_latency_seconds_sum {self.sum:.4f}", f"fixture_latency_seconds_count {self.count}", "# EOF"]
        return OPENMETRICS, ("\n".join(lines) + "\n").encode()

    def protobuf(self, step):
        self.step(step)
        low, high = min(self.native), max(self.native)
        counts = [self.native.get(index, 0) for index in range(low, high + 1)]
        deltas = [b - a for a, b in zip([0, *counts], counts)]
        histogram = field(1, self.count) + field(2, self.sum) + field(5, zigzag(3)) + field(6, 1e-9) + field(7, 0)
        histogram += field(12, field(1, zigzag(low)) + field(2, len(counts))) + field(13, b"".join(varint(zigzag(one)) for one in deltas))
        family = field(1, b"fixture_native_seconds") + field(2, b"How long requests took, in native buckets.") + field(3, 4) + field(4, field(7, histogram))
        return PROTOBUF, varint(len(family)) + family


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def zigzag(number):
    return number << 1 if number >= 0 else (-number << 1) - 1


def field(number, value):
    """A field of a protobuf message: bytes, a double, or an unsigned number."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    return varint(number << 3) + varint(value)


def markup(_):
    escaped = EVIL.replace("\\", "\\\\").replace('"', '\\"')
    return TEXT, f'# HELP fixture_markup {EVIL}\n# TYPE fixture_markup gauge\nfixture_markup{{evil="{escaped}"}} 1\n'.encode()


def mistakes(_):
    return TEXT, b"# HELP fixture_fine A line without a mistake.\n# TYPE fixture_fine gauge\nfixture_fine 1\nfixture_requests 3\nfixture_broken{a=} 1\n"


class Fixture:
    """The server; `address` is where it listens on loopback."""

    def __init__(self):
        latencies, native = Latencies(), Latencies()
        paths = {"/ups": ups_and_downs, "/exemplars": latencies.openmetrics, "/native": native.protobuf, "/markup": markup, "/mistakes": mistakes}
        steps = dict.fromkeys(paths, -1)
        lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.split("?")[0]
                if path not in paths:
                    return self.send_error(404)
                with lock:
                    steps[path] += 1
                    kind, body = paths[path](steps[path])
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def history(end, demo, seconds=3600, step=5):
    """An hour of the demo server's figures before `end`, as OpenMetrics with timestamps: requests in waves, one restart, one outage."""
    chance, requests, errors = random.Random(3), 0.0, 0.0
    counted, failed, alive = [], [], []
    for i in range(seconds // step):
        at, share = end - seconds + i * step, i * step / seconds
        if abs(share - 0.62) < 0.0006:
            requests = errors = 0.0
        rate = 5 + 2 * math.sin(share * 14) + 0.9 * math.sin(share * 47) + chance.uniform(-0.4, 0.4)
        bad = 0.33 if not 0.3 < share < 0.38 else 0.7
        requests += rate * step
        errors += rate * step * bad * chance.uniform(0.8, 1.2)
        out = 0.80 < share < 0.91
        alive.append(f'up{{instance="{demo}",job="demo"}} {int(not out)} {at}')
        if not out:
            counted.append(f'request_count_total{{instance="{demo}",job="demo"}} {round(requests)} {at}')
            failed.append(f'request_error_count_total{{instance="{demo}",job="demo"}} {round(errors)} {at}')
    return "\n".join(["# TYPE request_count counter", *counted, "# TYPE request_error_count counter", *failed, "# TYPE up gauge", *alive, "# EOF", ""])
