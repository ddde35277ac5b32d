#!/usr/bin/env python3
"""Sends seeded random queries over seeded data to a real Prometheus and to Promenade, and compares the answers.

    query_differential.py [--count 3000] [--seed 1] [--keep-going]

The Prometheus is taken from PROMETHEUS_BIN or PATH, Promenade from PROMENADE_BIN or the release build. Exits 0 without a
difference, 1 with one, 77 where there is no Prometheus to compare with.
"""
import argparse
import json
import math
import os
import random
import re
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(__file__))
import differences
import peers
import remote_write

STEP = 15_000
COUNT = 240
FEATURES = "--enable-feature=promql-experimental-functions,native-histograms,promql-duration-expr"


# What Prometheus's main answers otherwise than 3.5 is not asked for. No position of an annotation is compared; nor is info() asked for, which reads at
# other times there.
DIFFERENT = differences.pattern("query", "histogram-rates")


# ------------------------------------------------------------------ data
def walk(r, start):
    """Timestamps: every 15 s with a little jitter, some missing."""
    gap = 0
    for i in range(COUNT):
        if gap:
            gap -= 1
            continue
        if r.random() < 0.01:
            gap = r.randrange(1, 30)
        yield start + i * STEP + r.randrange(-3, 4)


def counter(r, start, integers):
    value, out = 0.0, []
    for t in walk(r, start):
        value = 0.0 if r.random() < 0.01 else value + (r.randrange(0, 50) if integers else round(r.random() * 3, 3))
        out.append((t, value))
    return out


def gauge(r, start):
    value, out = r.uniform(-50, 50), []
    for t in walk(r, start):
        value += r.uniform(-5, 5)
        x = r.random()
        v = (math.inf if x < 0.003 else -math.inf if x < 0.006 else math.nan if x < 0.01 else
             remote_write.STALE if x < 0.02 else 0.0 if x < 0.04 else round(value, 2))
        out.append((t, v))
    return out


def classic_histogram(r, labels, start):
    bounds = ["0.1", "0.5", "1.0", "2.5", "10.0", "+Inf"]
    times = list(walk(r, start))
    counts = [0] * len(bounds)
    rows = {b: [] for b in bounds}
    total = []
    for t in times:
        for _ in range(r.randrange(0, 8)):
            counts[min(int(r.expovariate(0.6)), len(bounds) - 1)] += 1
        n = 0
        for b, c in zip(bounds, counts):
            n += c
            rows[b].append((t, float(n)))
        total.append((t, float(n)))
    out = [(dict(labels, __name__="latency_seconds_bucket", le=b), rows[b]) for b in bounds]
    return out + [(dict(labels, __name__="latency_seconds_count"), total)]


def native_histogram(r, start):
    out = []
    positive, negative, zero, total = [0] * 8, [0] * 3, 0, 0.0
    for t in walk(r, start):
        if r.random() < 0.01:
            positive, negative, zero, total = [0] * 8, [0] * 3, 0, 0.0
        for _ in range(r.randrange(0, 12)):
            positive[r.randrange(8)] += 1
            total += r.randrange(1, 9) / 4
        negative[r.randrange(3)] += r.randrange(0, 2)
        zero += r.randrange(0, 3)
        out.append((t, dict(schema=1, zero_threshold=0.001, zero_count=zero, count=sum(positive) + sum(negative) + zero, sum=total,
                            positive=(-2, list(positive)), negative=(0, list(negative)))))
    return out


def make_data(seed, start):
    r = random.Random(seed)
    series = []
    for job in ("api", "web", "db"):
        for i in range(3):
            base = {"job": job, "instance": f"host{i}:9100"}
            for code in ("200", "404", "500"):
                series.append((dict(base, __name__="requests_total", code=code), counter(r, start, True)))
            series.append((dict(base, __name__="cpu_seconds_total", mode="user"), counter(r, start, False)))
            series.append((dict(base, __name__="cpu_seconds_total", mode="idle"), counter(r, start, False)))
            series.append((dict(base, __name__="temperature"), gauge(r, start)))
            series.append((dict(base, __name__="limit"), [(t, 10.0 * (i + 1)) for t in walk(r, start)]))
            if job != "db":
                series += classic_histogram(r, base, start)
                series.append((dict(base, __name__="latency_native"), native_histogram(r, start)))
        series.append((dict(__name__="build_info", job=job, version=f"1.{len(job)}.0"), [(t, 1.0) for t in walk(r, start)]))
    return series


def load(address, series):
    """In order of time, as the head of a Prometheus wants it."""
    rows = [(t, i, v) for i, (_, samples) in enumerate(series) for t, v in samples]
    rows.sort(key=lambda x: x[0])
    for i in range(0, len(rows), 2000):
        by = {}
        for t, n, v in rows[i:i + 2000]:
            by.setdefault(n, []).append((t, v))
        status, body = remote_write.send(address, [(series[n][0], samples) for n, samples in by.items()])
        if status not in (200, 204):
            raise RuntimeError(f"remote write to {address}: {status} {body[:300]!r}")


# ------------------------------------------------------------------ queries
class Generator:
    def __init__(self, seed, now=0):
        self.r = random.Random(seed)
        self.now = now

    def pick(self, *xs):
        return self.r.choice(xs)

    def matchers(self):
        m = [self.pick('job="api"', 'job!="db"', 'job=~"a.*|web"', 'instance=~"host[01].*"', 'code="500"', 'code!~"2.."', 'nope=""',
                       'job=~".+"', 'instance!=""') for _ in range(self.r.randrange(0, 3))]
        return "{" + ",".join(m) + "}" if m else ""

    def modifiers(self):
        x = self.r.random()
        if x < 0.75:
            return ""
        return self.pick(" offset 1m", " offset 90s", " offset -30s", " @ end()", " @ start()", " @ end() offset 2m", " offset 0s", " offset 1h",
                         f" @ {self.now}", f" @ {self.now}.5 offset 5m", " offset 20m @ start()")

    def duration(self):
        return self.pick("15s", "30s", "1m", "2m", "5m", "7m", "20m", "1h", "90s", "1m30s", "2m", "5m", "10 * 6", "1m * 2", "5m - 30s", "14s")

    def selector(self, kind="float"):
        names = {"float": ("requests_total", "cpu_seconds_total", "temperature", "limit", "build_info", "latency_seconds_bucket",
                           "latency_seconds_count", "requests_total", "temperature", "missing"),
                 "counter": ("requests_total", "cpu_seconds_total", "latency_seconds_count", "latency_seconds_bucket"),
                 "histogram": ("latency_native",),
                 "any": ("requests_total", "temperature", "latency_native")}[kind]
        return self.pick(*names) + self.matchers()

    def range_vector(self, kind="float", depth=1):
        if depth > 0 and self.r.random() < 0.2:
            inside = self.vector(depth - 1) if self.r.random() < 0.8 else self.scalar(depth - 1)
            return f"({inside})[{self.pick('2m', '5m', '20m', '17s')}:{self.pick('15s', '30s', '1m', '', '7s', '2m')}]{self.modifiers()}"
        return f"{self.selector(kind)}[{self.duration()}]{self.modifiers()}"

    def scalar(self, depth):
        x = self.r.randrange(6)
        if x == 0 and depth > 0:
            return f"scalar({self.vector(depth - 1)})"
        if x == 1:
            return "time()"
        if x == 2 and depth > 0:
            return f"({self.scalar(depth - 1)} {self.pick('+', '-', '*', '/', '%', '^')} {self.scalar(depth - 1)})"
        return self.pick("0", "1", "2", "0.5", "-1", "10", "1e3", "Inf", "NaN", "pi()")

    def labels(self):
        return ", ".join(self.r.sample(["job", "instance", "code", "mode", "le"], self.r.randrange(0, 3)))

    def aggregate(self, depth):
        clause = self.pick("", f"by ({self.labels()}) ", f"without ({self.labels()}) ", f"by ({self.labels()}) ")
        op = self.pick("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile",
                       "count_values", "sum", "sum", "avg", "limitk", "limit_ratio")
        if op == "limitk":
            return f"limitk {clause}({self.pick('1', '2', '5', '0', '-1', '1e3')}, {self.selector('any')})"
        if op == "limit_ratio":
            return f"limit_ratio {clause}({self.pick('0.3', '0.5', '-0.5', '1', '0', '-1', '2')}, {self.vector(depth - 1)})"
        if op in ("topk", "bottomk"):  # of values that are not equal: which of equal ones is taken, Prometheus leaves open
            arg = f"{self.selector('counter')} + {self.r.random():.3f} * on (instance, job) group_left () temperature"
        else:
            arg = self.vector(depth - 1)
        if op in ("topk", "bottomk"):
            return f"{op} {clause}({self.pick('1', '2', '3', '0')}, {arg})"
        if op == "quantile":
            return f"quantile {clause}({self.pick('0', '0.5', '0.9', '1', '-1', '2')}, {arg})"
        if op == "count_values":
            return f'count_values {clause}("value", {self.pick("limit", "build_info", "round(temperature, 10)")})'
        return f"{op} {clause}({arg})"

    def call(self, depth):
        x = self.r.randrange(14)
        if x == 12:
            v = self.vector(depth - 1)
            return self.pick(f'sort({v})', f'label_join({v}, "both", "-", "job", "nope")', f"floor({v})")
        if x == 13:
            v = self.vector(depth - 1)
            return self.pick(f'sort_by_label({v}, "instance", "job")', f'sort_by_label_desc({v}, "job")', f"scalar({v}) + {self.selector()}",
                             f"vector({self.scalar(1)})", f"year({v})", f"month({v})", f"day_of_year({v})", f"day_of_month({v})",
                             f"absent({self.selector('any')})", f"histogram_quantile(scalar({v}), rate(latency_seconds_bucket[5m]))",
                             f"quantile_over_time(scalar({v}), {self.range_vector('float', depth)})", f"clamp({v}, 5, 1)", f"round({v}, 0)")
        if x < 4:
            f = self.pick("rate", "increase", "irate", "delta", "idelta", "resets", "changes", "deriv")
            return f"{f}({self.range_vector(self.pick('counter', 'counter', 'float'), depth)})"
        if x < 6:
            f = self.pick("avg", "min", "max", "sum", "count", "last", "last", "present", "stddev", "stdvar", "mad", "ts_of_max",
                          "ts_of_min", "ts_of_last")
            return f"{f}_over_time({self.range_vector(self.pick('float', 'any'), depth)})"
        if x == 6:
            return self.pick(f"quantile_over_time({self.pick('0.1', '0.5', '1', '-0.5')}, {self.range_vector('float', depth)})",
                             f"predict_linear({self.range_vector('float', depth)}, {self.pick('60', '-600')})",
                             f"absent_over_time({self.range_vector('float', depth)})",
                             f"double_exponential_smoothing({self.range_vector('float', depth)}, 0.3, 0.6)")
        if x == 7:
            f = self.pick("abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "sin", "cos", "tan", "atan", "sinh", "cosh",
                          "tanh", "asin", "acos", "asinh", "acosh", "atanh", "rad", "deg", "timestamp", "absent", "minute", "hour", "day_of_week", "days_in_month", "sort", "sort_desc")
            return f"{f}({self.vector(depth - 1)})"
        if x == 8:
            v = self.vector(depth - 1)
            return self.pick(f"clamp({v}, {self.scalar(0)}, {self.scalar(0)})", f"clamp_min({v}, {self.scalar(0)})",
                             f"clamp_max({v}, {self.scalar(0)})", f"round({v}, {self.pick('1', '5', '0.1')})", f"round({v})")
        if x == 9:
            v = self.vector(depth - 1)
            return self.pick(f'label_replace({v}, "host", "$1", "instance", "(.*):.*")', f'label_join({v}, "both", "-", "job", "instance")',
                             f'label_replace({v}, "job", "", "job", ".*")', f'label_replace({v}, "x", "${{1}}y", "nope", "(.*)")')
        if x == 10:
            q = self.pick("0.5", "0.9", "0", "1", "-1", "1.5", "NaN")
            return self.pick(f"histogram_quantile({q}, rate(latency_seconds_bucket{self.matchers()}[{self.duration()}]))",
                             f"histogram_quantile({q}, sum by (le, job) (rate(latency_seconds_bucket[5m])))",
                             f"histogram_quantile({q}, latency_native{self.matchers()})",
                             f"histogram_quantile({q}, sum by (job) (irate(latency_native[5m])))",
                             f"histogram_fraction(0.2, 1.5, {self.histogram(depth - 1)})",
                             f"histogram_{self.pick('avg', 'count', 'sum', 'stddev', 'stdvar')}({self.histogram(depth - 1)})")
        return self.pick("vector(1)", "vector(time())", f"-{self.selector()}", f"(({self.vector(depth - 1)}))")

    def histogram(self, depth):
        s = self.selector("histogram")
        return self.pick(s, f"irate({s}[{self.duration()}])", f"idelta({s}[{self.duration()}])", f"sum by (job) ({s})", f"{s} * 2",
                         f"{s} + on(job, instance) {self.selector('histogram')}", f"avg_over_time({s}[5m])",
                         f"sum_over_time({s}[2m])", f"-{s}", f"{s} - {s} offset 1m", f"{s} / 4", f"avg({s})")

    def binary(self, depth):
        left, right = self.vector(depth - 1), self.vector(depth - 1)
        x = self.r.randrange(8)
        if x < 2:
            return f"{left} {self.pick('+', '-', '*', '/', '%', '^', '>', '<=', '== bool', '!=', 'atan2')} {self.scalar(depth - 1)}"
        if x == 2:
            return f"{self.scalar(depth - 1)} {self.pick('+', '-', '*', '/', '>', '< bool')} {right}"
        match = self.pick("", "", f"on ({self.labels()}) ", f"ignoring ({self.labels()}) ")
        if x < 5:
            return f"{left} {self.pick('and', 'or', 'unless')} {match}{right}"
        group = self.pick("", "group_left ", "group_right ", "group_left (version) ") if match else ""
        if self.r.random() < 0.4:
            return f"{self.pick('requests_total', 'temperature')} {self.pick('*', '+', '>')} on (job) group_left (version) build_info"
        return f"{left} {self.pick('+', '-', '*', '/', '>', '== ', '>= bool')} {match}{group}{right}"

    def vector(self, depth):
        if depth <= 0:
            return self.selector(self.pick("float", "float", "float", "histogram")) + self.modifiers()
        x = self.r.random()
        if x < 0.3:
            return self.call(depth)
        if x < 0.55:
            return self.aggregate(depth)
        if x < 0.75:
            return f"({self.binary(depth)})"
        if x < 0.8:
            return self.histogram(depth - 1)
        return self.selector() + self.modifiers()

    def query(self):
        while True:
            q = self.any_query()
            if not re.search(DIFFERENT, q):
                return q

    def any_query(self):
        x = self.r.random()
        if x < 0.03:
            return self.range_vector()
        if x < 0.06:
            return self.scalar(2)
        return self.vector(self.r.randrange(1, 4))


# ------------------------------------------------------------------ comparison
TOLERANCE = 1e-11


def same_number(a, b):
    if a == b:
        return True
    x, y = float(a), float(b)
    if math.isnan(x) or math.isnan(y) or math.isinf(x) or math.isinf(y):
        return math.isnan(x) and math.isnan(y)
    return abs(x - y) <= TOLERANCE * max(abs(x), abs(y), 1e-3)


def same(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, str) and isinstance(b, str):
        if a == b:
            return True
        try:
            return same_number(a, b)
        except ValueError:
            return False
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return same_number(a, b)
    return a == b


def where(a, b, path=""):
    """The first place at which two answers differ."""
    if same(a, b):
        return None
    if isinstance(a, dict) and isinstance(b, dict):
        for k in list(a) + [k for k in b if k not in a]:
            if k not in a or k not in b:
                return f"{path}.{k}: {json.dumps(a.get(k))} / {json.dumps(b.get(k))}"
            if not same(a[k], b[k]):
                return where(a[k], b[k], f"{path}.{k}")
    if isinstance(a, list) and isinstance(b, list):
        for i, (x, y) in enumerate(zip(a, b)):
            if not same(x, y):
                return where(x, y, f"{path}[{i}]")
        return f"{path}: {len(a)} / {len(b)} entries"
    return f"{path}: {json.dumps(a)} / {json.dumps(b)}"


def comparable(answer, ordered):
    d = answer.get("data") or {}
    if d.get("resultType") in ("vector", "matrix"):
        if ordered:  # among equal values the order is not defined
            d["order"] = [s["value"][1] for s in d["result"] if "value" in s]
        d["result"].sort(key=lambda s: sorted(s["metric"].items()))
    for k in ("warnings", "infos"):
        kept = sorted({re.sub(r" \(\d+:\d+\)$", "", x) for x in answer.pop(k, []) if not re.search(differences.ANNOTATIONS, x)})
        if any("omitted" in x for x in kept):  # more than ten: which of them are told is not defined
            kept = [len(kept)]
        if kept:
            answer[k] = kept
    if "error" in answer:  # which group and series it names depends on an order that Prometheus does not define
        answer["error"] = answer["error"].replace('"<Item 57400>" ', "")  # 3.5 has no name for the token `@`
        for pattern, replacement in differences.ERRORS:
            answer["error"] = re.sub(pattern, replacement, answer["error"])
    return answer


def ask(address, path, parameters):
    status, _, body = peers.get(address, path + "?" + urllib.parse.urlencode(parameters))
    try:
        return status, json.loads(body)
    except ValueError:
        return status, {"notJSON": body.decode(errors="replace")}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--count", type=int, default=3000)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--keep-going", action="store_true", help="do not stop at the twentieth difference")
    ap.add_argument("--tolerance", type=float, default=1e-11, help="relative; of sums whose order is not defined")
    a = ap.parse_args()
    global TOLERANCE
    TOLERANCE = a.tolerance
    prometheus = peers.program("PROMETHEUS_BIN", "prometheus")
    if not prometheus:
        print("no prometheus to compare with; set PROMETHEUS_BIN")
        sys.exit(77)
    start = (int(time.time()) - 4000) // 60 * 60_000
    data = make_data(a.seed, start)
    found = errors = empty = 0
    with peers.start_prometheus(prometheus, flags=[FEATURES]) as real, \
            peers.start_promenade(peers.promenade(), flags=[FEATURES]) as ours:
        for server in (real, ours):
            load(server.address, data)
        g = Generator(a.seed, start // 1000 + COUNT * STEP // 2000)
        for n in range(a.count):
            q = g.query()
            TOLERANCE = 1e-6 if re.search("stddev|stdvar", q) else a.tolerance  # what is lost there depends on the order most
            if g.r.random() < 0.5:
                t = start + g.r.randrange(0, COUNT * STEP + 400_000)
                path, parameters = "/api/v1/query", dict(query=q, time=f"{t / 1000:.3f}")
            else:
                t = start + g.r.randrange(0, COUNT * STEP // 2)
                path, parameters = "/api/v1/query_range", dict(
                    query=q, start=f"{t / 1000:.3f}", end=f"{(t + g.r.randrange(0, 1_800_000)) / 1000:.3f}", step=g.pick("15", "17.5", "60", "5m"))
            ordered = path == "/api/v1/query" and q.startswith(("sort(", "sort_desc("))
            want, got = (ask(s.address, path, parameters) for s in (real, ours))
            errors += want[0] != 200
            empty += want[0] == 200 and not want[1]["data"]["result"]
            if want[0] != got[0] or not same(comparable(want[1], ordered), comparable(got[1], ordered)):
                found += 1
                print(f"--- difference {found}: {path}?{urllib.parse.urlencode(parameters)}\n    {q}")
                print("  prometheus / promenade:", (where(want[1], got[1]) or f"{want[0]} / {got[0]}")[:800], flush=True)
                if found == 20 and not a.keep_going:
                    break
        print(f"{n + 1} queries ({errors} refused, {empty} empty), {found} differences")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
