"""What is stored for long: each cost against the span."""
import os
import statistics
import subprocess
import tempfile
import time

import load
import measure
from farm import Series
from measure import OURS, PROMETHEUS, VICTORIA, cpu, peers

from .line import Line

DAY, EVERY = 86_400, 300
KEEP = {OURS: [*measure.ALONE, "--storage.tsdb.retention.time=90d"], PROMETHEUS: ["--storage.tsdb.retention.time=90d"],
        VICTORIA: ["-retentionPeriod=90d"]}


def fill(server, files):
    """A folder with what the files hold, by the tool of each program; the server has ended after it."""
    if server.name == VICTORIA:
        client = load.Client(server.address)
        for file in files:
            with open(file, "rb") as f:
                client.ask(load.post(server.address, "/api/v1/import/prometheus", f.read(), {}))
        client.close()
        # As a long life would have left it.
        for path in ("/internal/force_flush", "/internal/force_merge"):
            peers.get(server.address, path)
        time.sleep(3)
        measure.stop(server)
        return
    measure.stop(server)
    if server.name == OURS:
        subprocess.run([peers.promenade(), "tsdb", "import", f"--storage.path={server.data}", *files], check=True, stdout=subprocess.DEVNULL)
        return
    for file in files:
        # One file of all days would be read once for each block.
        subprocess.run([peers.program("PROMTOOL_BIN", "promtool"), "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=24h",
                        file, server.data], check=True, stdout=subprocess.DEVNULL)


def hour(server, end, nocache):
    """A graph of an hour: the middle of seconds of the wall and of CPU seconds."""
    wall, busy = [], []
    client = load.Client(server.address)
    for back in range(12):
        until = end - back * 60
        question = load.request(server.address, "/api/v1/query_range", query="sum by (zone) (rate(work_10_total[15m]))",
                                start=until - 3600, end=until, step=60, **nocache)
        before = cpu(server.process)
        wall.append(client.ask(question))
        busy.append(cpu(server.process) - before)
    client.close()
    return statistics.median(wall), statistics.median(busy)


def costs(server, end, days):
    """(what, value, is_flat) of a server that was filled and has ended."""
    nocache = {"nocache": 1} if server.name == VICTORIA else {}
    first = {"query": "count(work_10_total)", "time": end}
    starts = []
    for _ in range(3):
        starts.append(measure.again(server, lambda: load.result(server.address, "/api/v1/query", **first)))
        if len(starts) < 3:
            measure.stop(server)
    yield "start until ready, ms", min(ready for ready, _ in starts) * 1000, True
    yield "start until a query is answered, ms", min(answered for _, answered in starts) * 1000, True
    time.sleep(2)
    yield "memory after the start, MiB", measure.memory(server.process), True
    for what, until in (("the last hour", end), ("an hour in the middle", end - days * DAY // 2)):
        wall, busy = hour(server, until, nocache)
        yield f"{what} p50, ms", wall * 1000, True
        yield f"{what}, CPU ms", busy * 1000, True
    for what, path, asked, flat in (
            ("values of a label over all of it, ms", "/api/v1/label/node/values", {}, True),
            ("all of it in 250 points, ms", "/api/v1/query_range",
             {"query": "sum by (zone) (rate(work_10_total[1h]))", "step": days * DAY // 250, **nocache}, False)):
        question = load.request(server.address, path, start=end - days * DAY, end=end, **asked)
        taken, _ = load.ask(server.address, [question], 1, 3, most=5)
        yield what, load.share(taken, 0.5) * 1000, flat
    yield "memory at most, MiB", measure.memory(server.process, "VmHWM"), False
    yield "on disk, MiB", measure.size(server.data) / (1 << 20), False


def span(quick):
    """3 and 30 days of 2,000 series each 5 minutes: starting, a query of an hour, and others"""
    metrics, instances = (20, 10) if quick else (20, 100)
    end = int(time.time()) // DAY * DAY
    with tempfile.TemporaryDirectory(prefix="promenade-benchmark-") as folder:
        series = Series(metrics, instances)
        files = []
        for day in range(30):
            files.append(os.path.join(folder, f"{day}.om"))
            with open(files[-1], "w") as f:
                begin = end - (30 - day) * DAY
                f.writelines(series.history(range(begin // EVERY, (begin + DAY) // EVERY), EVERY))
        for days in (3, 30):
            lines = {}
            with measure.servers(flags=KEEP.get) as running:
                for server in running.values():
                    fill(server, files[-days:])
                # Alone, so that none waits for another one.
                for server in running.values():
                    for what, value, flat in costs(server, end - 1, days):
                        lines.setdefault(what, Line(what, f"{days} days", days, {}, flat)).values[server.name] = value
                    measure.stop(server)
            yield from lines.values()


ROWS = {"span": span}
