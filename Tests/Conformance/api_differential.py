#!/usr/bin/env python3
"""Sends seeded random requests to the query API of a real Prometheus and of Promenade, and compares status, headers and bodies.

    api_differential.py [--count 3000] [--seed 1] [--keep-going] [--only KIND]

Asks for what queries, their parameters, expressions in need of formatting, series and labels look like when they are right, and
more often when they are wrong. Exits 0 without a difference, 1 with one, 77 where there is no Prometheus to compare with.
"""
import argparse
import gzip
import json
import os
import random
import re
import sys
import time
import urllib.parse
import zlib

sys.path.insert(0, os.path.dirname(__file__))
import differences
import peers
import query_differential as queries
import remote_write

# Headers that say the same on every Prometheus.
HEADERS = differences.compared(("Content-Type", "Allow", "Location", "Content-Encoding", "Vary", "Access-Control-Allow-Origin", "Access-Control-Allow-Methods",
           "Access-Control-Allow-Headers", "Access-Control-Expose-Headers", "X-Content-Type-Options", "Cache-Control"))

# What Prometheus keeps in maps and answers in their order; positions of annotations that 3.5 moves.
UNORDERED = differences.pattern("order")
MOVED = differences.pattern("position")


def load_exemplars(address, series, seed):
    """Some exemplars of counters and histograms, in order of time: equal ones, old ones, with odd labels, and without."""
    r = random.Random(seed)
    batch = []
    for labels, samples in series:
        if labels["__name__"] in ("requests_total", "latency_seconds_bucket", "latency_native"):
            own = []
            for t, _ in samples[::r.randrange(5, 40)]:
                trace = r.choice([{"trace_id": f"{r.randrange(1 << 32):08x}"}, {"trace_id": "same"}, {}, {"a.b": "<&>\"\\", "é": "x"}])
                own.append((t + r.randrange(-3, 4), r.choice([1.0, 0.5, 1e-9, float("inf"), float("nan"), -0.0, 1e21]), trace))
            batch.append((labels, samples[-1:], own))
    for one in batch:
        status, body = remote_write.send(address, [one])
        if status not in (200, 204, 400):  # 400: exemplars out of order, told after the others are kept
            raise RuntimeError(f"exemplars to {address}: {status} {body[:300]!r}")


class Requests:
    def __init__(self, seed, start):
        self.r = random.Random(seed)
        self.start = start // 1000
        self.g = queries.Generator(seed + 1, self.start + 1800)

    def pick(self, *xs):
        return self.r.choice(xs)

    def time(self):
        t = self.start + self.r.randrange(0, 3600)
        good = [str(t), f"{t}.{self.r.randrange(1000):03}", f"{t}.{self.r.randrange(10**9):09}", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t)),
                time.strftime("%Y-%m-%dT%H:%M:%S.25Z", time.gmtime(t)), time.strftime("%Y-%m-%dT%H:%M:%S+02:00", time.gmtime(t)), f"{t}e0"]
        bad = ["", "abc", "NaN", "Inf", "-Inf", "+Inf", "1e20", "-1", "0", "1.5.5", "2024-13-01T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00",
               "9999999999999", "-9223372036854775808", "1e400", "0x10", "0x1p-2", "1_000", "-292273086-05-16T16:47:06Z",
               "+292277025-08-18T07:12:54.999Z", " 1", "1 ", "٣", "2024-02-30T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00z",
               "2024-01-01t00:00:00Z", "1\u00e9", "\"", "<a>", "2006-01-02T15:04:05.999999999Z", "2006-01-02T15:04:05,5Z", "infinity", ".5", "5."]
        return self.pick(*good) if self.r.random() < 0.75 else self.pick(*bad)

    def duration(self):
        good = ["15", "60", "15s", "1m", "5m30s", "1h", "0.5", "1.5e1", "1d", "30s500ms"]
        bad = ["", "0", "-1", "abc", "NaN", "Inf", "1e20", "-1m", "1m1h", "5", "1", "0.0001", "1ms", "1y", "300y", "1x", "m", "1 m", "0s", "1e-10",
               "9223372036", "9223372037", "1m ", "<", "1h30"]
        return self.pick(*good) if self.r.random() < 0.7 else self.pick(*bad)

    def limit(self):
        return self.pick("1", "2", "10", "0", "1000", "-1", "abc", "", "1.5", "99999999999999999999", "1", "3", "+2", "0x2")

    def selector(self):
        good = ["requests_total", 'requests_total{job="api"}', '{job="api"}', '{__name__=~"r.*"}', 'temperature{instance!=""}', '{job=~"a.+"}',
                "build_info", '{code="500",job="web"}', '{"requests_total"}', '{__name__="limit",job!="x"}', "nope", '{nope="1"}', '{job=~"api|db"}']
        bad = ["", "{}", '{job=""}', '{job=~".*"}', "rate(x[5m])", "requests_total[5m]", "1", "a{", '{job="a}', "requests_total offset 5m", "a{b}",
               "sum(x)", '{job!~".+"}', '{=""}', '{job="a"} @ 1', "a b", '{job=~"("}', "{job='api'}", "up{job=\"é\"}", "\x00", "\"x\"", "{'a b'}", "-x",
               '{__name__="a",__name__="b"}', 'a{__name__="b"}', "(up)"]
        return self.pick(*good) if self.r.random() < 0.7 else self.pick(*bad)

    def expression(self):
        text = self.g.query() if self.r.random() < 0.6 else self.pick(
            "1 + 2 * 3 ^ 4 ^ 5", "-1 ^ 2", "- -x", "+x", "a == bool b", 'sum by (a, b) (x) / ignoring (c) group_left (d) y', "x[5m:30s] @ 12.5 offset -1h",
            "x @ start()", "'single' ", "`raw`", '"a\\n\\"b\\""', "0x1F", "1e5", ".5", "Inf", "NaN", "1_000", "5m", "-5m", "x offset 1h30m",
            'sum without () (x)', "topk(5, x)", 'label_replace(x, "a", "$1", "b", "(.*)")', "x and on () y or z unless ignoring (a) w", "((x))",
            '{"my.metric", a="b"}', '{"a b"="c"}', "x{a='b',}", "x{}", "a:b:c", "sum(x) by (job)", "count_values('v', x)", "absent(x)", "time()",
            "x[1d]", "max_over_time(x[1h:])", "x # comment", "x\n+\ny", "quantile(0.9, x) by (le)", "a % b atan2 c", "a > bool 1", "1 > bool 2",
            "vector(1) == 1", "scalar(x) + 1", "histogram_quantile(0.9, sum by (le) (rate(x[5m])))", "avg by(le)(x)", "sum by (\"a.b\") (x)", "x{__name__='y'}",
            "a + on(b) group_right(c) d", "x offset 5", "x[300]", "rate(x[5m]) > 0.5", "a or b and c", "a ^ -b", "{__name__=~'a|b'}", "x @ 1e3", "x @ -5",
            "round(x, 5)", "clamp(x, 1, 2)", "days_in_month()", "hour(x)", "day_of_week(vector(1))", "sort_by_label(x, 'a')", "1 - -1", "2 * (3 + 4)",
            "very_long_metric_name_number_one{job='aaaaaaaaaaaaa', instance='bbbbbbbbbbbbb'} + on (job) very_long_metric_name_number_two{job='ccccccccccc'}",
            "sum by (job, instance, code, handler) (rate(http_requests_total{job='aaaaaaaaaa', code=~'5..', handler!='/metrics'}[5m])) / 100")
        if self.r.random() < 0.5:
            return text
        for _ in range(self.r.randrange(1, 3)):
            i = self.r.randrange(len(text) + 1)
            x = self.r.random()
            if x < 0.3:
                text = text[:i] + text[i + 1:]
            elif x < 0.6:
                text = text[:i] + self.pick("(", ")", "[", "]", "{", "}", ",", "=", "~", "!", "\"", "'", "`", "@", ":", "#", "$", "\\", "é", "1", "x", " ",
                                            "\n", "by", " offset ", " bool ", "5m", ".", "-", "^", "==", "=~", "\t", "&", ";", "%") + text[i:]
            elif x < 0.8:
                j = min(len(text), i + self.r.randrange(1, 8))
                text = text[:i] + text[j:]
            else:
                text = text[:i]
        return text

    def one(self, kind):
        """-> method, path, parameters in the URL, form in the body or None, headers"""
        p = []
        if kind in ("query", "query_range"):
            p.append(("query", self.expression() if self.r.random() < 0.4 else self.g.query()))
            if self.r.random() < 0.05:
                p.pop()
            if kind == "query":
                # Always a time: the clocks of two servers do not agree to the millisecond.
                p.append(("time", self.time() or str(self.start)))
            else:
                for name in ("start", "end"):
                    if self.r.random() < 0.97:
                        p.append((name, self.time()))
                if self.r.random() < 0.97:
                    p.append(("step", self.duration()))
            for name, make, share in (("limit", self.limit, 0.15), ("timeout", self.duration, 0.08), ("lookback_delta", self.duration, 0.12),
                                      ("stats", lambda: self.pick("true", "all", "", "1", "none"), 0.12)):
                if self.r.random() < share:
                    value = make()
                    if name != "timeout" or value not in ("0.0001", "1ms", "1e-10", "0", "0s", "-1", "-1m", "-Inf", "NaN"):
                        p.append((name, value))
        elif kind in ("format_query", "parse_query"):
            p.append(("query", self.expression()))
        elif kind in ("series", "labels", "values"):
            for _ in range(self.pick(0, 1, 1, 1, 2)):
                p.append(("match[]", self.selector()))
            # Before, after or around all of the data: in between, Prometheus answers by blocks.
            if self.r.random() < 0.3:
                p.append(("start", self.pick(str(self.start - 1000), str(self.start - 5), "abc", "", "NaN", "1e400", "0", "2020-01-01T00:00:00Z")))
            if self.r.random() < 0.3:
                p.append(("end", self.pick(str(self.start + 10_000), "xyz", "", "9999999999", "Inf", str(self.start - 100_000), "5")))
            if self.r.random() < 0.3:
                p.append(("limit", self.limit()))
        elif kind == "exemplars":
            p.append(("query", self.expression()))
            for name in ("start", "end"):
                if self.r.random() < 0.6:
                    p.append((name, self.time()))
        if self.r.random() < 0.03 and p:
            p.append(self.r.choice(p))
        path = {"values": "/api/v1/label/" + self.pick("job", "instance", "__name__", "nope", "code", "a b", "U__job", "U__a_2e_b", "é", "", "a.b") + "/values",
                "exemplars": "/api/v1/query_exemplars"}.get(kind, "/api/v1/" + kind)
        path = urllib.parse.quote(path)
        headers = {}
        x = self.r.random()
        if x < 0.1:
            headers["Origin"] = self.pick("http://example.com", "null")
        if self.r.random() < 0.1:
            headers["Accept-Encoding"] = self.pick("gzip", "deflate", "gzip, deflate", "identity", "br", "gzip;q=0", "*")
        method, form = "GET", None
        x = self.r.random()
        if x < 0.2:
            method = "POST"
            if self.r.random() < 0.8:
                cut = self.r.randrange(len(p) + 1) if self.r.random() < 0.3 else 0
                p, form = p[:cut], p[cut:]
                headers["Content-Type"] = self.pick(*["application/x-www-form-urlencoded"] * 5, "application/x-www-form-urlencoded; charset=utf-8",
                                                    "text/plain", "application/json", "multipart/form-data")
        elif x < 0.25:
            method = self.pick("OPTIONS", "PUT", "HEAD", "PATCH")
        return method, path, p, form, headers

    def odd(self):
        """Addresses that are nearly right."""
        path = self.pick("/api/v1/", "/api/v1", "/api/v2/query", "/api/v1/label/job", 
                         "/api/v1/label/a/b/values", "//api/v1/query", "/api/v1//query", "/api/v1/../v1/query", "/api", "/nope", "/api/v1/nope", "/-/healthy",
                         "/-/ready", "/-/nope", "/api/v1/query?query=%zz", "/api/v1/query?query=1&time=1&limit=%",
                         "/api/v1/query?%71uery=1&time=1", "/api/v1/query?query=1%2B1&time=1", "/api/v1/query?query=1+1&time=1", "/api/v1/query?query&time=1",
                         "/api/v1/query?=1", "/api/v1/query?query=1&query=2&time=1", "/api/v1/label/job%2Fx/values", "/api/v1/label/%ff/values", "/api/v1/label/a%80%22/values",
                         "/api/v1/series?match[]=up&match%5B%5D=x", "/api/v1/series?match=up", "/api/v1/query?time=1&query=%ff", "/api/v1/labels?match[]=%ff",
                         "/api/v1/rules", "/api/v1/rules?type=nope", "/api/v1/rules?type=alert", "/api/v1/alerts", "/api/v1/alertmanagers", "/api/v1/metadata?limit=x",
                         "/api/v1/targets/metadata?limit=x", "/api/v1/metadata", "/api/v1/metadata?metric=nope", "/api/v1/rules?rule_group[]=x&file[]=y",
                         "/api/v1/rules?match[]=x", "/api/v1/rules?group_limit=x", "/api/v1/rules?group_next_token=x", "/api/v1/rules?exclude_alerts=x")
        return self.pick("GET", "GET", "GET", "GET", "POST", "OPTIONS", "HEAD", "PUT"), path, None, None, {}


def send(address, request):
    method, path, parameters, form, headers = request
    if parameters:
        path += "?" + urllib.parse.urlencode(parameters)
    body = urllib.parse.urlencode(form) if form is not None else None
    status, lines, text = peers.exchange(address, path, method=method, body=body, headers=headers)
    got = {}
    for name, value in lines:
        got[name.lower()] = ", ".join(sorted(filter(None, [got.get(name.lower()), value])))
    if text and got.get("content-encoding") == "gzip":
        text = gzip.decompress(text)
    elif text and got.get("content-encoding") == "deflate":
        text = zlib.decompress(text)
    headers = {k: got.get(k.lower()) for k in HEADERS}
    if status in (301, 302, 307, 308):
        # The page of HTML that Go adds to a redirect is for nobody (docs/compatibility.md).
        headers["Content-Type"], text = None, b""
    # DELETE of series is gone on main.
    headers["Allow"] = (headers["Allow"] or "").replace("DELETE, ", "")
    # That answers vary with the encoding, main says, and 3.5 does not.
    headers["Vary"] = "Origin" if "Origin" in (headers["Vary"] or "") else None
    return status, headers, text.decode(errors="replace")


def without_durations(text):
    """A tree without its duration expressions, of which 3.5 tells the results only."""
    while found := re.search(rf'"({"|".join(differences.FIELDS)})":\{{', text):
        end, depth = found.end(), 1
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        text = text[:found.start()] + text[end:].removeprefix(",")
    return text


def told(text, known, address):
    """The body without addresses and words of newer versions, which are as they are wherever nothing is undefined."""
    text = text.replace(address, "ADDRESS")
    if known:
        text = without_durations(text)
        for pattern, replacement in differences.REWRITES:
            text = re.sub(pattern, replacement, text)

    def kept(match):
        texts = [x for x in json.loads(match.group(2)) if not re.search(differences.ANNOTATIONS, x)]
        return f',"{match.group(1)}":{json.dumps(texts)}' if texts else ""
    return re.sub(r',"(warnings|infos)":(\[(?:"(?:[^"\\]|\\.)*",?)*\])', kept, text)


def plain(text, query):
    """The body without what cannot be the same: the order of series where there is none, and what depends on it."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("data"), str) and re.search(r"ignoring ?\(\)", query):
        # What is lost there makes lines shorter.
        value["data"] = re.sub(r"\s", "", value["data"])
    samples = value["data"].get("stats", {}).get("samples", {}) if isinstance(value.get("data"), dict) else {}
    for name in differences.uncounted(query):
        samples.pop(name, None)
    if re.search(MOVED, query):
        for name in ("warnings", "infos"):
            if name in value:
                value[name] = sorted(re.sub(r" \(\d+:\d+\)$", "", x) for x in value[name])
    # Which series a limit takes depends on an order that is not defined.
    isCut = any("truncated" in x for x in value.get("warnings", []))
    if isCut and isinstance(value.get("data"), dict):
        value["data"]["result"] = len(value["data"]["result"])
    elif "error" in value or (isinstance(value.get("data"), dict) and re.search(UNORDERED, query)):
        value = queries.comparable(value, query.startswith("sort(") or query.startswith("sort_desc("))
    elif isCut and isinstance(value.get("data"), list):
        value["data"] = len(value["data"])
    return value


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--count", type=int, default=3000)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--only", help="one kind of request")
    ap.add_argument("--keep-going", action="store_true", help="do not stop at the twentieth difference")
    a = ap.parse_args()
    prometheus = peers.program("PROMETHEUS_BIN", "prometheus")
    if not prometheus:
        print("no prometheus to compare with; set PROMETHEUS_BIN")
        sys.exit(77)
    start = (int(time.time()) - 4000) // 60 * 60_000
    data = queries.make_data(a.seed, start)
    flags = [queries.FEATURES + ",exemplar-storage"]
    found = identical = 0
    kinds = ["query"] * 5 + ["query_range"] * 4 + ["format_query"] * 3 + ["parse_query"] * 3 + ["series"] * 2 + ["labels"] * 2 + ["values"] * 2 + \
        ["exemplars"] + ["odd"] * 2
    if a.only:
        kinds = [a.only]
    with peers.start_prometheus(prometheus, flags=flags) as real, peers.start_promenade(peers.promenade(), flags=flags) as ours:
        for server in (real, ours):
            queries.load(server.address, data)
            load_exemplars(server.address, data, a.seed)
        g = Requests(a.seed, start)
        counts = {}
        for n in range(a.count):
            kind = g.pick(*kinds)
            request = g.odd() if kind == "odd" else g.one(kind)
            want, got = send(real.address, request), send(ours.address, request)
            counts[want[0]] = counts.get(want[0], 0) + 1
            first, second = told(want[2], True, real.address), told(got[2], True, ours.address)
            if want[:2] == got[:2] and first == second:
                identical += 1
                continue
            query = dict((request[2] or []) + (request[3] or [])).get("query", "")
            if re.search(differences.pattern("query", "duration-letters"), query):
                continue
            first, second = plain(first, query), plain(second, query)
            if want[:2] == got[:2] and queries.same(first, second):
                continue
            found += 1
            method, path, parameters, form, headers = request
            print(f"--- difference {found}: {method} {path} {parameters} {form if form is not None else ''} {headers or ''}")
            if want[0] != got[0]:
                print(f"  status: {want[0]} / {got[0]}")
            for k in HEADERS:
                if want[1][k] != got[1][k]:
                    print(f"  {k}: {want[1][k]} / {got[1][k]}")
            if not queries.same(first, second):
                print("  body:", (queries.where(first, second) or "")[:700])
            sys.stdout.flush()
            if found == 20 and not a.keep_going:
                break
        print(f"{n + 1} requests ({', '.join(f'{v} × {k}' for k, v in sorted(counts.items()))}), "
              f"{identical} answers the same to the byte, {found} differences")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
