"""Requests in OpenTelemetry's protocol, drawn at random: as JSON, and the same as protobuf, with the standard library."""
import base64
import random
import struct

from remote_write import double, field, varint, zigzag

START = 1_700_000_400_000  # milliseconds of the first request: 2023-11-14T22:20:00Z
STEP = 600_000  # between two requests

CONFIGS = {
    "default": dict(),
    "utf8": dict(otlp=["translation_strategy: NoUTF8EscapingWithSuffixes", "promote_resource_attributes: [service.version, deployment.environment, x-y]"]),
    "plain": dict(otlp=["translation_strategy: NoTranslation", "keep_identifying_resource_attributes: true"]),
    "nhcb": dict(otlp=["convert_histograms_to_nhcb: true", "promote_all_resource_attributes: true", "ignore_resource_attributes: [process.pid, _hidden]"]),
    "delta": dict(otlp=["promote_resource_attributes: [host.name]"], features=["otlp-native-delta-ingestion"]),
}


def config(name):
    lines = CONFIGS[name].get("otlp", [])
    return "scrape_configs: []\n" + ("otlp:\n" + "".join(f"  {x}\n" for x in lines) if lines else "")


def flags(name):
    features = ["exemplar-storage", "native-histograms"] + CONFIGS[name].get("features", [])
    return ["--web.enable-otlp-receiver", "--enable-feature=" + ",".join(features), "--storage.tsdb.retention.time=100y"]


# ------------------------------------------------------------------ protobuf
def text(number, value):
    return field(number, 2, value.encode()) if value else b""


def any_value(v):
    if "stringValue" in v:
        return field(1, 2, v["stringValue"].encode())
    if "boolValue" in v:
        return field(2, 0, varint(int(v["boolValue"])))
    if "intValue" in v:
        return field(3, 0, varint(int(v["intValue"])))
    if "doubleValue" in v:
        return field(4, 1, double(number(v["doubleValue"])))
    if "arrayValue" in v:
        return field(5, 2, b"".join(field(1, 2, any_value(x)) for x in v["arrayValue"].get("values", ())))
    if "kvlistValue" in v:
        return field(6, 2, attributes(1, v["kvlistValue"].get("values", ())))
    if "bytesValue" in v:
        return field(7, 2, base64.b64decode(v["bytesValue"]))
    return b""


def attributes(n, items):
    return b"".join(field(n, 2, text(1, x.get("key", "")) + field(2, 2, any_value(x.get("value", {})))) for x in items)


def fixed(n, value):
    return field(n, 1, struct.pack("<Q", int(value) & (1 << 64) - 1))


def number(x):
    return float(x.replace("Infinity", "inf")) if isinstance(x, str) else float(x)


def packed(n, values, write):
    data = b"".join(write(v) for v in values)
    return field(n, 2, data) if data else b""


def exemplar(e):
    out = fixed(2, e.get("timeUnixNano", 0))
    if "asDouble" in e:
        out += field(3, 1, double(number(e["asDouble"])))
    if "asInt" in e:
        out += fixed(6, e["asInt"])
    if e.get("spanId"):
        out += field(4, 2, bytes.fromhex(e["spanId"]))
    if e.get("traceId"):
        out += field(5, 2, bytes.fromhex(e["traceId"]))
    return out + attributes(7, e.get("filteredAttributes", ()))


def point(kind, p):
    times = fixed(2, p.get("startTimeUnixNano", 0)) + fixed(3, p.get("timeUnixNano", 0))
    owns = p.get("attributes", ())
    flags = lambda n: field(n, 0, varint(p["flags"])) if p.get("flags") else b""  # noqa: E731
    examples = lambda n: b"".join(field(n, 2, exemplar(e)) for e in p.get("exemplars", ()))  # noqa: E731
    total = field(5, 1, double(number(p["sum"]))) if "sum" in p else b""
    if kind in ("gauge", "sum"):
        out = times + examples(5) + attributes(7, owns) + flags(8)
        if "asDouble" in p:
            out += field(4, 1, double(number(p["asDouble"])))
        if "asInt" in p:
            out += fixed(6, p["asInt"])
        return out
    count = fixed(4, p.get("count", 0))
    if kind == "histogram":
        return times + count + total + packed(6, p.get("bucketCounts", ()), lambda v: struct.pack("<Q", int(v))) + \
            packed(7, p.get("explicitBounds", ()), lambda v: double(number(v))) + examples(8) + attributes(9, owns) + flags(10)
    if kind == "exponentialHistogram":
        out = attributes(1, owns) + times + count + total + field(6, 0, zigzag(p.get("scale", 0))) + fixed(7, p.get("zeroCount", 0))
        for n, side in ((8, "positive"), (9, "negative")):
            if side in p:
                b = p[side]
                out += field(n, 2, field(1, 0, zigzag(b.get("offset", 0))) + packed(2, b.get("bucketCounts", ()), lambda v: varint(int(v))))
        return out + flags(10) + examples(11)
    quantiles = b"".join(field(6, 2, field(1, 1, double(number(q["quantile"]))) + field(2, 1, double(number(q["value"])))) for q in p.get("quantileValues", ()))
    return times + count + (total or field(5, 1, double(0.0))) + quantiles + attributes(7, owns) + flags(8)


NUMBERS = dict(gauge=5, sum=7, histogram=9, exponentialHistogram=10, summary=11)


def metric(m):
    out = text(1, m.get("name", "")) + text(2, m.get("description", "")) + text(3, m.get("unit", ""))
    for kind, n in NUMBERS.items():
        if kind in m:
            d = m[kind]
            body = b"".join(field(1, 2, point(kind, p)) for p in d.get("dataPoints", ()))
            if d.get("aggregationTemporality"):
                body += field(2, 0, varint(d["aggregationTemporality"]))
            if d.get("isMonotonic"):
                body += field(3, 0, varint(1))
            out += field(n, 2, body)
    return out


def protobuf(request):
    out = b""
    for r in request["resourceMetrics"]:
        body = field(1, 2, attributes(1, r.get("resource", {}).get("attributes", ())))
        for s in r.get("scopeMetrics", ()):
            scope = s.get("scope", {})
            inner = field(1, 2, text(1, scope.get("name", "")) + text(2, scope.get("version", "")) + attributes(3, scope.get("attributes", ())))
            inner += b"".join(field(2, 2, metric(m)) for m in s.get("metrics", ())) + text(3, s.get("schemaUrl", ""))
            body += field(2, 2, inner)
        out += field(1, 2, body)
    return out


# ------------------------------------------------------------------ drawing
class Generator:
    """Draws requests; what some of them have that newer versions treat otherwise is in `odd`."""
    NAMES = ["http.server.duration", "requests", "requests_total", "system.cpu.utilization", "memory.usage.bytes", "a..b__c", "2xx.count", "_private",
             "jvm:gc:time", "disk-io", "queue.länge", "total.requests", "ratio_of_ratio", "x.seconds", "cpu_seconds_total", "rate.per.second", "UPPER.Case",
             "per_minute.things", "m", "http.client.request.size"]
    UNITS = ["", "1", "s", "ms", "By", "By/s", "{request}", "{request}/s", "%", "Cel", "m/s", "KiBy", "GBy", "count", "1/s", "requests/m", "d", "mo/y",
             "kg/m^2", "_odd_", "{a}b", " s ", "V", "/s", "s/", "a/b/c", "total", "seconds"]
    KEYS = ["http.method", "http_method", "code", "2nd", "_x", "__y", "a-b", "a.b", "a_b", "job", "instance", "le", "quantile", "größe", "service.version", "UPPER",
            "otel.scope", "x:y"]
    RESOURCE = ["service.version", "host.name", "deployment.environment", "process.pid", "x-y", "_hidden", "telemetry.sdk.name", "cloud.region", "a.b", "a_b"]

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.odd = set()

    def chance(self, p):
        return self.r.random() < p

    def pick(self, *items):
        return self.r.choice(items)

    def value(self, depth=0):
        r = self.r
        kind = r.randrange(12 if depth < 2 else 8)
        if kind < 4:
            return dict(stringValue=r.choice(["GET", "POST", "200", "x y", "ü", "<a&b>", "a;b", '"q"', "line\nend", "v" * 40]))
        if kind == 4:
            return dict(boolValue=r.random() < 0.5)
        if kind == 5:
            return dict(intValue=str(r.choice([0, 1, -1, 200, 2**53 + 1, -(2**63), 2**63 - 1])))
        if kind == 6:
            return dict(doubleValue=r.choice([0.5, 1.0, -2.25, 1e21, 1e-7, 1e20, 123456789.125, 3.0e-5]))
        if kind == 7:
            return dict(stringValue=str(r.randrange(1000)))
        if kind == 8:
            return dict(bytesValue=base64.b64encode(bytes(r.randrange(256) for _ in range(r.randrange(1, 6)))).decode())
        if kind in (9, 10):
            return dict(arrayValue=dict(values=[self.value(depth + 1) for _ in range(r.randrange(4))]))
        return dict(kvlistValue=dict(values=[dict(key=k, value=self.value(depth + 1)) for k in r.sample(["b", "a", "c<d", "ü"], r.randrange(4))]))

    def attributes(self, keys, most):
        return [dict(key=k, value=self.value()) for k in self.r.sample(keys, self.r.randrange(most + 1))]

    def examples(self, now, values):
        out = []
        for v in sorted(values):
            e = dict(timeUnixNano=str(now - self.r.randrange(1000) * 1_000_000))
            if self.chance(0.3):
                e["asInt"] = str(int(v))
            else:
                e["asDouble"] = v
            if self.chance(0.8):
                e["traceId"] = "%032x" % self.r.randrange(1, 1 << 128)
                e["spanId"] = "%016x" % self.r.randrange(1, 1 << 64)
            if self.chance(0.3):
                e["filteredAttributes"] = [dict(key=self.pick("user", "very.long"), value=dict(stringValue="u" * self.pick(3, 60, 120)))]
            out.append(e)
        return out

    def frame(self, now, n):
        p = dict(timeUnixNano=str(now))
        if self.chance(0.7):
            p["startTimeUnixNano"] = str(now - self.r.randrange(1, 600) * 1_000_000_000)
        attributes = self.attributes(self.KEYS, 4) + [dict(key="n", value=dict(intValue=str(n)))]
        p["attributes"] = attributes
        if self.chance(0.04):
            p["flags"] = 1
        return p

    def points(self, kind, now):
        r = self.r
        out = []
        for n in range(r.choice([1, 1, 1, 2, 3])):
            p = self.frame(now, n)
            if kind in ("gauge", "sum"):
                if self.chance(0.4):
                    p["asInt"] = str(r.choice([0, 1, 17, -4, 2**60]))
                elif self.chance(0.95):
                    p["asDouble"] = r.choice([0.0, 0.5, 1e300, -3.75, 42.0, "NaN", "Infinity"]) if kind == "gauge" else r.choice([0.5, 12.0, 1e9])
                if kind == "sum" and self.chance(0.3):
                    p["exemplars"] = self.examples(now, [r.random() for _ in range(r.randrange(1, 3))])
            elif kind == "histogram":
                bounds = sorted(r.sample([0.005, 0.01, 0.1, 0.5, 1.0, 2.5, 10.0, 1e7, 1e22], r.randrange(1, 6)))
                counts = [r.choice([0, 0, 1, 5, 100]) for _ in range(len(bounds) + 1)]
                p.update(count=str(sum(counts)), bucketCounts=[str(c) for c in counts], explicitBounds=bounds)
                if self.chance(0.9):
                    p["sum"] = r.choice([0.0, 1.5, 1234.25]) if sum(counts) else 0.0
                if self.chance(0.3):
                    p["exemplars"] = self.examples(now, [r.choice([0.001, 0.05, 0.7, 5.0, 1e9]) for _ in range(r.randrange(1, 4))])
            elif kind == "exponentialHistogram":
                total = 0
                p["scale"] = r.choice([-4, -1, 0, 1, 3, 8, 9, 12, 20])
                for side in ("positive", "negative"):
                    if self.chance(0.8 if side == "positive" else 0.3):
                        counts = [r.choice([0, 0, 0, 1, 2, 9]) for _ in range(r.randrange(1, 30))]
                        p[side] = dict(offset=r.choice([0, -1, -17, 5, 100, -3]), bucketCounts=[str(c) for c in counts])
                        total += sum(counts)
                zero = r.choice([0, 0, 3])
                p.update(count=str(total + zero), zeroCount=str(zero), sum=r.choice([0.5, 99.0]) if total else 0.0)
                if self.chance(0.2):
                    p["exemplars"] = self.examples(now, [r.random() * 10])
            else:
                p.update(count=str(r.randrange(100)), sum=r.choice([0.0, 7.5]),
                         quantileValues=[dict(quantile=q, value=r.random() * 10) for q in r.sample([0.0, 0.5, 0.9, 0.99, 1.0], r.randrange(4))])
            out.append(p)
        return out

    def metric(self, now, n):
        kind = self.pick("gauge", "gauge", "sum", "sum", "sum", "histogram", "histogram", "exponentialHistogram", "summary")
        m = dict(name=self.pick(*self.NAMES) + self.pick("", f".{n}", f"_{n}"), unit=self.pick(*self.UNITS), description="d")
        d = m[kind] = dict(dataPoints=self.points(kind, now))
        if kind in ("sum", "histogram", "exponentialHistogram"):
            d["aggregationTemporality"] = 2
            if self.chance(0.03):
                d["aggregationTemporality"] = self.pick(0, 1)
                self.odd.add("refused")
        if kind == "sum" and self.chance(0.7):
            d["isMonotonic"] = True
        if self.chance(0.02):
            d["dataPoints"] = []
            self.odd.add("empty")
        return m

    def resource(self, now, i):
        known = [dict(key=k, value=dict(stringValue=v)) for k, v, p in
                 (("service.name", f"svc{i}", 0.9), ("service.namespace", "ns", 0.4), ("service.instance.id", f"i{i}", 0.7)) if self.chance(p)]
        attributes = known + self.attributes(self.RESOURCE, 4)
        self.r.shuffle(attributes)
        scopes = []
        for s in range(self.pick(1, 1, 2)):
            scope = dict(name=self.pick("", "lib", f"lib{s}"), version="1")
            scopes.append(dict(scope=scope, metrics=[self.metric(now, f"{i}{s}{k}") for k in range(self.r.randrange(1, 4))]))
        return dict(resource=dict(attributes=attributes), scopeMetrics=scopes)

    def request(self, number):
        self.odd = set()
        now = (START + number * STEP) * 1_000_000
        return dict(resourceMetrics=[self.resource(now, i) for i in range(self.pick(1, 1, 2))])


# Requests that are wrong in form: (name, headers, body)
def malformed():
    good = protobuf(Generator(3).request(0))
    proto, json_type = "application/x-protobuf", "application/json"
    yield "no-type", {}, good
    yield "other-type", {"Content-Type": "text/plain"}, good
    yield "charset", {"Content-Type": json_type + ";charset=utf-8"}, b"{}"
    yield "deflate", {"Content-Type": proto, "Content-Encoding": "deflate"}, good
    yield "no-gzip", {"Content-Type": proto, "Content-Encoding": "gzip"}, good
    yield "snappy", {"Content-Type": proto, "Content-Encoding": "snappy"}, good
    yield "truncated", {"Content-Type": proto}, good[:-3]
    yield "garbage", {"Content-Type": proto}, b"\xff\xff\xff"
    yield "no-json", {"Content-Type": json_type}, b"{"
    yield "array", {"Content-Type": json_type}, b"[]"
    yield "empty-object", {"Content-Type": json_type}, b"{}"
    yield "empty", {"Content-Type": proto}, b""
    yield "trace-id", {"Content-Type": proto}, protobuf(dict(resourceMetrics=[dict(scopeMetrics=[dict(metrics=[dict(name="t", sum=dict(
        aggregationTemporality=2, dataPoints=[dict(asInt="1", exemplars=[dict(traceId="0102", asInt="1")])]))])])]))
