"""The lessons: each to its end by keyboard alone, in both languages; what is guessed, tried, drawn and kept.

See test_pages.py for how to run it.
"""

import json
import re
import unittest
import urllib.error
import urllib.request

from test_pages import URL
from webdriver import Browser

# An hour of lesson 12 takes a busy machine several requests in a debug build.
LONG = 60
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
        self.browser.until("drawn", "return document.querySelector('main:not([aria-busy]) > .stack')?.dataset.position !== undefined", seconds=LONG)

    def forward(self):
        """Presses the space bar until it goes on: what is below the window comes first."""
        b = self.browser
        for _ in range(30):
            b.js("document.activeElement?.blur()")
            is_read, place = b.js("return [scrollY + innerHeight >= document.documentElement.scrollHeight - 2, scrollY]")
            b.press(" ")
            if is_read:
                return
            self.assertGreater(b.js("return scrollY"), place)
        self.fail("the page has no end")

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
                        self.forward()
                        # A question has the focus on its first choice, which Enter takes.
                        if b.js("return document.activeElement?.classList.contains('choice') ?? false"):
                            b.press("enter")
                        b.until("the lesson goes on", "return document.querySelector('main > .stack').dataset.position !== arguments[0]", before["position"], seconds=LONG)
                    self.assertTrue(moves["done"], "it comes to its end")
                    # What takes a busy machine too long is asked for once more by the page.
                    self.assertEqual([one for one in b.log() if "503 (Service Unavailable)" not in one["message"]], [])

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
        b.open(f"{URL}/learn?lesson={name}&lang={language}&at={self.moment(name, kind, number)}", ready=False)
        self.rest()

    def test_the_picture_tells_what_it_shows(self):
        b = self.browser
        self.visit("09-scrape-or-push", "picture", 1)
        label = b.js("return document.querySelector('svg.lesson-picture').getAttribute('aria-label')")
        self.assertIn("Scraped: 1 times something happened; of the scrapes 3 saw the number, 0 came without it, 9 found nobody; the query answers no series.", label)
        self.assertIn("Pushed: 1 times something happened; of the scrapes 1 saw the number, 11 came without it, 0 found nobody; the query answers 40.", label)
        marks = b.js("return ['seen', 'unseen', 'seen-empty'].map((one) => document.querySelectorAll(`svg.lesson-picture > g > .${one}`).length)")
        self.assertEqual(marks, [4, 9, 11])
        # The last stored value holds until the scrape that finds nobody.
        ends = b.js("""
            const svg = document.querySelector("svg.lesson-picture");
            return [svg.querySelector(".curve path"), [...svg.querySelectorAll(":scope > g > .unseen")].at(-1)].map((one) => {
                const { left, right } = one.getBoundingClientRect();
                return one.classList.contains("unseen") ? (left + right) / 2 : right;
            })""")
        self.assertAlmostEqual(*ends, delta=2)
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

    def test_no_graph_is_wider_than_its_panel(self):
        b = self.browser
        for name, number in [("01-what-a-scrape-is", 0), ("02-counters", 1), ("03-a-target-dies", 3), ("06-grouping-keys", 3), ("12-labels-and-cardinality", 1)]:
            for width in (360, 1280, 1920):
                with self.subTest(lesson=name, width=width):
                    self.visit(name, "panel", number, "ja", width)
                    self.assertEqual(b.js("""
                        return [...document.querySelectorAll(".lesson-panel")].flatMap((panel) => {
                            const right = panel.getBoundingClientRect().right;
                            return [...panel.querySelectorAll("svg, table, td")].filter((one) => one.getBoundingClientRect().right > right + 0.5)
                                .map((one) => one.textContent);
                        })"""), [])
                    self.assertFalse(b.js(STATE)["wide"])

    def test_the_left_arrow_undoes_the_space_bar(self):
        b = self.browser
        self.begin("05-add-push-delete", "en")
        seen = [b.js(STATE)["position"]]
        for _ in range(4):
            self.forward()
            if b.js("return document.activeElement?.classList.contains('choice') ?? false"):
                b.press("enter")
            b.until("the lesson goes on", "return document.querySelector('main > .stack').dataset.position !== arguments[0]", seen[-1])
            self.rest()
            seen.append(b.js(STATE)["position"])
        for position in reversed(seen[:-1]):
            b.js("document.activeElement?.blur()")
            b.press("left")
            b.until("it goes back", "return document.querySelector('main > .stack').dataset.position === arguments[0]", position)
            self.rest()
            # A question that is put again is answered again.
            self.assertFalse(b.js("return document.querySelector('.predict:not(.over) .choice:disabled') !== null"))
        self.assertTrue(b.js("return document.querySelector('.lesson-way .button:not(.primary)').disabled"))

    def test_a_language_in_the_address_is_kept_on_the_way(self):
        b = self.browser
        self.begin("04-a-batch-nobody-sees", "ja")
        b.js("localStorage.clear()")
        b.open(f"{URL}/learn?lesson=04-a-batch-nobody-sees&lang=ja&at=99")
        self.rest()
        # Whoever is led to the end of a lesson has not done it.
        self.assertFalse(b.js("return JSON.parse(localStorage.getItem('learn/04-a-batch-nobody-sees')).done"))
        self.assertIn("lang=ja", b.js("return document.querySelector('.headline a').href"))
        b.click(".lesson-way .primary")
        b.until("the next lesson", "return location.search.includes('05-add-push-delete') && document.querySelector('main > .stack')?.dataset.position !== undefined")
        self.rest()
        self.assertEqual(b.js("return document.querySelector('main').lang"), "ja")
        b.click(".headline a")
        b.until("the list", "return document.querySelector('.lessons') !== null")
        self.assertEqual(b.js("return document.querySelector('main').lang"), "ja")

    def test_the_last_lesson_leads_to_the_questions(self):
        b = self.browser
        for language, title, answer in [("en", "How much have you learnt?", "Answer"), ("ja", "理解度チェック", "答え")]:
            b.open(f"{URL}/learn?lesson={self.course['lessons'][-1]['name']}&lang={language}&at=99", ready=False)
            said = {"en": "All lessons", "ja": "レッスン一覧"}[language]
            b.until("the end of the last lesson", "return document.querySelector('.lesson-way .primary')?.textContent === arguments[0]", said, seconds=LONG)
            b.js("document.querySelector('.lesson-step a[href*=read]').click()")
            b.until("the questions", "return document.querySelectorAll('details summary').length === 10")
            self.assertEqual(b.js("return [document.querySelector('h1').textContent, document.querySelector('summary').textContent]"), [title, answer])
            b.js("[...document.querySelectorAll('a')].find((one) => one.href.includes('06-grouping-keys')).click()")
            b.until("the lesson", "return document.querySelector('main > .stack')?.dataset.position !== undefined")
            self.rest()
            self.assertEqual(b.js("return document.querySelector('main').lang"), language)

    def test_the_space_bar_shows_all_of_a_step_before_it_leaves_it(self):
        """Also where the button that goes on has the focus, as after a guess by keyboard."""
        b = self.browser
        b.size(1920, 1080)
        b.open(f"{URL}/learn?lesson=07-honor-labels&lang=en&at={self.moment('07-honor-labels', 'picture')}", ready=False)
        for focus in ["document.activeElement?.blur()", "document.querySelector('.lesson-way .primary').focus({ preventScroll: true })"]:
            with self.subTest(focus):
                b.js("scrollTo(0, 0)")
                self.rest()
                position = b.js(STATE)["position"]
                sight = "const { top, bottom } = document.querySelector('svg.lesson-picture.ways').getBoundingClientRect(); const end = document.querySelector('.lesson-way').getBoundingClientRect().top; return top >= 0 && bottom <= end"
                self.assertFalse(b.js(sight))
                b.js(focus)
                b.press(" ")
                self.rest()
                self.assertTrue(b.js(sight))
                self.assertEqual(b.js(STATE)["position"], position)
        b.press(" ")
        b.until("the lesson goes on", "return document.querySelector('main > .stack').dataset.position !== arguments[0]", position)

    def test_what_is_new_is_in_sight(self):
        b = self.browser
        b.size(1280, 720)
        b.open(f"{URL}/learn?lesson=05-add-push-delete&lang=en&at={self.moment('05-add-push-delete', 'changes') - 2}", ready=False)
        self.rest()
        b.size(1280, 720)
        for _ in range(2):
            position = b.js(STATE)["position"]
            self.forward()
            b.until("the lesson goes on", "return document.querySelector('main > .stack').dataset.position !== arguments[0]", position)
            self.rest()
            if b.js("return document.querySelector('table.changes') !== null"):
                break
        top, high = b.js("return [document.querySelector('table.changes').getBoundingClientRect().top, innerHeight]")
        self.assertTrue(0 <= top < high / 2, (top, high))

    def test_a_resize_keeps_what_was_opened(self):
        b = self.browser
        self.visit("02-counters", "panel", 0)
        b.click(".lesson-panel summary", "Explain")
        b.until("the explanation", "return document.querySelector('.lesson-panel details[open] .tree')")
        b.js("window.before = document.querySelector('.lesson-step'); window.dispatchEvent(new Event('resize'))")
        # A narrower window is drawn anew, and after it nothing waits any more.
        self.assertTrue(b.js("return new Promise((done) => setTimeout(() => done(document.querySelector('.lesson-step') === window.before), 400))"))
        b.size(1000, 900)
        b.until("it is drawn for its width", "return document.querySelector('.lesson-step') !== window.before")

    def test_a_lesson_that_there_is_not_is_told_in_the_language_of_the_page(self):
        b = self.browser
        b.open(f"{URL}/learn?lesson=nothing&lang=ja", ready=False)
        b.until("it is told", "return document.querySelector('main .note')?.textContent === '「nothing」というレッスンはありません。'")
        b.log()

    def test_lines_of_a_graph_have_names(self):
        b = self.browser
        self.visit("10-alerts", "panel", 2)
        self.assertEqual(b.js("return [...document.querySelectorAll('.line-names li')].map((one) => one.textContent)"), ['alertstate="firing"', 'alertstate="pending"'])

    def test_a_done_lesson_begins_anew(self):
        b = self.browser
        self.begin("01-what-a-scrape-is", "en")
        first = b.js(STATE)["position"]
        b.js("localStorage.setItem('learn/01-what-a-scrape-is', JSON.stringify({ position: 24, done: true, guesses: { '1/0': 1 } }))")
        b.open(f"{URL}/learn?lesson=01-what-a-scrape-is")
        self.rest()
        self.assertEqual(b.js(STATE)["position"], first)
        self.assertEqual(b.js("return JSON.parse(localStorage.getItem('learn/01-what-a-scrape-is'))"), {"position": int(first), "done": True, "guesses": {}})

    def test_the_truth_is_in_sight(self):
        b = self.browser
        b.size(1280, 720)
        for name in ["05-add-push-delete", "07-honor-labels", "11-quantiles"]:
            self.begin(name, "en")
            b.size(1280, 720)
            for _ in range(60):
                self.rest()
                position = b.js(STATE)["position"]
                if b.js("return JSON.parse(localStorage.getItem('learn/' + arguments[0]))?.done ?? false", name):
                    break
                before = b.js("return document.querySelectorAll('.predict.over').length")
                step = b.js(STATE)["step"]
                self.forward()
                if b.js("return document.activeElement?.classList.contains('choice') ?? false"):
                    b.press("enter")
                b.until("the lesson goes on", "return document.querySelector('main > .stack').dataset.position !== arguments[0]", position)
                self.rest()
                if b.js(STATE)["step"] == step and b.js("return document.querySelectorAll('.predict.over').length") > before:
                    top, bottom, high = b.js("const { top, bottom } = [...document.querySelectorAll('.predict.over .note')].at(-1).getBoundingClientRect(); return [top, bottom, innerHeight]")
                    self.assertTrue(0 <= top and bottom <= high, (name, position, top, bottom))

    def test_what_is_tried_keeps_the_focus_and_is_told(self):
        b = self.browser
        b.size(1280, 900)
        b.open(f"{URL}/learn?lesson=05-add-push-delete&lang=en&at=99")
        self.rest()
        b.js("[...document.querySelectorAll('.trying button')].find((one) => one.textContent === 'POST rows 2').focus()")
        for _ in range(2):
            b.press("enter")
            b.until("it is told", "return document.querySelector('main [role=status]').textContent.includes('rows 2') || document.activeElement.textContent === 'POST rows 2'")
            self.rest()
        self.assertEqual(b.js("return document.activeElement.textContent"), "POST rows 2")
        self.assertNotIn("Gone.", b.js("return document.querySelector('main > [role=status]').textContent"))
        # What was tried is in the table below the buttons, and not in the one above.
        self.assertEqual(b.js("return [...document.querySelectorAll('table.changes')].map((one) => one.tBodies[0].rows.length)"), [4, 6])

    def test_a_window_has_one_session(self):
        b = self.browser
        self.begin("01-what-a-scrape-is", "en")
        first = b.js("return sessionStorage.getItem('learn/session')")
        b.open(f"{URL}/learn?lesson=02-counters&lang=en")
        self.rest()
        self.assertNotEqual(b.js("return sessionStorage.getItem('learn/session')"), first)
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{URL}/api/v1/learn/sessions/{first}", timeout=20)
        self.assertEqual(refused.exception.code, 404)

    def test_a_full_room_is_told_in_the_reader_s_language_and_waited_for(self):
        b = self.browser
        self.begin("01-what-a-scrape-is", "ja")
        b.js("sessionStorage.setItem('learn/session', 'another')")
        def open_one():
            request = urllib.request.Request(f"{URL}/api/v1/learn/sessions", b"lesson=01-what-a-scrape-is", method="POST")
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)["data"]["id"]
        taken = []
        with self.assertRaises(urllib.error.HTTPError) as refused:
            for _ in range(101):
                taken.append(open_one())
        self.assertEqual(refused.exception.code, 503)
        b.open(f"{URL}/learn?lesson=02-counters&lang=ja", ready=False)
        b.until("it is told", "return document.querySelector('main .note.warn')?.textContent.includes('満席')")
        # Somebody gives a place back.
        b.js("sessionStorage.setItem('learn/session', arguments[0])", taken[0])
        b.until("the lesson begins by itself", "return document.querySelector('main > .stack')?.dataset.position !== undefined", seconds=20)

    def test_an_answer_is_explained_at_the_moment_of_the_lesson(self):
        b = self.browser
        self.visit("02-counters", "panel", 0)
        b.click(".lesson-panel summary", "Explain")
        tree = b.until("the explanation", "return document.querySelector('.lesson-panel details[open] .tree')?.innerText")
        self.assertIn("orders_total", tree)
        self.assertIn("at 10m after the start", b.js("return document.querySelector('.lesson-panel details[open] p').textContent"))
        self.assertEqual(b.js(STATE)["bad"], [])

    def test_explain_speaks_the_language_of_the_lesson(self):
        b = self.browser
        self.visit("02-counters", "panel", 2, "ja")
        b.js("document.querySelectorAll('.lesson-panel')[1].querySelector('summary').click()")
        text = b.until("the explanation", "const one = document.querySelector('.lesson-panel details[open] .lesson-explain'); return one?.querySelector('.steps') && one.innerText")
        for words in ["系列：1", "サンプル：4", "範囲の始まり", "端まで延ばした部分", "45秒の間に1増えました", "メトリクス名"]:
            self.assertIn(words, text)
        self.assertIsNone(re.search(r"\b(sample|series|window|the|read)\b", text), text)

    def test_an_address_leads_to_its_moment(self):
        b = self.browser
        self.begin("03-a-target-dies", "en")
        b.click(".lesson-way .primary")
        b.until("the address follows", "return new URLSearchParams(location.search).get('at') === document.querySelector('main > .stack').dataset.position")
        self.visit("03-a-target-dies", "claim", 0, "ja")
        shown = b.js("return [document.querySelector('.lesson-step h2').textContent, document.querySelector('main').lang, location.search]")
        self.assertIn("5分45秒", b.js("return document.querySelector('.lesson-step .row').textContent"))
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
