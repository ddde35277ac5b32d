"""The pages Alerts and Rules, over the rules of the stack that `run` starts. See test_pages.py for how to run it."""

import datetime
import json
import os
import pathlib
import re
import time
import unittest
import urllib.request

from test_pages import URL
from webdriver import Browser

# Pictures go there, where somebody wants to look at them.
PICTURES = os.environ.get("PROMENADE_PICTURES")
WIDTHS = {360: 740, 1280: 800, 1920: 1080}
RULE = "[...document.querySelectorAll('article')].find((one) => one.querySelector('b')?.textContent === arguments[0])"


@unittest.skipUnless(URL, "PROMENADE_URL is not set")
class Rules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.browser.open(URL + "/alerts")
        cls.browser.until("an alert fires", f"return {RULE}?.innerText.includes('firing')", "TargetDown", seconds=40)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def rule(self, page, name):
        self.browser.open(URL + page)
        return self.browser.until(f"{name} is there", f"return {RULE}?.innerText", name)

    def test_each_alert_has_its_last_hour_as_a_strip(self):
        self.rule("/alerts", "TargetDown")
        states = self.browser.until("the strip is filled", f"const tiles = [...{RULE}.querySelectorAll('.alert-strip i')]; return tiles.length && tiles.map((one) => one.className)", "TargetDown")
        self.assertEqual(len(states), 60)
        self.assertEqual(states[-1].split()[0], "firing")
        # What was before the stack began is not told as inactive.
        self.assertEqual(states[0], "unknown")
        self.assertIn("a tile a minute", self.browser.js("return document.querySelector('.alert-legend').innerText"))
        title = self.browser.js(f"return {RULE}.querySelector('.alert-strip i:last-child').title", "TargetDown")
        self.assertRegex(title, "^the last minute: firing")

    def test_an_alert_that_comes_and_goes_has_both_in_its_strip(self):
        b = self.browser
        self.rule("/alerts", "Flaps")
        b.until("a tile of both", f"return [...({RULE}?.querySelectorAll('.alert-strip i') ?? [])].some((one) => /^pending f0 p[123]$/.test(one.className) && /pending \\d+ %, inactive/.test(one.title))", "Flaps", seconds=80)
        text = b.until("what was last", f"const text = {RULE}?.innerText; return text?.includes('Last pending') && text", "Flaps", seconds=80)
        self.assertRegex(text, r"Last pending from .*: \d s of 8 s")

    def test_an_alert_that_is_over_keeps_its_strip(self):
        self.rule("/alerts", "Over")
        text = self.browser.until("it is over", f"const text = {RULE}?.innerText; return text?.includes('finds nothing now') && text?.includes('broken') && text", "Over", seconds=60)
        self.assertIn("over", text)
        self.browser.until("its strip", f"return [...({RULE}?.querySelectorAll('.alert-strip i') ?? [])].some((one) => one.className.startsWith('firing'))", "Over")

    def test_the_filter_shows_the_alerts_that_fit(self):
        b = self.browser
        self.rule("/alerts?search=job%3D%22broken%22", "TargetDown")
        shown = b.js("return [...document.querySelectorAll('.alert')].map((one) => one.innerText)")
        self.assertTrue(shown and all("broken" in one for one in shown), shown)

    def test_why_an_alert_does_not_fire(self):
        text = self.rule("/alerts", "DownForLong")
        told = re.search(r"since (\S+ \S+)\. It fires in (?:(\d+) min ?)?(?:(\d+) s)? at the earliest", text)
        self.assertTrue(told, text)
        # However long the tests before it took: an hour after it was found.
        left = datetime.datetime.fromisoformat(told[1]).timestamp() + 3600 - time.time()
        self.assertAlmostEqual(60 * int(told[2] or 0) + int(told[3] or 0), left, delta=60)
        self.assertIn("The expression finds nothing now.", self.rule("/alerts", "Never"))
        for name, parts in {
            "Unsteady": ["The label value follows the value: each evaluation makes another alert"],
            "UnsteadyAlways": ["The label value follows the value: a new alert and a resolved one at every evaluation"],
            "NewPod": ["differ in the label pod only", "each was gone before it fired", "max without (pod)"],
        }.items():
            with self.subTest(name):
                text = self.browser.until("told", f"const text = {RULE}?.innerText; return text?.includes(arguments[1]) && text", name, parts[0], seconds=60)
                for part in parts:
                    self.assertIn(part, text)
                self.assertNotIn("at the earliest", text)

    def test_explain_is_one_click_away(self):
        b = self.browser
        for name, text in [("Never", "Why?"), ("TargetDown", "Explain")]:
            with self.subTest(name):
                self.rule("/alerts", name)
                b.js(f"[...{RULE}.querySelectorAll('a')].find((one) => one.textContent === arguments[1]).click()", name, text)
                b.until("explained", "return document.querySelector('[role=tab][aria-selected=true]')?.textContent === 'Explain'")
                self.assertIn("tab=explain", b.js("return location.href"))

    def test_what_a_template_came_of(self):
        b = self.browser
        text = self.rule("/alerts", "TargetDown")
        self.assertIn("127.0.0.1:1 of broken is down", text)
        self.assertRegex(text, r"\d+ targets in all")
        b.js(f"[...{RULE}.querySelectorAll('details')].forEach((one) => {{ one.open = true; }})", "TargetDown")
        text = b.js(f"return {RULE}.innerText", "TargetDown")
        for part in ("$value", "$labels.instance", "{{ $labels.instance }} of {{ $labels.job }} is down"):
            self.assertIn(part, text)
        self.assertNotIn("$labels.severity", text)
        self.assertEqual(b.js(f"return [...{RULE}.querySelectorAll(':scope details a')].map((one) => one.textContent)", "TargetDown"), ["count(up)"])
        self.assertRegex(text, r"count\(up\):\s*\{\} \d+")
        b.js(f"[...{RULE}.querySelectorAll('details')].forEach((one) => {{ one.open = true; }})", "BadTemplate")
        self.assertIn("none: no series", b.js(f"return {RULE}.innerText", "BadTemplate"))

    def test_what_failed_has_the_colour_of_errors(self):
        b = self.browser
        for page, name, place in [("/rules", "broken:up", "p.bad"), ("/alerts", "BadTemplate", ".annotation.bad"), ("/alerts", "Unsteady", "p.warn")]:
            with self.subTest(name):
                self.rule(page, name)
                colours = b.until("it is marked", f"const one = {RULE}?.querySelector(arguments[1]); return one && [getComputedStyle(one).color, getComputedStyle(document.body).color]", name, place, seconds=30)
                self.assertNotEqual(*colours)

    def test_a_page_that_is_drawn_again_keeps_what_a_person_does(self):
        """The value of Unsteady is another one at each evaluation; the rest of the page stays, with its focus and what was opened."""
        b = self.browser
        self.rule("/alerts", "TargetDown")
        b.js(f"const rule = {RULE}; window.seen = [rule, ...rule.querySelectorAll('summary')]; seen.slice(1).forEach((one) => {{ one.parentElement.open = true; }}); seen[1].focus()", "TargetDown")
        told = b.js(f"return {RULE}.querySelector('.alert').innerText", "Unsteady")
        for _ in range(3):
            told = b.until("drawn again", f"const told = {RULE}?.querySelector('.alert')?.innerText; return told && told !== arguments[1] && told", "Unsteady", told, seconds=30)
        self.assertEqual(
            b.js(f"const rule = {RULE}; return [rule === seen[0], document.activeElement === seen[1], rule.querySelectorAll('details[open]').length === seen.length - 1]", "TargetDown"),
            [True, True, True],
        )

    def test_many_alerts_are_shown_when_asked_for(self):
        b = self.browser
        self.rule("/alerts", "Many")
        count = f"return {RULE}.querySelectorAll('.alert-strip').length"
        self.assertEqual(b.js(count, "Many"), 20)
        b.js(f"[...{RULE}.querySelectorAll('button')].at(-1).click()", "Many")
        b.until("all are shown", count.replace("length", "length > 20"), "Many")

    def test_the_inbox_tells_what_was_told(self):
        b = self.browser
        b.open(URL + "/alerts")
        text = b.until("the inbox", "return [...document.querySelectorAll('section')].find((one) => one.querySelector('h2')?.textContent === 'Inbox')?.innerText")
        self.assertIn("began to fire", text)
        with urllib.request.urlopen(f"{URL}/api/v1/inbox", timeout=20) as answer:
            notices = json.load(answer)["data"]["notices"]
        self.assertIn("TargetDown", {one["labels"]["alertname"] for one in notices})

    def test_rules_show_their_errors(self):
        self.assertIn("many-to-many", self.rule("/rules", "broken:up"))
        self.assertRegex(self.browser.js("return document.querySelector('main').innerText"), r"\d+ rules: \d+ ok, 1 err")
        self.assertIn("ok", self.rule("/rules", "job:up:sum"))
        self.browser.until("when a group was evaluated", "return /evaluated at .* in .*s/.test(document.querySelector('summary .muted').innerText)")

    def test_states_and_names_are_filtered(self):
        b = self.browser
        self.rule("/alerts", "Never")
        b.js("const one = document.querySelector('select'); one.value = 'firing'; one.dispatchEvent(new Event('change'))")
        b.until("only those that fire", "return ![...document.querySelectorAll('article b')].some((one) => one.textContent === 'Never')")
        b.js("const one = document.querySelector('[type=search]'); one.value = 'targetdown'; one.dispatchEvent(new Event('input'))")
        b.until("only one", "return document.querySelectorAll('article').length === 1")
        # The address shows the same again.
        self.assertTrue(b.js("return location.search").endswith("?state=firing&search=targetdown"))
        self.rule("/alerts?state=firing&search=targetdown", "TargetDown")
        self.assertEqual(b.js("return document.querySelectorAll('article').length"), 1)
        b.open(URL + "/alerts?search=nobodyhasthisname")
        b.until("that there is none", "return document.querySelector('main').innerText.includes('No rule fits the filter.')")

    def test_evaluations_are_told_as_events(self):
        with urllib.request.urlopen(f"{URL}/api/v1/events?kind=evaluation&kind=alert&limit=1000", timeout=20) as answer:
            events = json.load(answer)["data"]["events"]
        groups = {one["group"]: one["error"] for one in events if one["kind"] == "evaluation"}
        self.assertEqual(groups["watch"], "")
        self.assertIn("many-to-many", groups["wrong"])
        self.assertIn("pending", {one["state"] for one in events if one["kind"] == "alert"})

    def test_the_pages_fit_all_screens(self):
        b = self.browser
        for width, height in WIDTHS.items():
            b.size(width, height, mobile=width < 500)
            try:
                for page in ("/alerts", "/rules"):
                    with self.subTest(f"{page} at {width}"):
                        b.open(URL + page)
                        b.until("strips", "return location.pathname.endsWith('rules') || document.querySelector('.alert-strip i')")
                        self.assertLessEqual(b.js("return document.documentElement.scrollWidth"), width)
                        outside = b.js("return [...document.querySelectorAll('main article *')].filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && one.checkVisibility() && !one.closest('code')).map((one) => one.outerHTML.slice(0, 100))")
                        self.assertEqual(outside, [])
                        # State, labels and value stand side by side, however many labels there are, where there is room.
                        apart = b.js("return [...document.querySelectorAll('.alert > .row')].filter((row) => { const [first, ...rest] = [...row.children].filter((one) => one.className !== 'grow').map((one) => one.getBoundingClientRect()); return rest.some((one) => one.top >= first.bottom); }).map((row) => row.innerText)")
                        self.assertTrue(width < 700 or apart == [], apart)
                        if PICTURES:
                            for theme in ("dark", "light"):
                                b.size(width, height, theme, mobile=width < 500)
                                pathlib.Path(PICTURES, f"{page[1:]}-{width}-{theme}.png").write_bytes(b.screenshot(width, least=height))
            finally:
                b.size(1280, 800)


if __name__ == "__main__":
    unittest.main()
