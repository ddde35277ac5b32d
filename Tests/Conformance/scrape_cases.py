"""The odd expositions that scrape_differential.py serves: each with its media type, status, headers and the job's settings."""
import gzip
import random
import struct

TEXT = "text/plain; version=0.0.4"
TEXT1 = "text/plain; version=1.0.0; escaping=allow-utf-8"
OM = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OM0 = "application/openmetrics-text; version=0.0.1; charset=utf-8"

# name: (content type or None, body, lines of scrape configuration)
CASES = {}


def case(name, body, content_type=TEXT, config="", status=200, headers=None, raw=False):
    """raw: the body is all that goes over the wire, and the connection ends after it."""
    CASES[name] = dict(body=body if isinstance(body, bytes) else body.encode(), type=content_type, config=config, status=status,
                       headers=headers or {}, raw=raw, times="times" in name and "@" in str(body))


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

# --- HTTP ---

for code, reason in [(418, "I'm a Teapot"), (503, "Gone Fishing"), (500, ""), (299, "Odd"), (201, None), (206, None), (301, None), (304, None),
                     (400, None), (401, None), (403, None), (407, None), (413, None), (414, None), (416, None), (422, None), (429, None), (451, None),
                     (502, None), (504, None), (599, "Far Out"), (799, "?")]:
    case(f"status_{code}_{reason}".replace(" ", "_").replace("'", "").replace("?", "q"), "a 1\n", status=code,
         headers={":reason": reason} if reason is not None else {})
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
for i, wire in enumerate([
    b"", b"\r\n\r\n", b"gibberish\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n", b"HTTP/1 200 OK\r\n\r\n", b"HTTP/3.0 200 OK\r\n\r\n", b"ICY 200 OK\r\n\r\n",
    b"HTTP/1.1 200\r\nContent-Type: text/plain\r\n\r\na 1\n", b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\na 1\n",
    OK + b"\r\na 1\n", OK + b"Content-Length: 4\r\n\r\na 1\n", OK + b"Content-Length: 9\r\n\r\na 1\n", OK + b"Content-Length: 2\r\n\r\na 1\n",
    OK + b"Content-Length: 0\r\n\r\n", OK + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\na 1\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n0\r\n\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\na 1", OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\na 1\n\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n4;ext=1\r\na 1\n\r\n0\r\nTrailer: x\r\n\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\na \r\n2\r\n1\n\r\n0\r\n\r\n", OK + b"Content-Encoding: identity\r\n\r\na 1\n",
    OK + b"Content-Encoding: GZIP\r\n\r\na 1\n", OK + b"Content-Encoding: deflate\r\n\r\na 1\n", OK + b"Content-Encoding: gzip\r\n\r\n",
    OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"a 1\n") + b"rest", OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"a 1\n") * 2,
    OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"a 1\n")[:5], OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"a 1\n")[:-4] + b"\0\0\0\0",
    OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"a 1\n")[:-8] + b"\0" * 8, OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b""),
    b"HTTP/1.1 200 OK\r\ncontent-type:text/plain\r\n\r\na 1\n", b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\na 1\n",
    b"HTTP/1.1 200 OK\nContent-Type: text/plain\n\na 1\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"\r\na 1\n",
    b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 302 Found\r\nLocation: \r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: text1\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 308 Permanent Redirect\r\nLocation: ../case/text1\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 300 Choices\r\nLocation: text1\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 302 Found\r\nLocation: http://[bad\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: mailto:x\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n",
]):
    case(f"wire{i}", wire, raw=True)

for i, kind in enumerate([
    "", " ", ";", "text", "text/", "/plain", "text/plain;", "text/plain; version", "text/plain; version=", "text/plain; version=0.0.3", "text/plain; version=2.0.0",
    "text/plain; version=\"0.0.4\"", "text/plain; version='0.0.4'", "TEXT/PLAIN; VERSION=0.0.4", "text/plain; version=0.0.4; version=1.0.0", "text/plain, text/html",
    "text/plain;version=1.0.0;escaping=values", "text/plain;version=1.0.0;escaping=dots", "text/plain;version=1.0.0;escaping=nonsense", "application/openmetrics-text",
    "application/openmetrics-text; version=2.0.0", "application/openmetrics-text; version=1.0.0; escaping=underscores", "application/vnd.google.protobuf",
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text", "application/vnd.google.protobuf; proto=other; encoding=delimited",
    "application/octet-stream", "image/png", "text/plain charset=utf-8", "text/plain;charset=\"utf-8", "text/pla\u00edn",
]):
    for fallback in ("", "PrometheusText0.0.4", "OpenMetricsText1.0.0", "PrometheusProto"):
        case(f"type{i}_{fallback}", "a{b=\"c\"} 1\n# EOF\n", kind.encode().decode("latin-1"), f"fallback_scrape_protocol: {fallback}" if fallback else "")

# --- limits, names, timestamps, exemplars ---

many = "".join(f"m{{i=\"{i}\"}} {i}\n" for i in range(20))
for i, settings in enumerate([
    "sample_limit: 19", "sample_limit: 20", "sample_limit: 1", "label_limit: 2", "label_limit: 4", "label_name_length_limit: 7", "label_value_length_limit: 14",
    "label_value_length_limit: 15", "body_size_limit: 1B", f"body_size_limit: {len(many)}B", f"body_size_limit: {len(many) + 1}B", "target_limit: 1",
    "sample_limit: 10\n    metric_relabel_configs: [{source_labels: [i], regex: '1.', action: drop}]", "honor_labels: true\n    label_limit: 3",
    "metric_relabel_configs: [{action: labeldrop, regex: i}]", "metric_relabel_configs: [{target_label: __name__, replacement: x}]",
    "metric_relabel_configs: [{target_label: __name__, replacement: ''}]", "metric_relabel_configs: [{target_label: job, replacement: ''}]",
    "metric_relabel_configs: [{target_label: __tmp, replacement: x}]", "metric_relabel_configs: [{source_labels: [i], target_label: 'l_$1', regex: '(\\d)'}]",
    "metric_relabel_configs: [{source_labels: [i], target_label: i, regex: '(?P<x>\\d)(\\d)', replacement: '${2}$x'}]",
    "metric_relabel_configs: [{action: lowercase, source_labels: [job], target_label: J}]", "metric_relabel_configs: [{action: labelkeep, regex: '__name__|job'}]",
    "metric_relabel_configs: [{action: keepequal, source_labels: [i], target_label: j}]", "metric_relabel_configs: [{action: dropequal, source_labels: [i], target_label: i}]",
]):
    case(f"limit{i}", many, config=settings)
for i, name in enumerate(["a.b", "a b", "é", "1a", "", "a\\nb", "a\\\"b", "a{b}", "__x", "a:b"]):
    for settings in ("", "metric_name_validation_scheme: legacy\n    metric_name_escaping_scheme: underscores", "metric_name_validation_scheme: utf8\n    metric_name_escaping_scheme: dots",
                     "metric_name_validation_scheme: legacy\n    metric_name_escaping_scheme: values"):
        tag = f"{i}_{settings.replace(chr(10), '').replace(' ', '').replace(':', '').replace('metric_name_', '')}"
        case(f"name_{tag}", f"{{\"{name}\"}} 1\nb{{\"{name}\"=\"v\"}} 2\n", TEXT1, settings)
        case(f"nameom_{tag}", f"# TYPE \"{name}\" gauge\n# HELP \"{name}\" h\n{{\"{name}\",\"{name}\"=\"v\"}} 1\n# EOF\n", OM, settings)
for i, body in enumerate([
    "a 1 @OLD\na 2 @NOW\n", "a 1 @NOW\na 2 @OLD\n", "a 1\na 2 @OLD\n", "a 1 @OLD\na 2\n", "a 1 @FUTURE\nb 1\n", "a 1 0\nb 1\n", "a 1 1\n", "a 1 -1000\nb 1 -0\n",
    "a 1 9223372036854775807\nb 1\n", "a 1 9223372036854775808\nb 1\n", "a NaN @NOW\na NaN @NOW\n", "a 1 @NOW\na 1 @NOW\na 2 @NOW\n",
]):
    for settings in ("", "track_timestamps_staleness: true", "honor_timestamps: false"):
        case(f"times{i}_{settings[:5]}", body, config=settings)
for i, body in enumerate([
    "a_total 1 # {t=\"1\"} 0.5 @SEC\n", "a_total 1 # {t=\"1\"} 0.5 @OLDSEC\n", "a_total 1 @SEC # {t=\"1\"} 0.5\n", "a_total 1 # {t=\"1\"} 0.5 @SEC.25\n",
    "# TYPE h histogram\nh_bucket{le=\"1\"} 1 # {t=\"1\"} 0.5 @SEC\nh_bucket{le=\"2\"} 2 # {t=\"2\"} 1.5 @OLDSEC\nh_bucket{le=\"+Inf\"} 2\nh_sum 2\nh_count 2\n",
    "a_total 1 # {t=\"1\",t=\"2\"} 0.5\n", "a_total 1 # {\"t.u\"=\"1\"} 0.5\n", "a_total 1 # {t=\"" + "x" * 130 + "\"} 0.5\n", "a_total 1 # {t=\"1\"} NaN\n",
    "a_total 1 # {t=\"1\"} 0.5 1e3\n", "a_total 1 # {t=\"1\"} 0.5 -1\n", "a_total 1 # {t=\"1\"} 0.5 x\n", "a_total 1 # {t=\"1\"} 0.5 # {u=\"2\"} 1\n", "a_total 1 # {t=\"\"} 1\n",
    "a_total 1 # {t=\"1\"} 0.5 NaN\n", "a_total 1 # {t=\"1\"} 0.5 +Inf\n", "a_total 1 # {=\"1\"} 1\n", "a_total 1 # {\"\"=\"1\"} 1\n", "a_total 1 # {\"x\"} 1\n",
]):
    case(f"exemplar_times{i}", body + "# EOF\n", OM)
    case(f"exemplar_plain{i}", body + "# EOF\n", OM.replace("charset", "x"))

# --- histograms ---

classic = "# HELP h help\n# TYPE h histogram\nh_bucket{x=\"1\",le=\"0.5\"} 1\nh_bucket{x=\"1\",le=\"1\"} 3\nh_bucket{x=\"1\",le=\"+Inf\"} 6\nh_sum{x=\"1\"} 13\nh_count{x=\"1\"} 6\n"
for i, body in enumerate([
    classic, classic + classic.replace("x=\"1\"", "x=\"2\""), classic.replace("h_count{x=\"1\"} 6\n", ""), classic.replace("h_sum{x=\"1\"} 13\n", ""),
    classic.replace("h_bucket{x=\"1\",le=\"+Inf\"} 6\n", ""), classic.replace("} 3\n", "} 0\n"), classic.replace("} 3\n", "} 2.5\n"), classic.replace("} 6\n", "} 7\n", 1),
    classic.replace("# TYPE h histogram\n", ""), classic.replace("histogram", "summary"), classic.replace("histogram", "gauge"), classic.replace("le=\"1\"", "le=\"x\""),
    classic.replace("le=\"1\"", "le=\"NaN\""), classic.replace("le=\"1\"", "le=\"0.5\""), classic.replace("} 13\n", "} NaN\n"), classic + "other 1\n" + classic.replace("x=\"1\"", "x=\"2\""),
    classic.replace("} 1\n", "} 1 @NOW\n"), classic.replace("\n", " @NOW\n").replace("help @NOW", "help").replace("histogram @NOW", "histogram"),
    classic.replace("h_", "hh_"), classic.replace("le=\"0.5\"", "le=\"-1\""), classic + "h_created{x=\"1\"} 5\n", classic + "h_bucket{x=\"1\"} 5\n",
]):
    for settings in ("convert_classic_histograms_to_nhcb: true", "convert_classic_histograms_to_nhcb: true\n    always_scrape_classic_histograms: true"):
        case(f"nhcb{i}_{len(settings) > 50}", body, config=settings)
        # Prometheus 3.5 takes histograms from any future, and nothing from the present after that.
        case(f"nhcbom{i}_{len(settings) > 50}", body.replace("@NOW", "@SEC") + "# EOF\n", OM, config=settings)


# --- protobuf ---

def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while True:
        out += bytes([n & 127 | (128 if n > 127 else 0)])
        n >>= 7
        if not n:
            return out


def zigzag(n):
    return varint((n << 1) ^ (n >> 63))


def field(number, value):
    """A field: bytes and text with their length, whole numbers as varints, floats as doubles."""
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def signed(number, n):
    return varint(number << 3) + zigzag(n)


def packed(number, items):
    return field(number, b"".join(items))


def labels(**pairs):
    return b"".join(field(1, field(1, k) + field(2, v)) for k, v in pairs.items())


def family(name, kind, *metrics, help="h", unit=""):
    body = field(1, name) + (field(2, help) if help else b"") + field(3, kind) + b"".join(field(4, m) for m in metrics) + (field(5, unit) if unit else b"")
    return varint(len(body)) + body


def moment(seconds, nanos=0):
    return field(1, seconds) + (field(2, nanos) if nanos else b"")


def exemplar(value, seconds=None, **pairs):
    return labels(**pairs) + field(2, value) + (field(3, moment(seconds)) if seconds is not None else b"")


PROTO = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
COUNTER, GAUGE, SUMMARY, UNTYPED, HISTOGRAM, GAUGE_HISTOGRAM = range(6)
buckets = b"".join(field(3, field(1, n) + field(2, bound)) for n, bound in ((1, 0.5), (3, 1.0), (6, float("inf"))))
native = field(1, 6) + field(2, 13.0) + signed(5, 3) + field(6, 0.001) + field(7, 1) + field(12, signed(1, 0) + field(2, 2)) + packed(13, [zigzag(2), zigzag(1)])
negative = field(9, signed(1, -2) + field(2, 1)) + packed(10, [zigzag(1)])
proto = {
    "counter": family("c_total", COUNTER, labels(a="b") + field(3, field(1, 5.0))),
    "counter_exemplar": family("c_total", COUNTER, field(3, field(1, 5.0) + field(2, exemplar(1.0, 1700000000, t="1")))),
    "counter_created": family("c_total", COUNTER, field(3, field(1, 5.0) + field(3, moment(1700000000)))),
    "counter_empty": family("c_total", COUNTER, field(3, b"")),
    "counter_missing": family("c_total", COUNTER, labels(a="b")),
    "gauge": family("g", GAUGE, field(2, field(1, -1.5)), labels(x="") + field(2, field(1, 2.0))),
    "untyped": family("u", UNTYPED, field(5, field(1, float("nan")))),
    "unit": family("g_seconds", GAUGE, field(2, field(1, 1.0)), unit="seconds"),
    "no_help": family("g", GAUGE, field(2, field(1, 1.0)), help=""),
    "timestamp": family("g", GAUGE, field(2, field(1, 1.0)) + field(6, 1)),
    "summary": family("s", SUMMARY, field(4, field(1, 3) + field(2, 6.0) + field(3, field(1, 0.5) + field(2, 2.0)) + field(3, field(1, 0.99) + field(2, float("nan"))))),
    "summary_created": family("s", SUMMARY, field(4, field(1, 3) + field(2, 6.0) + field(4, moment(1700000000, 500000000)))),
    "classic": family("h", HISTOGRAM, field(7, field(1, 6) + field(2, 13.0) + buckets)),
    "classic_no_inf": family("h", HISTOGRAM, field(7, field(1, 6) + field(2, 13.0) + field(3, field(1, 1) + field(2, 0.5)))),
    "classic_exemplar": family("h", HISTOGRAM, field(7, field(1, 6) + field(2, 13.0) + field(3, field(1, 6) + field(2, 0.5) + field(3, exemplar(0.3, 1700000000, t="1"))))),
    "native": family("h", HISTOGRAM, labels(a="b") + field(7, native)),
    "native_both": family("h", HISTOGRAM, field(7, native + buckets)),
    "native_negative": family("h", HISTOGRAM, field(7, native.replace(field(1, 6), field(1, 7), 1) + negative)),
    "native_exemplars": family("h", HISTOGRAM, field(7, native + field(16, exemplar(0.3, 1700000000, t="1")) + field(16, exemplar(0.4, 1699999999, t="2")) + field(16, exemplar(0.4, t="3")))),
    "native_created": family("h", HISTOGRAM, field(7, native + field(15, moment(1700000000)))),
    "native_count_wrong": family("h", HISTOGRAM, field(7, native.replace(field(1, 6), field(1, 99), 1))),
    "native_spans_short": family("h", HISTOGRAM, field(7, native + field(12, signed(1, 1) + field(2, 5)))),
    "native_schema_-5": family("h", HISTOGRAM, field(7, native.replace(signed(5, 3), signed(5, -5), 1))),
    "native_empty_span": family("h", HISTOGRAM, field(7, field(1, 0) + field(2, 0.0) + signed(5, 3) + field(6, 1e-128) + field(7, 0) + field(12, b""))),
    "native_nan": family("h", HISTOGRAM, field(7, native.replace(field(2, 13.0), field(2, float("nan")), 1))),
    "native_float": family("h", HISTOGRAM, field(7, field(4, 3.5) + field(2, 1.0) + signed(5, 0) + field(8, 0.5) + field(6, 0.001) + field(12, signed(1, 0) + field(2, 2)) + packed(14, [struct.pack("<d", 1.0), struct.pack("<d", 2.0)]))),
    "gauge_native": family("gh", GAUGE_HISTOGRAM, field(7, native)),
    "gauge_classic": family("gh", GAUGE_HISTOGRAM, field(7, field(1, 6) + field(2, 13.0) + buckets)),
    "utf8": family("a.b", GAUGE, labels(**{"c d": "é"}) + field(2, field(1, 1.0))),
    "bad_utf8_value": family("g", GAUGE, field(1, field(1, "a") + field(2, b"\xff")) + field(2, field(1, 1.0))),
    "bad_utf8_name": family(b"\xff", GAUGE, field(2, field(1, 1.0))),
    "no_name": family("", GAUGE, field(2, field(1, 1.0))),
    "twice": family("g", GAUGE, field(2, field(1, 1.0))) * 2,
    "two": family("g", GAUGE, field(2, field(1, 1.0))) + family("f", GAUGE, field(2, field(1, 2.0))),
    "repeated_label": family("g", GAUGE, labels(a="1") + labels(a="2") + field(2, field(1, 1.0))),
    "unknown_field": family("g", GAUGE, field(2, field(1, 1.0)) + field(99, "x")),
    "unknown_type": family("g", 9, field(2, field(1, 1.0))),
    "no_metrics": family("g", GAUGE),
    "empty": b"", "zero_length": b"\0", "cut": family("g", GAUGE, field(2, field(1, 1.0)))[:-3], "length_too_long": b"\xff\x7f" + family("g", GAUGE)[1:],
    "endless_varint": b"\xff" * 12, "text": b"a 1\n", "wire_type_7": b"\x02\x0f\x00", "wrong_wire": varint(3) + b"\x08\x01\x00",
}
for name, body in proto.items():
    for tag, settings in dict(plain="", classic="always_scrape_classic_histograms: true", nhcb="convert_classic_histograms_to_nhcb: true", limit="native_histogram_bucket_limit: 1",
                              samples="sample_limit: 1").items():
        if tag == "limit" and name in ("native_spans_short", "native_count_wrong"):
            continue  # ends Prometheus 3.5
        if tag in ("plain", "samples") or "histogram" in name or "native" in name or "classic" in name:
            case(f"proto_{name}_{tag}", body, PROTO, settings)
case("proto_gzip", gzip.compress(proto["native"]), PROTO, headers={"Content-Encoding": "gzip"})


# --- random faults ---

SEEDS = [
    (TEXT, "# HELP http_requests_total The total number.\n# TYPE http_requests_total counter\nhttp_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\n"
           "http_requests_total{method=\"post\",code=\"400\"}    3\nmsdos_file_access_time_seconds{path=\"C:\\\\DIR\\\\FILE.TXT\",error=\"Cannot find file:\\n\\\"FILE.TXT\\\"\"} 1.458255915e9\n"
           "metric_without_timestamp_and_labels 12.47\nsomething_weird{problem=\"division by zero\"} +Inf -3982045\n# HELP h A histogram\n# TYPE h histogram\nh_bucket{le=\"0.05\"} 24054\n"
           "h_bucket{le=\"+Inf\"} 144320\nh_sum 53423\nh_count 144320\n"),
    (TEXT1, "# TYPE \"a.b\" gauge\n{\"a.b\",\"c d\"=\"e\",f=\"g\"} 1e3\nplain{\"x\"=\"y\", z=\"\"} NaN\n# some comment\n\nlast{} -0.5\n"),
    (OM, "# HELP acme_http_requests Latency \\\"quoted\\\" and \\n.\n# TYPE acme_http_requests counter\n# UNIT acme_seconds seconds\nacme_http_requests_total{path=\"/api/v1\",method=\"GET\"} 201 1520879607.789\n"
         "acme_http_requests_created{path=\"/api/v1\",method=\"GET\"} 1605281325\n# TYPE h histogram\nh_bucket{le=\"1.0\"} 1 # {trace_id=\"x\"} 0.5 1520879607.789\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 3.5\n"
         "# TYPE i info\ni_info{version=\"1\"} 1\n# TYPE s stateset\ns{s=\"a\"} 1\ns{s=\"b\"} 0\n# EOF\n"),
    (OM, "# TYPE \"m.n\" gauge\n# HELP \"m.n\" h\n{\"m.n\",a=\"b\"} 1 # {\"e.f\"=\"g\"} 2\nx{\"y\"=\"z\"} 0x1p-2\n# EOF\n"),
]
SPLINTERS = ["\n", " ", "\t", "\"", "\\", "{", "}", ",", "=", "#", "# ", "# TYPE ", "# HELP ", "# UNIT ", "# EOF\n", "0", "1", "-", "+", ".", "e", "E", "x", "_", ":", "é", "\0", "\r", "\r\n",
             "NaN", "Inf", "a", "le", "'", ";", "@", "{}", "\"\"", "\\n", "\\\"", " # {a=\"b\"} 1", "\ufeff", "\u2028", "1.0", " 123"]


def mutant(random, text):
    data = text.encode()
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        at = random.randrange(len(data) + 1)
        to = min(len(data), at + random.choice([0, 1, 1, 2, 5, 20]))
        what = random.randrange(6)
        splinter = random.choice(SPLINTERS).encode()
        if what == 0:
            data = data[:at] + splinter + data[at:]
        elif what == 1:
            data = data[:at] + splinter + data[to:]
        elif what == 2:
            data = data[:at] + data[to:]
        elif what == 3:
            data = data[:to] + data[at:]
        elif what == 4:
            data = data[:at] + bytes([random.randrange(256)]) + data[at + 1:]
        else:
            lines = data.split(b"\n")
            i, j = random.randrange(len(lines)), random.randrange(len(lines))
            lines[i], lines[j] = lines[j], lines[i]
            data = b"\n".join(lines)
    return data


def add_mutants(count, seed):
    source = random.Random(seed)
    for i in range(count):
        kind, text = SEEDS[i % len(SEEDS)]
        case(f"mutant{seed}_{i}", mutant(source, text), kind)
    for i in range(count // 4):
        # Some faults in native histograms end queries in Prometheus 3.5, and only it judges units.
        name = source.choice(sorted(n for n in proto if "native" not in n and n != "unit"))
        data = bytearray(proto[name] or b"\0")
        for _ in range(source.choice([1, 1, 2, 3])):
            data[source.randrange(len(data))] = source.randrange(256)
        case(f"mutantproto{seed}_{i}", bytes(data), PROTO, "always_scrape_classic_histograms: true")
