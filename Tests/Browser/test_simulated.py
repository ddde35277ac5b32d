"""Simulated time: the bar on the pages of all three servers, and pages that live by the scenario's time.

See test_pages.py for how to run it. Each class starts a process of its own.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import unittest
import urllib.parse
import urllib.request

from webdriver import Browser, free_port

BINARY = os.environ.get("PROMENADE_BINARY")
SCENARIO = """
name: A class
seed: 5
start: 2026-01-05T09:00:00Z
duration: 8h
stack:
  global: {scrape_interval: 15s, evaluation_interval: 15s}
  demo_server: {traffic: {requests_per_second: 5, seed: 1}}
  scrape_configs:
    - {job_name: demo, static_configs: [{targets: ["localhost:8080"]}]}
    - {job_name: pushgateway, honor_labels: true, static_configs: [{targets: ["localhost:9091"]}]}
  rules:
    groups:
      - {name: watch, rules: [{alert: Down, expr: "up == 0", for: 30s}]}
services:
  shop: {instances: 2, metrics: {requests_total: {type: counter, rate: 10/s}}}
batches:
  backup: {every: 1m, first: 10s, takes: 4s, deliver: push, metrics: {backup_seconds: {type: gauge, value: took}}}
events:
  - {at: 2m, do: kill, service: shop, instance: 1}
  - {at: 10m, do: restart, part: prometheus}
"""
STATE = """
const bar = document.querySelector('stack-clock'), slider = bar.querySelector('.clock-slider');
return { time: bar.querySelector('.clock-time')?.textContent, said: bar.querySelector('[role=status]')?.textContent, slider: slider && Number(slider.value),
    marks: bar.querySelectorAll('.clock-marks rect').length, busy: bar.hasAttribute('aria-busy'), wide: document.documentElement.scrollWidth > innerWidth,
    names: [...bar.querySelectorAll('button, select, input')].map((one) => one.getAttribute('aria-label') || one.textContent) };
"""


def ask(url, **form):
    data = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.urlopen(url, data, timeout=60) as answer:
        return json.load(answer)["data"]


def begin(folder, arguments, isReady):
    """Starts a process and reads what it says until it is ready; the process and that line."""
    process = subprocess.Popen([BINARY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=folder, text=True)
    said = []
    for line in process.stdout:
        said.append(line)
        if isReady in line:
            # What it says from now on is not waited for.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return process, line
    raise AssertionError("".join(said))


class Process(unittest.TestCase):
    """A browser and a process of the class's own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="promenade-simulated-")
        cls.start(pathlib.Path(cls.folder.name))
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.process.send_signal(signal.SIGTERM)
        ended = cls.process.wait(20)
        cls.folder.cleanup()
        assert ended == 0, ended

    def open(self, url, width=1280, theme="light", mobile=False):
        b = self.browser
        b.size(width, 900, theme, mobile)
        b.open(url, ready=not url.startswith(self.gateway))
        b.until("the bar is there", "return document.querySelector('stack-clock .clock-time')?.textContent")

    def press(self, name):
        """Presses a button of the bar, and waits until what it asked for is done."""
        b = self.browser
        b.until("the bar rests", "return !document.querySelector('stack-clock').hasAttribute('aria-busy')")
        b.click("stack-clock button", name)
        b.until("the bar rests", "return !document.querySelector('stack-clock').hasAttribute('aria-busy')")


@unittest.skipUnless(BINARY, "PROMENADE_BINARY is not set")
class Played(Process):
    @classmethod
    def start(cls, folder):
        (folder / "class.yml").write_text(SCENARIO)
        cls.url, cls.gateway, cls.demo = [f"http://127.0.0.1:{free_port()}" for _ in range(3)]
        flags = [f"--{name}={url[7:]}" for name, url in {"listen": cls.url, "listen-pushgateway": cls.gateway, "listen-demo": cls.demo}.items()]
        cls.process, _ = begin(folder, ["simulate", "class.yml", "--serve", "--until", "31s", *flags], "demo server: ")

    def test_a_bar_on_each_page_of_each_server(self):
        pages = [self.url + path for path in ["/", "/query", "/alerts", "/rules", "/targets", "/service-discovery", "/status", "/tsdb-status", "/flags", "/config", "/learn"]]
        for url in pages + [self.gateway + "/", self.gateway + "/status", self.demo + "/"]:
            with self.subTest(url):
                self.open(url)
                state = self.browser.js(STATE)
                self.assertIn("2026-01-05", state["time"])
                for name in ["Play", "Step", "Speed", "Jump to", "Time in the scenario"]:
                    self.assertIn(name, state["names"])
                self.assertEqual([one["message"] for one in self.browser.log() if one["level"] == "SEVERE"], [])

    def test_no_page_is_too_wide(self):
        for width in [360, 768, 1920]:
            for url in [self.url + "/", self.url + "/query", self.gateway + "/", self.demo + "/"]:
                with self.subTest(url, width=width):
                    self.open(url, width, mobile=width < 500)
                    self.assertFalse(self.browser.js(STATE)["wide"])

    def test_a_step_goes_to_what_happens_next_and_says_it(self):
        b = self.browser
        self.open(self.url + "/")
        moments = {ask(self.url + "/api/v1/clock")["now"]}
        # Several things may happen at one moment, each of which is a step.
        while len(moments) < 3:
            before = max(moments)
            self.press("Step")
            after = ask(self.url + "/api/v1/clock")
            self.assertLessEqual(after["now"], before + 15)
            self.assertFalse(after["playing"])
            self.assertIn(after["last"], b.js(STATE)["said"])
            self.assertRegex(after["last"], "scrape of|evaluation of|backup")
            moments.add(after["now"])

    def test_a_scrape_that_is_stepped_to_passes_slowly(self):
        b = self.browser
        self.open(self.url + "/")
        b.until("the picture knows the targets", "return /of \\d+ targets up/.test(document.querySelector('#summary').textContent)")
        for _ in range(8):
            self.press("Step")
            if "scrape of" in ask(self.url + "/api/v1/clock")["last"]:
                break
        b.until("something moves", "return document.querySelector('.pulse')")
        slow = b.js("return document.getAnimations().filter((one) => one.effect.target.matches('.pulse')).map((one) => one.effect.getTiming().duration)")
        self.assertTrue(slow and all(one == 2100 for one in slow), slow)

    def test_by_keyboard_alone(self):
        b = self.browser
        self.open(self.url + "/targets")
        b.js("document.querySelector('stack-clock button').focus()")
        b.press("enter")
        b.until("time passes", "return document.querySelector('stack-clock button').textContent.includes('Pause')")
        self.assertTrue(ask(self.url + "/api/v1/clock")["playing"])
        self.assertEqual(b.js("return document.activeElement.getAttribute('aria-label')"), "Pause")
        b.press("enter")
        b.until("time stands still", "return document.querySelector('stack-clock button').textContent.includes('Play')")
        self.assertFalse(ask(self.url + "/api/v1/clock")["playing"])
        now = ask(self.url + "/api/v1/clock")["now"]
        b.js("document.querySelector('.clock-slider').focus()")
        b.press("right")
        b.until("an arrow key goes on", "return document.querySelector('stack-clock [role=status]').textContent.startsWith('It is')")
        self.assertGreater(ask(self.url + "/api/v1/clock")["now"], now)

    def test_a_jump_and_its_marks_and_pages_that_follow(self):
        b = self.browser
        self.open(self.url + "/query?g0.expr=time()&g0.tab=table")
        b.type("stack-clock .clock-jump", "+3m")
        self.press("Jump")
        now = ask(self.url + "/api/v1/clock")["now"]
        b.until("the query is of the scenario's time", "return Math.abs(Number(document.querySelector('.scalar').textContent.split(' ')[0].replace('scalar', '')) - arguments[0]) < 2", now)
        self.assertGreater(b.js(STATE)["marks"], 2)
        b.click(".clock-fold summary")
        words = b.until("what happened", "return document.querySelector('.clock-list')?.innerText")
        self.assertIn("shop-1", words)
        self.open(self.url + "/targets")
        ages = b.until("ages", "const all = [...document.querySelectorAll('main stack-time')].map((one) => one.textContent); return all.length && all")
        self.assertTrue(all(" s ago" in one or one == "just now" for one in ages), ages)

    def test_what_is_no_moment_and_what_was_before(self):
        b = self.browser
        self.open(self.demo + "/")
        b.type("stack-clock .clock-jump", "soon")
        self.press("Jump")
        self.assertIn("soon is no moment", b.js(STATE)["said"])
        b.js("document.querySelector('.clock-jump').value = '1s'")
        self.press("Jump")
        self.assertIn("does not go back", b.js(STATE)["said"])

    def test_the_pushgateways_page_moves_the_same_time(self):
        self.open(self.gateway + "/")
        self.press("Step")
        ours, theirs = ask(self.gateway + "/api/v1/clock"), ask(self.url + "/api/v1/clock")
        self.assertEqual(ours, theirs)
        self.assertIn("backup", self.browser.until("groups", "return document.querySelector('main').innerText.includes('backup') && document.querySelector('main').innerText"))

    def test_zz_a_night_in_seconds_over_a_restart(self):
        b = self.browser
        self.open(self.url + "/")
        b.js("const s = document.querySelector('stack-clock select'); s.value = '3600'; s.dispatchEvent(new Event('change'))")
        b.until("so fast", "return document.querySelector('stack-clock [role=status]').textContent.includes('3600')")
        self.press("Play")
        b.until("the end comes", "return document.querySelector('stack-clock button').disabled", seconds=60)
        clock = ask(self.url + "/api/v1/clock")
        self.assertTrue(clock["over"])
        self.assertEqual(clock["now"], clock["end"])
        self.assertTrue(b.js("return document.querySelector('stack-clock select').disabled"))


@unittest.skipUnless(BINARY, "PROMENADE_BINARY is not set")
class Jumps(Process):
    """A world that takes long to get to its end."""

    @classmethod
    def start(cls, folder):
        text = SCENARIO.replace("duration: 8h", "duration: 300d").replace("at: 2m,", "at: 5m,")
        text += "  - {at: 12m, do: kill, part: prometheus, for: 2m}\n"
        (folder / "long.yml").write_text(text)
        cls.url, cls.gateway, cls.demo = [f"http://127.0.0.1:{free_port()}" for _ in range(3)]
        flags = [f"--{name}={url[7:]}" for name, url in {"listen": cls.url, "listen-pushgateway": cls.gateway, "listen-demo": cls.demo}.items()]
        cls.process, _ = begin(folder, ["simulate", "long.yml", "--serve", "--until", "31s", *flags], "demo server: ")

    def test_a_home_page_that_knows_what_a_jump_passed(self):
        b = self.browser
        self.open(self.url + "/")
        b.until("all are up", "return document.querySelector('#summary').textContent.startsWith('4 of 4')")
        b.type("stack-clock .clock-jump", "5m30s")
        self.press("Jump")
        # By the timer alone it would take five seconds.
        b.until("the one that was killed is missing", "return document.querySelector('#summary').textContent.startsWith('3 of 4')", seconds=3)

    def test_b_how_targets_are_is_not_told_while_the_server_is_down(self):
        b = self.browser
        self.open(self.url + "/")
        boxes = "return [...document.querySelectorAll('.stack-picture [aria-label], svg [aria-label]')].map(one => one.getAttribute('aria-label'))"
        b.type("stack-clock .clock-jump", "11m")
        self.press("Jump")
        b.until("they are told", boxes + ".includes('Other targets: 1 of 2 up, shop')")
        b.type("stack-clock .clock-jump", "13m")
        self.press("Jump")
        b.until("the server is down", boxes + ".includes('Scraper: does not answer')")
        self.assertRegex(b.texts("stack-banner .away")[0], r"^The Prometheus server is down since 2026-01-05 \d\d:12:00\. ")
        self.assertIn("is down since", b.texts("#summary")[0])
        self.assertEqual(b.js("return document.querySelectorAll('.living .dot.good').length"), 0)
        told = b.js(boxes)
        for name in ["Other targets", "Demo server", "Pushgateway", "Store"]:
            self.assertIn(f"{name}: not known", told)
        b.type("stack-clock .clock-jump", "14m30s")
        self.press("Jump")
        b.until("they are told again", boxes + ".includes('Other targets: 1 of 2 up, shop')")
        self.assertEqual(b.texts("stack-banner .away"), [])

    def test_pause_stops_a_jump_of_this_page(self):
        b = self.browser
        self.open(self.url + "/targets")
        b.type("stack-clock .clock-jump", "250d")
        b.click("stack-clock button", "Jump")
        b.until("it can be paused", "return document.querySelector('stack-clock button').textContent.includes('Pause')")
        before = b.js(STATE)["time"]
        b.until("its time is seen to pass", "return document.querySelector('.clock-time').textContent !== arguments[0]", before)
        b.click("stack-clock button", "Pause")
        b.until("the bar rests", "return !document.querySelector('stack-clock').hasAttribute('aria-busy')")
        clock = ask(self.url + "/api/v1/clock")
        self.assertLess(clock["now"], clock["start"] + 240 * 86400)
        self.assertIn("Play", b.js("return document.querySelector('stack-clock button').textContent"))


@unittest.skipUnless(BINARY, "PROMENADE_BINARY is not set")
class Fast(Process):
    """A world over real sockets, which cannot keep up with the speed that is asked for."""

    @classmethod
    def start(cls, folder):
        (folder / "fast.yml").write_text(SCENARIO.replace("duration: 8h", "duration: 300d\nsockets: true"))
        cls.url, cls.gateway, cls.demo = [f"http://127.0.0.1:{free_port()}" for _ in range(3)]
        flags = [f"--{name}={url[7:]}" for name, url in {"listen": cls.url, "listen-pushgateway": cls.gateway, "listen-demo": cls.demo}.items()]
        cls.process, _ = begin(folder, ["simulate", "fast.yml", "--serve", "--speed=3600", *flags], "demo server: ")

    def waits(self):
        """How long the pushes that are shown waited, in seconds, and how many are said to wait now."""
        told = self.browser.js("return [...document.querySelectorAll('.feed li')].map((one) => one.innerText)")
        waits = [re.search(r"waited (.+?) in the Pushgateway", line) for line in told]
        size = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}
        lengths = [sum(float(n) * size[unit] for n, unit in re.findall(r"([\d.]+) (ms|s|min|h|d)", one[1])) for one in waits if one]
        return lengths, self.browser.js("return document.querySelectorAll('.living .gateway .parked circle').length")

    def test_a_wait_is_never_longer_than_the_interval_and_no_page_ahead_of_the_world(self):
        b = self.browser
        self.open(self.url + "/")
        b.until("a push was taken", "return document.querySelector('.feed').innerText.includes('then a scrape took it')")
        self.assertGreater(b.js("return Number(document.querySelector('stack-clock select').value)"), 3000)
        lengths = []
        for _ in range(40):
            shown = b.js("return new Date(document.querySelector('.clock-time').textContent.replace(' ', 'T')).getTime() / 1000")
            clock = ask(self.url + "/api/v1/clock")
            self.assertTrue(clock["playing"])
            self.assertLessEqual(shown, clock["now"])
            told, parked = self.waits()
            lengths += told
            self.assertLessEqual(parked, 1)
        self.assertGreater(len(lengths), 20)
        self.assertLessEqual(max(lengths), 15, lengths)
        # A jump over more than the server remembers.
        ask(self.url + "/api/v1/clock", action="pause")
        ask(self.url + "/api/v1/clock", advance="3h10s")
        b.until("it is told", "return !document.querySelector('stack-clock').hasAttribute('aria-busy') && document.querySelector('stack-clock button').textContent.includes('Play')")
        for _ in range(8):
            self.press("Step")
            told, parked = self.waits()
            self.assertLessEqual(max(told, default=0), 15)
            self.assertLessEqual(parked, 1)


@unittest.skipUnless(BINARY, "PROMENADE_BINARY is not set")
class Manual(Process):
    @classmethod
    def start(cls, folder):
        cls.process, line = begin(folder, ["run", "--test", "--clock=manual"], '"ready":true')
        cls.url, cls.gateway, cls.demo = [json.loads(line)[name] for name in ["prometheus", "pushgateway", "demo"]]

    def test_a_clock_that_is_moved_by_hand(self):
        b = self.browser
        for url in [self.url + "/", self.gateway + "/", self.demo + "/"]:
            with self.subTest(url):
                before = ask(self.url + "/api/v1/clock")["now"]
                self.open(url)
                self.press("+1 min")
                self.assertAlmostEqual(ask(self.url + "/api/v1/clock")["now"], before + 60, delta=0.001)
                b.type("stack-clock .clock-jump", "2m30s")
                self.press("Move")
                self.assertAlmostEqual(ask(self.url + "/api/v1/clock")["now"], before + 210, delta=0.001)
                self.assertIn("It is ", b.js(STATE)["said"])


del Process
