"""What a chart draws, against what the API answers: every call to the canvas is taken down. See test_pages.py for how to run it.

The targets are those of fixture.py.
"""

import json
import math
import os
import time
import unittest
import urllib.parse
import urllib.request

from test_pages import URL, ask, wait_for
from webdriver import Browser

# Each canvas keeps a list of what was painted since it was cleared: {op, style, alpha, points: [[x, y, isMove]]} or {op: "rect", …}.
TAPE = """
const proto = CanvasRenderingContext2D.prototype;
const wrap = (name, before) => { const original = proto[name]; proto[name] = function (...all) { before(this, all); return original.apply(this, all); }; };
wrap("clearRect", (g) => { g.canvas.tape = []; g.path = []; });
wrap("beginPath", (g) => { g.path = []; });
wrap("moveTo", (g, [x, y]) => { g.path?.push([x, y, true]); });
wrap("lineTo", (g, [x, y]) => { g.path?.push([x, y, false]); });
wrap("stroke", (g) => { g.canvas.tape?.push({ op: "stroke", style: g.strokeStyle, alpha: g.globalAlpha, points: g.path }); });
wrap("fill", (g) => { g.canvas.tape?.push({ op: "fill", style: g.fillStyle, alpha: g.globalAlpha, points: g.path }); });
wrap("fillRect", (g, [x, y, w, h]) => { g.canvas.tape?.push({ op: "rect", style: g.fillStyle, alpha: g.globalAlpha, x, y, w, h }); });
"""
SERIES_0 = "#1664d9"
EMBER = "#b8430a"


def ask_range(path, **parameters):
    with urllib.request.urlopen(f"{URL}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=20) as answer:
        return json.load(answer)["data"]


@unittest.skipUnless(URL and ask("fixture_steady"), "PROMENADE_URL is not set, or its stack does not scrape fixture.py")
class Charts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for expression in ("resets(fixture_jobs_total[35s] offset 4s) > 1", "count_over_time(fixture_native_seconds[1m]) > 5", "count_over_time(fixture_latency_seconds_count[1m]) > 5"):
            wait_for(expression, 60)
        wait_for("count_over_time(fixture_flicker[35s] offset 4s) < count_over_time(fixture_steady[35s] offset 4s) - 8", 60)
        cls.browser = Browser()
        cls.browser.cdp("Page.enable")
        cls.browser.cdp("Page.addScriptToEvaluateOnNewDocument", source=TAPE)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def setUp(self):
        self.browser.size(1280, 900)

    def draw(self, expression, seconds=40, **more):
        """Draws a graph of the last `seconds` at steps of one second; its start and end, and what was painted."""
        end = math.floor(time.time()) - 2
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(end))
        parameters = {"expr": expression, "tab": "graph", "range_input": f"{seconds}s", "end_input": stamp, "res_type": "custom", "res_step": "1", **more}
        self.browser.open(f"{URL}/query?" + urllib.parse.urlencode({f"g0.{name}": value for name, value in parameters.items()}))
        self.browser.until("drawn", "return document.querySelector('.chart canvas')?.tape?.length > 5")
        return end - seconds, end, self.browser.js("return document.querySelector('.chart canvas').tape")

    def scale(self):
        """Where times are, by the axes' own arithmetic: the plot's box is what the grid lines span."""
        tape = self.browser.js("return document.querySelector('.chart canvas').tape")
        grid = max((one for one in tape if one["op"] == "stroke" and len(one["points"]) == 2 and one["points"][0][1] == one["points"][1][1]), key=lambda one: one["points"][1][0] - one["points"][0][0])
        return grid["points"][0][0], grid["points"][1][0]

    def test_a_stale_gap_is_a_gap(self):
        start, end, tape = self.draw("fixture_flicker")
        values = ask_range("query_range", query="fixture_flicker", start=start, end=end, step=1)["result"][0]["values"]
        times = [at for at, _ in values]
        runs = sum(b - a > 1.5 for a, b in zip(times, times[1:])) + 1
        self.assertGreater(runs, 2, "the fixture has gaps")
        [line] = [one for one in tape if one["op"] == "stroke" and one["style"] == SERIES_0]
        self.assertEqual(sum(isMove for _, _, isMove in line["points"]), runs)
        self.assertEqual(len(line["points"]), len(times))
        left, right = self.scale()
        step = (right - left) / (end - start)
        for (x, _, _), (to, _, isMove) in zip(line["points"], line["points"][1:]):
            self.assertEqual(isMove, to - x > step * 1.5, "a line joins neighbours only")
        for (x, _, _), at in zip(line["points"], times):
            self.assertAlmostEqual(x, left + (at - start) * step, delta=0.6)

    def test_a_counters_resets_are_marked(self):
        start, end, tape = self.draw("fixture_jobs_total")
        values = [(at, float(value)) for at, value in ask_range("query_range", query="fixture_jobs_total", start=start, end=end, step=1)["result"][0]["values"]]
        falls = [to[0] for one, to in zip(values, values[1:]) if to[1] < one[1]]
        self.assertGreater(len(falls), 1, "the fixture falls")
        marks = [one for one in tape if one["op"] == "fill" and one["style"] == EMBER and len(one["points"]) == 3]
        left, right = self.scale()
        self.assertEqual([round(one["points"][0][0]) for one in marks], [round(left + (at - start) * (right - left) / (end - start)) for at in falls])
        self.assertIn(f"{len(falls)} counter reset", self.browser.texts(".chart .key")[0])
        for expression in ("fixture_steady", "rate(fixture_jobs_total[10s])"):
            tape = self.draw(expression)[2]
            self.assertEqual([one for one in tape if one["op"] == "fill" and one["style"] == EMBER], [], f"{expression} is no counter")

    def test_exemplars_are_points_that_can_be_read(self):
        b = self.browser
        expression = "fixture_latency_seconds_bucket"
        start, end, tape = self.draw(expression, show_exemplars="1")
        found = [each for one in ask_range("query_exemplars", query=expression, start=start, end=end) for each in one["exemplars"]]
        self.assertGreater(len(found), 10)
        diamonds = [one for one in tape if one["op"] == "stroke" and one["style"] == EMBER and len(one["points"]) == 4]
        self.assertEqual(len(diamonds), len(found))
        self.assertIn(f"{len(found)} exemplars", b.texts(".chart .key")[0])
        x, y = diamonds[-1]["points"][0][0], diamonds[-1]["points"][1][1]
        b.js("const p = document.querySelector('.plot'), b = p.getBoundingClientRect(); p.dispatchEvent(new PointerEvent('pointermove', { clientX: b.left + arguments[0], clientY: b.top + arguments[1], bubbles: true }))", x, y)
        self.assertRegex(b.until("read", "const t = document.querySelector('.tip'); return !t.hidden && t.innerText.includes('Exemplar') && t.innerText"), r'trace_id="trace-\d+-\d"')
        tape = self.draw(expression, show_exemplars="0")[2]
        self.assertEqual([one for one in tape if one["op"] == "stroke" and one["style"] == EMBER], [], "not asked for, not drawn")

    def test_a_native_histogram_is_a_heatmap(self):
        b = self.browser
        start, end, tape = self.draw("fixture_native_seconds")
        steps = ask_range("query_range", query="fixture_native_seconds", start=start, end=end, step=1)["result"][0]["histograms"]
        cells = [(at, float(low), float(high), float(count)) for at, one in steps for _, low, high, count in one["buckets"] if float(count) > 0]
        rects = [one for one in tape if one["op"] == "rect"]
        self.assertEqual(len(rects), len(cells))
        # The fullest bucket is the darkest, and what is more is further up.
        most = max(cells, key=lambda one: one[3])
        self.assertEqual(max(one["alpha"] for one in rects), rects[cells.index(most)]["alpha"])
        last = [(cell, rect) for cell, rect in zip(cells, rects) if cell[0] == steps[-1][0]]
        heights = [rect["y"] for _, rect in sorted(last, key=lambda pair: pair[0][1])]
        self.assertEqual(heights, sorted(heights, reverse=True))
        self.assertEqual(b.texts(".controls [aria-pressed=true]"), ["Heatmap"])
        self.assertIn("observations", b.texts(".chart .key")[0])
        b.js("const p = document.querySelector('.plot'), b = p.getBoundingClientRect(), r = arguments[0]; p.dispatchEvent(new PointerEvent('pointermove', { clientX: b.left + r.x + r.w / 2, clientY: b.top + r.y + r.h / 2, bubbles: true }))", last[len(last) // 2][1])
        self.assertRegex(b.until("read", "const t = document.querySelector('.tip'); return !t.hidden && t.innerText"), r"[\d.]+ to [\d.]+: \d+")

    def test_classic_buckets_are_a_heatmap_where_asked(self):
        start, end, tape = self.draw("rate(fixture_latency_seconds_bucket[10s])", display_mode="heatmap")
        series = ask_range("query_range", query="rate(fixture_latency_seconds_bucket[10s])", start=start, end=end, step=1)["result"]
        rects = [one for one in tape if one["op"] == "rect"]
        rows = {(one["y"], one["h"]) for one in rects}
        self.assertTrue(3 <= len(rows) <= len(series), rows)
        self.assertTrue(self.browser.js("return document.querySelector('.legend').hidden"), "a bucket cannot be switched off")

    def test_stacked_areas_stand_on_each_other(self):
        start, end, tape = self.draw('up{job=~"demo|pushgateway"}', display_mode="stacked")
        areas = [one for one in tape if one["op"] == "fill" and one["alpha"] == 0.45]
        lines = [one for one in tape if one["op"] == "stroke" and len(one["points"]) > 20]
        self.assertEqual((len(areas), len(lines)), (2, 2))
        lower, upper = sorted(lines, key=lambda one: -one["points"][-1][1])
        foot = max(y for _, y, _ in areas[0]["points"] + areas[1]["points"])
        self.assertAlmostEqual(foot - upper["points"][-1][1], 2 * (foot - lower["points"][-1][1]), delta=1)

    def test_the_crosshair_reads_what_the_api_says(self):
        b = self.browser
        start, end, _ = self.draw("fixture_steady")
        values = dict(ask_range("query_range", query="fixture_steady", start=start, end=end, step=1)["result"][0]["values"])
        left, right = self.scale()
        at = start + 30
        b.js("const p = document.querySelector('.plot'), b = p.getBoundingClientRect(); p.dispatchEvent(new PointerEvent('pointermove', { clientX: b.left + arguments[0], clientY: b.top + 100, bubbles: true }))", left + 30 * (right - left) / (end - start) + 2)
        text = b.until("read", "const t = document.querySelector('.tip'); return !t.hidden && t.innerText")
        self.assertIn(time.strftime("%H:%M:%S", time.localtime(at)), text)
        self.assertIn(f"{float(values[at]):g}", text)

    def test_the_value_axis_begins_where_the_link_says(self):
        b = self.browser
        self.draw("fixture_steady + 100")
        lowest = "const p = document.querySelector('.chart canvas').tape?.filter((one) => one.op === 'stroke' && one.points.length > 20)[0]?.points; "
        free = b.js(lowest + "return Math.max(...p.map((one) => one[1]))")
        b.click(".button", "From 0")
        b.until("in the address", "return new URLSearchParams(location.search).get('g0.y_axis_min') === '0'")
        b.until("drawn anew", lowest + "return p && Math.max(...p.map((one) => one[1])) < arguments[0] - 50", free)

    def test_refreshing_draws_what_is_new(self):
        b = self.browser
        b.open(f"{URL}/query?" + urllib.parse.urlencode({"g0.expr": "fixture_jobs_total", "g0.tab": "graph", "g0.range_input": "1m"}))
        b.until("drawn", "return document.querySelector('.chart canvas')?.tape?.length > 5")
        before = b.js("return document.querySelector('.plot').getAttribute('aria-label')")
        b.js("const one = document.querySelector('.headline select'); one.value = '5'; one.dispatchEvent(new Event('change'))")
        try:
            b.until("drawn anew", "return document.querySelector('.plot').getAttribute('aria-label') !== arguments[0]", before)
        finally:
            b.js("localStorage.removeItem('refresh')")


if __name__ == "__main__":
    unittest.main(verbosity=2)
