"""Pages that stay open: an hour's refreshes in less than a minute must leave no more memory behind than the first few did.

The timers run faster, nothing else is changed. See test_pages.py for how to run it.
"""

import time
import unittest
import urllib.parse

from test_pages import GATEWAY, URL, wait_for
from webdriver import Browser

# Timers of half a second or more (refreshes and polls) come after a few milliseconds; answers are counted.
FASTER = """
const real = window.setTimeout;
window.setTimeout = (work, wait, ...rest) => real(work, wait >= 500 && wait <= 15000 ? 8 : wait, ...rest);
window.asked = {};
const original = window.fetch;
window.fetch = (url, ...rest) => { const path = String(url).split("?")[0]; window.asked[path] = (window.asked[path] ?? 0) + 1; return original(url, ...rest); };
"""


@unittest.skipUnless(URL, "PROMENADE_URL is not set")
class Lasting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        wait_for("count_over_time(up[1m]) > 3")
        cls.browser = Browser()
        cls.browser.cdp("Page.enable")
        cls.browser.cdp("Performance.enable")
        cls.browser.cdp("Page.addScriptToEvaluateOnNewDocument", source=FASTER)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def figures(self):
        """After collecting garbage: bytes on the JavaScript heap, nodes, listeners."""
        self.browser.cdp("HeapProfiler.collectGarbage")
        found = {one["name"]: one["value"] for one in self.browser.cdp("Performance.getMetrics")["metrics"]}
        return found["JSHeapUsedSize"], found["Nodes"], found["JSEventListeners"]

    def readings(self, until, start, apart):
        """The least of three readings, some answers apart: what the engine compiles and sweeps in between comes and goes."""
        found = []
        for count in range(start, start + 3 * apart, apart):
            until(count)
            found.append(self.figures())
        return [min(one) for one in zip(*found)]

    def stays_level(self, what, path, rounds, warm):
        """Polls `rounds` times after the first `warm` answers, in which code is compiled, and compares the ends of that time."""
        b = self.browser
        until = lambda count: b.until(f"{count} × {path}", "return (window.asked[arguments[0]] ?? 0) >= arguments[1]", path, count, seconds=180)
        began, apart = time.monotonic(), rounds // 12
        heap, nodes, listeners = self.readings(until, warm, apart)
        more_heap, more_nodes, more_listeners = self.readings(until, warm + rounds - 2 * apart, apart)
        print(f"\n    {what}, {rounds} answers in {time.monotonic() - began:.0f} s: heap {heap / 1e6:.2f} → {more_heap / 1e6:.2f} MB, nodes {nodes:.0f} → {more_nodes:.0f}, listeners {listeners:.0f} → {more_listeners:.0f}", end="")
        # What is level may still breathe: the browser's own books.
        self.assertLess(more_heap - heap, 500_000)
        self.assertLess(more_nodes - nodes, 150)
        self.assertLess(more_listeners - listeners, 60)

    def test_an_hour_of_auto_refresh(self):
        b = self.browser
        panels = [("up", "table", {}), ("sum by (job) (rate(request_count_total[30s]))", "graph", {"range_input": "1m"}), ("fixture_steady", "graph", {"range_input": "1m"}), ("nothing_like_it", "table", {})]
        b.open(f"{URL}/query?" + urllib.parse.urlencode({f"g{i}.{name}": value for i, (expr, tab, more) in enumerate(panels) for name, value in {"expr": expr, "tab": tab, **more}.items()}))
        b.find(".legend li")
        b.js("const one = document.querySelector('.headline select'); one.value = '5'; one.dispatchEvent(new Event('change'))")
        try:
            # Each round asks for two graphs.
            self.stays_level("query page refreshed every 5 s for an hour", "api/v1/query_range", 2 * 3600 // 5, 400)
        finally:
            b.js("localStorage.removeItem('refresh')")

    def test_pages_that_are_always_live(self):
        b = self.browser
        for what, url, path, rounds in [("home", URL + "/", "api/v1/targets", 600), ("targets", URL + "/targets", "api/v1/targets", 300), ("groups", (GATEWAY or URL) + "/", "api/v1/groups" if GATEWAY else "api/v1/targets", 300)]:
            with self.subTest(what):
                b.open(url, ready=url.startswith(URL))
                self.stays_level(what, path, rounds, 150)


if __name__ == "__main__":
    unittest.main(verbosity=2)
