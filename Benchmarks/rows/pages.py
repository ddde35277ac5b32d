"""The pages' own polling: what a tab that was left open costs. The others get those of the requests that they have."""
import contextlib
import heapq
import json
import os
import select
import tempfile
import threading
import time

import load
import measure
from farm import Farm, Series
from measure import OURS, VICTORIA

from .line import Line

# What Sources/CWebAssets/files asks for: every so many seconds, a path. `{past}` and `{now}` are times.
BANNER = [(5, "/api/v1/notifications")]
RATE = "sum%28rate%28{}%5B30s%5D%29%29"
PAGES = {
    "home": [(5, path) for path in (
        "/api/v1/stack", "/api/v1/targets?state=active", "/api/v1/stack/pushed?metric=push_time_seconds", "/api/v1/demo",
        "/api/v1/status/tsdb?limit=1", "/api/v1/query?query=request_count_total", "/api/v1/query?query=scrape_samples_scraped",
        "/api/v1/query?query=" + RATE.format("request_count_total"), "/api/v1/query?query=" + RATE.format("request_error_count_total"),
        "/api/v1/targets?state=active",
        *(f"/api/v1/query_range?query={RATE.format(name)}&start={{past}}&end={{now}}&step=5"
          for name in ("request_count_total", "request_error_count_total")),
        "/api/v1/query?query=increase%28request_count_total%5B30s%5D%29&time={now}", "/api/v1/query?query=request_count_total%5B30s%5D&time={now}")],
    "targets": [(2, "/api/v1/targets?state=active")],
    "alerts": [(5, path) for path in (
        "/api/v1/rules?alert_limit=500&explain=true&type=alert", "/api/v1/inbox", "/api/v1/alertmanagers?explain=true")] + [
        (30, "/api/v1/query_range?query=count_over_time%28%7B__name__%3D%22ALERTS%22%2Calertname%3D%22High%22%7D%5B1m%5D%29"
             "&start={hour}&end={now}&step=60")],
}
LIVE = {"home": "/api/v1/events/live", "alerts": "/api/v1/events/live?kind=evaluation&kind=alert&kind=reload"}


class Tab:
    """One page in a browser: a connection that it asks over, and one on which it hears what happens."""

    def __init__(self, server, page):
        self.client = load.Client(server.address)
        self.address = server.address
        self.polled = [one for one in PAGES[page] + BANNER if self.is_there(one[1])]
        self.live = None
        if page in LIVE and server.name == OURS:
            self.live = load.Client(server.address)
            self.live.send(load.request(server.address, LIVE[page]))

    def path(self, path):
        now = int(time.time()) // 5 * 5
        return path.format(now=now, past=now - 300, hour=now - 3540)

    def is_there(self, path):
        with contextlib.suppress(load.Refused):
            self.ask(path)
            return True
        self.client.close()
        self.client = load.Client(self.address)
        return False

    def ask(self, path):
        self.client.ask(load.request(self.address, self.path(path)))

    def hear(self):
        if self.live:
            while select.select([self.live.socket], [], [], 0)[0]:
                if not self.live.socket.recv(1 << 16):
                    raise load.Refused("events ended")

    def close(self):
        self.client.close()
        if self.live:
            self.live.close()


def leave_open(tabs, seconds):
    """Lets tabs ask for what they ask for, in one thread."""
    begin = time.monotonic()
    due = [(begin + every * number / len(tabs), number, every, path) for number, tab in enumerate(tabs) for every, path in tab.polled]
    heapq.heapify(due)
    while True:
        at, number, every, path = due[0]
        if at > begin + seconds:
            break
        time.sleep(max(0, at - time.monotonic()))
        tabs[number].hear()
        tabs[number].ask(path)
        heapq.heapreplace(due, (at + every, number, every, path))
    time.sleep(max(0, begin + seconds - time.monotonic()))


def cost(running, page, count, seconds, idle):
    """CPU milliseconds that a tab costs in a second; none where that is less than what a server does by itself at times."""
    if page == "alerts":
        # VictoriaMetrics leaves rules to another program: what it answers is that there are none.
        running = {name: server for name, server in running.items() if name != VICTORIA}
    tabs = {name: [Tab(server, page) for _ in range(count)] for name, server in running.items()}
    threads = [threading.Thread(target=leave_open, args=(of, seconds)) for of in tabs.values()]
    before = {name: measure.cpu(server.process) for name, server in running.items()}
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {name: ((measure.cpu(server.process) - before[name]) / seconds - idle[name]) * 1000 / count for name, server in running.items()}
    for tab in [tab for of in tabs.values() for tab in of]:
        tab.close()
    return {name: value if value > 0 else None for name, value in found.items()}


def visited(series, step):
    """What a target shows, with the counters that the home page is about."""
    return series.text(step) + f"# TYPE request_count_total counter\nrequest_count_total {step * 9}\n" \
        f"# TYPE request_error_count_total counter\nrequest_error_count_total {step}\n"


def polling(quick):
    """tabs of home, targets and alerts left open (5 and 50 of each), with 10 and with 100 targets each 5 s and 20 alerts"""
    seconds = 6 if quick else 14
    series = Series(10, 10)
    alerts = [{"alert": "High", "expr": f"work_1 > {900 + n}", "for": "10s", "annotations": {"summary": "{{ $labels.node }} is at {{ $value }}"}}
              for n in range(20)]
    plain = [series.text(step) for step in range(60)]
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "rules.json")
        with open(file, "w") as f:
            json.dump({"groups": [{"name": "alerts", "rules": alerts}]}, f)
        for targets, numbers in ((10, (5, 50)), (100, (50,))):
            farm = Farm([[visited(series, step) for step in range(60)], *[plain] * 9])
            with measure.servers(lambda name: farm.config(farm.listen(), targets, 5, [file] if name != VICTORIA else None)) as running:
                time.sleep(8)
                idle = {name: spent / seconds for name, spent in measure.spent(running, seconds).items()}
                for page in PAGES:
                    for count in numbers:
                        yield Line(f"a tab of {page}, CPU ms a second", f"{count} tabs, {targets} targets",
                                   targets, cost(running, page, count, seconds, idle), is_flat=targets == 10)
            farm.close()


ROWS = {"pages": polling}
