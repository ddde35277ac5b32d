#!/usr/bin/env python3
"""Walks over the whole HTTP surface of a real Prometheus and of Promenade, with right and wrong methods, parameters and headers,
and compares the answers: status, headers and body; also what may be asked where features are on or off, behind a prefix, and
with passwords.

    surface_differential.py [--only TEXT]

The real one is taken from PROMETHEUS_BIN or PATH, Promenade from PROMENADE_BIN or the release build. Exits 0 without a
difference, 1 with one, 77 where there is no Prometheus to compare with.
"""
import argparse
import base64
import gzip
import http.client
import json
import os
import re
import sys
import time
import zlib

sys.path.insert(0, os.path.dirname(__file__))
import differences
import peers
import remote_read
import remote_write

HEADERS = differences.compared(["content-type", "content-encoding", "allow", "location", "vary", "www-authenticate",
           "access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers",
           "access-control-expose-headers", "x-prometheus-stopping", "cache-control"])
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ORIGIN = {"Origin": "http://page.example"}
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]

CONFIG = """global:
  scrape_interval: 1h
  external_labels: {zone: eu, instance: outer}
scrape_configs:
  - job_name: one
    static_configs: [{targets: ['127.0.0.1:1']}]
  - job_name: two
    metrics_path: /x
    params: {q: ['<&>']}
    static_configs: [{targets: ['127.0.0.1:2', '127.0.0.1:3'], labels: {env: dev}}]
    relabel_configs: [{source_labels: [__address__], regex: '.*:3', action: drop}]
"""

# Requests that are compared; masks are replaced in both bodies before.
REQUESTS = []


def ask(method, path, body=b"", headers=None, mask=(), shape=False, when="any", known=""):
    """`shape`: of the JSON only the names and types are compared. `known`: why the answers differ on purpose."""
    REQUESTS.append(dict(method=method, path=path, body=body.encode() if isinstance(body, str) else body, headers=headers or {},
                         mask=mask, shape=shape, when=when, known=known))


# ---------------------------------------------------------------- health and life cycle
for path in ["/-/healthy", "/-/ready", "/-/quit", "/-/reload"]:
    for method in METHODS:
        if path in ("/-/quit", "/-/reload") and method in ("POST", "PUT"):
            ask(method, path, when="off")
        else:
            ask(method, path)
ask("POST", "/-/reload", when="on")
ask("PUT", "/-/reload", when="on")
for path in ["/-/healthy/", "/-/", "/-", "/-/nothing", "//-/healthy", "/-/./healthy", "/version/"]:
    ask("GET", path)
for path in ["/version", "/metrics", "/federate", "/graph"]:
    for method in METHODS[1:]:
        ask(method, path)
ask("GET", "/version", mask=[(r".*", "")])
ask("GET", "/graph?g0.expr=up&g0.tab=1")
ask("GET", "/nothing")
ask("GET", "/api")
ask("GET", "/api/")
ask("GET", "/api/v1")
ask("GET", "/api/v2/alerts")
ask("GET", "/consoles/none.html", known="there are no console templates")
for path in ["/debug/pprof/nothing"]:
    ask("GET", path, known="the profiles of a Go process are not there")

# ---------------------------------------------------------------- federation
ACCEPTS = ["", "*/*", "text/plain", "text/plain;version=0.0.4", "text/plain;version=1.0.0", "text/plain;version=1.0.0;escaping=allow-utf-8",
           "text/plain;version=0.0.4;escaping=underscores", "text/plain;version=0.0.4;escaping=dots", "text/plain;version=0.0.4;escaping=values",
           "application/openmetrics-text;version=1.0.0", "application/openmetrics-text", "application/json",
           "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
           "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
           "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=compact-text"]
for accept in ACCEPTS:
    ask("GET", "/federate?match[]={__name__=~\"a.*|utf8.*\"}", headers={"Accept": accept} if accept else {},
        known="protobuf as text is for people" if "text" in accept.split("encoding=")[-1] and "encoding=" in accept else "")
for query in ["", "?match[]=", "?match[]={", "?match[]=a", "?match[]=a&match[]=b", "?match[]=up%5B5m%5D", "?match[]={__name__=~\".%2B\",x=\"1\"}", "?match[]=%zz", "?match[]={}",
              "?match[]={x=~\"(\"}", "?match[]=nothing", "?match=a", "?match[]={__name__=\"with_instance\"}"]:
    ask("GET", "/federate" + query)
for accept in ["", "text/plain;version=1.0.0;escaping=allow-utf-8", ACCEPTS[-3]]:
    ask("GET", "/federate?match[]={__name__=~\"h_.*|a\"}", headers={"Accept": accept} if accept else {})
ask("GET", "/federate?match[]=a", headers={"Accept-Encoding": "gzip"})

# ---------------------------------------------------------------- the API: paths and methods
PATHS = ["query", "query_range", "query_exemplars", "format_query", "parse_query", "labels", "label/job/values", "series", "metadata", "targets",
         "targets/metadata", "scrape_pools", "alertmanagers", "rules", "alerts", "status/config", "status/runtimeinfo", "status/buildinfo",
         "status/flags", "status/tsdb", "status/walreplay", "status", "notifications", "notifications/live", "read", "write",
         "otlp/v1/metrics", "admin/tsdb/delete_series", "admin/tsdb/clean_tombstones", "admin/tsdb/snapshot", "nothing", "", "label//values",
         "label/job", "label/a/b/values", "Query", "query/", "targets/", "status/nothing", "status/tsdb/blocks"]
VOLATILE = ["status/runtimeinfo", "status/buildinfo", "status/tsdb", "status/config"]
KNOWN = {
    "status/tsdb/blocks": "newer than 3.5", "status/flags": "other flags", "otlp/v1/metrics": "left out where Debian builds Prometheus",
    "query/": "Prometheus redirects to /query, which is not the API", "targets/": "Prometheus redirects to /targets, which is not the API",
    "Query": "Prometheus redirects to /query, which is not the API", "label//values": "Prometheus redirects to nowhere",
}
for path in PATHS:
    for method in METHODS:
        if path == "notifications/live" and method == "GET" or path == "admin/tsdb/snapshot" and method in ("POST", "PUT"):
            continue
        known = KNOWN.get(path, "")
        if path == "series" and method == "DELETE" or path == "status/flags" and method != "GET":
            known = "" if path != "series" else "an answer that says it is not implemented, gone since 3.6"
        mask = [(r'"stdDev":.*', "")] if path == "query" else ()
        ask(method, "/api/v1/" + path, mask=mask, shape=path in VOLATILE, known=known)
    ask("OPTIONS", "/api/v1/" + path, headers=ORIGIN, known=KNOWN.get(path, ""))
    if path not in ("notifications/live", "admin/tsdb/snapshot"):
        ask("GET", "/api/v1/" + path, headers=ORIGIN, shape=path in VOLATILE, known=KNOWN.get(path, ""))
ask("OPTIONS", "/nothing", headers=ORIGIN)
ask("OPTIONS", "/metrics", headers=ORIGIN)
ask("GET", "/api/v1/query?query=1", headers={"Origin": "http://other.example"}, mask=[(r"\[\d+\.?\d*,", "[0,")])
ask("POST", "/api/v1/admin/tsdb/snapshot", when="off")
ask("POST", "/api/v1/admin/tsdb/snapshot?skip_head=x", when="on")
for query in ["", "?match[]=", "?match[]={", "?match[]=none&start=x", "?match[]=none&end=x", "?match[]=none", "?match[]=none&start=2&end=1", "?match[]={}"]:
    for method in ("POST", "PUT"):
        ask(method, "/api/v1/admin/tsdb/delete_series" + query)

# ---------------------------------------------------------------- the API: parameters
for path, queries in {
    "labels": ["?limit=1", "?limit=x", "?limit=-1", "?start=x", "?end=x", "?start=2&end=1", "?match[]={", "?match[]=a", "?match[]=a&match[]=b&limit=2", "?match[]={}"],
    "label/x/values": ["", "?limit=1", "?limit=x", "?limit=-1", "?start=x", "?match[]={", "?match[]=a"],
    "label/utf8%20name/values": [""],
    "label/U__utf8_20_name/values": [""],
    "label/1x/values": [""],
    "label/__name__/values": ["?limit=2", "?match[]={x=\"1\"}"],
    "series": ["?match[]=", "?match[]={", "?match[]=a", "?match[]=a&limit=1", "?match[]=a&limit=x", "?match[]=a&start=x", "?match[]=nothing", "?match[]={}", "?match[]=a&match[]=a"],
    "metadata": ["?limit=x", "?limit=1", "?limit_per_metric=x", "?limit_per_metric=1", "?metric=nothing", "?limit=-1", "?limit=0"],
    "targets": ["?state=active", "?state=dropped", "?state=any", "?state=x", "?state=ACTIVE", "?scrapePool=one", "?scrapePool=two", "?scrapePool=nothing"],
    "targets/metadata": ["?limit=x", "?limit=1", "?match_target={", "?match_target={job=\"one\"}", "?metric=nothing"],
    "rules": ["?type=alert", "?type=record", "?type=x", "?exclude_alerts=true", "?exclude_alerts=x", "?match[]={", "?match[]={a=\"b\"}", "?rule_name[]=x", "?file[]=x",
              "?group_limit=1", "?group_limit=0", "?group_limit=x", "?group_limit=99999999999", "?group_next_token=x", "?group_limit=1&group_next_token=x"],
    "status/tsdb": ["?limit=1", "?limit=x", "?limit=0", "?limit=-1"],
    "query": ["?query=", "?query=up%28", "?query=1%2B1&time=x", "?query=1&timeout=x", "?query=1&timeout=-1s", "?query=1&time=5", "?query=a&time=5&limit=x", "?query=1&lookback_delta=x&time=5",
              "?query=1&time=5&stats=x", "?query=\"<a%26b>\"&time=5", "?query=vector(1)&time=5&limit=1", "?query=1&time=2026-01-01T00:00:00Z", "?query=1&time=1e400", "?query=%zz",
              "?query=1;time=5", "?query=a%5B1m%5D&time=5", "?query=vector(NaN)&time=1.0005", "?query=1/0&time=-1"],
    "query_range": ["?query=1", "?query=1&start=1", "?query=1&start=1&end=2", "?query=1&start=1&end=2&step=0", "?query=1&start=1&end=2&step=-1", "?query=1&start=2&end=1&step=1", "?query=1&start=1&end=2&step=1",
                    "?query=1&start=0&end=11001&step=1", "?query=1&start=0&end=11000&step=1m", "?query=a%5B1m%5D&start=1&end=2&step=1", "?query=\"x\"&start=1&end=2&step=1", "?query=&start=1&end=2&step=1",
                    "?query=vector(1)&start=1&end=3&step=1s&timeout=x", "?query=vector(1)&start=1&end=2&step=x"],
    "query_exemplars": ["?query=a&start=1&end=2", "?query=a&start=2&end=1", "?query=a&start=x&end=1", "?query=a{&start=1&end=2", "?query=&start=1&end=2"],
    "format_query": ["?query=a%2Bb", "?query=", "?query=a%2B", "?query=foo/bar"],
    "parse_query": ["?query=a%2Bb", "?query=", "?query=a%2B", "?query=sum(rate(a%5B5m%5D))"],
    "scrape_pools": ["?x=y"],
    "alerts": ["?x=y"],
}.items():
    for query in queries:
        mask = [(r'"result":\[\d{10}[.\d]*,', '"result":[NOW,')]
        ask("GET", "/api/v1/" + path + query, mask=mask, shape=path == "status/tsdb")
        if path in ("query", "query_range", "labels", "series", "format_query", "parse_query", "query_exemplars"):
            ask("POST", "/api/v1/" + path, query[1:], FORM, mask=mask)
ask("POST", "/api/v1/query", "query=1&time=5", {})
ask("POST", "/api/v1/query", "query=1&time=5", {"Content-Type": "text/plain"})
ask("POST", "/api/v1/query?query=1&time=5", "", FORM)
ask("POST", "/api/v1/query?query=1", "query=2&time=5", FORM)
ask("POST", "/api/v1/query", "query=%zz", FORM)
ask("GET", "/api/v1/series?match[]={__name__=~\".%2B\"}", headers={"Accept-Encoding": "gzip"})
ask("GET", "/api/v1/query?query=1&time=5", headers={"Accept-Encoding": "gzip"})
ask("GET", "/api/v1/query?query=1&time=5", headers={"Accept-Encoding": "deflate"})
ask("GET", "/api/v1/query?query=1&time=5", headers={"Accept-Encoding": "identity"})
ask("GET", "/api/v1/query?query=1&time=5", headers={"Accept": "text/html"})
ask("GET", "/api/v1/query?query=1&time=5", headers={"Accept": "application/xml"})
ask("GET", "/api/v1/status/flags", shape=True, known="other flags")

# ---------------------------------------------------------------- remote write, remote read, OTLP
# Without deletion, answers about what is stored differ: Promenade scrapes a new target at once, Prometheus some time later.
SCRAPED = ("/api/v1/labels", "/api/v1/label/", "/api/v1/status/tsdb", "/federate?match[]={}", "/api/v1/series")
SNAPPY = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
for body, headers in [(b"", {}), (b"", SNAPPY), (b"x", SNAPPY), (b"\x00", SNAPPY), (b"", {"Content-Type": "application/json"}),
                      (b"\x03\x08abc", SNAPPY), (b"\x00", {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}),
                      (b"\x00", {"Content-Type": "application/x-protobuf;proto=nothing", "Content-Encoding": "snappy"})]:
    ask("POST", "/api/v1/write", body, headers)
    ask("POST", "/api/v1/otlp/v1/metrics", body, headers, when="off", known=KNOWN["otlp/v1/metrics"])
for name, body, headers in remote_read.requests():
    ask("POST", "/api/v1/read", body, headers, known={
        "no pattern": "an error is not called snappy", "no type": "an error is not called snappy", "unknown types": "chunks are not offered",
    }.get(name, ""))

def fill(address, now):
    """The same samples for both, by remote write."""
    series = []
    for labels, values in remote_read.SERIES:
        series.append((labels, [(now - i * 15000, v) for i, v in reversed(list(enumerate(values)))]))
    status, body = remote_write.send(address, series)
    if status != 204:
        raise RuntimeError(f"remote write to {address}: {status} {body[:200]}")


def await_targets(address, prefix):
    for _ in range(200):
        if b'"one","two"' in peers.get(address, prefix + "/api/v1/scrape_pools")[2]:
            return
        time.sleep(0.05)
    raise RuntimeError(f"{address} has no targets")


def fetch(address, request, prefix=""):
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        connection.putrequest(request["method"], (prefix + request["path"]).replace(" ", "%20").replace('"', "%22").replace("<", "%3C").replace(">", "%3E").replace("\\", "%5C"),
                              skip_accept_encoding=True)
        for name, value in request["headers"].items():
            connection.putheader(name, value)
        if request["body"] or request["method"] in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(request["body"])))
        connection.endheaders(request["body"] or None)
        answer = connection.getresponse()
        body = answer.read()
        headers = {}
        for name, value in answer.getheaders():
            if name.lower() in HEADERS:
                headers[name.lower()] = headers[name.lower()] + " | " + value if name.lower() in headers else value
        if headers.get("content-encoding") == "gzip" and body:
            body = gzip.decompress(body)
        elif headers.get("content-encoding") == "deflate" and body:
            body = zlib.decompress(body)
        return answer.status, headers, body
    finally:
        connection.close()


def shape(value):
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__ if not isinstance(value, (int, float)) or isinstance(value, bool) else "number"


def normal(answer, request, server):
    status, headers, body = answer
    if status in (301, 302, 307, 308):
        # The page of HTML that Go adds to a redirect is for nobody (docs/compatibility.md).
        headers.pop("content-type", None)
        body = b""
    text = body.decode("utf-8", "backslashreplace")
    for name in {server.address, server.address.replace("127.0.0.1", "localhost")}:
        text = text.replace(name, "ADDRESS")
        headers = {k: v.replace(name, "ADDRESS") for k, v in headers.items()}
    text = text.replace(server.folder, "FOLDER")
    text = text.replace("unknown type for remote write protobuf", "unknown remote write protobuf")
    # Since 3.6 the API's answers say that they depend on what compression is asked for, and text may have version 1.0.0.
    if "vary" in headers:
        headers["vary"] = headers["vary"].replace("Accept-Encoding | ", "")
        if headers["vary"] == "Accept-Encoding":
            del headers["vary"]
    if "content-type" in headers:
        headers["content-type"] = headers["content-type"].replace("version=1.0.0", "version=0.0.4")
    if request["method"] in ("PUT", "HEAD", "DELETE", "PATCH", "POST") and "allow" in headers:
        headers["allow"] = headers["allow"].replace("DELETE, GET, OPTIONS, POST", "GET, OPTIONS, POST")
    if request["path"].startswith("/api/v1/read") and status == 200:
        text = remote_read.shown(headers.get("content-type", ""), body)
    elif request["path"].startswith("/federate") and "protobuf" not in request["headers"].get("Accept", ""):
        text = re.sub(r" \d{13}$", " NOW", text, flags=re.M)
    elif request["path"].startswith("/federate"):
        text = f"{len(body)} bytes" if status == 200 else text
    for pattern, replacement in request["mask"]:
        text = re.sub(pattern, replacement, text)
    text = re.sub(r'"lastScrape":"[^"]*","lastScrapeDuration":[^,]*', '"lastScrape"', text)
    text = re.sub(r"127\.0\.0\.1:\d: connect", "connect", text)
    # Without a name of its own the server takes the machine's, and the port of the address.
    text = re.sub(r'"globalUrl":"http://[^/"]*', '"globalUrl":"', text)
    text = re.sub(r'"lastError":"(?:[^"\\]|\\.)*"', '"lastError"', text)
    text = re.sub(r'"health":"[^"]*"', '"health"', text)
    # Labels that a target has since 3.6, and members of the syntax tree.
    text = re.sub(r'"__(?:always_scrape_classic_histograms|convert_classic_histograms_to_nhcb|scrape_native_histograms)__":"\w*",', "", text)
    if "parse_query" in request["path"]:
        text = re.sub(r'"(?:anchored|smoothed)":false,|"(?:offsetExpr|rangeExpr)":null,|"fillValues":{"lhs":null,"rhs":null},', "", text)
    text = re.sub(r'"stats":.*', '"stats"}}', text)
    if request["shape"]:
        try:
            text = json.dumps(shape(json.loads(text)))
        except ValueError:
            pass
    return status, headers, text


def run(title, real, ours, when, arguments, prefix=""):
    differences = known = count = 0
    for request in REQUESTS:
        if request["when"] not in ("any", when) or arguments.only and arguments.only not in request["path"]:
            continue
        count += 1
        want, got = (normal(fetch(s.address, request, prefix), request, s) for s in (real, ours))
        if want == got:
            continue
        if request["known"] or when != "on" and request["path"].startswith(SCRAPED) and want[:2] == got[:2]:
            known += 1
            continue
        differences += 1
        print(f"--- {title}: {request['method']} {request['path']} {request['headers'] or ''} {request['body'][:60] or ''}")
        if want[0] != got[0]:
            print(f"    status: prometheus {want[0]}, promenade {got[0]}")
        for name in sorted(set(want[1]) | set(got[1])):
            if want[1].get(name) != got[1].get(name):
                print(f"    {name}: prometheus {want[1].get(name)!r}, promenade {got[1].get(name)!r}")
        if want[2] != got[2]:
            print(f"    body: prometheus {want[2][:300]!r}\n          promenade  {got[2][:300]!r}")
    print(f"{title}: {count} requests, {differences} differences, {known} on purpose", flush=True)
    return differences


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="only paths with this text")
    arguments = parser.parse_args()
    prometheus = peers.program("PROMETHEUS_BIN", "prometheus")
    if not prometheus:
        print("no prometheus to compare with; set PROMETHEUS_BIN")
        sys.exit(77)
    now = int(time.time() * 1000) - 20_000
    differences = 0
    for title, when, flags, prefix in [
        ("defaults", "off", [], ""),
        ("everything on", "on", ["--web.enable-lifecycle", "--web.enable-admin-api", "--enable-feature=native-histograms"], ""),
        ("behind a prefix", "prefix", ["--web.external-url=http://outside.example:81/some/path/", r"--web.cors.origin=http://page\.example"], "/some/path"),
    ]:
        with peers.start_prometheus(prometheus, CONFIG, flags, ready=prefix + "/-/ready", writes=when != "off") as real, \
                peers.start_promenade(peers.promenade(), CONFIG, flags, ready=prefix + "/-/ready", writes=when != "off") as ours:
            for server in (real, ours):
                await_targets(server.address, prefix)
                if when == "on":
                    # What was scraped already is not the same.
                    peers.get(server.address, "/api/v1/admin/tsdb/delete_series?match[]={job=~\"one|two\"}".replace('"', "%22"), "POST")
                    fill(server.address, now)
            differences += run(title, real, ours, when, arguments, prefix)
            if prefix:
                for path in ["/", "/some", "/some/path", "/some/path/", "/query", "/metrics", "/some/pathway", "/some/path/graph?a=b", "/some/path//graph", "/api/v1/query?query=1"]:
                    request = dict(method="GET", path=path, headers={"Accept": "*/*"}, body=b"", mask=[], shape=False)
                    want, got = (normal(fetch(s.address, request), request, s) for s in (real, ours))
                    if want != got:
                        differences += 1
                        print(f"--- {title}: GET {path}\n    prometheus {want}\n    promenade  {got}")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
