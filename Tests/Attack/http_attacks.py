"""What comes over a socket: shapes, slowness, silence, floods."""
import base64
import os
import re
import resource
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import warnings
import zlib

from attack import attack
from shapes import HOST, SHAPES
from stack import WATCHED, Skipped, Stack, Watch, check, in_parallel, in_time, read_all, until

MARK = b"GET /-/smuggled HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@attack("request smuggling", f"{len(SHAPES)} shapes on each server answered as RFC 9112 has it, nothing read after a refusal", short=True)
def shapes(short):
    wrong, asked = [], 0
    with Stack() as stack:
        for server in stack.ports:
            def ask(index, server=server):
                name, request, right = SHAPES[index]
                with stack.connect(server) as client:
                    # A server may have closed already.
                    try:
                        client.sendall(request.encode("latin-1") + MARK)
                    except ConnectionError:
                        pass
                    answer = read_all(client)
                statuses = [found.decode() for found in re.findall(rb"HTTP/1\.[01] (\d\d\d) [A-Z]", answer) if found != b"100"]
                # What is refused for what it says, not for how it says it, may leave the connection open.
                goes_on = ("200", "404", "405") if "ok" in right else ("403",) if "403" in right else ()
                if len(statuses) == 2 and statuses[0] in goes_on:
                    return None
                closes = b"connection: close" in answer.lower()
                if len(statuses) == 1 and statuses[0] in right.split("/") and closes:
                    return None
                return f"{server}, {name}: {' '.join(statuses) or 'nothing'} for {right}"
            found = in_parallel(len(SHAPES), ask)
            asked += len(found)
            wrong += filter(None, found)
    check(not wrong, "; ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""))
    return f"{asked} of {asked} right"


@attack("response splitting, open redirects", "no control character and no foreign host in any header", short=True)
def splitting(short):
    paths = ["//%0d%0aSet-Cookie:%20a=b%0d%0aContent-Length:%203%0d%0a%0d%0aabc", "/a/..//%0aX:%20y", "//%5cevil.example/",
             "//evil.example/%2e%2e", "/%5cevil.example", "/\\evil.example/", "///evil.example//", "/graph?x=%0d%0aA:%20b",
             "/graph//?%0d%0aA:b", "/%2f%2fevil.example/..", "/.//evil.example", "/a/..//evil.example", "/metrics/job//%0d%0aA:b",
             "/assets/%0d%0aA:%20b", "/api/v1/%0d%0aA:b", "/classic/%0d%0aA:b", "//\tevil.example", "/api/v1?%0d%0aA:%20b"]
    with Stack() as stack:
        for server in ("prometheus", "pushgateway", "demo"):
            for path in paths:
                for method in ("GET", "POST", "PUT"):
                    with stack.connect(server) as client:
                        client.sendall(f"{method} {path} HTTP/1.1\r\n{HOST}Connection: close\r\nContent-Length: 0\r\n\r\n".encode())
                        head = read_all(client).split(b"\r\n\r\n")[0]
                    lines = head.lower().split(b"\r\n")[1:]
                    names = [line.split(b":")[0] for line in lines]
                    check(b"set-cookie" not in names and b"a" not in names and b"x" not in names, f"{method} {path}: {head[:200]!r}")
                    for line in lines:
                        if line.startswith(b"location: "):
                            target = line[10:]
                            check(target.startswith(b"/") and target[1:2] not in (b"/", b"\\"), f"{path}: {line!r}")
    return f"{len(paths) * 9} requests, none"


def hold(stack, count, first, server="prometheus"):
    """So many connections on which this has been sent; those that are refused a place are left out."""
    clients = []
    for _ in range(count):
        client = stack.connect(server)
        client.sendall(first)
        clients.append(client)
    return clients


@attack("idle connections", "10,000 (--short: 1,000), and others answered within 100 ms", short=True)
def idle(short):
    count = 1000 if short else 10_000
    needed = count * 2 + 500
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < needed // 2 + 300:
        raise Skipped(f"needs {needed // 2 + 300} open files")
    with Stack("--web.max-connections=100000") as stack:
        before = stack.forget_peak()
        with Watch(stack) as watch:
            clients = []
            for _ in range(count):
                clients += hold(stack, 1, b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
                check(clients[-1].recv(4096).startswith(b"HTTP/1.1 200 "), f"connection {len(clients)} is not answered")
            # All are still there, and answered again.
            for client in clients[::100]:
                client.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
                check(client.recv(4096).startswith(b"HTTP/1.1 200 "), "one that was idle is not answered")
            seen = watch.seen()
        grown = stack.memory()[1] - before
        for client in clients:
            client.close()
        check(grown < 30 + count * 0.04, f"{grown:.0f} MB for {count} connections")
        return f"{count} held, {seen}, {grown:.0f} MB"


@attack("slow requests", "2,000 (--short: 300) send a byte at a time, others answered within 100 ms", short=True)
def slow(short):
    count = 300 if short else 2000
    with Stack("--web.max-connections=100000", config=WATCHED) as stack:
        head = b"PUT /metrics/job/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
        clients = hold(stack, count, head[:5], "pushgateway")
        with Watch(stack) as watch:
            sent = 5
            end = time.monotonic() + (2 if short else 15)
            while time.monotonic() < end:
                for client in clients:
                    client.sendall((head + b"#" * 1000)[sent:sent + 1])
                sent += 1
            seen = watch.seen()
            gap = watch.scrapes()
        for client in clients:
            client.close()
        return f"{count} clients, {sent} bytes each, {seen}, {gap}"


@attack("clients that do not read", "bounded memory; others answered within 100 ms", short=True)
def unread(short):
    count, pipelined = (20, 2000) if short else (100, 200_000)
    with Stack(config=WATCHED) as stack:
        before = stack.forget_peak()
        with Watch(stack) as watch:
            request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"

            def pour(index):
                server = ("prometheus", "pushgateway", "demo")[index % 3]
                with stack.connect(server, timeout=1, buffer=4096) as client:
                    sent = 0
                    try:
                        while sent < pipelined:
                            client.sendall(request * 100)
                            sent += 100
                    except (TimeoutError, ConnectionError):
                        pass
                    return sent
            sent = in_parallel(count, pour)
            seen = watch.seen()
            gap = watch.scrapes()
        grown = stack.memory()[1] - before
        check(grown < 100 + count, f"{grown:.0f} MB")
        return f"{count} clients, {sum(sent)} requests pipelined, {grown:.0f} MB, {seen}, {gap}"


@attack("pipeline", "10,000 requests in one write, all answered in order", short=True)
def pipeline(short):
    count = 10_000
    with Stack() as stack, stack.connect() as client:
        requests = b"".join(b"GET /-/%s HTTP/1.1\r\nHost: localhost%s\r\n\r\n" % (
            (b"ready", b"healthy")[index % 2], b"\r\nConnection: close" if index == count - 1 else b"") for index in range(count))
        thread = threading.Thread(target=client.sendall, args=(requests,), daemon=True)
        thread.start()
        answers = read_all(client).split(b"HTTP/1.1 200 OK")[1:]
        thread.join(10)
        check(len(answers) == count, f"{len(answers)} answers")
        for index, answer in enumerate(answers):
            check((b"Ready" if index % 2 == 0 else b"Healthy") in answer, f"answer {index} is another one's: {answer[:200]!r}")
        return f"{count} answers in order"


@attack("heads of a megabyte, thousands of fields", "refused with 431 (4xx), a megabyte each at most", short=True)
def heads(short):
    with Stack() as stack:
        before = stack.forget_peak()

        def ask(index):
            kind = (b"GET /" + b"x" * (1 << 21) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"x" * (1 << 21) + b"\r\n\r\n",
                    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 100_000 + b"\r\n",
                    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"x" * (1 << 21))[index % 4]
            with stack.connect() as client:
                try:
                    client.sendall(kind)
                except ConnectionError:
                    pass
                return read_all(client)[9:12]
        statuses = in_parallel(40, ask)
        check(set(statuses) <= {b"431", b"400", b"414", b""}, f"{set(statuses)}")
        check(statuses.count(b"431") > 0, "no 431 at all")
        grown = stack.memory()[1] - before
        check(grown < 120, f"{grown:.0f} MB")
        return f"{statuses.count(b'431')} of 40 told 431, {grown:.0f} MB"


def too_long(path, length, server, method="POST", more=b""):
    return f"{method} {path} HTTP/1.1\r\n{HOST}Content-Length: {length}\r\n".encode() + more + b"\r\n", server


@attack("bodies that are too long", "413 before the body is read, on every route", short=True)
def long_bodies(short):
    asked = [too_long("/api/v1/query", 1 << 25, "prometheus"), too_long("/api/v1/write", 1 << 27, "prometheus"),
             too_long("/api/v1/otlp/v1/metrics", 1 << 27, "prometheus"), too_long("/api/v1/read", 1 << 27, "prometheus"),
             too_long("/-/reload", 1 << 25, "prometheus"), too_long("/metrics/job/x", 1 << 27, "pushgateway", "PUT"),
             too_long("/metrics/job/x", 1 << 50, "pushgateway")]
    flags = ("--web.enable-remote-write-receiver", "--web.enable-otlp-receiver", "--web.enable-lifecycle")
    with Stack(*flags) as stack:
        for request, server in asked:
            with stack.connect(server, timeout=5) as client:
                client.sendall(request)
                answer = client.recv(4096)
                check(b" 413 " in answer, f"{request[:60]!r}: {answer[:80]!r}")
        return f"{len(asked)} routes"


@attack("bombs", "gzip and snappy that unpack a thousandfold: refused or taken, in bounded memory", short=True)
def bombs(short):
    flags = ("--web.enable-remote-write-receiver", "--web.enable-otlp-receiver")
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"\n" * (1 << 20)
    gzip = b"".join(packer.compress(zeros) for _ in range(1024)) + packer.flush()
    # A snappy block: its length, a byte, then copies of 64 bytes.
    length, count = b"\xff\xff\xff\xff\x0f", 1 << 22
    liar = length + b"\x00a"
    repeats = b"\x80\x80\x80\x80\x01" + b"\x00\x0a" + (b"\xfe\x01\x00" * count)
    with Stack(*flags, config=WATCHED) as stack:
        before = stack.forget_peak()
        seen = []
        with Watch(stack) as watch:
            for method, path, server, body, headers in [
                ("PUT", "/metrics/job/bomb", "pushgateway", gzip, {"Content-Encoding": "gzip"}),
                ("PUT", "/metrics/job/bomb", "pushgateway", liar, {"Content-Encoding": "snappy"}),
                ("POST", "/api/v1/otlp/v1/metrics", "prometheus", gzip,
                 {"Content-Encoding": "gzip", "Content-Type": "application/x-protobuf"}),
                ("POST", "/api/v1/otlp/v1/metrics", "prometheus", gzip,
                 {"Content-Encoding": "gzip", "Content-Type": "application/json"}),
                ("POST", "/api/v1/write", "prometheus", liar,
                 {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}),
                ("POST", "/api/v1/write", "prometheus", repeats,
                 {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}),
                ("POST", "/api/v1/read", "prometheus", liar,
                 {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}),
            ]:
                status = stack.request(path, method, body, headers, server)[0]
                check(400 <= status < 500, f"{path}: {status}")
                seen.append(str(status))
            healthy = watch.seen()
        grown = stack.memory()[1] - before
        check(grown < 700, f"{grown:.0f} MB")
        return f"{' '.join(seen)}; {grown:.0f} MB at most, {healthy}"


@attack("flood of bodies", "a hundred bodies of 60 MB at once: bounded memory, others answered within 100 ms")
def bodies(short):
    with Stack("--web.enable-remote-write-receiver", config=WATCHED) as stack:
        before = stack.forget_peak()
        piece = b"# a comment of some length, again and again\n" * 1489

        def pour(index):
            with stack.connect("pushgateway", timeout=60) as client:
                client.sendall(f"PUT /metrics/job/f{index} HTTP/1.1\r\n{HOST}Connection: close\r\n"
                               f"Content-Length: {len(piece) * 900}\r\n\r\n".encode())
                try:
                    for _ in range(899):
                        client.sendall(piece)
                    # The last piece stays away for as long as the others need.
                    barrier.wait(60)
                    client.sendall(piece)
                except (ConnectionError, TimeoutError, threading.BrokenBarrierError):
                    pass
                try:
                    return read_all(client)[9:12].decode()
                except TimeoutError:
                    return "-"
        barrier = threading.Barrier(100)
        with Watch(stack) as watch:
            statuses = in_parallel(100, pour)
            grown = stack.memory()[1] - before
            seen = watch.seen()
            gap = watch.scrapes()
        told = {status: statuses.count(status) for status in sorted(set(statuses))}
        check(grown < 1500, f"{grown:.0f} MB ({told}); {seen}, {gap}")
        return f"{told}, {grown:.0f} MB at most, {seen}, {gap}"


@attack("flood of bombs", "24 pushes at once that unpack from 715 KB to 240 MB each, and 100 OTLP bodies, from 31 KB to 31 MB: bounded memory, "
        "others answered within 100 ms", short=True)
def flood_of_bombs(short):
    def bomb(line, count):
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        return b"".join(packer.compress(line) for _ in range(count)) + packer.flush()
    comments, blanks = bomb(b"# a comment of some length, again and again\n" * 23831, 240), bomb(b" " * (1 << 20), 31)
    floods = [
        (24, comments, "pushgateway", "PUT", "/metrics/job/b{}", {}),
        (100, blanks, "prometheus", "POST", "/api/v1/otlp/v1/metrics", {"Content-Type": "application/json"}),
    ]
    with Stack("--web.enable-otlp-receiver", config=WATCHED) as stack:
        told = []
        for count, body, server, method, path, headers in floods:
            before = stack.forget_peak()
            with Watch(stack) as watch:
                statuses = in_parallel(count, lambda index: stack.request(
                    path.format(index), method, body, headers | {"Content-Encoding": "gzip"}, server, timeout=120)[0])
                seen = watch.seen()
                gap = watch.scrapes()
            answers = {status: statuses.count(status) for status in sorted(set(statuses))}
            grown = stack.memory()[1] - before
            check(set(answers) <= {200, 400, 503}, f"{answers}")
            check(grown < 1500, f"{grown:.0f} MB ({answers})")
            told.append(f"{answers}, {grown:.0f} MB at most, {seen}, {gap}")
        return "; ".join(told)


@attack("chunks of one byte", "a megabyte of them is read, and others answered within 100 ms", short=True)
def chunks(short):
    count = 100_000 if short else 1 << 20
    with Stack() as stack, Watch(stack) as watch:
        def pour(_):
            with stack.connect("pushgateway", timeout=60) as client:
                body = b"1\r\n#\r\n" * (count - 1) + b"1\r\n\n\r\n0\r\n\r\n"
                client.sendall(f"PUT /metrics/job/x HTTP/1.1\r\n{HOST}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + body)
                return read_all(client)[9:12]
        statuses = in_parallel(4, pour)
        check(set(statuses) == {b"200"}, f"{statuses}")
        return f"4 × {count}, {watch.seen()}"


@attack("trailers without an end", "cut before 64 MB on each server, also where the answer is out before them", short=True)
def trailers(short):
    sizes = {}
    with Stack() as stack:
        for server, line in [("prometheus", "GET /-/healthy"), ("prometheus", "POST /api/v1/query"), ("pushgateway", "GET /-/healthy"),
                             ("pushgateway", "PUT /metrics/job/x"), ("demo", "GET /"), ("demo", "POST /")]:
            with stack.connect(server) as client:
                client.sendall(f"{line} HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n7\r\nquery=1\r\n0\r\n".encode())
                # What the system holds for both ends before the server looks at it counts, too: up to 36 MB here.
                sent = 0
                try:
                    while sent < 64 << 20:
                        client.sendall(b"A: " + b"x" * 1000 + b"\r\n")
                        sent += 1005
                except OSError:
                    pass
                sizes[f"{server} {line}"] = sent
        check(max(sizes.values()) < 64 << 20, f"taken: {sizes}")
        return f"cut after {max(sizes.values()) >> 10} KB at most"


@attack("connections that end with an answer", "2,000 answers of 68 KB and more to requests with Connection: close are whole", short=True)
def endings(short):
    with Stack() as stack:
        def ask(worker):
            form = f"query=time()&start=0&end={4999 + 2000 * worker}&step=1".encode()
            request = (f"POST /api/v1/query_range HTTP/1.1\r\n{HOST}Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                       f"Content-Length: {len(form)}\r\n\r\n").encode() + form
            whole = 0
            for _ in range(500):
                with stack.connect() as client:
                    client.sendall(request)
                    whole += read_all(client).endswith(b"0\r\n\r\n")
            return whole
        whole = sum(in_parallel(4, ask))
        check(whole == 2000, f"{2000 - whole} of 2,000 were cut off")
        return f"{whole} whole"


@attack("connect and leave", "20,000 connections (--short: 2,000) that end in a moment: none stays, the log is short", short=True)
def leave(short):
    count = 2000 if short else 20_000
    with Stack() as stack:
        files = len(os.listdir(f"/proc/{stack.pid}/fd"))
        with Watch(stack) as watch:
            def run(worker):
                for index in range(count // 4):
                    with stack.connect() as client:
                        if index % 4 == 1:
                            client.sendall(b"GET /-/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
                        if index % 4 == 2:
                            client.sendall(b"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nquery=")
                        if index % 4 == 3:
                            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            in_parallel(4, run)
            seen = watch.seen()
        until(lambda: len(os.listdir(f"/proc/{stack.pid}/fd")) <= files + 20)
        lines = stack.log().count("\n")
        check(lines < 100, f"{lines} lines of log")
        return f"{count}, {lines} lines of log, {seen}"


def web_config(folder, text):
    path = os.path.join(folder, "web.yml")
    with open(path, "w") as file:
        file.write(text)
    return f"--web.config.file={path}"


# bcrypt at cost 12 of "right".
USERS = "basic_auth_users: {alice: '$2y$12$Bqy4t7pZJuzkAuiH3lC9TOc94oOLKifbPAOfOnPzj4EOl48gUbyF.'}\n"


@attack("connections that come and go", "answered, refused, left in the midst of a head or a body: 18,000 of them (--short: 9,000) leave nothing behind", short=True)
def comings(short):
    kinds = [
        f"GET /-/healthy HTTP/1.1\r\n{HOST}\r\n", f"GET /-/healthy HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n", "nonsense\r\n\r\n",
        f"GET /{'x' * 20_000} HTTP/1.1\r\nHost: loc", f"POST /api/v1/query HTTP/1.1\r\n{HOST}Content-Length: 9999\r\n\r\n{'x' * 99}",
        f"PUT /metrics/job/x HTTP/1.1\r\n{HOST}Expect: 100-continue\r\nContent-Length: 4\r\n\r\na 1\n",
    ]

    def rounds(count):
        for server in stack.ports:
            for text in kinds:
                for _ in range(count):
                    with stack.connect(server) as client:
                        client.sendall(text.encode())
                        if text.endswith("\n"):
                            client.recv(1 << 16)

    with Stack(config=WATCHED) as stack:
        stack.ports = {name: stack.ports[name] for name in ("prometheus", "pushgateway", "demo")}
        # What is made once is there then.
        rounds(100)
        time.sleep(1)
        before = stack.memory()[0]
        rounds(500 if short else 1000)
        time.sleep(1)
        grown = stack.memory()[0] - before
        count = len(stack.ports) * len(kinds) * (500 if short else 1000)
        check(grown * 1024 / count < 1, f"{grown:.1f} MB more after {count} connections")
        return f"{count} connections, {grown:.1f} MB more"


@attack("wrong passwords", "hashed apart, a queue of 128, 429 beyond; others answered within 100 ms", short=True)
def passwords(short):
    count = 60 if short else 300
    with tempfile.TemporaryDirectory() as folder:
        # The demo server and the Pushgateway have no passwords: they are what has to be answered meanwhile.
        with Stack(web_config(folder, USERS)) as stack:
            stack.ports["others"] = stack.ports["pushgateway"]
            ports, stack.ports = stack.ports, dict(stack.ports, prometheus=stack.ports["pushgateway"])
            with Watch(stack) as watch:
                stack.ports = ports

                def guess(index):
                    word = base64.b64encode(f"u{index % 7}:{index}".encode()).decode()
                    with stack.connect(timeout=120) as client:
                        client.sendall(f"GET /metrics HTTP/1.1\r\n{HOST}Connection: close\r\nAuthorization: Basic {word}\r\n\r\n".encode())
                        return read_all(client)[9:12].decode()
                statuses = in_parallel(count, guess)
                seen = watch.seen()
            told = {status: statuses.count(status) for status in sorted(set(statuses))}
            check(set(told) <= {"401", "429"}, f"{told}")
            return f"{told}, {seen}"


# The hash of some word at the cost of 16: several seconds for each guess.
DEAR = "basic_auth_users: {alice: '$2y$16$aaaaaaaaaaaaaaaaaaaaae6oPuSvN4PNFkdN3KFpMW170GmsKc4GS'}\n"


@attack("an end in the middle of things", "halves of bodies, answers that nobody reads, a scrape that is waited for, dear passwords: ends with 0 within six seconds",
        short=True)
def end_in_the_middle(short):
    slowest = {}
    put = f"PUT /metrics/job/x HTTP/1.1\r\n{HOST}Content-Length: 1000\r\n"
    wait = f"POST /api/v1/scrape?wait=true&job=slow HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n"
    guess = f"GET /api/v1/query?query=1 HTTP/1.1\r\n{HOST}Authorization: Basic {base64.b64encode(b'alice:x').decode()}%s\r\n\r\n"
    ways = {
        "half a body": ("pushgateway", put + "\r\nabc", ""),
        "a body that waits to be asked for": ("pushgateway", put + "Expect: 100-continue\r\n\r\n", ""),
        "answers not read": ("prometheus", f"GET /metrics HTTP/1.1\r\n{HOST}\r\n" * 500, ""),
        "a scrape": ("prometheus", wait, ""),
        "passwords": ("prometheus", guess, DEAR),
    }
    with socket.create_server(("127.0.0.1", 0)) as silent, tempfile.TemporaryDirectory() as folder:
        slow = f"""
scrape_configs:
  - job_name: slow
    scrape_interval: 2m
    scrape_timeout: 2m
    static_configs: [{{targets: ['127.0.0.1:{silent.getsockname()[1]}']}}]
"""
        for name, (server, request, users) in ways.items():
            with Stack(*([web_config(folder, users)] if users else []), config=slow) as stack:
                clients = [stack.connect(server, buffer=4096) for _ in range(10)]
                for index, client in enumerate(clients):
                    client.sendall((request % ("=" * (index % 3)) if users else request).encode())
                time.sleep(0.5)
                start = time.monotonic()
                code = stack.end(20)
                slowest[name] = time.monotonic() - start
                for client in clients:
                    client.close()
                check(code == 0, f"{name}: ended with {code}")
                in_time(slowest[name], 6, f"an end with {name}")
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in slowest.items())


@attack("TLS", "1.2 and better, garbage and silence in the handshake hold nobody up", short=True)
def encryption(short):
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out", "c.pem", "-days",
                               "2", "-subj", "/CN=localhost"], cwd=folder, capture_output=True) if shutil.which("openssl") else None
        if made is None or made.returncode:
            raise Skipped("no openssl")
        text = "tls_server_config: {cert_file: c.pem, key_file: k.pem}\n"
        with Stack(web_config(folder, text)) as stack:
            clients = hold(stack, 50, b"GET / HTTP/1.1\r\n\r\n") + hold(stack, 50, b"") + hold(stack, 50, b"\x16\x03\x01\x40\x00\x01")
            seen = {}
            for name, version in (("1.0", ssl.TLSVersion.TLSv1), ("1.1", ssl.TLSVersion.TLSv1_1), ("1.2", ssl.TLSVersion.TLSv1_2),
                                  ("1.3", ssl.TLSVersion.TLSv1_3)):
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    context.minimum_version = context.maximum_version = version
                    context.set_ciphers("ALL:@SECLEVEL=0")
                try:
                    began = time.monotonic()
                    seen[name] = stack.request("/-/healthy", context=context)[0]
                    in_time(time.monotonic() - began, 2, "a handshake")
                except OSError:
                    seen[name] = "refused"
            for client in clients:
                client.close()
            check(seen == {"1.0": "refused", "1.1": "refused", "1.2": 200, "1.3": 200}, f"{seen}")
            return "1.0 and 1.1 refused, 1.2 and 1.3 answered"


@attack("few files", "64 open files, 200 connections: no spinning, health and pushes answered", short=True)
def descriptors(short):
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    with Stack(limits=few, config=WATCHED) as stack:
        clients = []
        for _ in range(200):
            client = stack.connect()
            client.settimeout(0.05)
            clients.append(client)
        ticks = _ticks(stack.pid)
        began = time.monotonic()
        worst = 0
        for index in range(20 if short else 100):
            start = time.monotonic()
            status = stack.request("/-/healthy", timeout=10)[0]
            pushed = stack.request(f"/metrics/job/j{index}", "PUT", b"a 1\n", server="pushgateway", timeout=10)[0]
            check((status, pushed) == (200, 200), f"{status} {pushed}")
            worst = max(worst, time.monotonic() - start)
        used = (_ticks(stack.pid) - ticks) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)
        until(lambda: stack.result("up{job='watch'} == 1"))
        for client in clients:
            client.close()
        # 200 connections wait in the system's queue; each is let in and makes room for the next one.
        in_time(worst, 2, "an answer")
        return f"the slowest health and push {worst * 1000:.0f} ms, {used * 100:.0f} % of a core"


def _ticks(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])
