"""What the pages know of the stack around them, in a real browser; see test_pages.py for how to run it."""

import contextlib
import json
import os
import time
import unittest
import urllib.parse
import urllib.request

from test_pages import DEMO, GATEWAY, URL, ask, push, wait_for
from webdriver import Browser

CONFIG = os.environ.get("PROMENADE_CONFIG", "")
GATEWAY_JOB = "  - job_name: pushgateway\n    honor_labels: true\n"
PAGES = ["/", "/query", "/targets", "/service-discovery", "/status", "/tsdb-status", "/flags", "/config", "/alerts", "/rules"]


def stack():
    with urllib.request.urlopen(URL + "/api/v1/stack", timeout=20) as answer:
        return json.load(answer)["data"]


def wait_until(what, condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def reloads(since=""):
    """The reloads that were told after an event, and the newest event."""
    with urllib.request.urlopen(f"{URL}/api/v1/events?kind=reload&since={since}", timeout=20) as answer:
        data = json.load(answer)["data"]
    return data["events"], data["last"]


@contextlib.contextmanager
def configured(old, new):
    """The stack with another configuration (which is read again by itself), and then with the one from before."""
    def write(text):
        _, last = reloads()
        with open(CONFIG, "w") as file:
            file.write(text)
        wait_until("read again", lambda: reloads(last)[0])

    with open(CONFIG) as file:
        before = file.read()
    assert old in before, old
    try:
        write(before.replace(old, new))
        yield
    finally:
        write(before)


@unittest.skipUnless(CONFIG, "PROMENADE_CONFIG is not set")
class Stack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        wait_for("count(up) > 1")
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def setUp(self):
        self.browser.size(1280, 900)
        self.browser.log()

    def query(self, expression):
        self.browser.open("about:blank", ready=False)
        self.browser.open(f"{URL}/query?{urllib.parse.urlencode({'g0.expr': expression, 'g0.tab': 'table'})}")

    def home(self):
        self.browser.open("about:blank", ready=False)
        self.browser.open(URL + "/")
        self.browser.until("targets", "return document.querySelector('#summary').innerText.includes('targets up')")

    # A push and the scrape that takes it.

    def test_a_push_waits_visibly_until_a_scrape_takes_it(self):
        b = self.browser
        with configured(GATEWAY_JOB, GATEWAY_JOB + "    scrape_interval: 4s\n"):
            self.home()
            b.until("events come", "return performance.getEntriesByType('resource').some((one) => one.name.includes('/api/v1/events'))")
            # Right after a scrape, so that there is time to look.
            seen = stack()["pushgateway"]["scrapedBy"][0]["lastScrape"]
            wait_until("a scrape", lambda: stack()["pushgateway"]["scrapedBy"][0]["lastScrape"] not in (None, seen))
            began = time.monotonic()
            push("waiter/db/x", "waiting_metric 1\n")
            line = "return [...document.querySelectorAll('.feed li')].map((one) => one.innerText).find((one) => one.includes('waiter db=x')) ?? ''"
            b.until("told", f"return (() => {{ {line} }})() !== ''")
            self.assertLess(time.monotonic() - began, 1.5, "a push is shown when it happens")
            b.until("it waits", "return document.querySelectorAll('.living .gateway .parked circle').length > 0")
            text = b.js("return document.querySelector('.living .gateway').getAttribute('aria-label')")
            self.assertRegex(text, r"1 push waits here, scraped (in \d s|now)")
            self.assertRegex(b.js(line), r"(?s)PUT made the group waiter db=x waits in the Pushgateway, scraped")
            b.until("it is taken", f"return (() => {{ {line} }})().includes('then a scrape took it')")
            self.assertRegex(b.js(line), r"waited [\d.]+ m?s in the Pushgateway, then a scrape took it")
            b.until("nothing waits", "return document.querySelectorAll('.living .gateway .parked circle').length === 0")
            # Whoever opens the page later is told the same.
            told = b.js(line).split(" in the Pushgateway")[0]
            self.home()
            b.until("told again", f"return (() => {{ {line} }})().includes('then a scrape took it')")
            self.assertEqual(b.js(line).split(" in the Pushgateway")[0], told)
        push("waiter/db/x", method="DELETE")

    def test_a_push_that_is_overtaken_waits_no_longer(self):
        b = self.browser
        with configured(GATEWAY_JOB, GATEWAY_JOB + "    scrape_interval: 30s\n"):
            self.home()
            b.until("events come", "return performance.getEntriesByType('resource').some((one) => one.name.includes('/api/v1/events'))")
            push("overtaken", "a 1\n")
            push("overtaken", "a 2\n")
            push("overtaken", method="DELETE")
            lines = "return [...document.querySelectorAll('.feed li')].map((one) => one.innerText).filter((one) => one.includes('overtaken')).join('\\n')"
            b.until("told", "return (() => {" + lines + "})().includes('DELETE deleted overtaken')")
            told = b.js(lines)
            self.assertRegex(told, "(?s)PUT replaced overtaken.*was deleted before a scrape took it")
            self.assertRegex(told, "(?s)PUT made the group overtaken.*was replaced before a scrape took it")
            self.assertEqual(b.js("return document.querySelectorAll('.living .gateway .parked circle').length"), 0)

    def test_without_an_event_stream_the_page_asks_again_and_again(self):
        b = self.browser
        script = b.cdp("Page.addScriptToEvaluateOnNewDocument", source="delete window.EventSource")
        try:
            self.home()
            b.until("no stream", "return window.EventSource === undefined")
            push("polled", "polled_metric 1\n", method="POST")
            b.until("told", "return document.querySelector('.feed').innerText.includes('POST made the group polled')", seconds=6)
            with self.assertRaises(Exception):
                push("polled", "not a sample\n")
            b.until("the refusal", "return document.querySelector('.feed').innerText.includes('PUT was refused for polled')", seconds=6)
        finally:
            b.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])
        push("polled", method="DELETE")

    def test_what_was_just_pushed_is_awaited(self):
        b = self.browser
        with configured(GATEWAY_JOB, GATEWAY_JOB + "    scrape_interval: 4s\n"):
            seen = stack()["pushgateway"]["scrapedBy"][0]["lastScrape"]
            wait_until("a scrape", lambda: stack()["pushgateway"]["scrapedBy"][0]["lastScrape"] not in (None, seen))
            push("fresh", "# TYPE fresh_seconds histogram\nfresh_seconds_bucket{le=\"+Inf\"} 1\nfresh_seconds_sum 7\nfresh_seconds_count 1\n")
            self.query("fresh_seconds_sum * 2")
            self.assertEqual(b.until("why", "return document.querySelector('.why')?.dataset.reason"), "waits")
            self.assertRegex(b.texts(".why h2")[0], r"Pushed (just now|\d s ago), scraped (in \d s|now)\.")
            b.until("the answer comes by itself", "return document.querySelector('.answers tbody')?.innerText.includes('14')")
        push("fresh", method="DELETE")

    def test_a_push_that_no_job_scrapes_is_told_with_the_lines_that_are_missing(self):
        b = self.browser
        with open(CONFIG) as file:
            job = file.read().split("  - job_name: pushgateway")[1].split("  - job_name")[0]
        push("unread", "unread_metric 1\n")
        port = urllib.parse.urlsplit(GATEWAY).port
        with configured("  - job_name: pushgateway" + job, ""):
            push("unread", "unread_metric 1\nunread_too 2\n")
            self.home()
            note = b.until("told", "return [...document.querySelectorAll('main .note')].map((one) => one.innerText).find((one) => one.includes('no job scrapes the Pushgateway'))")
            self.assertIn(CONFIG, note)
            lines = b.js("return document.querySelector('.paste').textContent")
            self.assertEqual(lines, f'scrape_configs:\n  - job_name: pushgateway\n    honor_labels: true\n    static_configs:\n      - targets: ["localhost:{port}"]')
            self.query('unread_too{job="unread"}')
            self.assertEqual(b.until("why", "return document.querySelector('.why')?.dataset.reason"), "unread")
            self.assertEqual(b.texts(".why h2"), ["The Pushgateway holds unread_too, but no job scrapes it."])
            self.assertEqual(b.js("return document.querySelector('.paste').textContent"), lines)
            # What the Pushgateway does not hold either has another reason.
            for expression in ("no_such_metric", 'unread_too{job="other"}'):
                self.query(expression)
                self.assertNotEqual(b.until("why", "return document.querySelector('.why')?.dataset.reason"), "unread", expression)
        self.home()
        b.until("no more", "return !document.querySelector('main').innerText.includes('no job scrapes')")
        push("unread", method="DELETE")

    def test_labels_that_are_not_honoured_are_found_again(self):
        b = self.browser
        with configured(GATEWAY_JOB, GATEWAY_JOB.replace("true", "false")):
            push("renamed", "renamed_metric 1\n")
            wait_for('renamed_metric{exported_job="renamed"}')
            self.query('renamed_metric{job="renamed"}')
            self.assertEqual(b.until("why", "return document.querySelector('.why')?.dataset.reason"), "renamed")
            b.click(".why .button", "Ask so")
            b.until("found", "return document.querySelector('.answers tbody')?.innerText.includes('exported_job=\"renamed\"')")
            rows = self.sample_labels("pushgateway")
            self.assertIn("honor_labels: false", rows)
            self.assertRegex(rows, r'(?s)exported_job.*"renamed"')
            self.assertRegex(rows, r'job\s+"pushgateway"\s+"pushgateway" in \d+\s*$|job\s+"pushgateway"\s+"pushgateway"\s+in \d+')
            # The group's own link asks so, too.
            self.assertEqual(self.follow_group("renamed"), '{exported_job="renamed"}')
        push("renamed", method="DELETE")

    # The ways between the servers.

    def follow_group(self, job):
        b = self.browser
        b.open("about:blank", ready=False)
        b.open(GATEWAY + "/", ready=False)
        selector = f"[...document.querySelectorAll('.push-group')].find((one) => one.innerText.includes('{job}'))?.querySelector('a.button')"
        b.until("the group's link", f"return {selector}?.href.includes('/query?')")
        b.js(f"{selector}.click()")
        b.until("the answer", "return document.querySelector('.answers tbody tr') !== null")
        return b.js("return document.querySelector('textarea').value")

    def test_every_page_of_the_other_servers_leads_to_the_stack_and_each_group_to_its_query(self):
        b = self.browser
        push("linked/db/a%20b", "linked_metric 1\n")
        wait_for("linked_metric")
        for page in (GATEWAY + "/", GATEWAY + "/#pushes", GATEWAY + "/#try", GATEWAY + "/status", DEMO + "/"):
            b.open("about:blank", ready=False)
            b.open(page, ready=False)
            href = b.until(page, "return document.querySelector('.top .back')?.href")
            self.assertEqual(urllib.parse.urlsplit(href)[:3], urllib.parse.urlsplit(URL + "/")[:3], page)
        self.assertEqual(self.follow_group("linked"), '{job="linked", db="a b"}')
        self.assertIn("linked_metric", b.texts(".answers tbody")[0])
        push("linked/db/a%20b", method="DELETE")

    def sample_labels(self, pool):
        b = self.browser
        b.open("about:blank", ready=False)
        b.open(URL + "/targets")
        b.until("the pool", f"return [...document.querySelectorAll('stack-fold')].some((one) => one.innerText.startsWith('{pool}'))")
        b.js(f"[...document.querySelectorAll('stack-fold')].find((one) => one.innerText.startsWith('{pool}')).querySelector('.disclosure').click()")
        b.until("the labels", "return document.querySelector('.sample-labels')")
        return b.js("return document.querySelector('.target-more:not([hidden])').innerText")

    def test_target_details_tell_the_labels_that_samples_have(self):
        push("honoured", "honoured_metric 1\n")
        wait_for('honoured_metric{job="honoured"}')
        text = self.sample_labels("pushgateway")
        self.assertIn("honor_labels: true", text)
        self.assertRegex(text, r'(?s)instance\s.*no such label\s+in \d')
        self.assertRegex(text, r'(?s)job\s+"pushgateway".*"honoured"\s+in 3')
        text = self.sample_labels("demo")
        self.assertIn("honor_labels: false", text)
        self.assertRegex(text, r'job\s+"demo"\s+"demo"\s+in \d+')
        push("honoured", method="DELETE")

    # The banner.

    def test_a_failed_reload_stands_on_every_page_until_it_is_repaired(self):
        b = self.browser
        with configured("scrape_interval: 1s", "scrape_interval: 1"):
            for page in PAGES:
                b.open("about:blank", ready=False)
                b.open(URL + page, ready=False)
                text = b.until(page, "return document.querySelector('stack-banner').innerText || null")
                self.assertRegex(text, r"Configuration reload has failed.*since")
                self.assertIn("stack.yml:3:", text)
                self.assertIn("global.scrape_interval", text)
            for page in (GATEWAY + "/", GATEWAY + "/status", DEMO + "/"):
                b.open("about:blank", ready=False)
                b.open(page, ready=False)
                text = b.until(page, "return document.querySelector('stack-banner').innerText || null")
                self.assertIn("Configuration reload has failed", text)
                self.assertNotIn("stack.yml", text, "others need not be those who may see the configuration")
                self.assertEqual(b.js("return document.querySelector('stack-banner a').href"), URL + "/")
            b.open(URL + "/flags")
            b.until("there", "return document.querySelector('stack-banner').innerText !== ''")
        b.until("gone", "return document.querySelector('stack-banner').innerText === ''")

    # In class.

    def test_the_demo_server_is_stopped_started_slowed_and_made_to_fail(self):
        b = self.browser
        state = "return document.querySelector('.democontrol .state')?.innerText"
        try:
            self.home()
            b.until("serving", state + " === 'serving'")
            b.click(".democontrol .button", "Stop it")
            b.until("stopped", state + " === 'stopped'")
            wait_for('up{job="demo"} == 0')
            b.until("seen in the picture", "return document.querySelector('.living .demo').getAttribute('aria-label').includes('down')")
            b.click(".democontrol .button", "Start it again")
            b.until("serving", state + " === 'serving'")
            wait_for('up{job="demo"} == 1 and resets(request_count_total[1m]) > 0 or up{job="demo"} == 1 unless request_count_total offset 30s')
            b.click(".democontrol .button", "Let it fail")
            b.until("failing", state + " === 'failing'")
            wait_for('up{job="demo"} == 0')
            b.click(".democontrol .button", "Let it recover")
            b.until("serving", state + " === 'serving'")
            # On its own page.
            b.open("about:blank", ready=False)
            b.open(DEMO + "/", ready=False)
            b.until("serving", state + " === 'serving'")
            b.click(".democontrol .button", "Make it slow")
            b.until("slow", state + " === 'slow'")
            b.click(".democontrol .button", "Let it recover")
            b.until("serving", state + " === 'serving'")
            # Stopped, it cannot be asked itself: its page asks the Prometheus server.
            b.click(".democontrol .button", "Stop it")
            b.until("stopped", state + " === 'stopped'")
            b.click(".democontrol .button", "Start it again")
            b.until("serving", state + " === 'serving'")
            b.click(".democontrol .button", "Stop it")
            b.until("stopped", state + " === 'stopped'")
            wait_until("closed", lambda: demo_state() == "stopped")
        finally:
            request = urllib.request.Request(URL + "/api/v1/demo?do=start", method="POST")
            urllib.request.urlopen(request, timeout=20).close()
        wait_for('up{job="demo"} == 1')

    def test_increase_is_asked_about_with_numbers_that_explain_shows(self):
        b = self.browser
        self.home()
        b.until("numbers", "return document.querySelector('.questions').innerText.match(/Why does increase\\(\\) say [\\d.]+, and the counter only grew by \\d+\\?/)", seconds=40)
        says = b.js("return document.querySelector('.questions').innerText.match(/say ([\\d.]+)/)[1]")
        b.js("[...document.querySelectorAll('.questions a')].at(-1).click()")
        b.until("Explain shows it", "return (document.querySelector('main').innerText.match(/[\\d.]+/g) ?? []).some((one) => Math.abs(Number(one) - arguments[0]) <= 0.001 * arguments[0])", float(says))

    # How it is shown.

    def test_large_type_is_kept(self):
        b = self.browser
        size = "return parseFloat(getComputedStyle(document.documentElement).fontSize)"
        b.open(URL + "/status")
        usual = b.js(size)
        try:
            b.js("document.querySelector('stack-size button').click()")
            self.assertEqual(b.js("return document.querySelector('stack-size button').getAttribute('aria-pressed')"), "true")
            for page in ("/status", "/query", "/"):
                b.open("about:blank", ready=False)
                b.open(URL + page)
                self.assertGreater(b.js(size), usual * 1.4)
                self.assertLessEqual(b.js("return document.documentElement.scrollWidth"), 1280, page)
            for page in (GATEWAY + "/", DEMO + "/"):
                b.open(page, ready=False)
                b.until("the page is there", "return document.querySelector('main h1') !== null")
                self.assertGreater(b.js(size), usual * 1.4, page)
        finally:
            b.js("document.querySelector('stack-size button').click()")
        self.assertEqual(b.js(size), usual)

    def test_the_picture_grows_and_nothing_in_it_is_cut(self):
        b = self.browser
        push("picture_of_a_job/db/customers", "picture_metric 1\n")
        heights = {}
        try:
            for width, height in ((1280, 900), (360, 800)):
                for large in (False, True):
                    b.size(width, height)
                    b.open("about:blank", ready=False)
                    self.home()
                    if large:
                        b.js("document.querySelector('stack-size button').click()")
                    b.until("the push", "return /customers/.test(document.querySelector('.living .batch').textContent)")
                    heights[width, large] = b.js("return document.querySelector('.living .batch .line').getBoundingClientRect().height")
                    wrong = b.js("""return [...document.querySelectorAll('.living .place')].flatMap((place) => {
                        const box = place.querySelector('rect').getBoundingClientRect(), dot = place.querySelector('.dot').getBoundingClientRect();
                        return [...place.querySelectorAll('.title, .line')].filter((text) => {
                            const { left, right, top, bottom, width } = text.getBoundingClientRect();
                            if (width === 0) return false;
                            const isOverDot = text.matches('.title') && right > dot.left && top + (bottom - top) * 0.3 < dot.bottom;
                            return /…/.test(text.textContent) && !/^…$/.test(text.textContent) || left < box.left || right > box.right || bottom > box.bottom + 1 || isOverDot;
                        }).map((text) => text.textContent); })""")
                    self.assertEqual(wrong, [], f"{width} {large}")
                    if large:
                        b.js("document.querySelector('stack-size button').click()")
            self.assertGreater(heights[1280, True], heights[1280, False] * 1.3)
        finally:
            b.js("document.cookie = 'promenade-size=; path=/; max-age=0'")
            push("picture_of_a_job/db/customers", method="DELETE")

    def test_the_menu_is_whole_on_a_narrow_screen(self):
        b = self.browser
        for large in (False, True):
            for page in (URL + "/", URL + "/targets", GATEWAY + "/", DEMO + "/"):
                b.size(360, 800)
                b.open("about:blank", ready=False)
                b.open(page, ready=False)
                b.until(page, "return document.querySelector('stack-theme button')")
                b.js("document.documentElement.dataset.size = arguments[0] ? 'large' : ''", large)
                cut = b.js("return [...document.querySelectorAll('.top a, .top button')].filter((one) => { const { left, right } = one.getBoundingClientRect(); return left < 0 || right > innerWidth; }).map((one) => one.innerText)")
                self.assertEqual(cut, [], page)
                if not page.startswith(URL):
                    b.until("the way back", "return document.querySelector('.back')")
                lines = b.js("return [...document.querySelectorAll('.top .brand, .top .back, .top .button')].map((one) => { const { top, bottom } = one.getBoundingClientRect(); return (top + bottom) / 2; })")
                self.assertLess(max(lines) - min(lines), 2, f"{page} {large}")
                self.assertEqual(b.js("const nav = document.querySelector('.top nav'); return nav.scrollWidth - nav.clientWidth"), 0, page)

    def test_the_small_graph_has_a_key(self):
        b = self.browser
        self.home()
        b.until("drawn", "return document.querySelector('.living .query.drawn')")
        self.assertEqual(b.js("return [...document.querySelectorAll('.living .query .key text')].slice(0, 2).map((one) => one.textContent)"), ["requests", "errors"])
        self.assertRegex(b.js("return document.querySelector('.living .query .key').textContent"), r"≤ [\d.]+\w?/s$")


def demo_state():
    with urllib.request.urlopen(URL + "/api/v1/demo", timeout=20) as answer:
        return json.load(answer)["data"]["state"]
