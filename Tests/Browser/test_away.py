"""Pages whose server is away: what they show is said to be old, nothing looks live, and all is well when it is there again.

See test_pages.py for how to run it. Each class starts a process of its own.
"""

import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

from webdriver import Browser, free_port

BINARY = os.environ.get("PROMENADE_BINARY")
PAGES = ["/", "/query?g0.expr=up&g0.tab=table", "/alerts", "/rules", "/targets", "/service-discovery", "/status", "/tsdb-status", "/flags", "/config", "/learn"]
STATE = """
const banner = document.querySelector('stack-banner .away');
return { away: document.documentElement.dataset.away, banner: banner?.innerText, seen: banner && banner.getBoundingClientRect().height > 0, top: document.querySelector('main h1').getBoundingClientRect().top,
    filter: getComputedStyle(document.querySelector('main')).filter, moves: document.querySelectorAll('.pulse').length,
    times: [...document.querySelectorAll('main stack-time')].map((one) => one.textContent).filter((one) => / ago$|just now/.test(one)) };
"""
CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
scrape_configs:
  - {{job_name: demo, static_configs: [{{targets: ["127.0.0.1:{demo}"]}}]}}
  - {{job_name: pushgateway, honor_labels: true, static_configs: [{{targets: ["127.0.0.1:{gateway}"]}}]}}
rules: {{groups: [{{name: watch, rules: [{{alert: Up, expr: "up == 1"}}]}}]}}
demo_server: {{traffic: {{requests_per_second: 5, seed: 1}}}}
"""


@unittest.skipUnless(BINARY, "PROMENADE_BINARY is not set")
class Away(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="promenade-away-")
        cls.ports = {name: free_port() for name in ("prometheus", "gateway", "demo")}
        cls.url, cls.gateway, cls.demo = [f"http://127.0.0.1:{port}" for port in cls.ports.values()]
        (pathlib.Path(cls.folder.name) / "stack.yml").write_text(CONFIG.format(**cls.ports))
        cls.begin()
        push = urllib.request.Request(cls.gateway + "/metrics/job/backup", data=b"backup_seconds 4\n", method="PUT")
        urllib.request.urlopen(push).close()
        cls.browser = Browser()

    @classmethod
    def begin(cls):
        folder = pathlib.Path(cls.folder.name)
        with open(folder / "log", "ab") as log:
            cls.process = subprocess.Popen(
                [BINARY, "run", "--config.file=stack.yml", f"--web.listen-address=127.0.0.1:{cls.ports['prometheus']}",
                 f"--pushgateway.listen-address=127.0.0.1:{cls.ports['gateway']}", f"--demo.listen-address=127.0.0.1:{cls.ports['demo']}"], stdout=log, stderr=log, cwd=folder)
        for _ in range(400):
            try:
                return urllib.request.urlopen(cls.url + "/-/ready", timeout=2).close()
            except OSError:
                time.sleep(0.05)
        raise AssertionError((folder / "log").read_text())

    @classmethod
    def end(cls):
        cls.process.kill()
        cls.process.wait(20)

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.end()
        cls.folder.cleanup()

    def setUp(self):
        self.browser.size(1280, 900)

    def open(self, url):
        b = self.browser
        b.open("about:blank", ready=False)
        b.open(url, ready=False)
        b.until("the page is there", "return document.querySelector('main h1') !== null")
        b.until("the banner has looked", "return performance.getEntriesByType('resource').some((one) => /notifications|api.v1.stack/.test(one.name))")

    def test_every_page_says_so_and_none_looks_live(self):
        b = self.browser
        for url in [self.url + page for page in PAGES] + [self.gateway + page for page in ("/", "/#pushes", "/#try", "/status")] + [self.demo + "/"]:
            with self.subTest(url):
                self.open(url)
                self.assertIsNone(b.js(STATE)["away"])
                before = b.js("return document.querySelector('main h1').getBoundingClientRect().top")
                self.assertEqual(b.js(STATE)["filter"], "none")
                self.end()
                try:
                    b.until("it is known", "return document.documentElement.dataset.away")
                    state = b.until("times stand still", f"const state = (() => {{ {STATE} }})(); return state.times.length === 0 && state.moves === 0 && state")
                finally:
                    self.begin()
                self.assertRegex(state["banner"], r"^The server has not answered since \d\d:\d\d:\d\d\. What is shown is from then\.$")
                self.assertTrue(state["seen"])
                self.assertEqual(state["top"], before, "nothing moves away under a pointer")
                self.assertIn("grayscale", state["filter"])
                b.until("it is there again", "return !document.documentElement.dataset.away && !document.querySelector('stack-banner .away')")

    def test_home_tells_what_is_not_known_and_since_when(self):
        b = self.browser
        self.open(self.url + "/")
        b.until("all is known", "return /of \\d+ targets up/.test(document.querySelector('#summary').textContent) && document.querySelector('.living .drawn') && /last push/.test(document.querySelector('.living .batch').textContent)", seconds=30)
        self.end()
        try:
            b.until("it is known", "return document.querySelector('#summary').textContent.includes('does not answer')")
            labels = b.js("return [...document.querySelectorAll('.living a')].map((one) => one.getAttribute('aria-label'))")
            dots = b.js("return [...document.querySelectorAll('.living .dot')].map((one) => one.className.baseVal.trim())")
            summary = b.texts("#summary")[0]
        finally:
            self.begin()
        self.assertRegex(summary, r"^The server does not answer since \d\d:\d\d:\d\d$")
        self.assertEqual([one for one in labels if "ago" in one or "just now" in one or " up" in one], [])
        self.assertTrue([one for one in labels if one.startswith("Scraper: does not answer, since ")], labels)
        self.assertTrue([one for one in labels if one.startswith("Query: cannot be asked, since ")], labels)
        self.assertTrue([one for one in labels if one.startswith("Batch jobs: pushed at ")], labels)
        self.assertEqual(sorted(set(dots)), ["dot", "dot bad"])
        b.until("all is known again", "return /of \\d+ targets up/.test(document.querySelector('#summary').textContent) && document.querySelector('.living .query .dot.good')", seconds=10)

    def test_a_query_that_is_renewed_keeps_what_it_showed(self):
        b = self.browser
        self.open(self.url + "/query?g0.expr=vector(42)&g0.tab=table")
        b.until("the answer", "return document.querySelector('.answers tbody')?.innerText.includes('42')")
        try:
            b.js("const s = [...document.querySelectorAll('select')].find((one) => one.textContent.includes('off')); s.value = '5'; s.dispatchEvent(new Event('change'))")
            self.end()
            try:
                b.until("not renewed", "return document.querySelector('main').innerText.includes('not renewed')", seconds=12)
                self.assertIn("42", b.texts(".answers tbody")[0])
            finally:
                self.begin()
            b.until("renewed", "return !document.querySelector('main').innerText.includes('not renewed')", seconds=12)
        finally:
            b.js("localStorage.clear()")

    def test_a_server_that_hangs_is_away_too(self):
        b = self.browser
        self.open(self.url + "/targets")
        self.process.send_signal(signal.SIGSTOP)
        try:
            b.until("it is known", "return document.documentElement.dataset.away === 'gone'", seconds=20)
        finally:
            self.process.send_signal(signal.SIGCONT)
        b.until("it is there again", "return !document.documentElement.dataset.away", seconds=20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
