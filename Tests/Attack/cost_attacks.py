"""What is cheap to send and dear to read: headers, forms, parameters, times, trailers; and places that are taken and not used."""
import json
import os
import tempfile
import threading
import time
import urllib.error
import urllib.parse

from attack import attack
from shapes import HOST
from stack import WATCHED, Stack, Watch, check, in_parallel, in_time, read_all, until
from wire import WRITE, series, stored, write

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@attack("headers that are long to read", "60 KB of Accept, Content-Type, Accept-Encoding, Authorization on every server: others within 100 ms", short=True)
def headers(short):
    size = 60_000
    rising = ",".join(f"text/plain;q=0.{number:06}" for number in range(size // 24))
    # Names of fields, and what makes them long to read.
    chosen = [("Accept", rising), ("Accept", "a/b;" + "q=1;" * (size // 4)), ("Accept", "*" * size), ("Accept", "," * size),
              ("Content-Type", "text/plain;" + ";".join(f"a{number}=b" for number in range(size // 9))),
              ("Content-Type", "text/plain;" + ";".join(f"a*{number}=b" for number in range(size // 10))),
              ("Content-Type", "text/plain" + " " * size + ";x=y"), ("Content-Type", 'text/plain; x="' + "\\\"" * (size // 2)),
              ("Accept-Encoding", "gzip;q=0," * (size // 9)), ("Accept-Language", "a;q=0.1," * (size // 8)), ("Cookie", "a=b; " * (size // 5)),
              ("Authorization", "Basic " + "QUFB" * (size // 4)), ("If-None-Match", '"a",' * (size // 4)), ("Last-Event-ID", "9" * size),
              ("Origin", "http://" + "a." * (size // 2)), ("Forwarded", "for=a;" * (size // 6)), ("Content-Encoding", "gzip," * (size // 5))]
    with Stack(config=WATCHED) as stack:
        told, slowest = {}, (0, "")
        with Watch(stack) as watch:
            for server, path in (("prometheus", "/metrics"), ("pushgateway", "/metrics"), ("demo", "/metrics"), ("pushgateway", "/metrics/job/x"), ("otlp", "/v1/metrics")):
                for name, value in chosen:
                    method = "PUT" if "job" in path else "POST" if "v1" in path else "GET"
                    start = time.monotonic()
                    with stack.connect(server, timeout=30) as client:
                        try:
                            client.sendall(f"{method} {path} HTTP/1.1\r\n{HOST}Connection: close\r\nContent-Length: 0\r\n{name}: {value}\r\n\r\n".encode())
                        except ConnectionError:
                            pass
                        status = read_all(client)[9:12].decode()
                    check(status[:1] in ("2", "4"), f"{server}, {name}: {status or 'nothing'}")
                    slowest = max(slowest, (time.monotonic() - start, f"{name} of {server}"))
                    told[status] = told.get(status, 0) + 1
            seen = watch.seen()
            gap = watch.scrapes()
        in_time(slowest[0], 2, slowest[1])
        return f"{told}, the slowest {slowest[0] * 1000:.0f} ms, {seen}, {gap}"


@attack("forms that are long to read", "10 MB (--short: 3) of boundaries, parts, pairs, selectors: others within 100 ms", short=True)
def forms(short):
    size = 3_000_000 if short else 9_000_000
    boundary = "-" * 100_000
    part = b'--x\r\nContent-Disposition: form-data; name="query"\r\n\r\n1\r\n'
    bodies = [
        (f"multipart/form-data; boundary={boundary}", b"-" * size), ("multipart/form-data; boundary=" + "a" * 60 + "b", b"\r\n--" + b"a" * size),
        ("multipart/form-data; boundary=x", part * (size // len(part))), ("multipart/form-data; boundary=x", b"--x\r\n" + b"A: b\r\n" * (size // 6)),
        ("multipart/form-data; boundary=x", b"--x" + b" " * size), ("application/x-www-form-urlencoded", b"&" * size),
        ("application/x-www-form-urlencoded", b"a&" * (size // 2)), ("application/x-www-form-urlencoded", b"query=" + b"%41" * (size // 3)),
        ("application/x-www-form-urlencoded", b"query=1&" + b";" * size), ("application/x-www-form-urlencoded", b"query=" + b"+" * size + b"1"),
    ]
    with Stack("--query.timeout=5s", config=WATCHED) as stack:
        before = stack.forget_peak()
        told, slowest = {}, 0
        with Watch(stack) as watch:
            for path in ("/api/v1/query", "/api/v1/labels"):
                for kind, body in bodies:
                    start = time.monotonic()
                    try:
                        status, _, answer = stack.request(path, "POST", body, {"Content-Type": kind})
                    except (urllib.error.URLError, ConnectionError) as error:
                        # A head that is too long is answered and the connection cut: who still sends may not get to the answer.
                        check(len(kind) > 1 << 16, f"{path}, {kind[:40]}: {error}")
                        status, answer = 431, b""
                    slowest = max(slowest, time.monotonic() - start)
                    check(status in (200, 400, 413, 431), f"{path}, {kind[:40]}, {body[:20]!r}: {status} {answer[:100]!r}")
                    told[status] = told.get(status, 0) + 1
            seen = watch.seen()
            gap = watch.scrapes()
        in_time(slowest, 10, "a form")
        grown = stack.memory()[1] - before
        check(grown < 1500, f"{grown:.0f} MB")
        return f"{told}, the slowest {slowest:.1f} s, {grown:.0f} MB, {seen}, {gap}"


@attack("selectors by the hundred thousand", "match[] again and again, in every place that takes it: ends by its limit, others within 100 ms", short=True)
def selectors(short):
    count = 100_000 if short else 700_000
    with Stack("--query.timeout=5s", "--web.enable-admin-api", config=WATCHED) as stack:
        text = "".join(f'm{{a="{index}"}} {index}\n' for index in range(1000))
        stack.request("/metrics/job/filled", "PUT", text.encode(), server="pushgateway")
        until(lambda: stack.result("m"))
        before = stack.forget_peak()
        slowest, told = (0, ""), {}
        with Watch(stack) as watch:
            for path, form in [("/api/v1/series", "match[]=m&" * count), ("/api/v1/labels", "match[]=m&" * count),
                               ("/api/v1/series", "match[]={a%3D~%22.*%22}&" * (count // 3)),
                               ("/api/v1/labels", "".join(f"match[]={{a%3D~%22.*{index}%22}}&" for index in range(count // 4))),
                               ("/api/v1/series", "match[]=m{" + ",".join(f"a!%3D%22{index}%22" for index in range(count // 2)) + "}"),
                               ("/api/v1/query_exemplars", "query=" + "m%2B" * count + "m"),
                               ("/api/v1/admin/tsdb/delete_series", "".join(f"match[]={{a%3D~%22.*{index}x%22}}&" for index in range(count // 4))),
                               ("/api/v1/label/a/values", None), ("/federate", None)]:
                more = {"method": "POST", "body": form.encode(), "headers": FORM} if form else {}
                target = path if form else path + "?" + "match[]=m&" * 80_000
                start = time.monotonic()
                status, _, answer = stack.request(target, **more)
                slowest = max(slowest, (time.monotonic() - start, path))
                check(status in (200, 204, 400, 413, 414, 422, 431, 503), f"{path}: {status} {answer[:100]!r}")
                told[status] = told.get(status, 0) + 1
            seen = watch.seen()
            gap = watch.scrapes()
        in_time(slowest[0], 12, slowest[1])
        grown = stack.memory()[1] - before
        check(grown < 1500, f"{grown:.0f} MB")
        return f"{told}, the slowest {slowest[1]} {slowest[0]:.1f} s, {grown:.0f} MB, {seen}, {gap}"


@attack("times, steps and limits beyond everything", "every parameter that is a number, on every path that takes it: 200 or 4xx, nothing traps", short=True)
def times(short):
    values = ["1e308", "-1e308", "1e18", "-1e18", "9223372036854775807", "-9223372036854775808", "18446744073709551616", "NaN", "Inf", "-Inf", "0", "-0",
              "-1", "1e-320", "0x7fffffffffffffff", "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "2262-04-11T23:47:16.854775807Z", "1y", "292y", "1e400",
              "253402300800", "-62135596801", "%00", "9" * 400]
    paths = [
        ("/api/v1/query", {"query": "up", "time": "1"}, ("time", "timeout", "limit", "lookback_delta")),
        ("/api/v1/query_range", {"query": "up", "start": "0", "end": "10", "step": "1"}, ("start", "end", "step", "timeout", "limit", "lookback_delta")),
        ("/api/v1/explain", {"query": "rate(up[1m])", "time": "1"}, ("time", "start", "end", "step", "timeout")),
        ("/api/v1/series", {"match[]": "up"}, ("start", "end", "limit")), ("/api/v1/labels", {}, ("start", "end", "limit")),
        ("/api/v1/label/job/values", {}, ("start", "end", "limit")), ("/api/v1/query_exemplars", {"query": "up"}, ("start", "end")),
        ("/api/v1/metadata", {}, ("limit", "limit_per_metric")), ("/api/v1/rules", {}, ("group_limit", "group_next_token")),
        ("/api/v1/status/tsdb", {}, ("limit",)), ("/api/v1/events", {}, ("limit", "since")), ("/api/v1/targets/last_scrape", {}, ("limit",)),
        ("/federate", {"match[]": "up"}, ("start", "end")), ("/api/v1/notifications", {}, ("limit",)),
    ]
    with Stack("--web.enable-admin-api", config=WATCHED) as stack:
        until(lambda: stack.result("up"))
        told = {}
        with Watch(stack) as watch:
            for path, given, names in paths:
                for name in names:
                    for value in values:
                        query = urllib.parse.urlencode(dict(given, **{name: value}), safe="%")
                        status, _, body = stack.request(path + "?" + query)
                        check(status in (200, 400, 404, 422, 503), f"{path}?{query[:80]}: {status} {body[:100]!r}")
                        told[status] = told.get(status, 0) + 1
            for both in ("9223372036854775807", "-9223372036854775808", "1e18", "NaN"):
                for path in ("/api/v1/query_range?query=up&step=1", "/api/v1/explain?query=up&step=1", "/api/v1/series?match[]=up"):
                    status = stack.request(f"{path}&start=-{both.lstrip('-')}&end={both}")[0]
                    check(status in (200, 400, 422), f"{path} to {both}: {status}")
            for expression in ("up @ 9e18", "up offset 290y", "up[290y:1ms]", "rate(up[290y])", "up @ -9e18 offset -290y", "timestamp(up) * 1e300", "hour(vector(1e300))",
                               "days_in_month(vector(-1e300))", "up[1ms:290y]", "sum_over_time(up[5m:0s])", "predict_linear(up[1m], 1e308)", "1 << 2"):
                status, document = stack.query(expression, time="9223372036854775")
                check(status in (200, 400, 422, 503), f"{expression}: {status} {document}")
            seen = watch.seen()
        return f"{told}, {seen}"


@attack("trailers and extensions of chunks", "200 MB of them behind a body: bounded memory, others within 100 ms", short=True)
def trailers(short):
    amount = 50 << 20 if short else 200 << 20
    with Stack(config=WATCHED) as stack:
        before = stack.forget_peak()
        line, told = b"X-Trailer: " + b"y" * 1000 + b"\r\n", []

        def pour(index):
            head = f"PUT /metrics/job/x HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n".encode()
            with stack.connect(("prometheus", "pushgateway", "demo")[index % 3], timeout=30) as client:
                try:
                    client.sendall(head + (b"4\r\na 1\n\r\n0\r\n" if index < 3 else b"4;" + b"x" * 100))
                    sent = 0
                    while sent < amount // 6:
                        client.sendall(line * 100 if index < 3 else b"x=y;" * 25_000)
                        sent += len(line) * 100
                    client.sendall(b"\r\n")
                except (ConnectionError, TimeoutError):
                    pass
                try:
                    told.append(read_all(client)[9:12].decode())
                except (ConnectionError, TimeoutError):
                    told.append("-")
        with Watch(stack) as watch:
            in_parallel(6, pour)
            seen = watch.seen()
            gap = watch.scrapes()
        grown = stack.memory()[1] - before
        check(grown < 60, f"{grown:.0f} MB ({told})")
        return f"{' '.join(told)}, {grown:.0f} MB, {seen}, {gap}"


@attack("every place taken", "as many silent connections as there is room for by default: others are answered all the same", short=True)
def places(short):
    with Stack(config=WATCHED) as stack:
        clients = []
        for server in ("prometheus", "pushgateway"):
            for index in range(600):
                client = stack.connect(server)
                if index % 2:
                    client.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
                clients.append(client)
        try:
            with Watch(stack) as watch:
                time.sleep(1 if short else 5)
                seen = watch.seen()
                gap = watch.scrapes()
        finally:
            for client in clients:
                client.close()
        return f"{len(clients)} held, {seen}, {gap}"


@attack("listeners that do not read", "64 of live events, 20,000 events: bounded memory, the next listener is told, pushes go on", short=True)
def listeners(short):
    count = 2000 if short else 20_000
    with Stack(config=WATCHED) as stack:
        before = stack.forget_peak()
        clients = []
        for _ in range(80):
            client = stack.connect(buffer=4096)
            client.sendall(f"GET /api/v1/events/live HTTP/1.1\r\n{HOST}\r\n".encode())
            clients.append(client)
        refused = sum(b" 503 " in client.recv(100) for client in clients)
        with Watch(stack) as watch:
            for index in range(count):
                status = stack.request(f"/metrics/job/j{index % 7}", "PUT", b"a{b=\"%s\"} 1\n" % (b"x" * 500), server="pushgateway")[0]
                check(status == 200, f"a push: {status}")
            seen = watch.seen()
            gap = watch.scrapes()
        grown = stack.memory()[1] - before
        for client in clients:
            client.close()
        check(refused == 16, f"{refused} of 80 refused")
        check(grown < 60, f"{grown:.0f} MB")
        until(lambda: stack.request("/api/v1/events?limit=1")[0] == 200)
        return f"{count} events, {refused} refused, {grown:.0f} MB, {seen}, {gap}"


@attack("explanations of what is dear", "explain and range queries by hostile expressions end by their limits: others within 100 ms", short=True)
def explanations(short):
    with Stack("--query.timeout=3s", config=WATCHED) as stack:
        text = "".join(f'm{{a="{index}",b="{index % 7}"}} {index}\n' for index in range(2000))
        stack.request("/metrics/job/filled", "PUT", text.encode(), server="pushgateway")
        until(lambda: stack.result("m"))
        before = stack.forget_peak()
        now = time.time()
        deep = "m"
        for _ in range(300):
            deep = f"({deep} or m)"
        chosen = ["m * on(b) group_left() m", "m and on() m", "sum by (a, b) (m)", "topk(1000, m)", 'label_replace(m, "c", "$1", "a", "(.*)")', deep,
                  "sum_over_time(m[1h:1s])", "absent(m{a='none'})", "m > on(b) group_left() max by (b) (m)", "m" + "+m" * 500, "quantile_over_time(0.9, m[30m:1s])"]
        told, slowest = {}, (0, "")
        with Watch(stack) as watch:
            def ask(worker):
                nonlocal slowest
                for expression in chosen[worker::3]:
                    for more in ({"time": now}, {"start": now - 3600, "end": now, "step": 1}):
                        start = time.monotonic()
                        form = urllib.parse.urlencode(dict(more, query=expression)).encode()
                        status, _, body = stack.request("/api/v1/explain", "POST", form, FORM)
                        slowest = max(slowest, (time.monotonic() - start, expression[:40]))
                        check(status in (200, 400, 422, 503), f"{expression[:40]}: {status} {body[:100]!r}")
                        told[status] = told.get(status, 0) + 1
            in_parallel(3, ask)
            seen = watch.seen()
            gap = watch.scrapes()
        in_time(slowest[0], 10, slowest[1])
        grown = stack.memory()[1] - before
        check(grown < 1500, f"{grown:.0f} MB")
        return f"{told}, the slowest {slowest[1]} {slowest[0]:.1f} s, {grown:.0f} MB, {seen}, {gap}"


@attack("discovery files that change and grow", "20,000 targets, then nonsense, a hundred times: others' scrapes in time, within 100 ms, memory given back", short=True)
def discovery(short):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "sd.json")

        def put(text):
            with open(path + ".new", "w") as file:
                file.write(text)
            os.replace(path + ".new", path)
        put("[]")
        config = WATCHED + (f"  - {{job_name: found, target_limit: 100, relabel_configs: [{{action: keep, regex: '.*[05]00', source_labels: [__address__]}}], "
                            f"file_sd_configs: [{{files: ['{path}'], refresh_interval: 1s}}]}}\n"
                            f"  - {{job_name: dropped, relabel_configs: [{{action: drop, regex: '.*', source_labels: [__address__]}}], "
                            f"file_sd_configs: [{{files: ['{path}'], refresh_interval: 1s}}]}}\n")
        with Stack(config=config) as stack:
            until(lambda: stack.result("up"))
            before = stack.forget_peak()
            many = json.dumps([{"targets": [f"127.0.0.1:{index % 60_000 + 1}" for index in range(20_000)], "labels": {"a": "b" * 1000}}])
            texts = [many, "[" * 100_000, '[{"targets": ["' + "a" * 1_000_000 + ':1"]}]', json.dumps([{"targets": ["a:1"], "labels": {f"l{i}": "x" for i in range(50_000)}}]),
                     "\0" * 100_000, '[{"targets": [1]}]', "[]", json.dumps([{"targets": []}] * 50_000)]
            with Watch(stack) as watch:
                for index in range(8 if short else 100):
                    put(texts[index % len(texts)])
                    time.sleep(1.2)
                put("[]")
                seen = watch.seen()
                gap = watch.scrapes()
            grown = stack.memory()[1] - before
            check(grown < 500, f"{grown:.0f} MB")
            return f"{grown:.0f} MB, {seen}, {gap}"


@attack("names that are new each time", "families, help texts, series and labels of a target never the same: memory comes to rest")
def churn(short):
    import http.server

    class Churning(http.server.BaseHTTPRequestHandler):
        number = 0

        def do_GET(self):
            Churning.number += 1
            n = Churning.number
            body = "".join(f"# HELP f{n}_{index} {'h' * 500}\n# TYPE f{n}_{index} counter\nf{n}_{index}{{a=\"{n}\"}} 1\n" for index in range(500)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Churning)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = WATCHED + f"  - {{job_name: churn, static_configs: [{{targets: ['127.0.0.1:{server.server_address[1]}']}}]}}\n"
    with Stack(config=config) as stack:
        until(lambda: Churning.number > 30)
        before, start = stack.memory()[0], Churning.number
        with Watch(stack) as watch:
            until(lambda: Churning.number > start + 60, 120)
            seen = watch.seen()
            gap = watch.scrapes()
        rounds = Churning.number - start
        grown = (stack.memory()[0] - before) * 1024 * 1024 / (rounds * 500)
        kept = len(json.loads(stack.request("/api/v1/metadata")[2])["data"])
        server.shutdown()
        server.server_close()
        # A series and its sample have to stay; a help text of each must not.
        check(grown < 3000, f"{grown:.0f} bytes for each new series")
        check(kept < 500 * 14, f"metadata of {kept} families is kept")
        return f"{rounds * 500} new series, {grown:.0f} bytes each, metadata of {kept} families kept, {seen}, {gap}"


@attack("configurations of great size", "50,000 rules in 500 files, 2,000 jobs: taken, and gone again, others within 100 ms, scrapes in time", short=True)
def sizes(short):
    count = 100 if short else 500
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            with open(os.path.join(folder, f"{number}.yml"), "w") as file:
                file.write(f"groups:\n- name: g{number}\n  interval: 1h\n  rules:\n"
                           + "".join(f"  - {{record: 'r{number}_{index}', expr: 'sum by (a) (rate(m{{b=~\"x|y.*\"}}[5m])) > {index}'}}\n" for index in range(100)))
        large = WATCHED + "".join(f"  - {{job_name: j{index}, scrape_interval: 1h, static_configs: [{{targets: ['127.0.0.1:1']}}]}}\n" for index in range(count * 4))
        large += f"rule_files: ['{folder}/*.yml']\n"
        with Stack("--web.enable-lifecycle", config=WATCHED) as stack:
            until(lambda: stack.result("up"))
            before, slowest = stack.forget_peak(), 0
            with Watch(stack) as watch:
                for text in (large, WATCHED, large, WATCHED):
                    with open(stack.config_path, "w") as file:
                        file.write(text)
                    start = time.monotonic()
                    status, _, body = stack.request("/-/reload", "POST")
                    slowest = max(slowest, time.monotonic() - start)
                    check(status == 200, f"{status} {body[:200]!r}")
                    known = json.loads(stack.request("/api/v1/rules")[2])["data"]["groups"]
                    check(len(known) == (count if text == large else 0), f"{len(known)} groups")
                seen = watch.seen()
                gap = watch.scrapes()
            in_time(slowest, 15, "a reload")
            grown = stack.memory()[1] - before
            check(grown < 400, f"{grown:.0f} MB")
            return f"{count * 100} rules, {count * 4} jobs, the slowest reload {slowest:.1f} s, {grown:.0f} MB, {seen}, {gap}"


@attack("groups of rules by the thousand", "20,000 groups each minute (--short: 3,000 each 8 s), each evaluated: bounded memory, others within 100 ms, scrapes in time", short=True)
def groups(short):
    count, interval = (3000, 8) if short else (20_000, 60)
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        rules = os.path.join(folder, "rules.yml")
        with open(rules, "w") as file:
            file.write("groups:\n" + "".join(f"- {{name: g{number}, interval: {interval}s, rules: [{{record: 'r{number}', expr: 'up + {number}'}}]}}\n"
                                              for number in range(count)))
        with Stack(config=f"rule_files: ['{rules}']\n" + WATCHED) as stack:
            before = stack.forget_peak()
            with Watch(stack) as watch:
                until(lambda: stack.result('count({__name__=~"r.+"})') and int(stack.result('count({__name__=~"r.+"})')[0]["value"][1]) >= count,
                      3 * interval)
                seen = watch.seen()
                gap = watch.scrapes()
            # What a group and its series keep, and not what an evaluation takes.
            grown = (stack.memory()[1] - before) * 1024 / count
            check(grown < 16, f"{grown:.1f} KB for each group")
            return f"{grown:.1f} KB for each group, {seen}, {gap}"


@attack("everything federated, by many at once", "/federate of 300,000 series (--short: 60,000), 24 clients, of which 20 leave: ends with them, bounded memory, others within 100 ms, SIGTERM within 5 s",
        short=True)
def federation(short):
    count, step = (60_000 if short else 300_000), 20_000
    with Stack("--web.enable-remote-write-receiver", config=WATCHED) as stack:
        until(lambda: stack.result('up{job="watch"}'))
        now = int(time.time() * 1000)
        for first in range(0, count, step):
            body = stored(b"".join(series([("__name__", f"m{index % 100}"), ("n", str(index))], [(float(index), now)]) for index in range(first, first + step)))
            check(write(stack, body)[0] in (200, 204), "no write")
        before = stack.forget_peak()
        with Watch(stack) as watch:
            clients = []
            for number in range(24):
                clients.append(stack.connect(timeout=60, buffer=4096 if number >= 4 else None))
                clients[-1].sendall(f"GET /federate?match[]={{__name__=~%22m.%2B%22}} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n".encode())
            time.sleep(1)
            for client in clients[4:]:
                client.close()
            lines = in_parallel(4, lambda index: read_all(clients[index], 1 << 28).count(b"\nm"))
            check(all(one in (0, count) for one in lines) and any(lines), f"{lines} lines of {count}")
            seen = watch.seen()
            gap = watch.scrapes()
        grown = stack.memory()[1] - before
        check(grown < 1500, f"{grown:.0f} MB")
        for _ in range(20):
            clients.append(stack.connect(timeout=60, buffer=4096))
            clients[-1].sendall(f"GET /federate?match[]={{__name__=~%22m.%2B%22}} HTTP/1.1\r\n{HOST}\r\n".encode())
        return f"{grown:.0f} MB, {seen}, {gap}, {stack.timed_end(5)}"


@attack("many alerts with long texts", "20,000 of 10 KB each, asked for by three at once: bounded memory, others within 100 ms, scrapes in time", short=True)
def long_alerts(short):
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        rules = os.path.join(folder, "rules.yml")
        with open(rules, "w") as file:
            file.write("groups: [{name: g, interval: 5s, rules: [{alert: A, expr: 'last_over_time(big[1h])', "
                       "annotations: {x: '{{ printf \"%10000d\" 1 }}'}}]}]\n")
        with Stack("--web.enable-remote-write-receiver", config=f"rule_files: ['{rules}']\n" + WATCHED) as stack:
            now = int(time.time() * 1000)
            for first in range(0, 20_000, 5000):
                body = b"".join(series([("__name__", "big"), ("a", str(number))], [(1, now)]) for number in range(first, first + 5000))
                status, _, answer = stack.request("/api/v1/write", "POST", stored(body), WRITE)
                check(status == 204, f"{status} {answer[:200]}")
            until(lambda: stack.result('count(ALERTS)') and float(stack.result('count(ALERTS)')[0]["value"][1]) == 20_000)
            before = stack.forget_peak()
            end = time.monotonic() + (5 if short else 20)
            sizes = []

            def ask(number):
                while time.monotonic() < end:
                    status, _, body = stack.request(("/api/v1/alerts", "/api/v1/rules")[number % 2])
                    check(status == 200, f"{status}")
                    sizes.append(len(body))
            with Watch(stack) as watch:
                in_parallel(3, ask)
                seen = watch.seen()
                gap = watch.scrapes()
            grown = stack.memory()[1] - before
            check(min(sizes) > 200_000_000, f"only {min(sizes)} bytes")
            check(grown < 150, f"{grown:.0f} MB more")
            return f"{len(sizes)} answers of {max(sizes) >> 20} MiB, {grown:.0f} MB more, {seen}, {gap}"
