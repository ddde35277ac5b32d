#!/usr/bin/env python3
"""Serves the same odd expositions to a real Prometheus and to Promenade and compares what they make of them: series, values,
`up`, counts, health and the text of the error.

    scrape_differential.py [--only NAME] [--seconds 35] [--mutants 400] [--seed 1]

Besides the cases of scrape_cases.py, that many expositions are served that differ from good ones in a few random places.

The Prometheus is taken from PROMETHEUS_BIN or PATH, Promenade from PROMENADE_BIN or the release build. Exits 0 without a
difference, 1 with one, 77 where there is no Prometheus to compare with.
"""
import argparse
import http.server
import json
import os
import re
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(__file__))
import differences
import peers
import scrape_cases
from scrape_cases import CASES


def instants(now):
    """What stands for the words that name moments in bodies, at a time in milliseconds."""
    seconds = now // 1000
    return ((str(now), "@NOW"), (str(seconds - 86400), "@OLDSEC"), (str(now - 60_000), "@OLD"), (str(now + 3_600_000 * 3), "@FUTURE"), (str(seconds), "@SEC"))


class Target(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    started = time.time()

    def do_GET(self):
        c = CASES.get(urllib.parse.urlsplit(self.path).path.rsplit("/", 1)[1])
        if self.path.endswith("/slow"):
            time.sleep(1.2)
        body = c["body"]
        for value, word in instants(int(self.started * 1000)):
            body = body.replace(word.encode(), value.encode())
        if c["raw"]:
            self.close_connection = True
            self.send_bytes(body)
            return
        self.send_response(c["status"], c["headers"].get(":reason"))
        if c["type"] is not None:
            self.send_header("Content-Type", c["type"])
        for k, v in c["headers"].items():
            if k != ":reason":
                self.send_header(k, v)
        if c["status"] not in (204, 304) and "Transfer-Encoding" not in c["headers"] and "Content-Length" not in c["headers"]:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.send_bytes(body)

    def send_bytes(self, body):
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *_):
        pass


INTERVAL = 10


def config(address, names, more=()):
    out = ["global:", f"  scrape_interval: {INTERVAL}s", f"  scrape_timeout: {INTERVAL - 2}s", *more, "scrape_configs:"]
    for n in names:
        out += [f"  - job_name: {n}", f"    metrics_path: /case/{n}", f"    static_configs: [{{targets: ['{address}']}}]"]
        if CASES[n]["config"]:
            out.append("    " + CASES[n]["config"])
    return "\n".join(out) + "\n"


def query(server, expression, t):
    status, _, body = peers.get(server.address, "/api/v1/query?" + urllib.parse.urlencode(dict(query=expression, time=f"{t:.3f}")))
    answer = json.loads(body)
    if status != 200:
        raise RuntimeError(f"{expression}: {status} {answer}")
    return answer["data"]["result"]


def seen(server, names, t):
    """by case: series with their values, health and error"""
    out = {n: dict(series={}) for n in names}
    for s in query(server, '{job=~".+"}', t) + query(server, '{exported_job=~".+",job!~".+"}', t):
        m = dict(s["metric"])
        job = m.get("job")
        if job not in out:
            job = "honor_labels"
        name = m.get("__name__")
        value = s["value"][1] if "value" in s else s["histogram"][1]
        if name in ("scrape_duration_seconds", "scrape_series_added") and not job.startswith("text"):
            value = "*"
        if name == "scrape_duration_seconds":
            value = "*"
        out[job]["series"][json.dumps(m, sort_keys=True)] = value
    targets = json.loads(peers.get(server.address, "/api/v1/targets?state=active")[2])["data"]["activeTargets"]
    for x in targets:
        error = re.sub(r"\d+\.\d+\.\d+\.\d+:\d+", "ADDRESS", x["lastError"])
        out[x["scrapePool"]].update(health=x["health"], error=error, labels=x["labels"])
    told = json.loads(peers.get(server.address, "/api/v1/targets/metadata")[2])["data"]
    for x in told:
        job = x["target"].get("job")
        if job in out:
            out[job].setdefault("metadata", []).append([x.get("metric", ""), x["type"], x["help"], x["unit"]])
    for n in names:
        out[n].get("metadata", []).sort()
    selector = urllib.parse.urlencode(dict(query='{job=~".+"}', start=t - 600, end=t + 600))
    for x in json.loads(peers.get(server.address, "/api/v1/query_exemplars?" + selector)[2])["data"]:
        job = x["seriesLabels"].get("job")
        if job in out:
            # Exemplars without a time of their own have that of the scrape.
            items = [[e["labels"], e["value"], e["timestamp"] if CASES[job]["times"] else "*"] for e in x["exemplars"]]
            first = [e for i, e in enumerate(items) if e not in items[:i]]
            out[job].setdefault("exemplars", {})[json.dumps(x["seriesLabels"], sort_keys=True)] = first
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--only")
    ap.add_argument("--seconds", type=float, default=3.5 * INTERVAL)
    ap.add_argument("--mutants", type=int, default=400)
    ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    prometheus = peers.program("PROMETHEUS_BIN", "prometheus")
    if not prometheus:
        print("no prometheus to compare with; set PROMETHEUS_BIN")
        sys.exit(77)
    scrape_cases.add_mutants(a.mutants, a.seed)
    sys.exit(1 if compare(prometheus, [n for n in CASES if not a.only or re.fullmatch(a.only, n)], a.seconds) else 0)


def compare(prometheus, names, seconds):
    """Serves the cases of these names to both, tells what differs and answers how many cases do."""
    http.server.ThreadingHTTPServer.request_queue_size = 512
    target = peers.listen(Target)
    address = f"{peers.HOST}:{target.server_port}"
    text = config(address, names)
    found = 0
    theirs = ["--enable-feature=native-histograms,exemplar-storage"]
    native = config(address, names, ["  scrape_native_histograms: true"])
    with peers.start_prometheus(prometheus, text, theirs) as real, peers.start_promenade(peers.promenade(), native) as ours:
        time.sleep(seconds)
        t = time.time() - 1
        want, got = seen(real, names, t), seen(ours, names, t)
    for n in names:
        w, g = want[n], got[n]
        if CASES[n]["type"] == scrape_cases.PROTO and w["error"] and w["error"] == g["error"]:
            # A family whose first metric is bad may or may not have told its help before.
            w.pop("metadata", None), g.pop("metadata", None)
        if w == g:
            continue
        if all(w.get(k) == g.get(k) for k in ("series", "health", "labels", "metadata", "exemplars")) and same_words(w["error"], g["error"]):
            continue
        if differences.exposition(n):
            continue
        found += 1
        print(f"--- {n}: {CASES[n]['type']!r} {CASES[n]['body'][:120]!r} {CASES[n]['config']}")
        for k in sorted(set(w["series"]) | set(g["series"])):
            if w["series"].get(k) != g["series"].get(k):
                print(f"  {k}: prometheus {w['series'].get(k)}, promenade {g['series'].get(k)}")
        for k in ("health", "error", "labels", "metadata", "exemplars"):
            if w.get(k) != g.get(k):
                print(f"  {k}: prometheus {w.get(k)!r}, promenade {g.get(k)!r}")
    target.shutdown()
    print(f"{len(names)} expositions, {found} differences")
    return found


def same_words(a, b):
    """What differs by version, and bytes that are no UTF-8, which are shown as such or as one character."""
    # A bare name between braces is told differently by Prometheus 3.5 and by later ones.
    if "metric name already set while parsing: " in a and "expected equal, got" in b:
        return True
    return a == b or re.sub(r"(\\x[0-9a-f]{2})+", "?", a) == re.sub("\ufffd+", "?", b)


if __name__ == "__main__":
    main()
