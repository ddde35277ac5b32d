#!/usr/bin/env python3
"""Sends the same metrics in OpenTelemetry's protocol to a real Prometheus and to Promenade and compares what becomes of them: status,
error, series, values, histograms, exemplars.

    otlp_differential.py [--count 120] [--seed 1] [--only NAME] [--show 5]

So many requests are drawn for each of the configurations in otlp_cases.py; every other one goes as JSON, some are packed with gzip.
The Prometheus is taken from PROMETHEUS_BIN or PATH, Promenade from PROMENADE_BIN or the release build. Exits 0 without a
difference, 1 with one, 77 where there is no Prometheus to compare with.
"""
import argparse
import copy
import gzip
import json
import os
import re
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(__file__))
import otlp_cases as cases
import peers

PATH = "/api/v1/otlp/v1/metrics"


def encoded(request, number):
    """-> headers, body"""
    if number % 2:
        headers, body = {"Content-Type": "application/json"}, json.dumps(request).encode()
    else:
        headers, body = {"Content-Type": "application/x-protobuf"}, cases.protobuf(request)
    if number % 5 == 0:
        headers["Content-Encoding"], body = "gzip", gzip.compress(body, mtime=0)
    return headers, body


def steps(name, count, seed):
    """Requests one after the other: (name, number, headers, body, odd)"""
    g = cases.Generator(f"{seed}-{name}")
    number = 0
    for n in range(count):
        request = g.request(number)
        yield f"{name}-{n}", number, *encoded(request, n), set(g.odd)
        if not g.odd and n % 7 == 3:
            # The same again, an older one, and one with other values.
            yield f"{name}-{n}-again", number, *encoded(request, n), set()
            older = copy.deepcopy(request)
            shift(older, -7_000_000_000)
            yield f"{name}-{n}-older", number, *encoded(older, n), set()
            other = copy.deepcopy(request)
            for p in points(other):
                for key in ("asDouble", "asInt", "sum"):
                    if key in p and p[key] not in ("NaN", "Infinity"):
                        p[key] = str(int(p[key]) + 1) if key == "asInt" else p[key] + 1 if p[key] < 1e15 else 1.0
            yield f"{name}-{n}-other", number, *encoded(other, n), {"duplicate"}
        number += 1
    for kind, headers, body in cases.malformed():
        yield f"{name}-{kind}", number, headers, body, {"malformed"}
    late = g.request(0)
    shift(late, 4_000_000_000 * 1_000_000_000)
    yield f"{name}-future", number, *encoded(late, 0), {"future"}


def points(request):
    for r in request["resourceMetrics"]:
        for s in r["scopeMetrics"]:
            for m in s["metrics"]:
                for kind in cases.NUMBERS:
                    yield from m.get(kind, {}).get("dataPoints", ())


def shift(request, nanoseconds):
    for p in points(request):
        for key in ("timeUnixNano", "startTimeUnixNano"):
            if key in p:
                p[key] = str(int(p[key]) + nanoseconds)


def send(address, headers, body):
    status, _, text = peers.get(address, PATH, "POST", body, headers)
    return status, text.decode("utf-8", "replace").strip()


def stored(address, number):
    """All series with samples at about the time of a request."""
    t = (cases.START + number * cases.STEP) / 1000
    out = {}
    for selector in ('{__name__!=""}[500s]',):
        path = "/api/v1/query?" + urllib.parse.urlencode(dict(query=selector, time=f"{t + 200:.3f}"))
        for s in json.loads(peers.get(address, path)[2])["data"]["result"]:
            out[json.dumps(s["metric"], sort_keys=True, ensure_ascii=False)] = [s.get("values", []), s.get("histograms", [])]
    path = "/api/v1/query_exemplars?" + urllib.parse.urlencode(dict(query='{__name__!=""}', start=t - 300, end=t + 200))
    for s in json.loads(peers.get(address, path)[2])["data"]:
        key = json.dumps(s["seriesLabels"], sort_keys=True, ensure_ascii=False)
        out.setdefault(key, [[], []]).append(sorted(([e["labels"], e["value"], round(e["timestamp"], 3)] for e in s["exemplars"]), key=json.dumps))
    return out


def is_compared(odd, body):
    """What newer versions treat otherwise than 3.5: they refuse a whole request for one metric that cannot be translated."""
    return "refused" not in odd


def plain(text):
    text = re.sub(r"duplicate sample for timestamp.*", "duplicate sample for timestamp", text)
    return text.split("\n")[0]


def difference(case, odd, first, second):
    if first[0] != second[0]:
        return f"status {first[0]} / {second[0]}: {first[1][:200]} / {second[1][:200]}"
    if "malformed" not in odd and plain(first[1]) != plain(second[1]):
        return f"error {first[1][:200]} / {second[1][:200]}"
    a, b = first[2], second[2]
    for key in sorted(set(a) | set(b)):
        if a.get(key) != b.get(key):
            return f"{key}: {a.get(key)} / {b.get(key)}"
    return None


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--count", type=int, default=120)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--only")
    ap.add_argument("--show", type=int, default=5)
    a = ap.parse_args()
    prometheus = peers.program("PROMETHEUS_BIN", "prometheus")
    if not prometheus:
        print("no prometheus to compare with; set PROMETHEUS_BIN")
        sys.exit(77)
    help_text = subprocess.run([prometheus, "--help"], capture_output=True, text=True, check=False)
    if "enable-otlp-receiver" not in help_text.stdout + help_text.stderr:
        print("this prometheus was built without its OTLP receiver (as Debian's is)")
        sys.exit(0)
    wrong = asked = skipped = 0
    for name in cases.CONFIGS:
        if a.only and not re.fullmatch(a.only, name):
            continue
        config, flags = cases.config(name), cases.flags(name)
        with peers.start_prometheus(prometheus, config, flags) as real, peers.start_promenade(peers.promenade(), config, flags) as ours:
            for case, number, headers, body, odd in steps(name, a.count, a.seed):
                if not is_compared(odd, body):
                    skipped += 1
                    continue
                answers = [(*send(s.address, headers, body), stored(s.address, number)) for s in (real, ours)]
                asked += 1
                found = difference(case, odd, *answers)
                if found:
                    wrong += 1
                    if wrong <= a.show:
                        print(f"{case}: {found}")
    print(f"{asked} requests, {skipped} not compared, {wrong} differ")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
