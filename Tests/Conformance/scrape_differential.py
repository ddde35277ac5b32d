#!/usr/bin/env python3
"""Serves the same odd expositions to a real Prometheus and to Promenade and compares what they make of them: series, values,
`up`, counts, health and the text of the error.

    scrape_differential.py [--only NAME] [--seconds 18]

The Prometheus is taken from PROMETHEUS_BIN or PATH, Promenade from PROMENADE_BIN or the release build. Exits 0 without a
difference, 1 with one, 77 where there is no Prometheus to compare with.
"""
import argparse
import gzip
import http.server
import json
import os
import re
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(__file__))
import peers

TEXT = "text/plain; version=0.0.4"
TEXT1 = "text/plain; version=1.0.0; escaping=allow-utf-8"
OM = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OM0 = "application/openmetrics-text; version=0.0.1; charset=utf-8"

# name: (content type or None, body, lines of scrape configuration)
CASES = {}


def case(name, body, content_type=TEXT, config="", status=200, headers=None):
    CASES[name] = dict(body=body if isinstance(body, bytes) else body.encode(), type=content_type, config=config, status=status,
                       headers=headers or {})


for i, line in enumerate([
    "a 1", "a 1\n", "a 1\r\n", "\n\na 1\n\n", "a  \t 1\n", "a 1 \n", " a 1\n", "a{} 1\n", "a{x=\"y\"} 1\n", "a{x=\"y\",} 1\n", "a{,} 1\n",
    "a{x=\"y\",,} 1\n", "a{ x = \"y\" , z=\"w\" } 1\n", "a {x=\"y\"} 1\n", "a{x=\"\"} 1\n", "a{x=\"y\",x=\"z\"} 1\n", "a{x=\"y\"}1\n",
    "a{x='y'} 1\n", "a{x=y} 1\n", "a{x=\"y\" 1\n", "a{x=\"y} 1\n", "a{x} 1\n", "a{1x=\"y\"} 1\n", "a{x-y=\"z\"} 1\n", "a{__name__=\"b\"} 1\n",
    "a{x=\"\\\"\\n\\\\\"} 1\n", "a{x=\"\\t\"} 1\n", "a{x=\"é☺\"} 1\n", b"a{x=\"\xff\"} 1\n", b"\xff 1\n", "é 1\n", "a{é=\"1\"} 1\n",
    "{\"a.b\"} 1\n", "{\"a.b\",x=\"y\"} 1\n", "{x=\"y\",\"a.b\"} 1\n", "{\"a.b\",\"c.d\"=\"e\"} 1\n", "{x=\"y\"} 1\n", "a{\"b\"} 1\n",
    "1a 1\n", "a:b 1\n", ":a 1\n", "a.b 1\n", "a-b 1\n", "a\n", "a \n", "a b\n", "a 1 2 3\n", "a 1 x\n", "a 1 1.5\n",
    "a NaN\n", "a nan\n", "a +Inf\n", "a -Inf\n", "a inf\n", "a Infinity\n", "a 0x10\n", "a 0x1p4\n", "a 1_000\n", "a 1e3\n", "a 1e400\n",
    "a -0\n", "a .5\n", "a 5.\n", "a +5\n", "a 1e\n", "a 1,5\n", "a 12345678901234567890\n", "a 0.1234567890123456789012345\n",
    "a 4.9e-324\n", "a 1.7976931348623159e308\n", "a true\n",
    "# comment\na 1\n", "#comment\na 1\n", "# HELP\na 1\n", "# HELP a\na 1\n", "# HELP a some \\n help \\\\ \\q\na 1\n", "# TYPE a counter\na 1\n",
    "# TYPE a  counter\na 1\n", "# TYPE a foo\na 1\n", "# TYPE a\na 1\n", "# TYPE\na 1\n", "# TYPE a counter x\na 1\n", "# UNIT a seconds\na 1\n",
    "# EOF\na 1\n", "a 1\n# EOF\n", "# TYPE \"a.b\" gauge\n{\"a.b\"} 1\n", "# HELP a x\n# HELP a y\na 1\n",
    "a 1\na 2\n", "a 1\na 1\n", "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n", "a 1\nb\nc 3\n", "a 1\nb{ 2\n",
    "a 1 @NOW\n", "a 1 @OLD\n", "a 1 @FUTURE\n", "a 1 @NOW\na 2 @NOW\n", "a 1 -1\n", "a 1 99999999999999999999\n",
    "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", "s{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\n",
    "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n",
    "# TYPE h histogram\nh_bucket{le=\"10\"} 1\nh_bucket{le=\"1e2\"} 2\nh_bucket{le=\"+Inf\"} 2\n", "a{le=\"1\"} 1\n", "a{quantile=\"1\"} 1\n",
    "", "\n", " ", "\0", "a\0 1\n", "a{x=\"\0\"} 1\n", "a" * 5000 + " 1\n", "a{x=\"" + "y" * 5000 + "\"} 1\n", "job 1\n", "a{job=\"x\",instance=\"y\"} 1\n",
    "a{exported_job=\"x\",job=\"y\"} 1\n", "up 7\n", "scrape_duration_seconds 7\n", "a 1 # {trace_id=\"x\"} 1\n",
]):
    case(f"text{i}", line)
    case(f"text1_{i}", line, TEXT1)

for i, body in enumerate([
    "# EOF\n", "# EOF", "", "a 1\n", "a 1\n# EOF\n", "a 1\n# EOF", "a 1\n# EOF\n\n", "a 1\n# EOF\nb 1\n", "a 1\n\n# EOF\n", "a  1\n# EOF\n", "a 1 \n# EOF\n",
    "# TYPE a counter\na_total 1\n# EOF\n", "# TYPE a counter\na 1\n# EOF\n", "# TYPE a counter\na_total 1\na_created 1\n# EOF\n",
    "# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n", "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n# HELP a_seconds h\na_seconds 1\n# EOF\n",
    "# TYPE a info\na_info{v=\"1\"} 1\n# EOF\n", "# TYPE a stateset\na{a=\"x\"} 1\na{a=\"y\"} 0\n# EOF\n", "# TYPE a unknown\na 1\n# EOF\n",
    "# TYPE a gaugehistogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 1\na_gcount 1\na_gsum 1\n# EOF\n",
    "# TYPE h histogram\nh_bucket{le=\"1\"} 1 # {trace_id=\"x\"} 0.5\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1\n# EOF\n",
    "a_total 1 # {trace_id=\"x\"} 0.5 1.5\n# EOF\n", "a_total 1 # {} 0.5\n# EOF\n", "a_total 1 # {x=\"y\" 0.5\n# EOF\n", "a_total 1 # x\n# EOF\n",
    "a_total 1 # {x=\"y\"}\n# EOF\n", "a_total 1 #{x=\"y\"} 1\n# EOF\n", "a 1 @SEC\n# EOF\n", "a 1 @SEC.5\n# EOF\n", "a 1 @OLDSEC\n# EOF\n", "a 1 x\n# EOF\n",
    "# HELP a x\\ny \\\"q\\\"\na 1\n# EOF\n", "# HELP a\na 1\n# EOF\n", "# foo\na 1\n# EOF\n", "#\na 1\n# EOF\n", "a{x=\"y\",} 1\n# EOF\n", "a{,x=\"y\"} 1\n# EOF\n",
    "a NaN\n# EOF\n", "a +Inf\n# EOF\n", "a 1e3\n# EOF\n", "a 0x1\n# EOF\n", "a 1_0\n# EOF\n", "{\"a.b\"} 1\n# EOF\n", "a{\"x.y\"=\"z\"} 1\n# EOF\n",
    "a 1\r\n# EOF\r\n", "# TYPE a foo\na 1\n# EOF\n", "# TYPE a gauge\n# TYPE a gauge\na 1\n# EOF\n", "a{x=\"\\q\"} 1\n# EOF\n", "a 1\na 2\n# EOF\n",
    "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_count 1\ns_sum 2\n# EOF\n", "# TYPE s summary\ns_count 1\ns_created 5\n# EOF\n",
]):
    case(f"om{i}", body, OM)
    case(f"om0_{i}", body, OM0)

case("no_type", "a 1\n", None)
case("no_type_fallback", "a 1\n", None, "fallback_scrape_protocol: PrometheusText0.0.4")
case("html", "a 1\n", "text/html")
case("html_fallback", "a 1\n", "text/html", "fallback_scrape_protocol: OpenMetricsText1.0.0")
case("plain", "a 1\n", "text/plain")
case("bad_type", "a 1\n", "text/plain; =")
case("json", "a 1\n", "application/json; charset=utf-8")
case("om_capital", "a 1\n# EOF\n", "Application/OpenMetrics-Text")
case("status503", "a 1\n", status=503)
case("status404", "a 1\n", status=404)
case("status204", "", status=204)
case("status418", "a 1\n", status=418)
case("redirect", "", status=302, headers={"Location": "/case/text1"})
case("redirect_off", "", status=302, headers={"Location": "/case/text1"}, config="follow_redirects: false")
case("redirect_loop", "", status=302, headers={"Location": "/case/redirect_loop"})
case("gzip", gzip.compress(b"a 1\nb 2\n"), headers={"Content-Encoding": "gzip"})
case("gzip_bad", b"a 1\nb 2\n", headers={"Content-Encoding": "gzip"})
case("gzip_cut", gzip.compress(b"a 1\nb 2\n" * 100)[:-9], headers={"Content-Encoding": "gzip"})
three = "a{x=\"1\",yy=\"22\"} 1\na{x=\"2\",yy=\"22\"} 2\na{x=\"3\",yy=\"22\"} 3\n"
case("sample_limit", three, config="sample_limit: 2")
case("sample_limit_ok", three, config="sample_limit: 3")
case("label_limit", three, config="label_limit: 3")
case("label_name_limit", three, config="label_name_length_limit: 5")
case("label_value_limit", three, config="label_value_length_limit: 5")
case("body_limit", three, config="body_size_limit: 20B")
case("honor_labels", "a{job=\"x\",instance=\"y\"} 1\nb{job=\"\"} 2\nc 3\n", config="honor_labels: true")
case("no_honor_timestamps", "a 1 @OLD\n", config="honor_timestamps: false")
case("legacy_names", "{\"a.b\"} 1\n", TEXT1, config="metric_name_validation_scheme: legacy\n    metric_name_escaping_scheme: underscores")
case("drop", three, config="metric_relabel_configs: [{source_labels: [x], regex: '2', action: drop}]")
case("keep", three, config="metric_relabel_configs: [{source_labels: [x, yy], separator: '-', regex: '(1|3)-22', action: keep}]")
case("rename", three, config="metric_relabel_configs: [{source_labels: [__name__], target_label: __name__, replacement: 'n_$1', regex: '(.*)'}]")
case("merge", three, config="metric_relabel_configs: [{regex: x, action: labeldrop}]")
case("map", three, config="metric_relabel_configs: [{regex: '(y)y', replacement: 'z$1', action: labelmap}]")
case("hash", three, config="metric_relabel_configs: [{source_labels: [x, yy], modulus: 1000, target_label: h, action: hashmod}]")
case("upper", "a{x=\"éa\"} 1\n", config="metric_relabel_configs: [{source_labels: [x], target_label: y, action: uppercase}]")
case("noname", three, config="metric_relabel_configs: [{regex: __name__, action: labeldrop}]")
case("target_relabel", three, config="relabel_configs: [{source_labels: [__address__], target_label: instance, regex: '(.*):.*', replacement: '$1'}, {target_label: env, replacement: test}]")
case("label_instance", three, config="relabel_configs: [{target_label: instance, replacement: ''}]")
case("slow", three, config="scrape_timeout: 500ms")
case("extra_newline_in_type", "a 1\n", "text/plain; version=0.0.4; charset=utf-8; x=y")
case("nhcb", "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"5\"} 4\nh_bucket{le=\"+Inf\"} 6\nh_sum 13\nh_count 6\n",
     config="convert_classic_histograms_to_nhcb: true")


class Target(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    started = time.time()

    def do_GET(self):
        c = CASES.get(urllib.parse.urlsplit(self.path).path.rsplit("/", 1)[1])
        if self.path.endswith("/slow"):
            time.sleep(1.2)
        now = int(self.started * 1000)
        body = c["body"]
        if b"@" in body:
            for word, value in (("@NOW", now), ("@OLDSEC", int(now / 1000) - 86400), ("@OLD", now - 60_000), ("@FUTURE", now + 3_600_000 * 3),
                                ("@SEC", int(now / 1000))):
                body = body.replace(word.encode(), str(value).encode())
        self.send_response(c["status"])
        if c["type"]:
            self.send_header("Content-Type", c["type"])
        for k, v in c["headers"].items():
            self.send_header(k, v)
        if c["status"] != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *_):
        pass


def config(address, names):
    out = ["global:", "  scrape_interval: 5s", "  scrape_timeout: 4s", "scrape_configs:"]
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
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--only")
    ap.add_argument("--seconds", type=float, default=18)
    ap.add_argument("--errors", action="store_true", help="also tell where only the text of the error differs")
    a = ap.parse_args()
    prometheus = peers.program("PROMETHEUS_BIN", "prometheus")
    if not prometheus:
        print("no prometheus to compare with; set PROMETHEUS_BIN")
        sys.exit(77)
    names = [n for n in CASES if not a.only or re.fullmatch(a.only, n)]
    http.server.ThreadingHTTPServer.request_queue_size = 512
    target = http.server.ThreadingHTTPServer((peers.HOST, 0), Target)
    threading.Thread(target=target.serve_forever, daemon=True).start()
    text = config(f"{peers.HOST}:{target.server_address[1]}", names)
    differences = 0
    with peers.start_prometheus(prometheus, text, ["--enable-feature=native-histograms"]) as real, peers.start_promenade(peers.promenade(), text) as ours:
        time.sleep(a.seconds)
        t = time.time() - 1
        want, got = seen(real, names, t), seen(ours, names, t)
    for n in names:
        w, g = want[n], got[n]
        if w == g:
            continue
        if not a.errors and w["series"] == g["series"] and w.get("health") == g.get("health") and bool(w.get("error")) == bool(g.get("error")) \
                and w.get("labels") == g.get("labels") and same_words(w.get("error", ""), g.get("error", "")):
            continue
        differences += 1
        print(f"--- {n}: {CASES[n]['type']!r} {CASES[n]['body'][:120]!r} {CASES[n]['config']}")
        for k in sorted(set(w["series"]) | set(g["series"])):
            if w["series"].get(k) != g["series"].get(k):
                print(f"  {k}: prometheus {w['series'].get(k)}, promenade {g['series'].get(k)}")
        for k in ("health", "error", "labels"):
            if w.get(k) != g.get(k):
                print(f"  {k}: prometheus {w.get(k)!r}, promenade {g.get(k)!r}")
    print(f"{len(names)} expositions, {differences} differences")
    sys.exit(1 if differences else 0)


def same_words(a, b):
    """Errors of the operating system and of the HTTP client are each one's own; what Prometheus itself says has to be the same."""
    # A bare name between braces is told differently by Prometheus 3.5 and by later ones.
    foreign = ("Get \"", "gzip", "unexpected EOF", "context deadline", "metric name already set while parsing: \"a{x}\"")
    # The server's own words for a status get lost where the status has a standard phrase, which is told instead.
    phrase = "server returned HTTP status 418 "
    return a == b or any(x in a for x in foreign) or a.startswith(phrase) and b.startswith(phrase)


if __name__ == "__main__":
    main()
