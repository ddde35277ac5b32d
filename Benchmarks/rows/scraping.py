"""What is scraped: many targets, a million series, series that come and go; and rules over what was scraped."""
import math
import time

import load
import measure
import rules
from farm import Farm, Series, address, noise
from measure import OURS, PROMETHEUS, VICTORIA, cpu

from .line import Line

# Otherwise VictoriaMetrics shows what is new only after half a minute.
FLAGS = {OURS: measure.ALONE, PROMETHEUS: (), VICTORIA: ["-search.latencyOffset=1s"]}


class Scraped:
    """Servers that scrape the same targets for some seconds: what that costs them after the first ones."""

    def __init__(self, kinds, targets, series, interval, warm, seconds, closing=None):
        farm = Farm(kinds)
        ports = {name: farm.listen() for name in measure.present()}
        try:
            with measure.servers(lambda name: farm.config(ports[name], targets, interval), FLAGS.get) as running:
                time.sleep(warm)
                self.making = {name: cpu(server.process) for name, server in running.items()}
                before = {name: farm.count(port) for name, port in ports.items()}
                self.cpu = measure.spent(running, seconds)
                self.seconds = seconds
                samples = {name: (farm.count(port) - before[name]) * series for name, port in ports.items()}
                self.each = {name: spent / samples[name] * 1e6 for name, spent in self.cpu.items()}
                self.memory = {name: measure.memory(server.process) for name, server in running.items()}
                self.most = {name: measure.memory(server.process, "VmHWM") for name, server in running.items()}
                self.late = {name: farm.late(port, interval) for name, port in ports.items()}
                self.closed = closing(running, ports, {name: farm.count(port) * series for name, port in ports.items()}) if closing else None
        finally:
            farm.close()


def kinds(metrics, instances, steps, most=10):
    """Bodies of targets that differ in their values."""
    found = [Series(metrics, instances, seed * 1009) for seed in range(most)]
    return [[one.text(step) for step in range(steps)] for one in found]


def targets(quick):
    """100 and 1,000 targets of 100 series each 15 s: CPU, memory, how late the scrapes are"""
    interval, warm, seconds = (5, 6, 10) if quick else (15, 20, 45)
    bodies = kinds(10, 10, math.ceil((warm + seconds) / interval) + 2)
    for count in (20, 200) if quick else (100, 1000):
        found = Scraped(bodies, count, 100, interval, warm, seconds)
        size = f"{count:,} targets"
        yield Line("CPU, ms a second", size, count, {name: spent / seconds * 1000 for name, spent in found.cpu.items()})
        yield Line("memory, MiB", size, count, found.memory)
        yield Line("lateness p99, ms", size, count, {name: load.share(late, 0.99) * 1000 for name, late in found.late.items()}, is_flat=True)
        yield Line("lateness at most, ms", size, count, {name: late[-1] * 1000 for name, late in found.late.items()}, is_flat=True)


def active(quick):
    """100,000 and 1,000,000 active series each 15 s: CPU, memory, starting again, a query of one"""
    interval, warm, seconds = (5, 8, 10) if quick else (15, 30, 45)
    bodies = kinds(100, 100, math.ceil((warm + seconds) / interval) + 6)

    def again(running, ports, samples):
        closed = {}
        for name, server in running.items():
            moment = time.time() - 2
            one = f'work_1{{instance="{address(count - 1)}:{ports[name]}",node="node-42"}}'
            measure.until(lambda: load.result(server.address, "/api/v1/query", query=one, time=moment))
            asked = [load.request(server.address, "/api/v1/query", query=one, time=moment - back / 100) for back in range(100)]
            took = [load.middle(server, asked, 2)[0]]
            took.append(measure.stop(server))
            took.append(measure.size(server.data) / samples[name])
            took += measure.again(server, lambda: load.result(server.address, "/api/v1/query", query=one, time=moment))
            took.append(measure.memory(server.process))
            closed[name] = took
            # Those that are left have the machine for themselves.
            measure.stop(server)
        return closed
    for count in (2, 20) if quick else (10, 100):
        found = Scraped(bodies, count, 10_000, interval, warm, seconds, again)
        size = f"{count * 10_000:,} series"

        def line(what, index, scale, **how):
            return Line(what, size, count, {name: took[index] * scale for name, took in found.closed.items()}, **how)
        yield Line("CPU until all are known, s", size, count, found.making)
        yield Line("CPU, µs a sample", size, count, found.each, is_flat=True)
        yield Line("memory, MiB", size, count, found.memory)
        yield Line("memory at most, MiB", size, count, found.most)
        yield line("a query of one p50, ms", 0, 1000, is_flat=True)
        yield line("clean stop, s", 1, 1)
        yield line("bytes a sample after it", 2, 1, is_flat=True)
        yield line("start until ready, ms", 3, 1000, is_flat=True)
        yield line("start until one is answered, ms", 4, 1000)
        yield line("memory after the start, MiB", 5, 1)


def living(series, scrape):
    """What a target shows at a scrape: each second scrape a tenth of the series is replaced by new ones."""
    lines = []
    for metric in range(10):
        lines.append(f"# TYPE app_{metric}_requests_total counter")
        for i in range(series // 10):
            # Which tenth goes when, and since when this one is there.
            age = (scrape // 2 - i) % 10
            born = scrape // 2 - age
            value = (scrape - 2 * born) * (i % 50 + 1) + noise(i, scrape) % (i % 50 + 1)
            lines.append(f'app_{metric}_requests_total{{pod="web-{i}-{born + 10}",namespace="shop",container="web"}} {value}')
    return "\n".join(lines) + "\n"


def churn(quick):
    """a tenth of 5,000 and of 50,000 series new every two seconds, scraped each second: half an hour of a tenth a minute within a minute"""
    warm, seconds = (4, 12) if quick else (4, 60)

    def query(running, ports, samples):
        found = {}
        for name, server in running.items():
            moment = time.time() - 2
            asked = [load.request(server.address, "/api/v1/query", query="sum(rate(app_3_requests_total[10s]))", time=moment - back / 100)
                     for back in range(100)]
            found[name] = (*load.middle(server, asked, 2), measure.stop(server), measure.size(server.data) / samples[name])
        return found
    for series in (100, 1_000) if quick else (500, 5_000):
        bodies = [[living(series, scrape) for scrape in range(warm + seconds + 10)]]
        found = Scraped(bodies, 10, series, 1, warm, seconds, query)
        ever = 10 * series * (1 + (warm + seconds) // 2 / 10)
        size = f"{10 * series:,} series, {ever:,.0f} in all"

        def line(what, index, scale, **how):
            return Line(what, size, series, {name: took[index] * scale for name, took in found.closed.items()}, **how)
        yield Line("CPU, µs a sample", size, series, found.each, is_flat=True)
        yield Line("memory, MiB", size, series, found.memory)
        yield Line("memory at most, MiB", size, series, found.most)
        yield line("a rate of a tenth p50, ms", 0, 1000)
        yield line("a rate of a tenth, CPU ms (scrapes too)", 1, 1000)
        yield line("bytes a sample on disk", 3, 1, is_flat=True)


def evaluated(quick):
    """100 and 1,000 rules each 15 s, over 10,000 series that are scraped as often"""
    interval, warm, seconds = (5, 6, 10) if quick else (15, 32, 45)
    for count in (20, 200) if quick else (100, 1000):
        found = rules.live(count, interval, warm, seconds)
        size = f"{count:,} rules"
        yield Line("CPU, ms a second", size, count, {name: one["milliseconds a second"] for name, one in found.items()})
        yield Line("memory, MiB", size, count, {name: one["MiB"] for name, one in found.items()})


ROWS = {"targets": targets, "active": active, "churn": churn, "rules": evaluated}
