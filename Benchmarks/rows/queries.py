"""Clients that query: many at once, and while the machine does other work."""
import contextlib
import os
import subprocess
import sys

import load
import measure
import remote
from measure import VICTORIA, cpu

from .line import Line

SERIES, SPAN = 2_000, 300


def questions(address, end, nocache):
    """What people and dashboards ask, each time of another moment."""
    found = []
    for back in range(0, 60):
        time = end - back
        name = f"http_requests_{back % 50}_total"
        more = {"nocache": 1} if nocache else {}
        found += [
            load.request(address, "/api/v1/query", query=f'{name}{{instance="10.0.1.7:8080",method="GET"}}', time=time, **more),
            load.request(address, "/api/v1/query", query=f"sum by (job) (rate({name}[1m]))", time=time, **more),
            load.request(address, "/api/v1/query_range", query=f"sum by (method) (rate({name}[1m]))", start=time - 120, end=time, step=5, **more),
            load.request(address, "/api/v1/query", query=f"topk(5, {name})", time=time, **more),
        ]
    return found


@contextlib.contextmanager
def filled():
    """Servers with five minutes of 2,000 series, and the questions for each."""
    bodies = remote.Bodies(1, SERIES, SPAN, SERIES, ahead=-SPAN - 60)
    end = bodies.start // 1000 + SPAN - 1
    with measure.servers() as running:
        asked = {name: questions(server.address, end, name == VICTORIA) for name, server in running.items()}
        for name, server in running.items():
            client = load.Client(server.address)
            for body in [one for second in bodies.seconds for one in second]:
                client.ask(load.post(server.address, remote.WRITE, body, bodies.headers))
            client.close()
            measure.until(lambda: load.result(server.address, "/api/v1/query", query="count(http_requests_0_total)", time=end))
            load.ask(server.address, asked[name], 8, 1)
        yield running, asked


def asking(running, asked, clients, seconds, size, work):
    """One server after the other, so that none waits for another one."""
    lines = {what: Line(what, size, work, {}, flat, rate) for what, flat, rate in (
        ("queries a second", False, True), ("p50, ms", False, False), ("p99, ms", False, False), ("CPU, ms a query", True, False))}
    for name, server in running.items():
        before = cpu(server.process)
        taken, wall = load.ask(server.address, asked[name], clients, seconds)
        for what, value in (("queries a second", len(taken) / wall), ("p50, ms", load.share(taken, 0.5) * 1000),
                            ("p99, ms", load.share(taken, 0.99) * 1000),
                            ("CPU, ms a query", (cpu(server.process) - before) / len(taken) * 1000)):
            lines[what].values[name] = value
    return lines.values()


def clients(quick):
    """1, 8 and 64 clients that ask at once, over 2,000 series"""
    with filled() as (running, asked):
        for count in (1, 8, 64):
            size = f"{count} client" + ("s" if count > 1 else "")
            yield from asking(running, asked, count, 1.5 if quick else 4, size, count)


def busy(quick):
    """the same with one client, and while other programs keep each core busy, as a compiler does"""
    with filled() as (running, asked), contextlib.ExitStack() as ends:
        for size, work in (("1 client", 1), ("1 client, busy cores", 2)):
            if work == 2:
                for _ in range(os.cpu_count()):
                    ends.callback(subprocess.Popen([sys.executable, "-c", "while True: pass"]).kill)
            yield from asking(running, asked, 1, 1.5 if quick else 3, size, work)


ROWS = {"clients": clients, "busy": busy}
