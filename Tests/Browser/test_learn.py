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

    def test_the_picture_tells_what_it_shows(self):
        b = self.browser
        self.begin("04-a-batch-nobody-sees", "en")
        label = b.js("return document.querySelector('svg.lesson-picture').getAttribute('aria-label')")
        self.assertIn("0 runs, 5 scrapes that found something and 5 that did not", label)
