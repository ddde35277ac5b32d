"""Those that the stack asks, and what they answer: remote stores, discoveries, targets that speak HTTP/2 or have long labels."""
import contextlib
import http.server
import json
import os
import resource
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import urllib.error

import peers
from attack import attack
from shapes import HOST
from stack import WATCHED, Skipped, Stack, Watch, check, in_parallel, in_time, until, watched
from wire import WRITE, field, repeated, stored, varint, write

WRITES = ("--web.enable-remote-write-receiver", "--web.enable-otlp-receiver")


@contextlib.contextmanager
def answering(answer):
    """A server whose every answer is what `answer(path)` returns: headers and a body."""
    class Answering(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            headers, body = answer(self.path)
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                pass

        do_POST = do_GET

        def log_message(self, *_):
            pass
    server = peers.listen(Answering)
    server.handle_error = lambda *_: None
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def castagnoli(data):
    total = 0xffffffff
    for byte in data:
        total ^= byte
        for _ in range(8):
            total = total >> 1 ^ 0x82f63b78 if total & 1 else total >> 1
    return total ^ 0xffffffff


@attack("remote reads that answer nonsense", "2.7 MB that unpack to millions of pieces: the query is told, bounded memory, others within 100 ms, scrapes in time", short=True)
def remote_answers(short):
    samples = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
    chunks = {"Content-Type": "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"}
    count = 28_000_000
    piece = b"\x0a\x00" * 16_384
    inner = field(1, b"\x0a\x00" * 16_000)
    wide = field(1, field(1, "__name__") + field(2, "x")) + field(2, b"\x09" + b"\0" * 8) * 3000
    # A frame of series without anything, the checksum worked out for what is small, and repeated.
    small = b"\x0a\x00" * 2000
    frame = varint(len(small)) + struct.pack(">I", castagnoli(small)) + small
    answers = {"/results": (samples, repeated(piece, count // 16_384)), "/series": (samples, repeated(inner, count // 16_000)),
               "/samples": (samples, repeated(field(1, field(1, wide)), 2000)), "/frames": (chunks, frame * 5000),
               "/unknown": (samples, repeated(b"\x10\x00" * 30_000, 8000))}
    with answering(lambda path: answers[path]) as server:
        told = {}
        for path in answers:
            config = WATCHED + f"remote_read:\n  - {{url: 'http://127.0.0.1:{server.server_port}{path}', read_recent: true, remote_timeout: 5s}}\n"
            with Stack(config=config) as stack:
                until(lambda: len(json.loads(stack.request('/api/v1/targets')[2])["data"]["activeTargets"]) > 0)
                before = stack.forget_peak()
                with Watch(stack) as watch:
                    start = time.monotonic()
                    status, document = stack.query("some_series")
                    took = time.monotonic() - start
                    time.sleep(2)
                    seen = watch.end()
                # Series without anything become one.
                check(status == 200 and (document.get("warnings") or path == "/frames"), f"{path}: {status} {str(document)[:200]}")
                in_time(took, 7, f"the query of {path}")
                grown = stack.memory()[1] - before
                check(grown < 3000, f"{path}: {grown:.0f} MB")
                check(seen["failed"] == 0, f"{path}: {seen}")
                in_time(seen["slowest"], 0.1 + 4 * seen["echo"], f"{path}: health")
                told[path] = f"{took:.1f} s, {grown:.0f} MB, healthy in {seen['slowest'] * 1000:.0f} ms"
    return "; ".join(f"{path}: {words}" for path, words in told.items())


@attack("discovery that answers nonsense", "millions of groups, targets, labels: refused, bounded memory, others within 100 ms, scrapes in time", short=True)
def discovery_answers(short):
    times = 1 if short else 5
    bodies = {"/groups": b"[" + b"{}," * 5_000_000 * times + b"{}]", "/targets": b'[{"targets":[' + b'"a:1",' * 1_000_000 * times + b'"a:1"]}]',
              "/labels": b'[{"targets":["a:1"],"labels":{' + ",".join(f'"l{index}":"x"' for index in range(500_000)).encode() + b"}}]",
              "/deep": b"[" * 5_000_000, "/nulls": b"[" + b"null," * 900_000 + b"null]", "/wrong": b"[" + b"1," * 900_000 + b"1]",
              "/most": b"[" + b'{"targets":["a:1"]},' * 190_000 + b"{}]"}
    with answering(lambda path: ({"Content-Type": "application/json"}, bodies[path])) as server:
        config = WATCHED + "".join(
            f"  - {{job_name: '{path[1:]}', relabel_configs: [{{action: keep, regex: none, source_labels: [__address__]}}], "
            f"http_sd_configs: [{{url: 'http://127.0.0.1:{server.server_port}{path}', refresh_interval: 2s}}]}}\n" for path in bodies)
        with Stack(config=config) as stack:
            before = stack.forget_peak()
            with Watch(stack) as watch:
                time.sleep(10 if short else 30)
                seen = watch.seen()
                gap = watch.scrapes()
            grown = stack.memory()[1] - before
            # What seven of them come to at once: each is refused at a million values.
            check(grown < 2500, f"{grown:.0f} MB")
            stack.end(5)
    return f"{grown:.0f} MB, {seen}, {gap}"


@attack("labels that are long to relabel", "values of a megabyte and rules with groups: that scrape fails in its time, those of others come in theirs", short=True)
def relabelling(short):
    text = "".join(f'm{{n="{index}",a="{"ab" * 500_000}"}} 1\n' for index in range(8)).encode()
    with answering(lambda path: ({"Content-Type": "text/plain; version=0.0.4"}, text)) as server:
        rules = "[" + ", ".join("{source_labels: [a], regex: '(.*)a(.*)b(.*)', target_label: c, replacement: '$2'}" for _ in range(10)) + "]"
        config = WATCHED + "".join(
            f"  - {{job_name: long{index}, scrape_interval: 5s, scrape_timeout: 5s, static_configs: [{{targets: ['127.0.0.1:{server.server_port}']}}], metric_relabel_configs: {rules}}}\n"
            for index in range(4))
        with Stack(config=config) as stack:
            until(lambda: len(stack.result("up")) >= 1)
            with Watch(stack) as watch:
                time.sleep(8 if short else 20)
                seen = watch.seen()
                gap = watch.scrapes(1.0)
            stack.end(5)
    return f"{seen}, {gap}"


@attack("long bodies on all cores", "remote writes, OTLP and pushes that are long to read, eight at a time: others within 100 ms, scrapes and short writes in time", short=True)
def long_bodies(short):
    now = int(time.time() * 1000)
    series = field(1, field(1, field(1, "__name__") + field(2, "m")) + field(2, field(1, 1.0, 1) + field(2, now, 0)))
    empty = repeated(b"\x0a\x00" * 16_000, 80)
    point = field(1, field(7, field(1, "a") + field(2, field(1, "b"))) * 20 + field(3, now * 1_000_000, 0))
    metric = field(1, "m") + field(5, point * 40)
    otlp = field(1, field(2, field(2, metric) * 400))
    objects = b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[' + b"{}," * 1_900_000 + b"{}]}]}]}"
    lines = "".join(f'p{{a="{index}"}} 1\n' for index in range(200_000)).encode() + b"broken {\n"
    asked = [("/api/v1/write", "POST", empty, WRITE, "prometheus"), ("/api/v1/write", "POST", repeated(series * 400, 2000), WRITE, "prometheus"),
             ("/api/v1/otlp/v1/metrics", "POST", otlp, {"Content-Type": "application/x-protobuf"}, "prometheus"),
             ("/api/v1/otlp/v1/metrics", "POST", objects, {"Content-Type": "application/json"}, "prometheus"),
             ("/metrics/job/long", "PUT", lines, {}, "pushgateway")]
    with Stack(*WRITES, config=WATCHED) as stack:
        until(lambda: stack.result("up"))
        before = stack.forget_peak()
        told, slowest, short_ones = {}, [0, ""], []
        end = time.monotonic() + (8 if short else 30)

        def send(worker):
            number = worker
            while time.monotonic() < end:
                path, method, body, headers, server = asked[number % len(asked)]
                start = time.monotonic()
                try:
                    status = stack.request(path, method, body, headers, server, timeout=120)[0]
                except urllib.error.URLError:
                    # Whoever is told that there is no room has not sent all of the body yet.
                    status = 503
                check(status in (200, 204, 400, 503), f"{path}: {status}")
                told[status] = told.get(status, 0) + 1
                if time.monotonic() - start > slowest[0]:
                    slowest[:] = [time.monotonic() - start, path]
                number += 1

        def write_short():
            while time.monotonic() < end:
                start = time.monotonic()
                body = field(1, field(1, field(1, "__name__") + field(2, "short")) + field(2, field(1, 1.0, 1) + field(2, int(time.time() * 1000), 0)))
                status = write(stack, stored(body))[0]
                check(status == 204, f"a short one: {status}")
                short_ones.append(time.monotonic() - start)
                time.sleep(0.05)
        with Watch(stack) as watch:
            in_parallel(9, lambda worker: write_short() if worker == 8 else send(worker))
            seen = watch.seen()
            gap = watch.scrapes()
        in_time(max(short_ones), 0.5, "a short remote write")
        grown = stack.memory()[1] - before
        check(grown < 3000, f"{grown:.0f} MB")
        stack.end(5)
        return (f"{told}, the slowest {slowest[1]} {slowest[0]:.1f} s, a short write {max(short_ones) * 1000:.0f} ms, {grown:.0f} MB, "
                f"{seen}, {gap}")


# MARK: HTTP/2


def h2(kind, stream=0, flags=0, payload=b""):
    """A frame."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
OK = b"\x88"                                            # :status 200
FLOODS = {
    "settings": lambda: h2(SETTINGS, payload=struct.pack(">HI", 3, 100) * 100) * 200,
    "empty settings": lambda: h2(SETTINGS) * 5000,
    "pings": lambda: h2(PING, payload=b"12345678") * 3000,
    "resets": lambda: b"".join(h2(HEADERS, 1, 4, OK) + h2(RESET, 1, payload=struct.pack(">I", 8)) for _ in range(500)),
    "continuations": lambda: h2(CONTINUATION, 1, 0, b"\0" * 16) * 3000,
    "empty continuations": lambda: h2(CONTINUATION, 1) * 5000,
    "windows": lambda: h2(WINDOW, payload=struct.pack(">I", 1)) * 4000,
    "empty data": lambda: h2(DATA, 1) * 5000,
    "padded data": lambda: h2(DATA, 1, 8, b"\xff" + b"\0" * 255) * 200,
    "informations": lambda: h2(HEADERS, 1, 4, b"\x48\x03100") * 3000,
    "unknown frames": lambda: h2(0x55, 1, 0, b"x" * 100) * 1000,
    "priorities": lambda: h2(2, 1, 0, b"\0\0\0\0\x10") * 3000,
    "going away": lambda: h2(GOAWAY, payload=struct.pack(">II", 1, 0) + b"x" * 100) * 500,
    "alternatives": lambda: h2(0xa, 0, 0, b"\0\0" + b"x" * 100) * 500,
    "headers that grow": lambda: h2(HEADERS, 1, 4, OK + b"\x40\x01a\x7f\x80\x7f" + b"b" * 255 + b"\xbe" * 3500),
}


class Flooding:
    """A target behind TLS that speaks HTTP/2 and begins to flood once it is asked; each name has a port of its own."""

    def __init__(self, context, kind):
        self.context, self.kind, self.sent, self.connections = context, kind, 0, 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.is_over = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.is_over:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.flood, args=(client,), daemon=True).start()

    def flood(self, client):
        try:
            with self.context.wrap_socket(client, server_side=True) as client:
                client.settimeout(20)
                if client.selected_alpn_protocol() != "h2":
                    return
                client.recv(1 << 16)
                client.sendall(h2(SETTINGS) + h2(SETTINGS, flags=1))
                if self.kind in ("continuations", "empty continuations"):
                    client.sendall(h2(HEADERS, 1, 0, OK))
                elif "data" in self.kind or self.kind in ("unknown frames", "priorities"):
                    client.sendall(h2(HEADERS, 1, 4, OK))
                piece = FLOODS[self.kind]()
                while not self.is_over:
                    client.sendall(piece)
                    self.sent += len(piece)
        except (OSError, ValueError):
            pass

    def close(self):
        self.is_over = True
        self.server.close()


@attack("HTTP/2 targets that flood", "settings, pings, resets, headers without an end: their scrapes fail, bounded memory and CPU, others within 100 ms, scrapes in time", short=True)
def floods(short):
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = os.path.join(folder, "key"), os.path.join(folder, "certificate")
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                               "-keyout", key, "-out", certificate], capture_output=True)
        if made.returncode != 0:
            raise Skipped("no openssl makes a certificate")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.set_alpn_protocols(["h2"])
        told = {}
        for kind in FLOODS:
            target = Flooding(context, kind)
            config = WATCHED + (f"  - {{job_name: flood, scheme: https, tls_config: {{insecure_skip_verify: true}}, "
                                f"static_configs: [{{targets: ['127.0.0.1:{target.port}']}}]}}\n")
            with Stack(config=config) as stack:
                before = stack.forget_peak()
                with Watch(stack) as watch:
                    until(lambda: target.connections > 0)
                    time.sleep(2.5 if short else 8)
                    seen = watch.seen()
                    gap = watch.scrapes()
                up = {row["metric"]["job"]: row["value"][1] for row in stack.result("up")}
                check(up.get("flood") == "0", f"{kind}: up is {up}")
                grown = stack.memory()[1] - before
                check(grown < 200, f"{kind}: {grown:.0f} MB")
                told[kind] = f"{target.sent >> 20} MB in {target.connections}, {grown:.0f} MB, {seen}, {gap}"
                if os.environ.get("ATTACK_TELLS"):
                    print(f"  {kind}: {told[kind]}", flush=True)
                target.close()
                stack.end(5)
        return f"{len(told)} kinds, e.g. {kind}: {told[kind]}"


@attack("heads at full speed", "one client that sends heads of a megabyte again and again, and 1,500 that send one: others within 100 ms, half a megabyte for each at most", short=True)
def heads(short):
    with Stack("--web.max-connections=10000", config=WATCHED) as stack:
        until(lambda: stack.result("up"))
        before = stack.forget_peak()
        # What is let through, and what is refused.
        bodies = [f"GET /-/ready?{'x' * 60_000} HTTP/1.1\r\n{HOST}\r\n".encode(), f"GET /-/ready HTTP/1.1\r\n{HOST}A: {'x' * 800_000}\r\n\r\n".encode(),
                  f"GET /-/ready HTTP/1.1\r\n{HOST}".encode() + b"A: b\r\n" * 900 + b"\r\n"]
        end = time.monotonic() + (6 if short else 20)
        count = [0]

        def send(worker):
            while time.monotonic() < end:
                with stack.connect(timeout=30) as client:
                    try:
                        for _ in range(20):
                            client.sendall(bodies[worker % len(bodies)])
                            count[0] += 1
                            if time.monotonic() > end:
                                break
                        client.shutdown(socket.SHUT_WR)
                        while client.recv(1 << 20):
                            pass
                    except OSError:
                        pass
        with Watch(stack) as watch:
            in_parallel(3, send)
            seen = watch.seen()
            gap = watch.scrapes()
        # Each stays open behind its head, beside what the allocator keeps of the others.
        flooded = stack.memory()[0]
        clients = []
        head = f"GET /-/ready?{'y' * 50_000} HTTP/1.1\r\n{HOST}\r\n".encode()
        for _ in range(300 if short else 1500):
            client = stack.connect(timeout=30)
            client.sendall(head)
            client.recv(1 << 16)
            clients.append(client)
        held = stack.memory()[0] - flooded
        for client in clients:
            client.close()
        time.sleep(2)
        kept = stack.memory()[0] - before
        check(held / len(clients) < 0.5, f"{held * 1024 / len(clients):.0f} KB for each that is open")
        check(kept / len(clients) < 0.5, f"{kept:.0f} MB stay")
        return f"{count[0]} heads, {held * 1024 / len(clients):.0f} KB for each of {len(clients)} open, {kept:.0f} MB stay, {seen}, {gap}"


@attack("targets that take all files", "1,500 silent targets, 1,024 open files, and 300 of 400 with work: it lives, answers, and tells which scrapes had no room")
def all_files(short):
    silent = socket.socket()
    silent.bind(("0.0.0.0", 0))
    silent.listen(4096)
    port, kept = silent.getsockname()[1], []

    def accept():
        while True:
            try:
                kept.append(silent.accept()[0])
            except OSError:
                return
    threading.Thread(target=accept, daemon=True).start()
    worst = {}
    for files, count in ((1024, 1500), (300, 400)):
        targets = ", ".join(f"'127.0.{index // 250}.{index % 250 + 1}:{port}'" for index in range(count))
        config = WATCHED + f"  - {{job_name: silent, scrape_interval: 5s, scrape_timeout: 5s, static_configs: [{{targets: [{targets}]}}]}}\n"
        with Stack(config=config, limits=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))) as stack:
            end, number = time.monotonic() + (8 if short else 20), 0
            most = 0
            while time.monotonic() < end:
                text = "".join(f'm{{a="{index}"}} {index}\n' for index in range(1000)).encode()
                check(stack.request(f"/metrics/job/j{number % 5}", "PUT", text, server="pushgateway")[0] == 200, "no push")
                check(stack.query("sum(m) or label_replace(m, 'x', '$1', 'a', '(.*)')")[0] == 200, "no answer")
                most = max(most, len(os.listdir(f"/proc/{stack.pid}/fd")))
                number += 1
            check(most < files - 10, f"{most} of {files} files were open")
            until(lambda: stack.result('up{job="watch"} == 1'))
            told = [target["lastError"] for target in json.loads(stack.request("/api/v1/targets")[2])["data"]["activeTargets"]]
            worst[files] = most
            check(any("no more connections" in one and "ulimit -n" in one for one in told), f"{set(told)}")
    silent.close()
    for one in kept:
        one.close()
    return f"files open at most: {worst}"


@attack("servers that are silent", "targets, proxies, discoveries, token servers, Alertmanagers and receivers that say nothing, about TLS either: others in time, SIGTERM within 5 s", short=True)
def silence(short):
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        config = WATCHED + f"""
  - {{job_name: tls, scheme: https, static_configs: [{{targets: ['{address}']}}]}}
  - {{job_name: tunnel, scheme: https, proxy_url: 'http://{address}', static_configs: [{{targets: ['example.invalid:1']}}]}}
  - {{job_name: found, http_sd_configs: [{{url: 'https://{address}/', refresh_interval: 1s}}]}}
  - {{job_name: token, oauth2: {{client_id: a, client_secret: s, token_url: 'https://{address}/'}}, static_configs: [{{targets: ['127.0.0.1:1']}}]}}
alerting: {{alertmanagers: [{{scheme: https, static_configs: [{{targets: ['{address}']}}]}}, {{static_configs: [{{targets: ['{address}']}}]}}]}}
rules: {{groups: [{{name: g, interval: 1s, rules: [{{alert: A, expr: 'vector(1)'}}]}}]}}
remote_write:
  - {{name: plain, url: 'http://{address}/', queue_config: {{batch_send_deadline: 1s}}}}
  - {{name: tls, url: 'https://{address}/', queue_config: {{batch_send_deadline: 1s}}}}
"""
        with Stack(config=config) as stack:
            until(lambda: stack.result('up{job="watch"}'))
            seen = watched(stack, 4 if short else 20)
            ended = stack.timed_end(5)
    return f"{ended}, {seen}"


@attack("as many targets as there may be", "a discovery that names 60,000 where nobody listens: 20,000 are scraped, others in time, bounded memory, SIGTERM within 5 s")
def many_targets(short):
    names = ",".join(f'"127.0.{index >> 8}.{index & 255}:1"' for index in range(60_000))
    body = f'[{{"targets":[{names}]}}]'.encode()
    with answering(lambda path: ({"Content-Type": "application/json"}, body)) as server:
        config = WATCHED + f"""
  - {{job_name: many, scrape_interval: 15s, http_sd_configs: [{{url: 'http://127.0.0.1:{server.server_port}/', refresh_interval: 60s}}]}}
"""
        with Stack(config=config) as stack:
            until(lambda: stack.result('up{job="watch"}'))
            seen = watched(stack, 20)
            grown = stack.memory()[1]
            check(grown < 1500, f"{grown:.0f} MB")
            ended = stack.timed_end(5)
    return f"{ended}, {grown:.0f} MB, {seen}"


@attack("thousands that are silent about TLS", "12,000 targets over TLS that accept and say nothing, each 5 s: others in time, SIGTERM within 5 s")
def silent_over_tls(short):
    # Nobody accepts: the system does, as many as may wait at one port.
    doors = [socket.create_server(("0.0.0.0", 0), backlog=4096) for _ in range(3)]
    names = ", ".join(f"'127.0.{index >> 8}.{index & 255}:{doors[index % 3].getsockname()[1]}'" for index in range(1, 12_001))
    config = WATCHED + f"  - {{job_name: silent, scheme: https, scrape_interval: 5s, scrape_timeout: 5s, static_configs: [{{targets: [{names}]}}]}}\n"
    with Stack(config=config) as stack:
        until(lambda: stack.result('up{job="watch"}'))
        seen = watched(stack, 20)
        tried = stack.result('count(up{job="silent"} == 0)')
        check(tried and float(tried[0]["value"][1]) > 10_000, f"only {tried} were tried")
        ended = stack.timed_end(5)
    for door in doors:
        door.close()
    return f"{ended}, {seen}"
