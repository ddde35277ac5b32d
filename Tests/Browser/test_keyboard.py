"""Every page without a pointer: what can be used can be reached, in the order it is read, and one sees where one is.

See test_pages.py for how to run it.
"""

import os
import unittest

from test_pages import DEMO, GATEWAY, PAGES, URL, push, wait_for
from webdriver import Browser

# What a person could use: visible, enabled, not left out on purpose (a tab that is not chosen is reached by arrow keys).
USABLE = """
return [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.tabIndex >= 0).map((one) => window.named(one));
"""
NAMED = """
window.stops = { count: 0, of: new WeakMap() };
window.named = (one) => { if (!stops.of.has(one)) stops.of.set(one, ++stops.count); return stops.of.get(one) + ' ' + one.tagName + ' ' + (one.getAttribute('aria-label') ?? one.textContent ?? '').trim().slice(0, 30); };
"""
# Where the focus is, and whether one sees it: an outline of its own or of the box around it, within the window.
HERE = """
const one = document.activeElement;
if (!one || one === document.body) return null;
const outlined = (each) => { const s = getComputedStyle(each); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1; };
const stroked = one.closest('.living') && parseFloat(getComputedStyle(one.querySelector('rect')).strokeWidth) >= 3;
const box = one.getBoundingClientRect();
return [window.named(one), outlined(one) || outlined(one.closest('.layers') ?? one) || stroked, box.bottom > 0 && box.top < innerHeight];
"""


@unittest.skipUnless(URL, "PROMENADE_URL is not set")
class Keyboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        push("keyboard", "keyboard_metric 1\n")
        wait_for("keyboard_metric")
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        push("keyboard", method="DELETE")
        cls.browser.close()

    def setUp(self):
        self.browser.size(1280, 900)

    def walk(self, url):
        """Tab from the top until the focus leaves the page."""
        b = self.browser
        b.open("about:blank", ready=False)
        b.open(url, ready=url.startswith((URL, DEMO or URL)))
        b.until("a heading", "return document.querySelector('main h1') !== null")
        b.js("document.activeElement?.blur()")
        b.js(NAMED)
        self.usable = b.js(USABLE)
        stops = []
        for _ in range(400):
            b.press("tab")
            here = b.js(HERE)
            if here is None or (stops and here[0] == stops[0][0]):
                break
            if stops and here[0] == stops[-1][0]:
                b.press("escape")
                continue
            stops.append(here)
        return stops

    def test_every_page_can_be_walked_through(self):
        urls = [URL + page for page in PAGES] + ([GATEWAY + page for page in ("/", "/#pushes", "/#try", "/status")] if GATEWAY else []) + ([DEMO + "/"] if DEMO else [])
        for url in urls:
            with self.subTest(url):
                # A live page may grow while one walks: then it is walked once more, but what is there stays what it is.
                for _ in range(5):
                    stops = self.walk(url)
                    usable = self.browser.js(USABLE)
                    if usable == self.usable:
                        break
                self.assertIn("Skip to the content", stops[0][0])
                self.assertEqual([name for name, isSeen, _ in stops if not isSeen], [], "one sees where the focus is")
                self.assertEqual([name for name, _, isInside in stops if not isInside], [], "the page scrolls with the focus")
                # By its number: what a button says ("Show 31 more") may change while one walks.
                reached = {name.split(" ")[0] for name, _, _ in stops}
                self.assertEqual(len(reached), len(stops), "each once")
                missed = [one for one in usable if one.split(" ")[0] not in reached]
                self.assertEqual(missed, [], "everything usable is reached")

    def test_a_question_from_the_first_page_to_the_explanation(self):
        """Home, the query page by its link, an expression with completion, its table, graph and explanation, a second panel, and back."""
        b = self.browser
        focused = lambda: b.js("const one = document.activeElement; return one.getAttribute('aria-label') ?? one.textContent")
        b.open(URL + "/")
        b.js("document.activeElement?.blur()")
        b.press("tab")
        self.assertEqual(focused(), "Skip to the content")
        b.press("tab")
        b.press("tab")
        self.assertEqual(focused(), "Query")
        b.press("enter")
        b.until("the query page", "return location.pathname.endsWith('/query') && document.documentElement.dataset.ready === 'true'")
        # Where there is a mouse the editor has the focus already.
        for _ in range(20):
            if b.js("return document.activeElement.tagName === 'TEXTAREA'"):
                break
            b.press("tab")
        b.press(*"request_cou")
        b.until("offered", "return !document.querySelector('.popup').hidden")
        b.press("tab")
        b.press("enter")
        b.until("the table", "return document.querySelector('.answers tbody tr')")
        for _ in range(20):
            b.press("tab")
            if b.js("return document.activeElement.getAttribute('role')") == "tab":
                break
        self.assertEqual(focused(), "Table")
        b.press("right")
        b.until("the graph", "return document.querySelector('.legend li')")
        self.assertEqual(focused(), "Graph")
        for _ in range(20):
            b.press("tab")
            if b.js("return document.activeElement.classList.contains('plot')"):
                break
        b.press("left")
        b.press("left")
        self.assertIn("instance=", b.until("a reading", "return document.querySelector('.plot [aria-live]').textContent"))
        b.press("left", "left", "left", hold="shift")
        b.press("enter")
        b.until("zoomed", "return new URLSearchParams(location.search).get('g0.end_input')")
        b.js("document.querySelector('[role=tab][aria-selected=true]').focus()")
        b.press("right")
        b.until("the explanation", "return document.querySelector('.tree .state')")
        for _ in range(40):
            b.press("tab")
            if "Add panel" in focused():
                break
        b.press("enter")
        b.until("the new panel's editor", "return document.activeElement === document.querySelectorAll('textarea')[1]")

    @unittest.skipUnless(GATEWAY, "PROMENADE_GATEWAY_URL is not set")
    def test_a_group_is_deleted(self):
        b = self.browser
        push("keyboard_fleeting", "fleeting 1\n")
        b.open(GATEWAY + "/", ready=False)
        b.until("the group", "return [...document.querySelectorAll('.push-group')].some((one) => one.innerText.includes('keyboard_fleeting'))")
        b.js("document.activeElement?.blur()")
        for _ in range(100):
            b.press("tab")
            label = b.js("return document.activeElement.getAttribute('aria-label')") or ""
            if label.startswith("Delete group") and "keyboard_fleeting" in label:
                break
        b.press("enter")
        b.until("a question whose safe answer has the focus", "return document.querySelector('dialog[open]') && document.activeElement.textContent === 'Cancel'")
        b.press("tab")
        b.press("enter")
        b.until("gone", "return ![...document.querySelectorAll('.push-group')].some((one) => one.innerText.includes('keyboard_fleeting'))")
        self.assertNotEqual(b.js("return document.activeElement.tagName"), "BODY", "the focus is not lost")


if __name__ == "__main__":
    unittest.main(verbosity=2)
