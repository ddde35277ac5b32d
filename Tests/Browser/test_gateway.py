"""The Pushgateway's page in a real browser; see test_pages.py for how to run it."""

import os
import unittest

from test_pages import CONTRAST, EVIL, push
from webdriver import Browser

GATEWAY = os.environ.get("PROMENADE_GATEWAY_URL", "").rstrip("/")
VIEWS = ["/", "/#pushes", "/#try", "/status"]


@unittest.skipUnless(GATEWAY, "PROMENADE_GATEWAY_URL is not set")
class Gateway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        escaped = EVIL.replace("\\", "\\\\").replace('"', '\\"')
        push("page_evil", f'# HELP page_evil_metric {EVIL}\n# TYPE page_evil_metric gauge\npage_evil_metric{{evil="{escaped}"}} 1\n')
        push("page_kept/db/customers", "# TYPE kept_metric gauge\nkept_metric 42\n")
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def setUp(self):
        self.browser.size(1280, 900)
        self.browser.log()

    def open(self, view="/"):
        self.browser.open("about:blank", ready=False)
        self.browser.open(GATEWAY + view, ready=False)
        self.browser.until("the page is there", "return document.querySelector('main h1') !== null")
        if view == "/":
            self.browser.until("groups are there", "return document.querySelectorAll('.push-group').length > 1")

    def test_a_push_appears_and_a_deleted_group_goes_without_reloading(self):
        b = self.browser
        self.open()
        push("page_fleeting", "fleeting_metric 7\n")
        b.until("the group appears", "return document.querySelector('main').innerText.includes('page_fleeting')")
        b.click(".push-group .unfold", "page_fleeting")
        b.until("its metrics", "return document.querySelector('main').innerText.includes('fleeting_metric')")
        remove = "return [...document.querySelectorAll('.push-group')].find((one) => one.innerText.includes('page_fleeting')).querySelector('.button.danger').click()"
        b.js(remove)
        b.click("dialog .button", "Cancel")
        b.until("closed", "return !document.querySelector('dialog')")
        self.assertIn("page_fleeting", b.texts("main")[0])
        b.js(remove)
        b.click("dialog .button.danger")
        b.until("gone", "return !document.querySelector('main').innerText.includes('page_fleeting')")
        self.assertIn("page_kept", b.texts("main")[0])

    def test_a_failed_push_says_why(self):
        b = self.browser
        self.open()
        with self.assertRaises(Exception):
            push("page_failing", "# TYPE kept_metric counter\nkept_metric 1\n")
        b.until("the failure is told", "return [...document.querySelectorAll('.push-group')].some((one) => one.innerText.includes('page_failing') && one.innerText.includes('Last push failed!'))")
        push("page_failing", method="DELETE")
        self.open("/#pushes")
        b.until("the push is listed", "return document.querySelector('main').innerText.includes('page_failing')")

    def test_markup_in_data_is_text(self):
        b = self.browser
        self.open()
        b.click(".push-group .unfold", "page_evil")
        b.until("its families", "return document.querySelector('main').innerText.includes('page_evil_metric')")
        b.js("for (const one of document.querySelectorAll('.push-group [aria-expanded=false]')) one.click()")
        b.until("help and value as text", "return document.querySelector('main').textContent.includes('<script>window.pwned=1</script>')")
        self.assertIsNone(b.js("return window.pwned ?? null"))
        self.assertEqual(b.js("return document.querySelectorAll('main script, main img').length"), 0)

    def test_search_and_folds_kept_over_a_reload(self):
        b = self.browser
        self.open()
        b.js("sessionStorage.clear()")
        self.open()
        b.click(".push-group .unfold", "page_kept")
        b.until("unfolded", "return document.querySelector('main').innerText.includes('kept_metric')")
        self.open()
        b.until("still unfolded", "return document.querySelector('main').innerText.includes('kept_metric')")
        b.type("[type=search]", "customers")
        b.until("found", "return document.querySelectorAll('.push-group').length === 1")

    def test_for_everybody(self):
        b = self.browser
        for view in VIEWS:
            for theme in ("light", "dark"):
                with self.subTest(f"{view} {theme}"):
                    b.size(1280, 900, theme)
                    self.open(view)
                    self.assertEqual(b.js(CONTRAST), [])
            with self.subTest(f"{view} names"):
                tree = [one for one in b.cdp("Accessibility.getFullAXTree")["nodes"] if not one.get("ignored")]
                role = lambda one: one.get("role", {}).get("value", "")
                nameless = [role(one) for one in tree if role(one) in ("button", "link", "textbox", "searchbox", "combobox", "checkbox", "tab", "img", "navigation") and not one.get("name", {}).get("value", "").strip()]
                self.assertEqual(nameless, [])
            with self.subTest(f"{view} at 360 px"):
                b.size(360, 740, mobile=True)
                self.open(view)
                self.assertLessEqual(b.js("return document.documentElement.scrollWidth"), 360)
        self.assertEqual([one["message"] for one in b.log() if "Content Security Policy" in one["message"]], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
