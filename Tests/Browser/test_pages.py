"""The pages in a real browser, over a running stack.

    PROMENADE_URL=http://127.0.0.1:9090 PROMENADE_GATEWAY_URL=http://127.0.0.1:9091 python3 -m unittest -v test_pages

`run` in this folder starts a stack of its own and sets these. Any Prometheus and Pushgateway with this folder's pages in front will do.
"""

import json
import os
import re
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from webdriver import Browser

URL = os.environ.get("PROMENADE_URL", "").rstrip("/")
GATEWAY = os.environ.get("PROMENADE_GATEWAY_URL", "").rstrip("/")
DEMO = os.environ.get("PROMENADE_DEMO_URL", "").rstrip("/")
PAGES = ["/", "/query", "/query?g0.expr=up&g0.tab=table", "/query?g0.expr=up&g0.tab=graph", "/query?g0.expr=rate(request_count_total[30s])&g0.tab=explain", "/query?g0.expr=nothing_here", "/targets", "/service-discovery", "/status", "/tsdb-status", "/flags", "/config", "/alerts", "/rules"]
EVIL = '<script>window.pwned=1</script><img src=x onerror="window.pwned=1">'
TUTORIAL = "/graph?g0.expr=db_backup_last_completion_timestamp_seconds&g0.tab=1&g0.stacked=0&g0.show_exemplars=0&g0.range_input=1h&g1.expr=db_backup_last_success_timestamp_seconds&g1.tab=1&g1.stacked=0&g1.show_exemplars=0&g1.range_input=1h&g2.expr=db_backup_duration_seconds&g2.tab=1&g2.stacked=0&g2.show_exemplars=0&g2.range_input=1h&g3.expr=db_backup_records_processed&g3.tab=1&g3.stacked=0&g3.show_exemplars=0&g3.range_input=1h"
BACKUP = "".join(f"# TYPE db_backup_{name} gauge\ndb_backup_{name} {value}\n" for name, value in [("last_completion_timestamp_seconds", 1.5e9), ("last_success_timestamp_seconds", 1.5e9), ("duration_seconds", 42), ("records_processed", 1234)])


def ask(expression, **more):
    query = urllib.parse.urlencode({"query": expression, **more})
    with urllib.request.urlopen(f"{URL}/api/v1/query?{query}", timeout=20) as answer:
        return json.load(answer)["data"]["result"]


def push(path, body=None, method="PUT"):
    request = urllib.request.Request(f"{GATEWAY}/metrics/job/{path}", data=body.encode() if body is not None else None, method=method)
    urllib.request.urlopen(request, timeout=20).close()


def wait_for(expression, seconds=30):
    end = time.monotonic() + seconds
    while not (found := ask(expression)):
        assert time.monotonic() < end, f"no result within {seconds} s: {expression}"
        time.sleep(0.1)
    return found


@unittest.skipUnless(URL, "PROMENADE_URL is not set")
class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        escaped = EVIL.replace("\\", "\\\\").replace('"', '\\"')
        push("db_backup", BACKUP)
        push("evil", f'# HELP evil_metric {EVIL}\n# TYPE evil_metric gauge\nevil_metric{{evil="{escaped}"}} 1\n')
        push("gone", "gone_metric 1\n")
        for expression in ("evil_metric", "gone_metric", "db_backup_duration_seconds", "request_count_total > 1", 'count(up) > 1', "count_over_time(up[1m]) > 3"):
            wait_for(expression)
        push("gone", method="DELETE")
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def setUp(self):
        self.browser.size(1280, 900)
        self.browser.log()

    def query(self, expression, tab="table", **more):
        parameters = {"g0.expr": expression, "g0.tab": tab, **{f"g0.{name}": value for name, value in more.items()}}
        self.browser.open(f"{URL}/query?{urllib.parse.urlencode(parameters)}")

    def reason(self):
        return self.browser.until("a reason is given", "return document.querySelector('.why')?.dataset.reason")

    # What a person does on the query page.

    def test_a_query_typed_with_completion_gives_a_table(self):
        b = self.browser
        b.open(f"{URL}/query")
        b.click("textarea")
        b.type("textarea", "request_cou")
        b.until("metrics are offered", "return !document.querySelector('.popup').hidden && document.querySelector('.completions [aria-selected=true]')?.innerText.includes('request_count_total')")
        self.assertTrue(b.js("return document.querySelector('textarea').getAttribute('aria-activedescendant') === document.querySelector('.completions [aria-selected=true]').id"))
        self.assertIn("counter", b.texts(".completions [aria-selected=true]")[0])
        self.assertTrue(b.texts(".completion-doc")[0].strip(), "the help text")
        b.press("tab")
        self.assertEqual(b.js("return document.querySelector('textarea').value"), "request_count_total")
        b.type("textarea", "{jo")
        b.until("labels are offered", "return document.querySelector('.completions .label') && !document.querySelector('.popup').hidden && document.querySelector('.completions .word').innerText === 'job'")
        b.press("enter")
        b.type("textarea", '="')
        b.until("values are offered", "return !document.querySelector('.popup').hidden && document.querySelector('.completions .value')")
        value = b.texts(".completions .word")[0]
        b.press("enter")
        self.assertEqual(b.js("return document.querySelector('textarea').value"), f'request_count_total{{job="{value}"}}')
        b.press("enter")
        row = b.until("the table", "return document.querySelector('.answers tbody tr')?.innerText")
        self.assertIn(f'request_count_total{{', row)
        self.assertRegex(row, r"\d+$")
        self.assertIn("g0.expr=request_count_total", b.js("return location.search"))

    def test_functions_are_offered_with_signature_and_text(self):
        b = self.browser
        b.open(f"{URL}/query")
        b.click("textarea")
        b.type("textarea", "histogram_quantil")
        b.until("the function", "return document.querySelector('.completions [aria-selected=true]')?.innerText.includes('φ scalar')")
        self.assertIn("Quantile", b.texts(".completion-doc")[0])
        b.press("enter")
        self.assertEqual(b.js("const t = document.querySelector('textarea'); return [t.value, t.selectionStart]"), ["histogram_quantile()", 19])
        b.press("escape")

    def test_an_error_is_shown_where_the_parser_found_it(self):
        b = self.browser
        self.query("sum(up) +")
        message = b.until("an error", "return document.querySelector('.editor-error').innerText")
        self.assertRegex(message, r"^Column \d+: parse error: ")
        self.assertTrue(b.js("return document.querySelector('.paint .wrong') !== null && document.querySelector('textarea').getAttribute('aria-invalid') === 'true'"))
        self.query("rate(up)")
        self.assertIn("expected type range vector", b.until("an error", "return document.querySelector('.editor-error').innerText"))

    def test_history_format_and_metrics(self):
        b = self.browser
        self.query("sum( up )")
        b.find(".answers")
        b.click(".tools .button", "Format")
        b.until("formatted", "return document.querySelector('textarea').value === 'sum(up)'")
        b.click(".tools .button", "History")
        b.click(".choices button", "sum( up )")
        b.until("the old one", "return document.querySelector('textarea').value === 'sum( up )'")
        b.click(".tools .button", "Metrics")
        b.type(".picker input", "db_backup_dur")
        b.until("found", "return document.querySelectorAll('.choices button').length === 1")
        b.press("escape")
        b.until("closed", "return !document.querySelector('dialog')")

    def test_the_tutorials_permalink_opens_four_panels(self):
        b = self.browser
        b.open(URL + TUTORIAL)
        self.assertEqual(b.js("return location.pathname"), "/query")
        self.assertEqual(b.js("return [...document.querySelectorAll('textarea')].map((one) => one.value)"), ["db_backup_last_completion_timestamp_seconds", "db_backup_last_success_timestamp_seconds", "db_backup_duration_seconds", "db_backup_records_processed"])
        b.until("four tables", "return document.querySelectorAll('.answers tbody tr').length >= 4")
        self.assertIn('db_backup_duration_seconds{', b.texts(".answers tbody tr")[2])
        self.assertIn("42", b.texts(".answers tbody tr")[2])
        self.assertIn(time.strftime("1500000000\n%Y-%m-%d %H:%M:%S", time.localtime(1.5e9)), b.texts(".answers tbody tr")[0], "a time is also told as people do")

    def test_panels_are_added_and_removed(self):
        b = self.browser
        self.query("up")
        b.click(".button", "Add panel")
        b.until("two", "return document.querySelectorAll('.panel').length === 2")
        b.type(".panel:nth-child(2) textarea", "vector(7)")
        b.press("escape")
        b.click(".panel:nth-child(2) .primary")
        b.until("its answer", "return document.querySelectorAll('.answers').length === 2")
        self.assertIn("g1.expr=vector", b.js("return location.search"))
        b.click(".panel:nth-child(1) .tools .button", "Remove panel")
        b.until("one", "return document.querySelectorAll('.panel').length === 1")
        b.js("history.back()")
        b.until("two again", "return document.querySelectorAll('.panel').length === 2")

    def test_tabs_and_keyboard(self):
        b = self.browser
        self.query("up")
        b.find(".answers")
        b.js("document.querySelector('[role=tab][aria-selected=true]').focus()")
        b.press("right")
        b.until("the graph", "return document.querySelector('[role=tab][aria-selected=true]').innerText === 'Graph' && document.querySelector('.legend li')")
        b.js("document.querySelector('.plot').focus()")
        b.press("left")
        self.assertIn("instance=", b.until("a reading", "return document.querySelector('.plot [aria-live]').textContent"))
        b.press("escape")

    # Graphs.

    def test_a_drag_zooms_into_the_graph(self):
        b = self.browser
        self.query("up", "graph", range_input="10m")
        b.find(".legend li")
        b.drag(".plot", 0.5, 0.75)
        b.until("the range is shorter", "const r = new URLSearchParams(location.search).get('g0.range_input'); return r !== '10m' && r.startsWith('2m')")
        self.assertTrue(b.js("return new URLSearchParams(location.search).get('g0.end_input')"))
        b.js("history.back()")
        b.until("back", "return document.querySelector('[aria-label=Range]').value === '10m'")

    def test_samples_younger_than_the_last_whole_step_are_drawn(self):
        self.query("up", "graph", range_input="52w")
        self.browser.find(".legend li")

    def test_the_legend_toggles_and_isolates(self):
        b = self.browser
        self.query("up", "graph", range_input="5m")
        b.find(".legend li")
        pressed = lambda: b.js("return [...document.querySelectorAll('.legend .toggle')].map((one) => one.getAttribute('aria-pressed'))")
        count = len(pressed())
        self.assertGreater(count, 1)
        b.click(".legend .toggle")
        self.assertEqual(pressed(), ["false"] + ["true"] * (count - 1))
        b.js("document.querySelector('.legend .only').click()")
        self.assertEqual(pressed(), ["true"] + ["false"] * (count - 1))
        b.js("document.querySelector('.legend .only').click()")
        self.assertEqual(pressed(), ["true"] * count)

    def test_a_hundred_series_of_a_thousand_points_are_smooth(self):
        b = self.browser
        self.query("up", "graph")
        b.find(".legend li")
        drawn = b.js_async("""
            const done = arguments[0];
            import("./assets/prometheus/graph.js").then(({ Chart }) => {
                const chart = new Chart({ zoom() {} });
                document.querySelector("main").append(chart.element);
                const times = Float64Array.from({ length: 1000 }, (_, i) => 1e9 + i);
                const series = Array.from({ length: 100 }, (_, s) => ({ name: `s${s}`, labels: { s: String(s) }, histograms: null, values: times.map((_, i) => Math.sin(i / 50 + s) + s / 10) }));
                chart.show({ times, series, start: 1e9, end: 1e9 + 999, mode: "lines", exemplars: [], counter: false, unit: "" });
                const measure = (work) => { const all = []; for (let i = 0; i < 15; i++) { const t = performance.now(); work(i); all.push(performance.now() - t); } return all.sort((a, b) => a - b)[7]; };
                const draw = measure(() => chart.draw());
                const move = measure((i) => { chart.hover = 100 + i; chart.point(); });
                chart.destroy();
                done([draw, move]);
            });""")
        print(f"\n    100 series × 1,000 points: drawn in {drawn[0]:.1f} ms, crosshair moved in {drawn[1]:.1f} ms")
        self.assertLess(drawn[0], 100)
        self.assertLess(drawn[1], 16)

    def test_downloads(self):
        b = self.browser
        self.query("up", "graph")
        b.find(".legend li")
        b.js("window.saved = []; const make = URL.createObjectURL; URL.createObjectURL = (blob) => { window.saved.push(blob); return make(blob); }")
        b.click("[aria-label='Download as CSV']")
        b.click("[aria-label='Download as PNG']")
        b.until("both", "return window.saved.length === 2")
        self.assertEqual(b.js("return window.saved.map((one) => one.type)"), ["text/csv", "image/png"])
        text = b.js_async("window.saved[0].text().then(arguments[0])")
        self.assertTrue(text.startswith("time,") and "\r\n20" in text, text[:100])
        self.query("up > 5")
        self.reason()
        self.assertTrue(b.js("return document.querySelector('[aria-label=\"Download as CSV\"]').disabled"), "there is nothing to take away")

    # Explanations.

    def test_explain_shows_the_tree_and_the_windows_arithmetic(self):
        b = self.browser
        self.query("sum by (job) (increase(request_count_total[20s]))", "explain")
        b.find(".tree svg.window")
        b.until("the arithmetic", "return document.querySelector('.steps li:last-child b')")
        self.assertEqual([re.sub(r"\s+", " ", one) for one in b.texts(".tree code")][:2], ["sum by (job) (…)", "increase(…)"])
        self.assertIn("instance", " ".join(b.texts(".tree .badge.lost")))
        b.until("evaluated", "return document.querySelectorAll('.tree .state').length >= 3")
        self.assertFalse(any("the server says" in one for one in b.texts(".steps li")), "our arithmetic is the server's")

    def test_every_empty_answer_says_why(self):
        b = self.browser
        jobs = sorted({(one["metric"]["job"], one["metric"]["instance"]) for one in ask("up")})
        now = time.time()
        stamp = lambda seconds: time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))
        first, other = jobs[0], next(one for one in jobs if one[0] != jobs[0][0] and one[1] != jobs[0][1])
        table = [
            ("no-metric", "reqest_count_total", {}, "Did you mean request_count_total?"),
            ("no-label", 'up{jop="x"}', {}, "Did you mean job?"),
            ("no-value", 'sum(rate(up{job="nothing_like_it"}[1m]))', {}, "job="),
            ("no-combination", f'up{{job="{first[0]}", instance="{other[1]}"}}', {}, "Without"),
            ("too-old", "up", {"end_input": stamp(now + 900)}, "Look at that time"),
            ("too-old", "rate(up[1m])", {"end_input": stamp(now + 300)}, "Use a window of"),
            ("ended", "gone_metric", {}, "Look at that time"),
            ("not-yet", "up", {"end_input": stamp(now - 86400 * 3)}, "Look at now"),
            ("one-sample", "rate(up[2s:2s])", {}, "Use ["),
            ("no-step", "up[1s:1h]", {}, "Look at it without"),
            ("no-match", f'up{{job="{first[0]}"}} + up{{job="{other[0]}"}}', {}, "Match ignoring"),
            ("no-match", "up / on (instance) evil_metric", {}, None),
            ("filtered", "up > 5", {}, "Show the left side"),
            ("removed", "up unless up", {}, None),
            ("present", "absent(up)", {}, "Look at the series"),
            ("no-buckets", "histogram_quantile(0.9, up)", {}, None),
        ]
        for reason, expression, more, suggestion in table:
            with self.subTest(expression):
                self.query(expression, **more)
                self.assertEqual(self.reason(), reason)
                if suggestion:
                    self.assertTrue(any(one.startswith(suggestion) for one in b.texts(".why .button")), b.texts(".why"))
        self.query("reqest_count_total")
        b.click(".why .button")
        b.find(".answers")
        self.query("up > 5", "graph")
        self.assertEqual(self.reason(), "filtered")

    def test_markup_in_data_is_text(self):
        b = self.browser
        self.query("evil_metric")
        self.assertIn("<script>window.pwned=1</script>", b.until("the row", "return document.querySelector('.answers tbody tr')?.innerText"))
        b.click(".tools .button", "Metrics")
        b.type(".picker input", "evil")
        b.until("its help", "return document.querySelector('.choices .about')?.innerText.includes('<script>')")
        b.press("escape")
        b.click("textarea")
        b.press("a", hold="control")
        b.type("textarea", "evil_me")
        b.until("offered", "return document.querySelector('.completion-doc')?.innerText.includes('<script>')")
        b.press("escape")
        b.type("textarea", 'tric{evil="')
        b.until("offered", "return document.querySelector('.completions .word')?.innerText.includes('<script>')")
        b.press("escape")
        for tab in ("graph", "explain"):
            self.query("evil_metric", tab)
            b.until("shown", "return document.querySelector('.answer').innerText.includes('<script>') || document.querySelector('.answer').textContent.includes('<script>')")
        for page in ("/", "/tsdb-status"):
            b.open(URL + page)
        self.assertIsNone(b.js("return window.pwned ?? null"))
        self.assertEqual(b.js("return document.querySelectorAll('main script, main img').length"), 0)

    # The other pages.

    def test_home_shows_pushes_and_scrapes_as_they_happen(self):
        b = self.browser
        b.open(URL + "/")
        b.until("targets are up", r"return /\d+ of \d+ targets up/.test(document.querySelector('#summary').innerText)")
        b.js("window.moved = {}; new MutationObserver((all) => { for (const one of all) for (const node of one.addedNodes) window.moved[node.getAttribute('class')] = 1; }).observe(document.querySelector('.pulses'), { childList: true })")
        b.until("samples move", "return window.moved['pulse answer'] && window.moved['pulse ask']")
        time.sleep(1)
        push(f"moving_{int(time.time())}", "moving 1\n")
        b.until("the push moves", "return window.moved['pulse push']", seconds=30)
        b.until("the push is told", "return document.querySelector('.feed').innerText.includes('PUT made the group moving_')")
        self.assertRegex(b.js("return document.querySelector('.living .store').getAttribute('aria-label')"), r"Store: [\d,]+ series")
        b.until("requests and errors are drawn", "return document.querySelector('.living .query.drawn .spark.bad')?.getAttribute('d')")
        lines = [one.split(" in ")[0] for one in b.texts(".feed li > .grow")]
        self.assertEqual(len(set(lines)), len(lines), "one line a target")

    def test_targets_tell_state_labels_and_errors(self):
        b = self.browser
        b.open(URL + "/targets")
        b.until("rows", "return document.querySelectorAll('.target').length > 1")
        states = b.texts(".target > .row:first-child > .state")
        self.assertIn("UP", states)
        self.assertIn("DOWN", states)
        self.assertIn("127.0.0.1:1/metrics", " ".join(b.texts(".target .note.bad")))
        b.click(".target .button", "Details")
        self.assertIn("__address__", b.until("labels before", "return document.querySelector('.relabel')?.innerText"))
        b.type("[type=search]", "127.0.0.1:1/")
        b.until("filtered", "return document.querySelectorAll('.target').length === 1")

    @unittest.skipUnless(URL and ask('up{job="relabelled"}'), "the stack has no job named relabelled")
    def test_relabelling_is_shown_rule_by_rule(self):
        b = self.browser
        for page, steps in {"/targets": ".target .button", "/service-discovery": ".target .button"}.items():
            with self.subTest(page):
                b.open(URL + page)
                b.until("the job", "return [...document.querySelectorAll('stack-fold')].some((one) => one.innerText.startsWith('relabelled'))")
                b.js("[...document.querySelectorAll('stack-fold')].find((one) => one.innerText.startsWith('relabelled')).querySelector('.target .button').click()")
                rows = b.until("the steps", "const all = [...document.querySelectorAll('.relabel li')].map((one) => [one.querySelector('.stage').innerText, one.lastChild.innerText.replace(/\\s+/g, ' '), [...one.querySelectorAll('.gained')].map((each) => each.innerText), [...one.querySelectorAll('.lost s')].map((each) => each.innerText)]); return all.length && all")
                self.assertEqual([row[0] for row in rows], ["Discovered", "Rule 1", "Rule 2", "Rule 3", "Rule 4", "In the series"])
                self.assertIn('__meta_place_city="Tokyo"', rows[0][1])
                self.assertIn("regex: __meta_place_(.+); action: labelmap", rows[1][1])
                self.assertEqual(rows[1][2], ['+ city="Tokyo"', '+ ward="Minato"'])
                self.assertIn("source_labels: [city, ward]; separator: /; target_label: place", rows[2][1])
                self.assertEqual(rows[2][2], ['+ place="Tokyo/Minato"'])
                self.assertEqual(rows[3][2], ['→ team="Blue"'])
                self.assertEqual(sorted(rows[4][3]), ['city="Tokyo"', 'ward="Minato"'])
                self.assertEqual(rows[5][1].split(" ")[1:], ["instance=" + rows[5][1].split("instance=")[1].split(" ")[0], 'job="relabelled"', 'place="Tokyo/Minato"', 'team="Blue"'])
        b.click("[type=checkbox]")
        b.until("only that", "return [...document.querySelectorAll('.target:not([hidden])')].every((one) => one.innerText.startsWith('dropped'))")
        b.js("[...document.querySelectorAll('.target')].find((one) => one.innerText.startsWith('dropped')).querySelector('.button').click()")
        b.until("the rule that dropped it", "return [...document.querySelectorAll('.relabel li')].some((one) => one.innerText.includes('action: drop') && one.querySelector('.state.bad')?.innerText === 'dropped')")

    @unittest.skipUnless(URL and ask('up{job="mistakes"}'), "the stack has no job named mistakes")
    def test_the_last_body_has_a_verdict_per_line(self):
        b = self.browser
        b.open(URL + "/targets?search=mistakes")
        b.click(".target .button", "Details")
        lines = b.until("the body", "const all = [...document.querySelectorAll('.scraped li')].map((one) => [one.className, one.firstChild.textContent, one.querySelector('.verdict')?.textContent ?? '']); return all.length && all")
        self.assertEqual([line[:2] for line in lines], [["", "# HELP fixture_fine A line without a mistake."], ["", "# TYPE fixture_fine gauge"], ["", "fixture_fine 1"], ["", "fixture_requests 3"], ["error", "fixture_broken{a=} 1"]])
        self.assertIn("expected '\"' at start of label value, found '}'", lines[4][2])
        self.assertIn("1 line breaks the format", b.texts(".target-more")[0])
        b.open(URL + "/targets?search=ups")
        b.click(".target .button", "Details")
        b.until("no mistakes", "return document.querySelector('.target-more .state.good + code') && document.querySelector('.target-more').innerText.includes('every line is well-formed') && document.querySelectorAll('.scraped .error').length === 0")

    def test_links_of_prometheus_2_and_3(self):
        b = self.browser
        links = {
            "/graph?g0.expr=up&g0.tab=0&g0.stacked=1&g0.show_exemplars=1&g0.range_input=30m&g0.end_input=2026-01-31%2012%3A00&g0.step_input=15": ("Graph", "30m", "15s", ["Stacked", "Exemplars"]),
            "/query?g0.expr=up&g0.show_tree=0&g0.tab=graph&g0.range_input=2h&g0.res_type=auto&g0.res_density=high&g0.display_mode=lines&g0.y_axis_min=0&g0.show_exemplars=0": ("Graph", "2h", "high", ["Lines", "From 0"]),
            "/query?g0.expr=up&g0.tab=graph&g0.range_input=1h&g0.res_type=fixed&g0.res_step=30&g0.display_mode=heatmap&g0.moment_input=2026-01-31%2012%3A00%3A00": ("Graph", "1h", "30s", ["Heatmap"]),
            "/query?g0.expr=up&g0.tab=explain": ("Explain", None, None, []),
            "/graph?g0.expr=up&g0.tab=1&g0.range_input=1h": ("Table", None, None, []),
        }
        for link, (tab, reach, step, pressed) in links.items():
            with self.subTest(link):
                b.open(URL + link)
                self.assertEqual(b.texts("[role=tab][aria-selected=true]"), [tab])
                if reach:
                    self.assertEqual(b.js("return document.querySelector('[aria-label=Range]').value"), reach)
                    self.assertEqual(b.js("const s = document.querySelector('[aria-label=Step]'); return s.hidden ? document.querySelector('[aria-label=Resolution]').value : s.value"), step)
                self.assertEqual(b.texts(".controls [aria-pressed=true]"), pressed)
                if "2026-01-31" in link:
                    self.assertEqual(b.js("return new Date(document.querySelector('.moment').value.replace(' ', 'T')).getTime()"), 1769860800000)
        # A second panel in the link, and the address that comes out of it, are the same thing.
        b.open(URL + "/query?g0.expr=up&g0.tab=table&g1.expr=vector(1)&g1.tab=graph&g1.display_mode=stacked")
        b.click(".button", "Run all")
        address = b.until("written anew", "return location.search.includes('g1.res_type') && location.search")
        b.open(URL + "/query" + address)
        self.assertEqual(b.js("return [...document.querySelectorAll('textarea')].map((one) => one.value)"), ["up", "vector(1)"])

    @unittest.skipUnless(GATEWAY, "PROMENADE_GATEWAY_URL is not set")
    def test_there_is_a_way_back_to_the_stack(self):
        b = self.browser
        b.open(URL + "/")
        b.until("linked", "return document.querySelector('.living .gateway').getAttribute('href')")
        b.js("document.querySelector('.living .gateway rect').parentElement.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }))")
        b.until("the Pushgateway's page", "return document.querySelector('.top .brand')?.innerText === 'Pushgateway'")
        b.click(".top .back", "The stack")
        b.until("home", "return document.querySelector('main h1')?.innerText === 'The stack, right now'")

    def test_discovery_status_rules(self):
        b = self.browser
        for page, words in {"/service-discovery": ["kept"], "/status": ["Version", "Started", "Remote write", "nowhere", "connection refused"], "/tsdb-status": ["Series", "Metrics with the most series", "__name__"], "/flags": ["--web.listen-address"], "/config": ["scrape_configs"], "/alerts": ["TargetDown", "Inbox"], "/rules": ["job:up:sum", "many-to-many"]}.items():
            with self.subTest(page):
                b.open(URL + page)
                text = b.js("return document.querySelector('main').innerText")
                for word in words:
                    self.assertIn(word, text)
                self.assertEqual(b.js("return document.querySelectorAll('.note.bad').length"), 0)

    def test_what_opentelemetry_sent(self):
        point = {"asDouble": 1, "timeUnixNano": str(time.time_ns()), "startTimeUnixNano": str(time.time_ns())}
        metrics = [
            {"name": "shop.sold", "unit": "1", "sum": {"isMonotonic": True, "aggregationTemporality": 2, "dataPoints": [point]}},
            {"name": "shop.heat", "unit": "Cel", "gauge": {"dataPoints": [point]}},
        ]

        def send(metrics, status, agent):
            body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}).encode()
            headers = {"Content-Type": "application/json", "User-Agent": agent}
            request = urllib.request.Request(URL + "/api/v1/otlp/v1/metrics", data=body, headers=headers)
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    self.assertEqual(answer.status, status)
            except urllib.error.HTTPError as error:
                self.assertEqual(error.code, status)

        send(metrics, 200, "shop/1")
        send([{"name": "shop.gone", "sum": {"isMonotonic": True, "aggregationTemporality": 1, "dataPoints": [point]}}], 500, "till/2")
        b = self.browser
        b.open(URL + "/status")
        b.until("both clients", "return [...document.querySelectorAll('main summary')].map((one) => one.innerText.split(',')[0]).join('|') === '500 till/2|200 shop/1'")
        b.js("document.querySelectorAll('main details').forEach((one) => (one.open = true))")
        rows = b.js("return [...document.querySelectorAll('main details tbody tr')].map((row) => [...row.cells].map((cell) => cell.innerText))")
        self.assertEqual(rows[0][0], "shop.gone")
        self.assertIn("invalid temporality and type combination", rows[0][-1])
        self.assertEqual([(row[0], row[3], row[4], row[7]) for row in rows[1:]], [("shop.sold", "shop_sold_total", "counter", "taken"), ("shop.heat", "shop_heat_celsius", "gauge", "taken")])

    # For everybody.

    def test_names_and_landmarks_for_screen_readers(self):
        b = self.browser
        for page in PAGES:
            with self.subTest(page):
                b.open(URL + page)
                tree = [one for one in b.cdp("Accessibility.getFullAXTree")["nodes"] if not one.get("ignored")]
                role = lambda one: one.get("role", {}).get("value", "")
                name = lambda one: one.get("name", {}).get("value", "").strip()
                nameless = [role(one) for one in tree if role(one) in ("button", "link", "textbox", "searchbox", "combobox", "checkbox", "tab", "img", "option", "dialog", "navigation", "region", "tabpanel") and not name(one)]
                self.assertEqual(nameless, [])
                self.assertEqual(len([one for one in tree if role(one) == "main"]), 1)
                headings = [prop["value"]["value"] for one in tree if role(one) == "heading" for prop in one.get("properties", []) if prop["name"] == "level"]
                self.assertEqual(headings.count(1), 1, headings)
                self.assertEqual(b.js("return document.documentElement.lang"), "en")

    def test_contrast_in_both_themes(self):
        b = self.browser
        for theme in ("light", "dark"):
            for page in PAGES:
                with self.subTest(f"{theme} {page}"):
                    b.size(1280, 900, theme)
                    b.open(URL + page)
                    self.assertEqual(b.js(CONTRAST), [])

    def test_nothing_is_wider_than_a_telephone(self):
        b = self.browser
        b.size(360, 740, mobile=True)
        for page in PAGES + [TUTORIAL]:
            with self.subTest(page):
                b.open(URL + page)
                self.assertLessEqual(b.js("return document.documentElement.scrollWidth"), 360)

    def test_pages_are_quick_still_small_and_within_the_policy(self):
        b = self.browser
        # As on a first visit.
        b.cdp("Network.enable")
        b.cdp("Network.setCacheDisabled", cacheDisabled=True)
        self.addCleanup(b.cdp, "Network.setCacheDisabled", cacheDisabled=False)
        for page in PAGES:
            with self.subTest(page):
                best = 1e9
                # What is measured is the page, not what else the machine does: the best of a few, and more time where others want
                # the processors too.
                most = 200 * max(1, os.getloadavg()[0] / os.cpu_count())
                for _ in range(20):
                    b.open(URL + page)
                    best = min(best, b.js("return performance.getEntriesByName('ready')[0].startTime"))
                    if best < 200:
                        break
                    time.sleep(0.2)
                b.until("settled", "return performance.now() > 1200")
                shift, files, whole = b.js_async("""const done = arguments[0]; let sum = 0;
                    new PerformanceObserver((list) => { for (const one of list.getEntries()) sum += one.value; }).observe({ type: "layout-shift", buffered: true });
                    const files = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource").filter((one) => one.name.includes("/assets/"))];
                    setTimeout(() => done([sum, files.length, files.reduce((sum, one) => sum + one.decodedBodySize, 0)]), 50)""")
                print(f"\n    {page}: ready after {best:.0f} ms, {files} files of {whole / 1000:.0f} kB, layout shift {shift:.4f}", end="")
                self.assertLess(best, most)
                self.assertLess(shift, 0.002)
                self.assertTrue(5 < files < 40 and 40_000 < whole < 220_000, whole)
        said = [one["message"] for one in b.log() if one["level"] == "SEVERE" or "Content Security Policy" in one["message"]]
        self.assertEqual([one for one in said if "status of 404" not in one], [])

    @unittest.skipUnless(DEMO, "PROMENADE_DEMO_URL is not set")
    def test_the_demo_page_asks_and_counts(self):
        b = self.browser
        b.open(DEMO + "/")
        count = lambda: int(b.js("return document.querySelector('.figure').innerText").replace(",", "") or 0)
        self.assertIn(b.texts(".word")[0], ("OK", "Normal", "Error"))
        b.until("counted", "return /\\d/.test(document.querySelector('.figure').innerText)")
        before = count()
        b.click(".button", "Ask 10 times")
        b.until("ten more", "return Number(document.querySelector('.figure').innerText.replaceAll(',', '')) >= arguments[0]", before + 10)


# Text whose contrast to what is behind it is below WCAG AA.
CONTRAST = """
const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgba = (colour) => { paint.clearRect(0, 0, 1, 1); paint.fillStyle = colour; paint.fillRect(0, 0, 1, 1); const d = paint.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = (element) => { const all = []; for (let one = element; one; one = one.parentElement) all.push(rgba(getComputedStyle(one).backgroundColor)); return all.reduceRight((below, top) => over(top, below), [255, 255, 255, 1]); };
const bad = new Set();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || element.closest(".visually-hidden, .skip, :disabled, textarea, option, noscript")) continue;
    const style = getComputedStyle(element);
    const svg = element.closest("svg");
    let ground = behind(svg ? svg.parentElement : element);
    const box = svg && element.closest("a")?.querySelector("rect");
    if (box) ground = over(rgba(getComputedStyle(box).fill), ground);
    const ink = over(rgba(svg ? style.fill : style.color), ground);
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) bad.add(`${element.tagName}.${element.getAttribute("class") ?? ""} "${node.textContent.trim().slice(0, 30)}" ${ratio.toFixed(2)}`);
}
return [...bad];
"""

if __name__ == "__main__":
    unittest.main(verbosity=2)
