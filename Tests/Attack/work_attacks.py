"""Work that is asked for: queries, rules, targets. While they are at it, others are answered and scrapes come in time."""
import http.server
import time
import urllib.parse
import zlib

from attack import attack
import stack as stacks
from stack import WATCHED, Stack, Watch, check, in_parallel, in_time, until
from wire import field, repeated

import peers

BIG = "m"


def filled(stack, series=1000, times=1):
    """Series to work on."""
    for number in range(times):
        text = "".join(f'{BIG}{{a="{index}",b="{index % 10}"}} {index + number}\n' for index in range(series))
        stack.request("/metrics/job/filled", "PUT", text.encode(), server="pushgateway")
        stack.request("/api/v1/scrape?job=watch&wait=true", "POST")


def nested(inner, depth):
    for _ in range(depth):
        inner = f'label_replace({inner},"a","$1$1$1$1","a","(.*)")'
    return inner


def hostile():
    """Expressions, and whether they are ranges."""
    long = "x" * 200_000
    return [
        ("sum_over_time(m[1h:1s])", True), ("m * on() group_left() m", False), ("m + on(b) group_left() m", False),
        (nested("m", 9), False), (nested("m", 12), False), ('label_join(m,"a","' + long[:5000] + '","a","a","a")', False),
        ("(" * 5000 + "m" + ")" * 5000, False), ("-" * 20_000 + "m", False), ("m" + "+m" * 5000, False), ("sum(" * 900 + "m" + ")" * 900, False),
        ('m{a=~"' + "(a*)*" * 50 + 'b"}', False), ('m{a=~"' + "(" * 900 + ")" * 900 + '"}', False), ('m{a=~"(((a{1000}){1000}){1000})"}', False),
        ('m{a=~"' + ".*" * 3000 + '"}', False), ('m{a=~"' + "|".join(str(i) for i in range(20_000)) + '"}', False), ('{__name__=~".+"}', False),
        ('{__name__=~".*",a!~"' + "a?" * 400 + "a" * 400 + '"}', False), ("count_values('" + "v" + "', m)", False),
        ("quantile_over_time(0.5, m[1h:1s])", True), ("max_over_time(rate(m[1h])[1h:1s])", True), ("topk(1e9, m)", True),
        ("m[1000y]", False), ("m offset 1000y", False), ("m @ 1e18", False), ("m[1h:1ms]", False), ("sum_over_time((m)[30d:1s])", False),
        ("absent_over_time(m[100y:1s])", False), ("vector(1)[100y:1s]", False), ("round(m, 1e-320)", False), ("m ^ 1e308 ^ 1e308", False),
        ("histogram_quantile(0.9, m)", True), ("sort_by_label(m, 'a')", False), ("'" + long + "'", False), ("# " + long + "\nm", False),
        ("m{a='" + long + "'}", False), (long, False), ("\x00m", False), ("m\xff", False), ("{", False), ("m[5m", False), ("1e999999999", False),
        ("0x" + "f" * 100_000, False), ("predict_linear(m[1h:1s], 1e300)", True), ("double_exponential_smoothing(m[1h:1s], 0.1, 0.1)", True),
        ("holt_winters(m[1h:1s], 0.5, 0.5)", True), ("stddev_over_time(m[1h:1s])", True), ("changes(m[1h:1s]) > bool 0", True),
        ('label_replace(m,"c","$1","a","' + "((((((((.*))))))))" * 1000 + '")', False),
        ('m{a=~"(?i)[' + r"\\pL\\pN" * 20_000 + ']"}', False), ('m{a=~"(?i)' + r"\\pL" * 900 + '"}', False), ('m{a=~"[' + "[:" * 300_000 + 'x]"}', False),
        ("m{" + 'a=~"(x|y)*x(x|y){12}.*",' * 5000 + "}", False), ('m{a=~"' + "(" * 999 + "a" * 100_000 + ")?" * 999 + '"}', False),
        ("rate(vector(1)[100y:150y])", False),
    ]


def multiplying():
    """Where to ask what is short to send, and would take or answer far more."""
    many = 'label_join(m,"a","b"' + ',"c"' * 300_000 + ")"
    blob = 'm{a!="' + "x" * 500_000 + '"}'
    slow = '{a=~"(?i)[' + r"\\pL\\pN" * 50_000 + ']"}'
    return [
        ("format_query", "query", "sum(" * 900 + many + ")" * 900), ("parse_query", "query", many),
        ("format_query", "query", "sum(" * 900 + "m{" + 'a="b",' * 300_000 + "}" + ")" * 900),
        ("explain", "query", "abs(" * 900 + blob + ")" * 900), ("explain", "query", "+".join([blob[:2000] + '"}'] * 900)),
        ("explain", "query", "rate(vector(1)[100y:90y])"), ("explain", "query", "nb" + "ab" * 200_000),
        ("series", "match[]", slow), ("labels", "match[]", slow), ("query_exemplars", "query", slow),
    ]


@attack("hostile queries", "each ends by its limit (timeout 5 s) with a word; others within 100 ms, scrapes in time", short=True)
def queries(short):
    with Stack("--query.timeout=5s", config=WATCHED) as stack:
        filled(stack, 300 if short else 1000, 3)
        chosen = hostile()
        if short:
            chosen = chosen[:1] + chosen[3:5] + chosen[6:20] + chosen[21:]
        before = stack.forget_peak()
        slowest, statuses = (0, ""), []
        with Watch(stack) as watch:
            now = time.time()

            def ask(worker):
                nonlocal slowest
                for expression, is_range in chosen[worker::3]:
                    start = time.monotonic()
                    more = {"start": now - 3600, "end": now, "step": 1} if is_range else {"time": now}
                    status, document = stack.query(expression, "query_range" if is_range else "query", **more)
                    slowest = max(slowest, (time.monotonic() - start, expression[:40]))
                    statuses.append(status)
                    check(status == 200 or document.get("error"), f"{expression[:40]}: {status} without a word")
                    check(status in (200, 400, 422, 503), f"{expression[:40]}: {status} {document.get('error')}")
            in_parallel(3, ask)
            seen = watch.seen()
            gap = watch.scrapes()
        in_time(slowest[0], 12, slowest[1])
        grown = stack.memory()[1] - before
        check(grown < 6000, f"{grown:.0f} MB")
        return f"{len(statuses)} asked, {statuses.count(200)} answered, the slowest {slowest[0]:.1f} s, {grown:.0f} MB, {seen}, {gap}"


@attack("queries that multiply", "formatted, explained, told as a tree, read as selectors: within time and memory; others within 100 ms", short=True)
def multiplied(short):
    with Stack("--query.timeout=5s", config=WATCHED) as stack:
        filled(stack, 100)
        stack.request("/metrics/job/long", "PUT", ("nb" + "ba" * 200_000 + " 1\n").encode(), server="pushgateway")
        stack.request("/api/v1/scrape?job=watch&wait=true", "POST")
        before = stack.forget_peak()
        statuses = []
        with Watch(stack) as watch:
            for path, name, text in multiplying():
                start = time.monotonic()
                form = urllib.parse.urlencode({name: text}).encode()
                kind = {"Content-Type": "application/x-www-form-urlencoded"}
                statuses.append(stack.request(f"/api/v1/{path}", "POST", form, kind, timeout=30)[0])
                in_time(time.monotonic() - start, 8, f"{path} {text[:30]}")
            selector = urllib.parse.quote('{a=~"(?i)[' + r"\\pL\\pN" * 10_000 + ']"}')
            statuses += in_parallel(4, lambda _: stack.request(f"/api/v1/rules?match[]={selector}", timeout=30)[0])
            seen = watch.seen()
            gap = watch.scrapes()
        grown = stack.memory()[1] - before
        check(grown < 1000, f"{grown:.0f} MB")
        check(set(statuses) <= {200, 400, 422, 431, 503}, str(statuses))
        return f"{len(statuses)} asked, {statuses.count(200)} answered, {grown:.0f} MB, {seen}, {gap}"


@attack("queries whose client leaves", "a query ends with its client, SIGTERM ends the process with queries at work", short=True)
def leaving(short):
    with Stack("--query.timeout=60s", config=WATCHED) as stack:
        filled(stack)
        form = urllib.parse.urlencode({"query": nested("m", 9)}).encode()
        clients = []
        for _ in range(4):
            client = stack.connect()
            client.sendall(b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
                           + str(len(form)).encode() + b"\r\n\r\n" + form)
            clients.append(client)
        time.sleep(0.3)
        for client in clients[:2]:
            client.close()
        start = time.monotonic()
        stack.end(10)
        took = time.monotonic() - start
        for client in clients[2:]:
            client.close()
        in_time(took, 5, "SIGTERM")
        return f"ended {took:.2f} s after SIGTERM"


@attack("many heavy queries", "60 at once: 20 run, others wait or are told; others within 100 ms, scrapes in time")
def heavy(short):
    with Stack("--query.timeout=5s", config=WATCHED) as stack:
        filled(stack, 1000, 3)
        with Watch(stack) as watch:
            now = time.time()

            def ask(index):
                return stack.query("sum_over_time(m[1h:1s])", "query_range", start=now - 3600 - index, end=now, step=1)[0]
            statuses = in_parallel(60, ask)
            seen = watch.seen()
            gap = watch.scrapes()
        told = {status: statuses.count(status) for status in sorted(set(statuses))}
        return f"{told}, {seen}, {gap}"


class HostileTarget(http.server.BaseHTTPRequestHandler):
    """A target that is told by its path what to do to whoever scrapes it."""

    protocol_version = "HTTP/1.1"
    bomb = None

    def start(self, length=None, status=200, kind="text/plain; version=0.0.4", more=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()

    def whole(self, body, **more):
        self.start(len(body), **more)
        self.wfile.write(body)

    def do_GET(self):
        self.close_connection = True
        try:
            getattr(self, "do_" + self.path.strip("/"))()
        except OSError:
            pass

    def do_endless(self):
        self.start()
        while True:
            self.wfile.write(b"# nothing of interest, again and again\n" * 1000)

    def do_drip(self):
        self.start(1000)
        while True:
            self.wfile.write(b"#")
            time.sleep(0.2)

    def do_silent(self):
        time.sleep(5)

    def do_bomb(self):
        self.whole(HostileTarget.bomb, more=[("Content-Encoding", "gzip")])

    def do_labels(self):
        self.whole(b"a{" + b",".join(b'l%d="x"' % index for index in range(50_000)) + b"} 1\n")

    def do_value(self):
        self.whole(b'a{b="' + b"x" * (8 << 20) + b'"} 1\n')

    def do_series(self):
        self.whole(b"".join(b'flood{n="%d-%d"} 1\n' % (time.time_ns(), index) for index in range(20_000)))

    def do_noise(self):
        import random
        self.whole(random.Random(1).randbytes(1 << 20))

    def do_protobuf(self):
        import random
        self.whole(random.Random(2).randbytes(1 << 20), kind="application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited")

    def do_packed(self):
        # A histogram whose packed field comes in many pieces.
        def field(tag, body):
            size, rest = b"", len(body)
            while rest >= 0x80:
                size, rest = size + bytes([rest & 0x7f | 0x80]), rest >> 7
            return tag + size + bytes([rest]) + body
        histogram = (b"\x72\x08" + b"\0" * 8) * 400_000
        family = b"\x0a\x01a\x18\x04" + field(b"\x22", field(b"\x3a", histogram))
        self.whole(field(b"", family), kind="application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited")

    def do_redirect(self):
        self.start(0, status=302, more=[("Location", "/redirect")])

    def do_away(self):
        self.start(0, status=302, more=[("Location", "file:///etc/passwd")])

    def do_headers(self):
        self.start(0, more=[(f"X-{index}", "y" * 1000) for index in range(20_000)])

    def do_head(self):
        while True:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 65536)

    def do_short(self):
        self.start(1000)
        self.wfile.write(b"a 1\n")

    def do_future(self):
        self.whole(b"".join(b"future%d 1 %d\n" % (index, 9_000_000_000_000 + index) for index in range(1000)))

    def do_past(self):
        self.whole(b"".join(b"past%d 1 %d\n" % (index, index) for index in range(1000)))

    def do_twice(self):
        self.whole(b'a{b="c"} 1\n' * 100_000)

    def do_chunks(self):
        self.start(more=[("Transfer-Encoding", "chunked")])
        while True:
            self.wfile.write(b"1\r\n#\r\n" * 1000)

    def do_liar(self):
        self.start(1 << 60)
        self.wfile.write(b"a 1\n")

    def do_type(self):
        self.whole(b"a 1\n", kind="text/html; " + "a" * 100_000)

    def do_exemplars(self):
        self.whole(b"# TYPE a counter\n" + b"".join(b'a_total{n="%d"} 1 # {%s} 1\n' % (index, b'x="%s"' % (b"y" * 100)) for index in range(20_000)) + b"# EOF\n",
                   kind="application/openmetrics-text; version=1.0.0")

    def do_good(self):
        self.whole(b"good 1\n")

    def log_message(self, *_):
        pass


KINDS = [name[3:] for name in dir(HostileTarget) if name.startswith("do_") and name != "do_GET"]


@attack("hostile targets", "each is refused or taken within its limits; another target's scrapes come in time, others within 100 ms", short=True)
def targets(short):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"\n" * (1 << 20)
    HostileTarget.bomb = b"".join(packer.compress(zeros) for _ in range(128 if short else 1024)) + packer.flush()
    server = peers.listen(HostileTarget)
    server.handle_error = lambda *_: None
    address = f"127.0.0.1:{server.server_port}"
    config = WATCHED + "".join(
        f"  - {{job_name: {kind}, metrics_path: /{kind}, sample_limit: 10000, label_limit: 100, label_value_length_limit: 1000, "
        f"body_size_limit: 10MB, static_configs: [{{targets: ['{address}']}}]}}\n" for kind in KINDS)
    with Stack(config=config) as stack:
        before = stack.forget_peak()
        with Watch(stack) as watch:
            until(lambda: len(stack.result("up")) == len(KINDS) + 1)
            if not short:
                time.sleep(20)
            seen = watch.seen()
            gap = watch.scrapes()
        good, either = {"good", "twice", "past", "future"}, {"labels", "value", "series", "packed", "exemplars", "type"}

        def wrong():
            up = {row["metric"]["job"]: row["value"][1] for row in stack.result("up")}
            return up, [kind for kind in KINDS if kind not in either and up[kind] != ("1" if kind in good else "0")]
        # A good one may be late as well, where the others keep this very process busy.
        end = time.monotonic() + 20 * stacks.patience
        up, found = wrong()
        while found and time.monotonic() < end:
            time.sleep(0.2)
            up, found = wrong()
        check(not found, ", ".join(f"{kind}: up is {up[kind]}" for kind in found))
        grown = stack.memory()[1] - before
        check(grown < 700, f"{grown:.0f} MB")
        stack.end(20)
    server.shutdown()
    server.server_close()
    return f"{len(KINDS)} targets, {list(up.values()).count('1') - 1} up, {grown:.0f} MB, {seen}, {gap}"


@attack("slow and failing pushes beside scrapes", "eight clients push 5 MB each again and again; scrapes in time, others within 100 ms")
def pushes(short):
    text = "".join(f'p{{a="{index}"}} {index}\n' for index in range(100_000)).encode()
    with Stack(config=WATCHED) as stack:
        before = stack.forget_peak()
        with Watch(stack) as watch:
            end = time.monotonic() + 15
            count = [0]

            def push(worker):
                while time.monotonic() < end:
                    # Never scraped: it would be the watch that is slow then.
                    status = stack.request(f"/metrics/job/p{worker}", "PUT", text + b"broken {\n", server="pushgateway")[0]
                    check(status == 400, f"{status}")
                    count[0] += 1
            in_parallel(8, push)
            seen = watch.seen()
            gap = watch.scrapes()
        return f"{count[0]} pushes, {stack.memory()[1] - before:.0f} MB, {seen}, {gap}"


@attack("remote reads that multiply", "some KB that ask for GB: refused, bounded memory; others within 100 ms", short=True)
def reads(short):
    headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}

    def query(name):
        now = int(time.time() * 1000)
        matcher = field(2, "__name__") + field(3, name)
        return field(1, field(1, now - 600_000, 0) + field(2, now + 600_000, 0) + field(3, matcher))
    bodies = {"1": repeated(query(BIG), 1), "1,000": repeated(query(BIG), 1000), "6,000": repeated(query(BIG), 6000),
              "100,000 of nothing": repeated(query("nothing"), 100_000), "forms": repeated(field(2, 0, 0) * 50, 40_000)}
    told = {}
    with Stack("--query.max-memory=50MB", config=WATCHED) as stack:
        filled(stack, 2000, 4)
        before = stack.forget_peak()
        with Watch(stack) as watch:
            for name, body in bodies.items():
                statuses = in_parallel(4, lambda _: stack.request("/api/v1/read", "POST", body, headers)[0])
                told[name] = sorted(set(statuses))
                check(set(statuses) <= ({200} if name == "1" else {200, 400}), f"{name}: {statuses}")
            seen = watch.seen()
        check(400 in told["6,000"] and 400 in told["100,000 of nothing"] and 400 in told["forms"], f"{told}")
        grown = stack.memory()[1] - before
        check(grown < 500, f"{grown:.0f} MB")
    return f"{told}, {grown:.0f} MB, {seen}"


class PackingTarget(http.server.BaseHTTPRequestHandler):
    """A target that packs what it says, and never comes to an end, or makes little of much."""

    protocol_version = "HTTP/1.1"
    member = zlib.compressobj(9, zlib.DEFLATED, 31).flush()
    bomb = b""

    def do_GET(self):
        self.close_connection = True
        kind = self.path.strip("/")
        try:
            self.send_response(500 if kind == "error" else 302 if kind == "moved" else 200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Location", "/moved")
            self.end_headers()
            if kind == "bomb":
                self.wfile.write(PackingTarget.bomb)
            elif kind == "members":
                self.wfile.write(self.member * ((4 << 20) // len(self.member)))
            else:
                self.wfile.write(self.member[:10])
                while True:
                    self.wfile.write(b"\x00\x00\x00\xff\xff" * 20_000)
        except OSError:
            pass

    def log_message(self, *_):
        pass


@attack("targets that pack without end", "bodies that never end, bombs that somebody looks at, members by the hundred thousand: each within its limit, "
        "another target's scrapes in time, others within 100 ms", short=True)
def packing(short):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    PackingTarget.bomb = b"".join(packer.compress(b"\n" * (1 << 20)) for _ in range(400)) + packer.flush()
    server = peers.listen(PackingTarget)
    server.handle_error = lambda *_: None
    address = f"127.0.0.1:{server.server_port}"
    kinds = ["blocks", "error", "moved", "bomb", "members"]
    config = WATCHED + "".join(
        f"  - {{job_name: {kind}, metrics_path: /{kind}, body_size_limit: 10MB, scrape_interval: 10s, static_configs: [{{targets: ['{address}']}}]}}\n"
        for kind in kinds)
    members = PackingTarget.member * ((4 << 20 if short else 16 << 20) // len(PackingTarget.member))
    with Stack(config=config) as stack:
        before = stack.forget_peak()
        with Watch(stack) as watch:
            until(lambda: len(stack.result("up")) == len(kinds) + 1)
            look = urllib.parse.urlencode({"scrapePool": "bomb", "scrapeUrl": f"http://{address}/bomb"})
            statuses = in_parallel(4, lambda _: stack.request(f"/api/v1/targets/last_scrape?{look}")[0])
            check(set(statuses) == {200}, f"last scrapes: {statuses}")
            began = time.monotonic()
            statuses = in_parallel(4, lambda index: stack.request(
                f"/metrics/job/packed{index}", "PUT", members, {"Content-Encoding": "gzip"}, "pushgateway")[0])
            check(set(statuses) == {200}, f"pushes: {statuses}")
            in_time(time.monotonic() - began, 4 if short else 12, "four pushes of empty members")
            seen = watch.seen()
            gap = watch.scrapes()
        grown = stack.memory()[1] - before
        check(grown < 400, f"{grown:.0f} MB")
        stack.end(20)
    server.shutdown()
    server.server_close()
    return f"{len(kinds)} targets, {grown:.0f} MB, {seen}, {gap}"


class LongTarget(http.server.BaseHTTPRequestHandler):
    """A target whose answer is long, packed or not."""

    bomb = b""
    text = b"# a comment of some length, again and again\n" * 23831

    def do_GET(self):
        try:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            if self.path.startswith("/packed"):
                self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                self.wfile.write(LongTarget.bomb)
            else:
                self.end_headers()
                for _ in range(100):
                    self.wfile.write(self.text)
        except OSError:
            pass

    def log_message(self, *_):
        pass


@attack("targets that are all long", "24 of 240 MB in 700 KB, 24 of 100 MB: what is too much for all fails, bounded memory, another target's scrapes "
        "in time, others within 100 ms")
def long_targets(short):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    LongTarget.bomb = b"".join(packer.compress(LongTarget.text) for _ in range(240)) + packer.flush()
    server = peers.listen(LongTarget)
    server.handle_error = lambda *_: None
    address = f"127.0.0.1:{server.server_port}"
    told = []
    for kind in ("packed", "plain"):
        config = WATCHED + "".join(
            f"  - {{job_name: {kind}{index}, metrics_path: /{kind}, scrape_interval: 10s, static_configs: [{{targets: ['{address}']}}]}}\n"
            for index in range(24))
        with Stack(config=config) as stack:
            before = stack.forget_peak()
            with Watch(stack) as watch:
                until(lambda: len(stack.result("up")) == 25)
                time.sleep(10)
                seen = watch.seen()
                gap = watch.scrapes()
            up = len(stack.result(f'up{{job=~"{kind}.*"}} == 1'))
            grown, held = stack.memory()[1] - before, stack.memory()[0] - before
            check(grown < 1500 and held < 600, f"{kind}: {grown:.0f} MB, then {held:.0f}, {up} up, {seen}, {gap}")
            told.append(f"{kind}: {up} up, {grown:.0f} MB at most, then {held:.0f}, {seen}, {gap}")
            stack.end(20)
    server.shutdown()
    server.server_close()
    return "; ".join(told)
