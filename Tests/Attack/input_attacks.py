"""What is sent to be read: pushes, remote writes, OTLP, configurations."""
import os
import random
import tempfile
import time

from attack import attack
from stack import WATCHED, Stack, Watch, check, in_parallel, in_time, until
from wire import WRITE2, field, native, series, stored, varint, write


@attack("hostile remote writes", "refused with 4xx, nothing of them seen; others within 100 ms, scrapes in time", short=True)
def writes(short):
    now = int(time.time() * 1000)
    long = "x" * (1 << 20)
    good = series([("__name__", "good"), ("a", "b")], [(1.0, now)])
    bodies = {
        "no snappy": good, "empty block": b"", "a length alone": b"\xff\xff\xff\xff\x0f", "half": stored(good)[:-5],
        "no name": stored(series([("a", "b")], [(1.0, now)])), "empty name": stored(series([("__name__", "")], [(1.0, now)])),
        "names twice": stored(series([("__name__", "x"), ("a", "1"), ("a", "2")], [(1.0, now)])),
        "no UTF-8": stored(series([("__name__", b"\xff\xfe")], [(1.0, now)])), "far future": stored(series([("__name__", "x")], [(1.0, 1 << 62)])),
        "far past": stored(series([("__name__", "x")], [(1.0, -(1 << 62))])), "negative length": stored(b"\x0a" + varint(-1)),
        "length beyond": stored(b"\x0a\xff\xff\xff\x7f"), "group": stored(b"\x0b" * 100_000), "field 0": stored(b"\x02\x00"),
        "varint of 11 bytes": stored(b"\x08" + b"\xff" * 11), "text": stored(b"a 1\n" * 1000),
    }
    bodies2 = {
        "symbol beyond": stored(field(5, field(1, varint(1) + varint(999_999)) + field(2, field(1, 1.0, 1) + field(2, now, 0)))),
        "odd references": stored(field(4, "") + field(5, field(1, varint(0)))), "noise": stored(random.Random(3).randbytes(100_000)),
        "no first symbol": stored(field(4, "x") + field(5, field(1, varint(0) + varint(0)))),
    }
    taken = {"100,000 labels": series([("__name__", "many")] + [(f"l{index:06}", "x") for index in range(100_000)], [(1.0, now)]),
             "a value of a megabyte": series([("__name__", "long"), ("a", long)], [(1.0, now)]),
             "100,000 samples of one time": series([("__name__", "same")], [(float(index), now) for index in range(100_000)]),
             "20,000 series": b"".join(series([("__name__", f"s{index}")], [(1.0, now)]) for index in range(20_000))}
    with Stack("--web.enable-remote-write-receiver", config=WATCHED) as stack:
        before = stack.forget_peak()
        with Watch(stack) as watch:
            for name, body in bodies.items():
                status, _, text = write(stack, body)
                check(400 <= status < 500 and text, f"{name}: {status} {text[:100]!r}")
            for name, body in bodies2.items():
                status, _, text = write(stack, body, WRITE2)
                check(400 <= status < 500 and text, f"{name}: {status} {text[:100]!r}")
            for name, body in taken.items():
                status = write(stack, stored(body))[0]
                check(status in (200, 204, 400), f"{name}: {status}")
            check(write(stack, stored(good))[0] == 204, "a good one is not taken any more")
            seen = watch.seen()
            gap = watch.scrapes()
        check(stack.result('good{a="b"}'), "the good one is not there")
        check(not stack.result('x'), "a refused one is there")
        grown = stack.memory()[1] - before
        check(grown < 400, f"{grown:.0f} MB")
        return f"{len(bodies) + len(bodies2)} refused, {len(taken)} large, {grown:.0f} MB, {seen}, {gap}"


@attack("hostile histograms", "refused with 400 or taken; whatever asks for them ends, and they do not end the process, after a start either", short=True)
def histograms(short):
    least, greatest = -(1 << 31), (1 << 31) - 1
    tried = [(schema, spans, deltas, total) for schema in (-4, 3, 8) for spans, deltas, total in [
        ([(least, 1)], [1], 1.0), ([(greatest, 1)], [1], 1.0), ([(greatest, 1)] * 3, [1, -1, 1], 1.0), ([(least, 1), (greatest, 1), (greatest, 1)], [1, 0, 0], 1.0),
        ([(least, 1), (5, 1), (5, 1)], [1, 0, 0], -2.0 ** 63), ([(greatest - 1, 3)], [1, 0, 0], 1.0), ([(0, 1)], [1], -2.0 ** 63)]]
    asked = ("sum(h)", "avg(h)", "rate(h[1h])", "h + h", "h / 2", "h >/ 1", "histogram_quantile(0.5, h)", "sum(h + on() group_left() g)", "histogram_stddev(h)")
    told = {}
    with tempfile.TemporaryDirectory() as folder:
        for attempt in range(2):
            with Stack("--web.enable-remote-write-receiver", "--query.timeout=5s", "--enable-feature=promql-experimental-functions", config=WATCHED, folder=folder) as stack:
                before = stack.forget_peak()
                now = int(time.time() * 1000) - 30_000
                check(write(stack, stored(native("g", [], now, -4, [(0, 1)], [1], 1.0)))[0] == 204, "a good one is not taken")
                for index, (schema, spans, deltas, total) in enumerate(tried):
                    status = write(stack, stored(native("h", [("n", str(index))], now, schema, spans, deltas, total)))[0]
                    check(status in (204, 400), f"{schema} {spans}: {status}")
                    told[status] = told.get(status, 0) + 1
                for query in asked:
                    began = time.monotonic()
                    status, _ = stack.query(query, time=now / 1000 + 5)
                    check(status in (200, 422), f"{query}: {status}")
                    in_time(time.monotonic() - began, 6, query)
                grown = stack.memory()[1] - before
                check(grown < 300, f"{grown:.0f} MB")
    return f"{told}, {len(asked)} queries, {grown:.0f} MB"


@attack("hostile pushes", "refused with 4xx, the other groups untouched; others within 100 ms", short=True)
def hostile_pushes(short):
    long = "x" * 100_000
    noise = random.Random(5).randbytes(1 << 20)
    bodies = [b"a{", b"a 1", b"a{b=\"", b"\0" * 100_000, noise, b"a 1\na 1\n", b"# TYPE a counter\n# TYPE a gauge\na 1\n", b"a{job=\"x\",job=\"y\"} 1\n",
              b"a 1 1\n", b"{" * 100_000, b"a{" + b"," * 100_000 + b"} 1\n", b"# HELP " * 100_000, b"a 1e99999999999\n" * 3 + b"b", b"\xff\xfe 1\n",
              b"a{b=\"\xff\"} 1\n", b"push_time_seconds 1\n", b"# TYPE a histogram\na_bucket{le=\"x\"} 1\n", b"a nan nan\n"]
    paths = ["/metrics/job/", "/metrics/job", "/metrics/job/x/y", "/metrics/job/x/job/y", "/metrics/job/x/a/b/a/c", "/metrics/job/x/1a/b", "/metrics/job@base64/!",
             "/metrics/job@base64/" + "A" * 3, "/metrics/job/x/__a__/b", "/metrics/job/%ff", "/metrics/job/x/%00/y"]
    with Stack("--pushgateway.enable-admin-api", config=WATCHED) as stack:
        before = stack.forget_peak()
        stack.request("/metrics/job/kept", "PUT", b"kept 1\n", server="pushgateway")
        told = {}
        with Watch(stack) as watch:
            for body in bodies:
                for kind in ("text/plain", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"):
                    status = stack.request("/metrics/job/x", "PUT", body, {"Content-Type": kind}, "pushgateway")[0]
                    check(status in (200, 400), f"{body[:30]!r}: {status}")
                    told[status] = told.get(status, 0) + 1
            for path in paths:
                status = stack.request(path, "PUT", b"a 1\n", server="pushgateway")[0]
                check(400 <= status < 500 or status in (200, 307), f"{path}: {status}")
            for path in ("/metrics/job/" + long, "/metrics/job/x" + "".join(f"/l{index}/v" for index in range(20_000))):
                status = stack.request(path, "PUT", b"a 1\n", server="pushgateway")[0]
                check(status in (200, 400, 414, 431), f"a long path: {status}")
                stack.request(path, "DELETE", server="pushgateway")
            for index in range(500 if short else 5000):
                stack.request(f"/metrics/job/g{index}", "PUT", b"a 1\n", server="pushgateway")
            seen = watch.seen()
            gap = watch.scrapes()
        check(b'kept{instance="",job="kept"} 1' in stack.request("/metrics", server="pushgateway")[2], "another group is gone")
        return f"{told}, {stack.memory()[1] - before:.0f} MB, {seen}, {gap}"


PROTOBUF = {"Content-Type": "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"}


@attack("pushes of many metrics", "500,000 families (--short: 100,000), a dry run, other labels, as many equal metrics in protobuf, a short one that is refused, deleted: others of all servers within 100 ms, "
        "scrapes in time", short=True)
def many_metrics(short):
    count = 100_000 if short else 500_000
    text = b"".join(b"m%d 1\n" % number for number in range(count))
    others = b"".join(b"m%d{a=\"b\"} 1\n" % number for number in range(count))
    # Short, and refused: what it contradicts is looked for in all groups.
    twice = b"".join(b"m%d 1\nm%d 1\n" % (number, number) for number in range(150))
    equal = field(1, "a") + b"\x18\x01" + field(4, "") * count
    # Not the Pushgateway, whose page of 500,000 series nobody reads in a second.
    with Stack(config=WATCHED.replace("9091", "9090")) as stack:
        with Watch(stack) as watch:
            told = []
            for path, method, body, headers, statuses in (
                    ("/metrics/job/a?dry_run=1", "PUT", text, {}, (200,)), ("/metrics/job/a", "PUT", text, {}, (200,)),
                    ("/metrics/job/a", "PUT", text, {}, (200,)), ("/metrics/job/a", "PUT", others, {}, (200,)),
                    ("/metrics/job/b", "PUT", twice, {}, (400,)), ("/metrics/job/b", "PUT", varint(len(equal)) + equal, PROTOBUF, (400,)),
                    ("/metrics", "GET", None, {}, (200,)), ("/metrics/job/a", "DELETE", None, {}, (202,))):
                begin = time.monotonic()
                status = stack.request(path, method, body, headers, "pushgateway")[0]
                check(status in statuses, f"{method} {path}: {status}")
                told.append(time.monotonic() - begin)
            seen = watch.seen()
            gap = watch.scrapes()
        return f"{max(told):.1f} s at most, {seen}, {gap}"


@attack("messages that become much at once", "24 each of remote writes, OTLP and pushes whose few KB name one long text for all series: 400 or 503, 2 GB at most, others within 100 ms",
        short=True)
def much_at_once(short):
    now, long = int(time.time() * 1000), "Z" * 500_000
    symbols = b"".join(field(4, text) for text in ("", "__name__", "n", "a", long))
    samples = b"".join(field(5, field(1, b"\1\2\3\4") + field(2, field(1, 1.0, 1) + field(2, now + index, 0))) for index in range(20_000))
    points = b"".join(field(1, field(4, 1.0, 1) + field(7, field(1, "i") + field(2, field(3, index, 0)))) for index in range(1000))
    resource = field(1, field(1, "service.name") + field(2, field(1, long)))
    metrics = field(1, field(1, resource) + field(2, field(2, field(1, "m") + field(5, points))))
    family = field(1, "a") + b"\x18\x01" + field(4, "") * 400_000
    kinds = {
        "remote write": lambda: write(stack, stored(symbols + samples), WRITE2)[0],
        "OTLP": lambda: stack.request("/api/v1/otlp/v1/metrics", "POST", metrics, {"Content-Type": "application/x-protobuf"})[0],
        "push": lambda: stack.request("/metrics/job/x", "PUT", varint(len(family)) + family, PROTOBUF, "pushgateway")[0],
    }
    found = []
    for name, send in kinds.items():
        with Stack("--web.enable-remote-write-receiver", "--web.enable-otlp-receiver", config=WATCHED) as stack:
            with Watch(stack) as watch:
                statuses = in_parallel(24, lambda _: send())
                seen = watch.seen()
                gap = watch.scrapes()
            check(set(statuses) <= {400, 503}, f"{name}: {set(statuses)}")
            peak = stack.memory()[1]
            check(peak < 2048, f"{name}: {peak:.0f} MB")
            found.append(f"{name} {peak:.0f} MB, {seen}, {gap}")
    return "; ".join(found)


@attack("hostile OTLP", "refused with 4xx in protobuf and JSON; others within 100 ms", short=True)
def otlp(short):
    nested = b""
    for _ in range(5000):
        nested = field(5, field(1, nested))
    deep = field(1, field(2, field(2, field(7, field(1, field(7, field(1, "a") + field(2, nested)))))))
    bodies = [(b"{" * 100_000, "json"), (b"[" * 100_000, "json"), (b'{"resourceMetrics":[' + b"[" * 10_000, "json"), (b'{"resourceMetrics":{}}', "json"),
              (b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"x","gauge":{"dataPoints":[{"asDouble":"x"}]}}]}]}]}', "json"),
              (b'"' + b"\\" * 100_001, "json"), (b"1e" + b"9" * 100_000, "json"), (random.Random(7).randbytes(1 << 18), "x-protobuf"),
              (b"\x0a" + varint(-1), "x-protobuf"), (deep, "x-protobuf"), (b"\x0b" * 100_000, "x-protobuf")]
    with Stack("--web.enable-otlp-receiver", config=WATCHED) as stack:
        before = stack.forget_peak()
        told = {}
        with Watch(stack) as watch:
            for body, kind in bodies:
                status, _, text = stack.request("/api/v1/otlp/v1/metrics", "POST", body, {"Content-Type": "application/" + kind})
                check(200 <= status < 500, f"{body[:30]!r}: {status}")
                told[status] = told.get(status, 0) + 1
            seen = watch.seen()
        check(told.get(200, 0) <= 2, f"{told}")
        return f"{told}, {stack.memory()[1] - before:.0f} MB, {seen}"


def configurations():
    aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{index}: &a{index} [{', '.join(['*a' + str(index - 1)] * 9)}]\n" for index in range(1, 10))
    job = "scrape_configs:\n  - job_name: x\n    static_configs: [{targets: [%s]}]\n"
    return {
        "aliases that multiply": aliases + "scrape_configs: *a9\n", "an alias to itself": "scrape_configs: &a [*a]\n",
        "10,000 brackets": "scrape_configs: " + "[" * 10_000 + "]" * 10_000, "no UTF-8": "scrape_configs: [\udcff\udcfe]\n", "NUL": "scrape_configs: \0\n",
        "a tab": "global:\n\tscrape_interval: 1s\n", "a key twice": "global: {}\nglobal: {}\n", "unknown": "global: {nothing: 1}\n",
        "a list": "- a\n", "a number": "42\n", "a negative interval": "global: {scrape_interval: -1s}\n",
        "an enormous interval": "global: {scrape_interval: 999999999999y}\n", "a timeout beyond": "global: {scrape_interval: 1s, scrape_timeout: 2s}\n",
        "a bad expression": "scrape_configs: [{job_name: x, relabel_configs: [{regex: '('}]}]\n",
        "a huge expression": "scrape_configs: [{job_name: x, relabel_configs: [{regex: '((a{1000}){1000}){1000}'}]}]\n",
        "a job twice": (job % "'a:1'") + "  - job_name: x\n", "a line of 10 MB": "# " + "x" * (10 << 20) + "\nglobal: {nothing: 1}\n",
        "a scheme": job % "'http://x/'", "a fifo": "rule_files: ['%s']\nglobal: {nothing: 1}\n",
        "an enormous number": "scrape_configs: [{job_name: x, sample_limit: 99999999999999999999999}]\n", "merge keys": "<<: {a: 1}\n",
        "a binary tag": "global: !!binary aaaa\n",
    }


@attack("hostile configurations", "each is refused with file and line and changes nothing, at the start and at a reload", short=True)
def configs(short):
    good = WATCHED
    tested = configurations()
    with Stack("--web.enable-lifecycle", config=good) as stack:
        before = stack.forget_peak()
        accepted = []
        with Watch(stack) as watch:
            for name, text in tested.items():
                with open(stack.config_path, "w", encoding="utf-8", errors="surrogateescape") as file:
                    file.write(text)
                start = time.monotonic()
                status, _, body = stack.request("/-/reload", "POST")
                in_time(time.monotonic() - start, 5, name)
                if status == 200:
                    accepted.append(name)
                else:
                    check(status == 500 and len(body) < 5000 and body, f"{name}: {status} {body[:100]!r}")
            with open(stack.config_path, "w") as file:
                file.write(good)
            check(stack.request("/-/reload", "POST")[0] == 200, "the good one is not taken any more")
            seen = watch.seen()
            gap = watch.scrapes()
        check(not accepted, f"taken: {accepted}")
        grown = stack.memory()[1] - before
        check(grown < 400, f"{grown:.0f} MB")
        return f"{len(tested)} refused, {grown:.0f} MB, {seen}, {gap}"


@attack("hostile rules", "a rule that takes all its time, a template without end: the other rules and scrapes come in time", short=True)
def rules(short):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rules.yml")
        with open(path, "w") as file:
            file.write("groups:\n- name: hostile\n  interval: 1s\n  rules:\n"
                       "  - {record: heavy, expr: 'sum(sum_over_time(m[1h:1s]))'}\n"
                       "  - {record: same, expr: 'label_replace(m, \"a\", \"x\", \"\", \"\")'}\n"
                       "  - alert: A\n    expr: vector(1)\n    annotations:\n      a: '{{ define \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}'\n"
                       "      b: '{{ range query \"m\" }}{{ range query \"m\" }}{{ range query \"m\" }}x{{ end }}{{ end }}{{ end }}'\n"
                       "      c: '{{ printf \"%999999999d\" 1 }}'\n"
                       "- name: other\n  interval: 1s\n  rules:\n  - {record: fine, expr: 'count(up) or vector(0)'}\n")
        with Stack(config=WATCHED + f"rule_files: ['{path}']\n") as stack:
            text = "".join(f'm{{a="{index}"}} {index}\n' for index in range(500))
            stack.request("/metrics/job/filled", "PUT", text.encode(), server="pushgateway")
            before = stack.forget_peak()
            with Watch(stack) as watch:
                until(lambda: stack.result("fine") and stack.result("m"))
                count = 3 if short else 15
                until(lambda: len((stack.result("fine[10m]") or [{"values": []}])[0]["values"]) > count)
                seen = watch.seen()
                gap = watch.scrapes()
            grown = stack.memory()[1] - before
            check(grown < 600, f"{grown:.0f} MB")
            return f"{grown:.0f} MB, {seen}, {gap}"
