"""The lessons: each to its end by keyboard alone, in both languages; what is guessed, tried, drawn and kept.

See test_pages.py for how to run it.
"""

import json
import unittest
import urllib.request

from test_pages import URL
from webdriver import Browser

STATE = """
const body = document.querySelector('main > .stack');
return { step: body?.dataset.step, position: body?.dataset.position, next: document.querySelector('.lesson-way .primary')?.textContent,
    bad: [...document.querySelectorAll('.note.bad')].map((one) => one.textContent), wide: document.documentElement.scrollWidth > innerWidth };
"""


@unittest.skipUnless(URL, "PROMENADE_URL is not set")
class Learn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        with urllib.request.urlopen(URL + "/api/v1/learn/course", timeout=20) as answer:
            cls.course = json.load(answer)["data"]

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def begin(self, name, language, width=1280):
        b = self.browser
        b.size(width, 900)
        b.open(f"{URL}/learn")
        b.js("localStorage.clear()")
        b.open(f"{URL}/learn?lesson={name}&lang={language}")
        self.rest()

    def rest(self):
        """Waits until the page has drawn what it was asked for: what is pressed meanwhile it does not take."""
        self.browser.until("drawn", "return document.querySelector('main:not([aria-busy]) > .stack')?.dataset.position !== undefined")

    def test_every_lesson_to_its_end_by_keyboard(self):
        b = self.browser
        for language in self.course["languages"]:
            for lesson in self.course["lessons"]:
                with self.subTest(lesson=lesson["name"], language=language):
                    self.begin(lesson["name"], language)
                    self.assertEqual(b.js("return document.querySelector('main').lang"), language)
                    moves = None
                    for _ in range(60):
                        self.rest()
                        before = b.js(STATE)
                        self.assertEqual(before["bad"], [])
                        moves = b.js("const p = JSON.parse(localStorage.getItem('learn/' + arguments[0])); return p", lesson["name"])
                        if moves["done"]:
                            break
                        b.js("document.activeElement?.blur()")
                        b.press(" ")
                        # A question has the focus on its first choice, which Enter takes.
                        if b.js("return document.activeElement?.classList.contains('choice') ?? false"):
                            b.press("enter")
                        b.until("the lesson goes on", "return document.querySelector('main > .stack').dataset.position !== arguments[0]", before["position"])
                    self.assertTrue(moves["done"], "it comes to its end")
                    self.assertEqual(b.log(), [])

    def test_a_guess_comes_before_the_truth(self):
        b = self.browser
        self.begin("05-add-push-delete", "en")
        for _ in range(4):
            self.rest()
            position = b.js(STATE)["position"]
            if b.js("return document.querySelector('.predict') !== null"):
                break
            b.click(".lesson-way .primary")
            b.until("the lesson goes on", "return document.querySelector('main > .stack').dataset.position !== arguments[0]", position)
        self.assertEqual(b.js("return document.querySelectorAll('.predict .state').length"), 0)
        b.click(".choice", "It becomes 0")
        for _ in range(3):
            self.rest()
            if b.js("return document.querySelector('.predict.over') !== null"):
                break
            position = b.js(STATE)["position"]
            b.click(".lesson-step .button.primary:not(.choice)")
            b.until("the lesson goes on", "return document.querySelector('main > .stack').dataset.position !== arguments[0]", position)
        b.until("the truth", "return document.querySelector('.predict.over .note.warn') !== null")
        self.assertIn("It stays 4", b.js("return document.querySelector('.predict .note').textContent"))

    def test_nothing_is_wider_than_a_telephone(self):
        b = self.browser
        for path in ["learn", "learn?lesson=04-a-batch-nobody-sees&lang=ja", "learn?lesson=09-scrape-or-push&lang=en"]:
            with self.subTest(path):
                b.size(360, 800, mobile=True)
                b.open(f"{URL}/{path}")
                self.assertFalse(b.js(STATE)["wide"])

    def moment(self, name, kind, number=0):
        """The position after a block of a kind was shown: what a permalink has in it."""
        with urllib.request.urlopen(f"{URL}/api/v1/learn/lessons/{name}?language=en", timeout=20) as answer:
            lesson = json.load(answer)["data"]
        found = [index + 1 for index, (step, block, move) in enumerate(lesson["moves"])
                 if move == "show" and lesson["steps"][step]["blocks"][block]["kind"] == kind]
        return found[number]

    def visit(self, name, kind, number=0, language="en", width=1280):
        b = self.browser
        b.size(width, 900, mobile=width < 500)
        b.open(f"{URL}/learn?lesson={name}&lang={language}&at={self.moment(name, kind, number)}")
        self.rest()

    def test_the_picture_tells_what_it_shows(self):
        b = self.browser
        self.visit("09-scrape-or-push", "picture", 1)
        label = b.js("return document.querySelector('svg.lesson-picture').getAttribute('aria-label')")
        self.assertIn("Scraped: scraped: 1 times something happened; of the scrapes 3 saw the number, 0 came without it, 9 found nobody; the query answers no series.", label)
        self.assertIn("Pushed: pushed: 1 times something happened; of the scrapes 1 saw the number, 11 came without it, 0 found nobody; the query answers 40.", label)
        marks = b.js("return ['seen', 'unseen', 'seen-empty'].map((one) => document.querySelectorAll(`svg.lesson-picture > g > .${one}`).length)")
        self.assertEqual(marks, [4, 9, 11])
        # Both ways have one axis: the runs begin at the same place.
        runs = b.js("return [...document.querySelectorAll('svg.lesson-picture .run')].map((one) => one.getBoundingClientRect().x)")
        self.assertEqual(len(runs), 2)
        self.assertAlmostEqual(runs[0], runs[1], delta=0.1)

    def test_no_picture_is_cut_off(self):
        b = self.browser
        for name in ["04-a-batch-nobody-sees", "05-add-push-delete", "06-grouping-keys", "07-honor-labels", "09-scrape-or-push"]:
            for width in (360, 1280, 1920):
                with self.subTest(lesson=name, width=width):
                    self.visit(name, "picture", -1, "ja", width)
                    self.assertEqual(b.js("""
                        const svg = document.querySelector("svg.lesson-picture"), box = svg.getBoundingClientRect(), place = svg.parentElement;
                        return [place.scrollWidth - place.clientWidth, document.documentElement.scrollWidth - innerWidth,
                            [...svg.querySelectorAll("text")].filter((one) => {
                                const { left, right } = one.getBoundingClientRect();
                                return left < box.left - 1 || right > box.right + 1;
                            }).map((one) => one.textContent)];"""), [0, 0, []])

    def test_an_answer_is_explained_at_the_moment_of_the_lesson(self):
        b = self.browser
        self.visit("02-counters", "panel", 0)
        b.click(".lesson-panel summary", "Explain")
        tree = b.until("the explanation", "return document.querySelector('.lesson-panel details[open] .tree')?.innerText")
        self.assertIn("orders_total", tree)
        self.assertIn("at 10m after the start", b.js("return document.querySelector('.lesson-panel details[open] p').textContent"))
        self.assertEqual(b.js(STATE)["bad"], [])

    def test_an_address_leads_to_its_moment(self):
        b = self.browser
        self.begin("03-a-target-dies", "en")
        b.click(".lesson-way .primary")
        b.until("the address follows", "return new URLSearchParams(location.search).get('at') === document.querySelector('main > .stack').dataset.position")
        self.visit("03-a-target-dies", "claim", 0, "ja")
        shown = b.js("return [document.querySelector('.lesson-step h2').textContent, document.querySelector('main').lang, location.search]")
        self.assertIn("5m31s", b.js("return document.querySelector('.lesson-step .row').textContent"))
        # Whoever has never been here, or was elsewhere in the lesson, sees the same.
        address = b.js("return document.querySelector('.lesson-way a').href")
        b.js("localStorage.clear()")
        b.open(address)
        self.rest()
        self.assertEqual(b.js("return [document.querySelector('.lesson-step h2').textContent, document.querySelector('main').lang, location.search]"), shown)

    def test_the_table_of_what_stays_comes_from_what_was_done(self):
        b = self.browser
        self.visit("05-add-push-delete", "changes", 0)
        rows = "return [...document.querySelectorAll('table.changes')].at(-1).tBodies[0].rows"
        said = b.js("return [...document.querySelector('table.changes').tBodies[0].rows].map((row) => [row.querySelector('code').textContent.split(' ')[0], "
                    "[...row.cells[1].querySelectorAll('.badge')].map((one) => one.textContent).join()])")
        self.assertEqual(said, [["PUT", "new,new"], ["POST", "replaced,stays"], ["PUT", "replaced,gone"], ["DELETE", "gone"]])
        while not b.js("return document.querySelector('.trying') !== null"):
            self.rest()
            position = b.js(STATE)["position"]
            b.click(".lesson-way .primary")
            b.until("the lesson goes on", "return document.querySelector('main > .stack').dataset.position !== arguments[0]", position)
        self.rest()
        before = b.js(rows + ".length")
        b.js("document.querySelector('.trying').scrollIntoView({ block: 'center' })")
        b.click(".trying .button", "POST rows 2")
        b.until("what was tried is in the table", rows + ".length === arguments[0]", before + 1)
