"""The pictures of docs/tutorial.md: its steps are gone through on a stack of their own on the usual ports.

    python3 tutorial_pictures.py BINARY [FOLDER]
"""

import base64
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else str(ROOT / ".build/release/promenade")
FOLDER = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "docs/screenshots")
os.environ["PROMENADE_URL"] = WEB = "http://localhost:9090"
GATEWAY = "http://localhost:9091"

from screenshots import small  # noqa: E402
from webdriver import Browser  # noqa: E402

WIDTH = 1100
UNFOLD = "for (const one of document.querySelectorAll('.unfold[aria-expanded=false]')) one.click()"


def promenade(*words):
    subprocess.run([PROGRAM, *words], check=True, stdout=subprocess.DEVNULL)


def ready():
    for _ in range(200):
        try:
            return urllib.request.urlopen(WEB + "/-/ready", timeout=2).close()
        except OSError:
            time.sleep(0.05)
    sys.exit("the stack does not get ready")


def scraped():
    """Waits until everything was scraped that is there now."""
    time.sleep(6)


class Pictures:
    def __init__(self, browser):
        self.browser = browser

    def take(self, name, url, script=None, wait=1.0, most=900, width=WIDTH):
        b = self.browser
        b.size(width, 700)
        b.open(url, ready=not url.startswith(GATEWAY))
        time.sleep(wait)
        if script:
            b.js(script)
            time.sleep(wait)
        picture = small(b, b.screenshot(width, most=most, scale=0.8))
        (FOLDER / f"tutorial-{name}.png").write_bytes(picture)
        print(f"tutorial-{name}.png {len(picture)}", flush=True)

    def lesson(self, name, language):
        """The ninth lesson at the moment at which the job has ended both ways."""
        b = self.browser
        b.size(1280, 900)
        b.open(f"{WEB}/learn?lesson=09-scrape-or-push&lang={language}")
        b.until("drawn", "return document.querySelector('main > .stack')?.dataset.position")
        at = b.js("return fetch('/api/v1/learn/lessons/09-scrape-or-push').then((one) => one.json()).then(({ data }) => "
                  "data.moves.findIndex((one) => one[0] === 1 && data.steps[1].blocks[one[1]]?.kind === 'picture') + 1)")
        b.open(f"{WEB}/learn?lesson=09-scrape-or-push&lang={language}&at={at}")
        b.until("drawn", "return document.querySelectorAll('svg.lesson-picture').length > 0")
        b.js("document.querySelector('.lesson-way').style.visibility = 'hidden'")
        box = b.js("const box = document.querySelector('svg.lesson-picture').getBoundingClientRect();"
                   "return { x: box.x + scrollX - 8, y: box.y + scrollY - 8, width: box.width + 16, height: box.height + 16 }")
        data = b.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip={**box, "scale": 0.8})["data"]
        picture = small(b, base64.b64decode(data))
        (FOLDER / f"tutorial-{name}.png").write_bytes(picture)
        print(f"tutorial-{name}.png {len(picture)}", flush=True)


def tables(*expressions):
    return WEB + "/query?" + "&".join(f"g{i}.expr={one}&g{i}.tab=table" for i, one in enumerate(expressions))


def main():
    browser = Browser()
    with tempfile.TemporaryDirectory(prefix="promenade-tutorial-") as folder:
        log = open(os.path.join(folder, "log"), "wb")
        process = subprocess.Popen([PROGRAM, "run", f"--config.file={ROOT / 'stack.yml'}", f"--storage.path={folder}/data"],
                                   cwd=folder, stdout=log, stderr=log)
        try:
            ready()
            p = Pictures(browser)
            completion = "db_backup_last_completion_timestamp_seconds"
            graphs = "&".join(f"g{i}.expr={one}&g{i}.tab=graph&g{i}.range_input=2m"
                              for i, one in enumerate(["request_count_total", "rate(request_count_total[1m])"]))
            p.take("demo", "http://localhost:8080/", "[...document.querySelectorAll('.button')][1].click()")
            time.sleep(100)
            p.take("home", WEB + "/", wait=4, most=950)
            p.take("graph", f"{WEB}/query?{graphs}", most=1300)
            promenade("batch", "add")
            scraped()
            p.take("add-gateway", GATEWAY + "/", UNFOLD)
            p.take("add-query", tables(*(f"db_backup_{one}" for one in [
                "last_completion_timestamp_seconds", "last_success_timestamp_seconds", "duration_seconds", "records_processed"])), most=1100)
            promenade("batch", "push", "--db", "customers")
            promenade("batch", "push", "--db", "producers")
            scraped()
            p.take("push-gateway", GATEWAY + "/")
            p.take("push-query", tables(completion))
            promenade("batch", "mysample")
            scraped()
            p.take("sample-gateway", GATEWAY + "/", UNFOLD.replace("document", "[...document.querySelectorAll('li, section, article')].find((one) => one.querySelector('.unfold') && one.textContent.includes('my_batch_job'))"))
            for name, language in (("learn", "en"), ("learn-ja", "ja")):
                p.lesson(name, language)
        finally:
            browser.close()
            process.terminate()
            process.wait(20)


if __name__ == "__main__":
    main()
