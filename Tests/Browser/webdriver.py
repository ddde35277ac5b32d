"""A browser for tests: headless Chromium through chromedriver's W3C protocol, by Python's standard library alone."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

KEYS = {"enter": "\ue007", "tab": "\ue004", "escape": "\ue00c", "down": "\ue015", "up": "\ue013", "left": "\ue012", "right": "\ue014", "end": "\ue010", "control": "\ue009", "shift": "\ue008", "backspace": "\ue003", "null": "\ue000"}
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "Conformance"))
from peers import free_port


def available():
    """Whether this machine has what a browser test needs."""
    return shutil.which("chromedriver") and (shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome"))


class Failure(Exception):
    """What chromedriver refused to do, or what did not come about in time."""


class Browser:
    """One browser with one window."""

    def __init__(self):
        port = free_port()
        self.profile = tempfile.mkdtemp(prefix="browser-test-")
        self.driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.base = f"http://127.0.0.1:{port}"
        binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb", "--hide-scrollbars", f"--user-data-dir={self.profile}"]
        options = {"binary": binary, "args": arguments}
        wanted = {"capabilities": {"alwaysMatch": {"goog:loggingPrefs": {"browser": "ALL"}, "goog:chromeOptions": options, "timeouts": {"script": 60000}}}}
        self.session = ""
        for attempt in range(100):
            try:
                self.session = "/session/" + self.call("POST", "/session", wanted)["sessionId"]
                break
            except (urllib.error.URLError, ConnectionError):
                if attempt == 99:
                    raise
                time.sleep(0.1)

    def close(self):
        try:
            self.call("DELETE", self.session)
        except (OSError, Failure):
            pass
        self.driver.terminate()
        self.driver.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, path, body=None):
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.base + path, data=data, method=method, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Failure(json.load(error)["value"]["message"].split("\n")[0]) from None

    def at(self, method, path, body=None):
        return self.call(method, self.session + path, body)

    def cdp(self, command, **parameters):
        """A command of the DevTools protocol."""
        return self.at("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, url, ready=True):
        self.at("POST", "/url", {"url": url})
        if ready:
            self.until("the page is ready", "return document.documentElement.dataset.ready === 'true'")

    def js(self, script, *arguments):
        return self.at("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def js_async(self, script, *arguments):
        """A script that calls its last argument with the result."""
        return self.at("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def until(self, what, script, *arguments, seconds=15):
        """Waits until the script returns something true, and gives it back."""
        end = time.monotonic() + seconds
        while True:
            try:
                value = self.js(script, *arguments)
            except Failure as failure:
                value, what = None, f"{what} ({failure})" if "(" not in what else what
            if value:
                return value
            if time.monotonic() > end:
                raise Failure(f"not within {seconds} s: {what}")
            time.sleep(0.05)

    def find(self, selector, text=None):
        """The first visible element that fits a selector (and holds a text)."""
        script = "return [...document.querySelectorAll(arguments[0])].find((one) => one.checkVisibility({ visibilityProperty: true }) && (arguments[1] === null || one.textContent.includes(arguments[1])))"
        return self.until(f"{selector} {text or ''} is there", script, selector, text)[ELEMENT]

    def click(self, selector, text=None):
        self.at("POST", f"/element/{self.find(selector, text)}/click")

    def type(self, selector, text):
        self.at("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def press(self, *names, hold=None):
        """Presses keys where the focus is."""
        actions = [{"type": "keyDown", "value": KEYS[hold]}] if hold else []
        for name in names:
            key = KEYS.get(name, name)
            actions += [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        actions += [{"type": "keyUp", "value": KEYS[hold]}] if hold else []
        self.at("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def drag(self, selector, start, end):
        """Drags over an element, from and to fractions of its width."""
        box = self.js("const b = arguments[0].getBoundingClientRect(); return [b.left, b.top, b.width, b.height]", {ELEMENT: self.find(selector)})
        x = [round(box[0] + box[2] * part) for part in (start, end)]
        y = round(box[1] + box[3] / 2)
        move = lambda to, duration=0: {"type": "pointerMove", "x": to, "y": y, "duration": duration}
        self.at("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": [move(x[0]), {"type": "pointerDown", "button": 0}, move(x[1], 200), {"type": "pointerUp", "button": 0}]}]})

    def texts(self, selector):
        return self.js("return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)", selector)

    def size(self, width, height, theme="light", mobile=False):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])

    def log(self):
        """What the console said since the last time, without what the browser's own pages say."""
        return [one for one in self.at("POST", "/se/log", {"type": "browser"}) if not one["message"].startswith("chrome://")]

    def screenshot(self, width, most=2400, least=0, scale=1):
        """The whole page as PNG."""
        height = min(most, max(least, self.js("return document.documentElement.scrollHeight")))
        return base64.b64decode(self.cdp("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip={"x": 0, "y": 0, "width": width, "height": height, "scale": scale})["data"])
