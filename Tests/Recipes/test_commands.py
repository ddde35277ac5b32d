"""`promenade expect` and `promenade scrape` against a running stack: what they print and how they end."""
import http.server
import json
import os
import re
import resource
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree

from test_fixture import Stack

PROMENADE = os.environ.get("PROMENADE_BIN", "promenade")


def run(*arguments, **more):
    done = subprocess.run([PROMENADE, *arguments], capture_output=True, text=True, timeout=60, **more)
    return done.returncode, done.stdout, done.stderr


class Told(unittest.TestCase):
    """What the program says where something cannot be done."""

    def test_only_options_are_completed(self):
        code, text, _ = run("__complete", "--", "batch", "add", "--")
        self.assertEqual(code, 0)
        self.assertEqual(text.split(), ["--url", "--expose", "--for", "--db", "--version", "--help"])

    def test_hints_have_the_name_by_which_it_was_called(self):
        """pip installs the program as promenade-stack: what else is called promenade there may be another project's."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "promenade-stack")
            os.symlink(os.path.abspath(shutil.which(PROMENADE)), path)
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"

            def told(*words):
                done = subprocess.run([path, *words], capture_output=True, text=True, timeout=60, cwd=folder)
                return done.stdout + done.stderr

            for words, hint in (
                (["--help"], "USAGE: promenade-stack <subcommand>"),
                (["help", "run"], "USAGE: promenade-stack run"),
                (["help", "version"], "promenade-stack version\n"),
                (["expect", "--help"], "USAGE: promenade-stack expect"),
                (["simulate"], "which scenario? promenade-stack simulate FILE"),
                (["simulate"], "See 'promenade-stack simulate --help'"),
                (["open", "--url", nowhere], "; promenade-stack run starts the stack"),
                (["tsdb", "list"], "promenade-stack tsdb info"),
                (["run", "--nonsense"], "promenade-stack: unknown long flag"),
                (["run", "--clock=manual"], "promenade-stack run --test --clock=manual"),
                (["completion", "csh"], "source <(promenade-stack completion bash)"),
            ):
                text = told(*words)
                self.assertIn(hint, text, words)
                self.assertEqual(re.findall(r"\bpromenade (?!-)[a-z]+", text), [], words)
            # The version is the program's, by its own name.
            self.assertRegex(told("--version"), r"^promenade \d")
            # Completion works for what is typed.
            self.assertIn("complete -o default -F _promenade-stack promenade-stack\n", told("completion", "bash"))
            self.assertRegex(told("completion", "zsh"), "(?s)^#compdef promenade-stack\n.*\ncompdef _promenade-stack promenade-stack\n")
            self.assertIn("\ncomplete -c promenade-stack ", told("completion", "fish"))
            script = told("completion", "bash") + (
                'COMP_WORDS=(promenade-stack bat) COMP_CWORD=1 COMP_LINE="promenade-stack bat" COMP_POINT=${#COMP_LINE}\n'
                '$(complete -p promenade-stack | sed "s/.*-F \\([^ ]*\\) .*/\\1/") promenade-stack bat promenade-stack 2>/dev/null\n'
                'echo "${COMPREPLY[@]}"\n')
            done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60,
                                  env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
            self.assertEqual(done.stdout, "batch\n", done.stderr)

    def test_the_time_of_a_query_is_in_seconds_as_in_the_api(self):
        stack = Stack("--clock=manual")
        self.addCleanup(stack.close)
        for time, answer in (("1700000000", "1700000000"), ("1700000000.5", "1700000000.5"), ("2023-11-14T22:13:20Z", "1700000000")):
            code, text, error = run("query", "--url", stack.urls["prometheus"], "--time", time, "time()")
            self.assertEqual(code, 0, error)
            self.assertIn(f'"{answer}"', text)

    def test_a_time_before_now_is_one_before_the_servers_now(self):
        stack = Stack("--clock=manual")
        self.addCleanup(stack.close)
        stack.api("POST", "clock", advance="5m")
        for time, span in (("-1m", 60), ("now", 0), ("-0s", 0)):
            now = float(stack.api("GET", "clock")["now"])
            code, text, error = run("query", "--url", stack.urls["prometheus"], "--time", time, "time()")
            self.assertEqual(code, 0, error)
            self.assertAlmostEqual(float(json.loads(text)["data"]["result"][1]), now - span, places=3)
        code, text, error = run("query", "--url", stack.urls["prometheus"], "--time", "soon", "time()")
        self.assertEqual((code, text), (2, ""))
        self.assertIn('promenade: --time: "soon" is not a time such as ', error)

    def test_a_time_that_cannot_be_read_is_told_with_its_option(self):
        for words, told in ((("expect", "up", "--within", "5"), '--within: "5" is not a time such as 10s'),
                            (("scrape", "x", "--every", "5"), '--every: "5" is not a time such as 1s'),
                            (("scrape", "x", "--timeout", "5"), '--timeout: "5" is not a time such as 10s'),
                            (("batch", "mysample", "--expose", "--for", "5"), '--for: "5" is not a time such as 20s'),
                            (("record", "--out", "x", "--for", "0s"), '--for: "0s" is not a time such as 5m'),
                            (("tsdb", "rules", "--start", "yesterday", "x"), '--start: "yesterday" is not a time such as 1795362116 or'),
                            (("tsdb", "rules", "--start", "1", "--eval-interval", "5", "x"), '--eval-interval: "5" is not a time such as 1m')):
            with self.subTest(words=words):
                code, out, error = run(*words)
                self.assertEqual((code, out), (2, ""))
                self.assertTrue(error.startswith("promenade: " + told), error)

    def test_a_file_that_is_not_there_is_told_once(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "there.yml"), "w") as file:
                file.write("groups: []\n")
            # Before anything is done with those that are there.
            for words in (("check", "config"), ("check", "rules"), ("test", "rules")):
                told = run(*words, "there.yml", "nowhere.yml", cwd=folder)
                self.assertEqual(told, (1, "", "promenade: path 'nowhere.yml' does not exist\n"))

    def test_rule_files_of_a_configuration_are_checked(self):
        with tempfile.TemporaryDirectory() as folder:
            def write(name, text):
                with open(os.path.join(folder, name), "w") as file:
                    file.write(text)

            write("good.yml", "groups: [{name: g, rules: [{record: r, expr: up}, {record: r, expr: up}]}]")
            write("bad.yml", "groups: [{name: g, rules: [{record: r, expr: up(}]}]")
            write("c.yml", "rule_files: [good.yml]\nscrape_configs: [{job_name: j, scrape_interval: 10m}]\n")
            valid = "Checking c.yml\n  SUCCESS: 1 rule files found\n SUCCESS: c.yml is valid prometheus config file syntax\n\n"
            code, out, error = run("check", "config", "c.yml", cwd=folder)
            self.assertEqual((code, out), (0, valid + "Checking good.yml\n\n"))
            self.assertIn("lint error 1 duplicate rule(s) found.", error)
            code, out, _ = run("check", "config", "--lint=none", "c.yml", cwd=folder)
            self.assertEqual((code, out), (0, valid + "Checking good.yml\n  SUCCESS: 2 rules found\n\n"))
            self.assertEqual(run("check", "config", "--lint-fatal", "c.yml", cwd=folder)[0], 3)
            code, _, error = run("check", "config", "--lint=too-long-scrape-interval", "--lint-fatal", "c.yml", cwd=folder)
            self.assertEqual(code, 3)
            self.assertIn("data point will be marked as stale - job: j, interval: 10m\n", error)
            write("c.yml", "rule_files: [bad.yml]\n")
            code, out, error = run("check", "config", "c.yml", cwd=folder)
            self.assertEqual((code, out), (1, valid + "Checking bad.yml\n"))
            self.assertIn('bad.yml: 1:46: group "g", rule 1, "r": could not parse expression', error)
            self.assertEqual(run("check", "config", "--syntax-only", "c.yml", cwd=folder)[0], 0)
            write("s.yml", "rules: {groups: [{name: g, foo: 1, rules: []}]}\n")
            code, _, error = run("check", "config", "s.yml", cwd=folder)
            self.assertEqual(code, 1)
            self.assertIn("field foo not found in type rulefmt.RuleGroup", error)
            code, out, _ = run("check", "rules", "--lint=", "good.yml", cwd=folder)
            self.assertEqual((code, out), (0, 'WARNING: unknown lint option: ""\nChecking good.yml\n  SUCCESS: 2 rules found\n\n'))
            write("am.yml", "alerting: {alertmanagers: [{sigv4: {region: eu}, static_configs: [{targets: ['a:1']}]}]}\n")
            code, out, error = run("check", "config", "am.yml", cwd=folder)
            self.assertEqual((code, out), (1, "Checking am.yml\n\n"))
            self.assertIn("field sigv4 is not supported: Amazon's signatures are not made here", error)

    def test_rule_tests_are_reported_as_by_promtool(self):
        with tempfile.TemporaryDirectory() as folder:
            def write(name, text):
                with open(os.path.join(folder, name), "w") as file:
                    file.write(text)

            write("r.yml", "groups: [{name: g, rules: [{alert: Down, expr: up == 0}]}]")
            write("t.yml", """
rule_files: [r.yml, ./r.yml, 'r.y*l']
tests:
  - name: first
    input_series: [{series: up, values: '1 0 0 0'}]
    alert_rule_test:
      - {eval_time: 2m, alertname: Down, exp_alerts: [{exp_labels: {a: b}}]}
      - {eval_time: 3m, alertname: Down, exp_alerts: []}
  - {promql_expr_test: [{expr: vector(1), eval_time: 1m, exp_samples: [{labels: '{}', value: 1}]}]}
""")
            write("odd.yml", "tests: 3")
            code, out, error = run("test", "rules", "--debug", "--junit=j.xml", "t.yml", "odd.yml", cwd=folder)
            self.assertEqual(code, 1)
            self.assertEqual(error.count("alertname: Down"), 2, error)
            # A file that three patterns name is read once.
            self.assertNotIn("1:\n", error)
            self.assertIn('DEBUG: Starting test first\nDEBUG: Dump of all data (input_series and rules) at 3m1s:\n', out)
            self.assertNotIn("@[0]", out)
            suites = xml.etree.ElementTree.parse(os.path.join(folder, "j.xml")).getroot()
            self.assertEqual([(s.get("name"), s.get("tests"), s.get("failures"), s.get("errors")) for s in suites],
                             [("t.yml", "2", "2", "0"), ("odd.yml", "1", "0", "1")])
            self.assertEqual([(c.get("name"), len(c)) for c in suites[0]], [("first", 2), ("unnamed#1", 0)])
            write("e.yml", """
rule_files: [r.yml]
tests:
  - input_series: [{series: up, values: '1 0'}]
    alert_rule_test:
      - {eval_time: 1m, alertname: Down, state: pending, exp_alerts: [{exp_labels: {}}]}
      - {eval_time: 1m, alertname: Dwon, exp_alerts: [{exp_labels: {}}]}
""")
            _, _, error = run("test", "rules", "--extended", "e.yml", cwd=folder)
            self.assertIn("alertname: Down, state: pending, time: 1m", error)
            self.assertIn("near miss: it is firing", error)
            self.assertIn('no alerting rule is called "Dwon"; there are Down', error)

    def test_a_folder_is_no_file(self):
        for words in (("check", "metrics", "/"), ("check", "config", "/"), ("check", "rules", "/"), ("test", "rules", "/"),
                      ("test", "promql", "/"), ("tsdb", "rules", "--start=1", "--end=2", "/"), ("tsdb", "import", "--storage.path=data", "/"),
                      ("simulate", "/"), ("run", "--test", "--config.file=/"), ("run", "--test", "--web.config.file=/"),
                      ("run", "--test", "--pushgateway.config.file=/"), ("run", "@/")):
            with self.subTest(words=words), tempfile.TemporaryDirectory() as folder:
                code, out, error = run(*words, cwd=folder, stdin=subprocess.DEVNULL)
                self.assertNotEqual(code, 0)
                self.assertRegex(out + error, r'(read /: |: /: |"/": )is a directory')
                self.assertNotIn("no such file", out + error)

    def test_a_file_is_no_folder(self):
        for words in (("run", "--test", "--storage.path=FILE"), ("tsdb", "import", "--storage.path=FILE", "a.om")):
            with self.subTest(words=words), tempfile.TemporaryDirectory() as folder:
                for name in ("FILE", "a.om"):
                    with open(os.path.join(folder, name), "w") as file:
                        file.write("# EOF\n")
                code, _, error = run(*words, cwd=folder, stdin=subprocess.DEVNULL)
                self.assertNotEqual(code, 0)
                self.assertRegex(error, r"cannot write .*FILE: not a directory")

    def test_a_folder_for_imported_samples_is_made_with_those_above_it(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "a.om"), "w") as file:
                file.write("a 1 1\n# EOF\n")
            code, out, error = run("tsdb", "import", "--storage.path=x/y/z", "a.om", cwd=folder)
            self.assertEqual((code, error), (0, ""))
            self.assertTrue(out.startswith("1 samples"), out)

    def test_what_no_store_can_hold_is_not_imported(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "a.om"), "w") as file:
                file.write('a{b="1",b="2"} 1 1000\n# EOF\n')
            code, _, error = run("tsdb", "import", "--storage.path=data", "a.om", cwd=folder)
            self.assertEqual(code, 1)
            self.assertIn('a.om:1: label name "b" is not unique: invalid sample', error)
            with open(os.path.join(folder, "b.om"), "w") as file:
                file.write("a 1 9223372036854774\n# EOF\n")
            code, _, error = run("tsdb", "import", "--storage.path=data", "b.om", cwd=folder)
            self.assertEqual(code, 1)
            self.assertIn("in no year from 1 to 9999", error)

    def test_an_equals_sign_at_the_end_of_a_value_is_a_part_of_it(self):
        code, _, error = run("expect", "--url=http://127.0.0.1:1", "--notified=alertname=")
        self.assertEqual(code, 2)
        self.assertIn('"alertname=" does not tell an alert by its labels', error)

    def test_what_was_probably_meant(self):
        for words, told in ((("chekc",), 'unknown command "chekc" (did you mean check?)'), (("help", "nonsense"), 'unknown command "nonsense"'),
                            (("run", "--versoin"), "did you mean --version?"),
                            (("my.yml",), 'unknown command "my.yml" (did you mean run --config.file=my.yml?)'),
                            (("run", "my.yml"), "unexpected my.yml (did you mean --config.file=my.yml?)"), (("check", "cfg"), 'unknown command "cfg" (did you mean config?)'),
                            (("check", "web-config"), 'unknown command "web-config"; a web configuration is checked when a stack starts'),
                            (("tsdb", "list"), 'unknown command "list"; promenade tsdb info tells'), (("tsdb", "lis"), 'unknown command "lis"; promenade tsdb info tells'), (("tsdb", "info", "x"), "Unexpected argument 'x'"),
                            (("run", "--prot", "9090"), "did you mean --web.listen-address?"), (("query", "--ur", "x", "up"), "did you mean --url?"),
                            (("record", "--ou", "x"), "did you mean --out?"), (("check", "client", "--timeot", "1s"), "did you mean --timeout?")):
            with self.subTest(words=words):
                code, out, error = run(*words)
                self.assertEqual((code, out), (2, ""))
                self.assertTrue(error.startswith("promenade: " + told) or told in error.splitlines()[0], error)
                self.assertEqual(error.count("promenade: "), 1)
                self.assertNotIn("Error:", error)

    def test_what_nobody_can_have_meant_is_not_suggested(self):
        for words in (("run", "--foo.enabled"), ("check", "x"), ("tsdb", "zzz"), ("s",)):
            with self.subTest(words=words):
                code, out, error = run(*words)
                self.assertEqual((code, out), (2, ""))
                self.assertNotIn("did you mean", error)

    def test_a_wrong_option_is_told_with_the_usage_of_its_command(self):
        for words, usage in ((("batch", "mysample", "--for", "3s"), "promenade batch mysample"), (("batch", "add", "--expose=x"), "promenade batch add"),
                             (("check", "client"), "promenade check client"), (("tsdb", "dump", "--min-time=x"), "promenade tsdb dump"),
                             (("sql", "--format=x", "SELECT 1"), "promenade sql")):
            with self.subTest(words=words):
                code, out, error = run(*words)
                self.assertEqual((code, out), (2, ""))
                self.assertIn(f"\nUsage: {usage} [", error)
                self.assertIn(f"See '{usage} --help' for more information.", error)

    def test_each_failure_is_told_under_the_programs_name(self):
        for words in (("tsdb", "info", "--storage.path=/nowhere"), ("test", "promql", "/nowhere"), ("tsdb", "dump", "--min-time=x")):
            with self.subTest(words=words):
                code, _, error = run(*words)
                self.assertIn(code, (1, 2))
                self.assertTrue(error.startswith("promenade: "), error)
                self.assertNotIn("Error: ", error)

    def test_servers_that_cannot_be_asked_are_told_at_once_in_plain_words(self):
        commands = (("batch", "push", "--url={}"), ("query", "--url={}", "up"), ("check", "healthy", "--url={}"),
                    ("check", "client", "--scrape={}"), ("expect", "--url={}", "--within=0s", "up"))
        addresses = (("http://127.0.0.1:65536", "port"), ("http://127.0.0.1:18446744073709551616", "port"),
                     ("http://127.0.0.1:1", "connection refused"), ("nowhere.invalid:80", "lookup nowhere.invalid: "),
                     ("http://[::1", "missing ']' in host"), ("ftp://h", "ftp"))
        for address, words in addresses:
            for command in commands:
                with self.subTest(command=command, address=address):
                    began = time.monotonic()
                    code, out, error = run(*(part.format(address) for part in command))
                    self.assertIn(code, (1, 2, 3))
                    self.assertIn(words, out + error)
                    self.assertNotRegex(out + error, r"HTTPClientError|NIO|SocketAddressError|errno|error set")
                    self.assertLess(time.monotonic() - began, 5)

    @unittest.skipUnless(os.path.exists("/proc/version"), "needs a folder that nobody can write to")
    def test_why_the_data_folder_cannot_be_written(self):
        code, _, text = run("run", "--test", "--storage.path=/proc/version/data")
        self.assertNotEqual(code, 0)
        self.assertIn("cannot write to the data folder /proc/version/data: not a directory", text)

    def test_that_there_are_too_few_files(self):
        few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
        code, _, text = run("run", "--test", stdin=subprocess.DEVNULL, preexec_fn=few)
        self.assertEqual(code, 1)
        self.assertIn("only 20 files open at a time", text)
        self.assertIn("ulimit -n", text)

    @unittest.skipUnless(sys.platform == "linux" and os.geteuid() == 0, "needs somebody who has no other process")
    def test_that_there_are_too_few_threads(self):
        # Root may have as many as the system has.
        few = lambda: (resource.setrlimit(resource.RLIMIT_NPROC, (6, 6)), os.setuid(54321))
        burst = "for _ in 1 2 3 4 5 6 7 8 9; do sleep 1 & done"
        try:
            run("version", preexec_fn=few)
            if subprocess.run(["sh", "-c", burst], capture_output=True, preexec_fn=few).returncode == 0:
                self.skipTest("there is no such limit here")
        except (PermissionError, subprocess.SubprocessError):
            self.skipTest("nobody else may run the program here")
        code, _, text = run("run", "--test", stdin=subprocess.DEVNULL, preexec_fn=few)
        self.assertEqual(code, 1)
        self.assertRegex(text, "no more than [0-6] threads could be had")
        self.assertIn("ulimit -u", text)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("mount"), "needs a small disk, which only root can make")
    def test_that_the_disk_is_full_stands_on_the_pages(self):
        folder = tempfile.mkdtemp()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True).returncode:
            self.skipTest("cannot mount")
        try:
            stack = Stack("--clock=manual", f"--storage.path={folder}/data")
            try:
                self.assertEqual(stack.api("GET", "notifications"), [])
                filler = os.path.join(folder, "filler")
                with self.assertRaises(OSError), open(filler, "wb", buffering=0) as file:
                    while True:
                        file.write(bytes(4096))
                with self.assertRaises(Exception):
                    stack.push("nightly", "".join(f"rows_{i} 1\n" for i in range(5000)))
                notes = [note["text"] for note in stack.api("GET", "notifications")]
                self.assertEqual(len(notes), 1, notes)
                self.assertIn("could not be stored", notes[0])
                os.remove(filler)
                stack.push("nightly", "rows_total 1\n")
                self.assertEqual(stack.api("GET", "notifications"), [])
            finally:
                stack.close()
        finally:
            subprocess.run(["umount", folder])
            os.rmdir(folder)

    def test_that_the_data_folder_is_gone_stands_on_the_pages(self):
        folder = tempfile.mkdtemp()
        stack = Stack(f"--storage.path={folder}")
        try:
            self.assertEqual(stack.api("GET", "notifications"), [])
            shutil.rmtree(folder)
            notes = [note["text"] for note in stack.api("GET", "notifications")]
            self.assertEqual(len(notes), 1)
            self.assertIn("stack.db was removed", notes[0])
        finally:
            stack.close()


class Open(unittest.TestCase):
    def test_a_page_is_opened_or_its_address_told(self):
        stack = Stack()
        self.addCleanup(stack.close)
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        seen = os.path.join(folder, "seen")
        os.mkfifo(seen)
        browser = os.path.join(folder, "open" if sys.platform == "darwin" else "xdg-open")
        with open(browser, "w") as file:
            file.write(f'#!/bin/sh\necho "$1" >{seen}\n')
        os.chmod(browser, 0o755)
        desktop = {"PATH": folder + ":/usr/bin:/bin", "DISPLAY": ":1"}
        url = stack.urls["prometheus"]
        self.assertEqual(run("open", "targets", "--url", url, env=desktop), (0, url + "/targets\n", ""))
        with open(seen) as file:
            self.assertEqual(file.read(), url + "/targets\n")
        # No desktop, or one without the program that opens: the address is enough.
        self.assertEqual(run("open", "--url", url + "/", env={"PATH": folder}), (0, url + "/\n", ""))
        code, text, remark = run("open", "--url", url[len("http://"):], env={"PATH": "/nowhere", "DISPLAY": ":1"})
        self.assertEqual((code, text), (0, url + "/\n"))
        self.assertIn("no browser was opened", remark)

    def test_each_server_leads_to_the_pages_of_the_others(self):
        stack = Stack()
        self.addCleanup(stack.close)
        urls = stack.urls
        for page, named, address in (("pushgateway", "prometheus", urls["pushgateway"] + "/"), ("demo", "prometheus", urls["demo"] + "/"),
                                     ("targets", "pushgateway", urls["prometheus"] + "/targets"), ("prometheus", "demo", urls["prometheus"] + "/"),
                                     ("demo", "demo", urls["demo"] + "/"), ("pushgateway", "pushgateway", urls["pushgateway"] + "/")):
            with self.subTest(page=page, named=named):
                self.assertEqual(run("open", page, "--url", urls[named], env={"PATH": "/nowhere"}), (0, address + "\n", ""))

    def test_a_page_that_nobody_has_is_not_opened(self):
        class Prometheus(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b'{"status":"success","data":{"version":"3.5.0"}}'
                is_there = self.path in ("/", "/api/v1/status/buildinfo")
                self.send_response(200 if is_there else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        stack = Stack("--no-demo.enabled")
        self.addCleanup(stack.close)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Prometheus)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        real = f"http://127.0.0.1:{server.server_port}"
        for page, url, name in (("demo", stack.urls["prometheus"], "demo server"), ("demo", real, "demo server"), ("pushgateway", real, "Pushgateway")):
            with self.subTest(page=page, url=url):
                code, text, complaint = run("open", page, "--url", url, env={"PATH": "/nowhere"})
                self.assertEqual((code, text), (3, ""))
                self.assertIn(f"{url} has no {name}", complaint)
        self.assertEqual(run("open", "--url", real, env={"PATH": "/nowhere"}), (0, real + "/\n", ""))

    def test_where_nothing_runs(self):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            code, text, complaint = run("open", "demo", "--url", f"127.0.0.1:{nobody.getsockname()[1]}")
        self.assertEqual((code, text), (3, ""))
        self.assertIn("promenade run starts the stack", complaint)
        self.assertEqual(run("open", "nothing")[0], 2)


class Expect(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()
        cls.addClassCleanup(cls.stack.close)
        cls.stack.push("nightly", 'rows_total{db="x"} 42\n')
        cls.stack.scrape()

    def expect(self, *arguments, **more):
        return run("expect", "--url", self.stack.urls["prometheus"], *arguments, **more)

    def test_conditions_that_hold(self):
        code, text, _ = self.expect("rows_total == 42", "scalar(sum(rows_total)) > bool 41", "--file", "-",
                                    input="# more\nup\n")
        self.assertEqual(code, 0, text)
        self.assertEqual(text.count("ok   "), 3)
        self.assertIn('rows_total{db="x", job="nightly"} 42', text)

    def test_a_condition_that_does_not_hold(self):
        with self.assertRaises(OSError):
            self.stack.push("nightly", "rows_total many\n")
        code, text, _ = self.expect("--within", "200ms", 'rows_total{db="y"}', "rows_totals", "up")
        self.assertEqual(code, 1, text)
        self.assertIn('rows_total{db="x", job="nightly"} 42: db is "x", not ="y"', text)
        self.assertIn("did you mean rows_total?", text)
        self.assertIn("push refused: ", text)
        self.assertIn('expected float as value, got "many"', text)

    def test_waits_for_what_comes(self):
        waiting = subprocess.Popen([PROMENADE, "expect", "--url", self.stack.urls["prometheus"], "late_total == 1"],
                                   stdout=subprocess.PIPE)
        self.stack.push("late", "late_total 1\n")
        self.stack.scrape("pushgateway")
        waiting.communicate(timeout=20)
        self.assertEqual(waiting.returncode, 0)

    def test_reports_for_machines(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "report.xml")
            code, text, _ = self.expect("--within", "0s", "up", "down", "--junit", file, "--tap")
            self.assertEqual(code, 1)
            self.assertEqual(text.splitlines()[1:3], ["1..2", "ok 1 - up"])
            self.assertIn("not ok 2 - down", text)
            report = xml.etree.ElementTree.parse(file).getroot()
            self.assertEqual((report.get("tests"), report.get("failures")), ("2", "1"))

    def test_tap_is_read_by_prove(self):
        if not shutil.which("prove"):
            self.skipTest("no prove")
        with tempfile.TemporaryDirectory() as folder:
            for name, expressions, code in (("good", ["up", "up == 1 # one"], 0), ("bad", ["up", "down"], 1)):
                script = os.path.join(folder, name + ".t")
                words = " ".join(shlex.quote(word) for word in (
                    PROMENADE, "expect", "--url", self.stack.urls["prometheus"], "--within", "0s", "--tap", *expressions))
                with open(script, "w") as file:
                    file.write(f"#!/bin/sh\nexec {words}\n")
                done = subprocess.run(["prove", "-e", "sh", script], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode != 0, code != 0, done.stdout + done.stderr)
                self.assertIn("Tests=2," if code == 0 else "Failed 1/2 subtests", done.stdout)

    def test_junit_has_the_form_that_build_servers_read(self):
        code, text, _ = self.expect("--within", "0s", 'up{job="demo"} == 1', 'down < "x"', "nothing_here", "--junit", "-")
        self.assertEqual(code, 2, text)
        code, text, _ = self.expect("--within", "0s", 'up{job="demo"} == 1', "nothing_here", "--junit", "-")
        self.assertEqual(code, 1, text)
        root = xml.etree.ElementTree.fromstring(text)
        self.assertEqual(root.tag, "testsuites")
        for suite in root:
            self.assertEqual(suite.tag, "testsuite")
            self.assertLessEqual({"name", "tests", "failures", "errors", "time"}, set(suite.keys()))
            cases = suite.findall("testcase")
            self.assertEqual(int(suite.get("tests")), len(cases))
            self.assertEqual(int(suite.get("failures")), len(suite.findall("testcase/failure")))
            self.assertEqual(int(suite.get("errors")), len(suite.findall("testcase/error")))
            float(suite.get("time"))
            for case in cases:
                self.assertLessEqual({"name", "classname", "time"}, set(case.keys()))
                float(case.get("time"))
                self.assertLessEqual({child.tag for child in case}, {"failure", "error", "skipped", "system-out"})
        failure = root.find("testsuite/testcase/failure")
        self.assertTrue(failure.get("message"))
        self.assertIn("no metric is called nothing_here", failure.text)

    def test_wrong_use(self):
        for arguments in (["up ="], [], ["up", "--within", "soon"], ["up", "--what"], ["up", "--file", "no/such/file"]):
            code, text, complaint = self.expect(*arguments)
            self.assertEqual(code, 2, (arguments, text, complaint))

    def test_no_server(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            code, text, _ = run("expect", "--url", f"http://127.0.0.1:{free.getsockname()[1]}", "--within", "0s", "up")
        self.assertEqual(code, 3)
        self.assertIn("connection refused", text)

    def test_scrape(self):
        url = self.stack.urls["pushgateway"].removeprefix("http://")
        for options, format in (([], "text/plain"), (["--no-compression", "--accept", "text/plain"], "text/plain"),
                                (["--protobuf"], "application/vnd.google.protobuf")):
            code, text, _ = run("scrape", url, *options)
            self.assertEqual(code, 0, text)
            self.assertIn(f"GET http://{url}/metrics\n", text)
            self.assertIn("\n  X-Prometheus-Scrape-Timeout-Seconds: 10\n", text)
            self.assertIn(f"read as {format}\n", text)
            self.assertIn('\nrows_total{db="x", job="nightly"} 42\n', text)

    def test_scrape_again_tells_what_changed(self):
        gateway = self.stack.urls["pushgateway"]
        self.stack.push("other", "# TYPE jobs_total counter\njobs_total 5\nold 1\n")
        watching = subprocess.Popen([PROMENADE, "scrape", gateway, "--no-series", "--no-lint", "--repeat", "2", "--every", "1s"],
                                    stdout=subprocess.PIPE, text=True)
        first = watching.stdout.readline()
        self.stack.push("other", "# TYPE jobs_total counter\njobs_total 3\nfresh 1\n")
        text, _ = watching.communicate(timeout=30)
        self.assertEqual(watching.returncode, 1, first + text)
        self.assertIn('\n! jobs_total{job="other"} 5 → 3  went down although it counts\n', text)
        self.assertIn('\n+ fresh{job="other"} 1\n', text)
        self.assertIn('\n- old{job="other"} 1\n', text)

    def test_scrape_that_fails(self):
        code, text, _ = run("scrape", self.stack.urls["prometheus"] + "/nothing/here")
        self.assertEqual(code, 1)
        self.assertIn("error: server returned HTTP status 404 Not Found\n", text)


class Imported(unittest.TestCase):
    def test_a_long_line_is_told_in_part(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "long.om")
            with open(path, "w") as file:
                file.write("x" * 1_000_000 + "\n")
            code, _, error = run("tsdb", "import", f"--storage.path={folder}", path)
            self.assertEqual(code, 1)
            self.assertIn("expected value after metric", error)
            self.assertLess(len(error), 10_000)

    @unittest.skipUnless(os.path.exists("/proc/self/mem"), "needs a file that tells of no size")
    def test_what_cannot_be_read_is_no_empty_file(self):
        with tempfile.TemporaryDirectory() as folder:
            code, _, error = run("tsdb", "import", f"--storage.path={folder}", "/proc/self/mem")
            self.assertEqual(code, 1)
            self.assertIn("cannot read /proc/self/mem: input/output error", error)


class Silent(http.server.BaseHTTPRequestHandler):
    """A stack that names many targets, and says nothing when it is asked what one of them has answered."""

    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/api/v1/targets/last_scrape":
            self.server.is_asked.set()
            self.server.is_over.wait()
            return
        data = {"/api/v1/clock": {}, "/api/v1/status/config": {"yaml": ""}, "/api/v1/rules": {"groups": []}, "/api/v1/status/stack": {},
                "/api/v1/targets": {"activeTargets": [{"scrapePool": "p", "scrapeUrl": f"http://h{number}/"} for number in range(self.server.count)]}}
        body = json.dumps({"status": "success", "data": data[path]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


class Recorded(unittest.TestCase):
    def test_a_silent_stack_is_not_waited_for(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent)
        server.is_asked, server.is_over, server.count = threading.Event(), threading.Event(), 500
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            for span, number in (("1h", signal.SIGINT), ("1h", signal.SIGTERM), ("1h", signal.SIGHUP), ("1s", None)):
                with self.subTest(span=span, number=number), tempfile.TemporaryDirectory() as folder:
                    server.is_asked.clear()
                    # What a shell starts in the background, perhaps these tests, takes no SIGINT, or with nohup no SIGHUP.
                    listening = lambda: [signal.signal(each, signal.SIG_DFL) for each in (signal.SIGINT, signal.SIGHUP)]
                    process = subprocess.Popen(
                        [PROMENADE, "record", "--url", f"http://127.0.0.1:{server.server_port}", "--pushgateway", "", "--for", span,
                         "--out", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=listening)
                    try:
                        self.assertTrue(server.is_asked.wait(30))
                        start = time.monotonic()
                        if number:
                            process.send_signal(number)
                        _, error = process.communicate(timeout=60)
                        # A first request is waited for 10 s, and there are 500.
                        self.assertLess(time.monotonic() - start, 30)
                        self.assertEqual(process.returncode, 1, error)
                        self.assertIn("cannot be recorded", error)
                    finally:
                        process.kill()
                        process.wait()
        finally:
            server.is_over.set()
            server.shutdown()

    def test_what_is_there_is_not_overwritten(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent)
        server.count = 0
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def record(folder):
            return run("record", "--url", f"http://127.0.0.1:{server.server_port}", "--pushgateway", "", "--for", "1s", "--out", folder)

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "stack.yml")
            with open(path, "w") as file:
                file.write("global: {}\n")
            code, text, error = record(folder)
            self.assertEqual((code, text), (2, ""), error)
            self.assertEqual(error, f"promenade: {path} is there already and would be overwritten; remove it or name another folder\n")
            self.assertEqual(os.listdir(folder), ["stack.yml"])
            with open(path) as file:
                self.assertEqual(file.read(), "global: {}\n")
            # Nothing came, which is told.
            again = os.path.join(folder, "rec")
            code, text, error = record(again)
            self.assertEqual(code, 0, error)
            self.assertIn("0 scrapes and 0 pushes", text)
            self.assertIn("nothing was scraped or pushed meanwhile", error)
            code, _, error = record(again)
            self.assertEqual(code, 2)
            self.assertIn(f"{again}/scenario.yml is there already", error)


if __name__ == "__main__":
    unittest.main()
