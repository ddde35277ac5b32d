"""Every block of commands in README.md and docs/ is run against a fixture; what it answers has the shape that stands there."""
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import blocks

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROGRAM = os.path.abspath(os.environ.get("PROMENADE_BIN", os.path.join(ROOT, ".build/release/promenade")))

# What people type goes to the usual ports; in a test the servers have others.
WRAPPER = r"""#!/bin/bash
case "$1 ${2-}" in
    "batch "*) [[ $* == *--expose* ]] || set -- "$1" "$2" --url "$pushgateway" "${@:3}" ;;
    "expect "*) set -- "$1" --url "$prometheus" --pushgateway "$pushgateway" "${@:2}" ;;
    "query "*) set -- "$1" --url "$prometheus" "${@:2}" ;;
    "check healthy" | "check ready") set -- "$1" "$2" --url "$prometheus" "${@:3}" ;;
    "sql "*) set -- "$1" --storage.path "$data" "${@:2}" ;;
    "tsdb "*) set -- "$1" "$2" --storage.path "$data" "${@:3}" ;;
    "run --test"*) exec "$program" "$@" < <(sleep 1) ;;
    "run "*)
        free="--web.listen-address=127.0.0.1:0 --pushgateway.listen-address=127.0.0.1:0 --demo.listen-address=127.0.0.1:0"
        exec timeout --signal=INT --preserve-status 3 "$program" "$@" $free --no-targets.follow
        ;;
esac
exec "$program" "$@"
"""
# The tutorial's programs have the usual addresses in them, and their library is the system's. The server is one that runs on:
# here it runs until it has answered.
GO = r"""#!/bin/bash
[[ "$1" == run ]] || exec "$go" "$@"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
own=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$made/src"
sed "s!http://localhost:9091!$pushgateway!; s!\":8080\"!\"127.0.0.1:$own\"!" "$2/main.go" > "$made/src/main.go"
export GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS= GOCACHE=${GOCACHE:-$HOME/.cache/go-build}
"$go" build -o "$made/program" "$made/src/main.go" || exit
[[ "$2" == *server ]] || { "$made/program"; exit; }
"$made/program" &
trap 'kill %1; rm -rf "$made"' EXIT
curl -sS --retry 50 --retry-connrefused --retry-delay 0 --retry-max-time 10 "http://127.0.0.1:$own/" | grep -qE 'OK|Normal|Error' || exit
curl -sS "http://127.0.0.1:$own/metrics" | grep -q '^request_count_total 1$'
"""
# Where there is no Go, what comes after the tutorial's programs is still tried.
NO_GO = r"""#!/bin/bash
case "$2" in
    *server) ;;
    *batch_add) promenade batch add >/dev/null ;;
    *batch_push) promenade batch push --db customers >/dev/null ;;
    *batch_push2) promenade batch push --db producers >/dev/null ;;
    *batch_mysample) promenade batch mysample 2>/dev/null | head -2 ;;
esac
"""
HAS_GO = shutil.which("go") and os.path.isdir("/usr/share/gocode/src/github.com/prometheus/client_golang")
PRELUDE = 'curl() { command curl -sS "$@"; }\n'


class Stack:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="docs-")
        data = os.path.join(self.folder, "data")
        self.process = subprocess.Popen(
            [PROGRAM, "run", "--test", "--clock=manual", "--config.file", os.path.join(ROOT, "stack.yml"),
             "--storage.path", data], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.urls = json.loads(self.process.stdout.readline())
        self.ports = {name: url.rsplit(":", 1)[1] for name, url in self.urls.items() if name in ("prometheus", "pushgateway", "demo")}
        os.mkdir(os.path.join(self.folder, "bin"))
        wrapper = os.path.join(self.folder, "bin", "promenade")
        with open(wrapper, "w") as file:
            file.write(WRAPPER)
        os.chmod(wrapper, 0o755)
        with open(os.path.join(self.folder, "bin", "go"), "w") as file:
            file.write(GO if HAS_GO else NO_GO)
        os.chmod(file.name, 0o755)
        self.work = os.path.join(self.folder, "promenade")
        os.mkdir(self.work)
        shutil.copy(os.path.join(ROOT, "stack.yml"), self.work)
        shutil.copytree(os.path.join(ROOT, "docs/tutorial"), os.path.join(self.work, "docs/tutorial"))
        self.environment = dict(
            os.environ, PATH=os.path.join(self.folder, "bin") + ":" + os.environ["PATH"], program=PROGRAM, data=data,
            go=shutil.which("go") or "go",
            prometheus=self.urls["prometheus"], pushgateway=self.urls["pushgateway"], demo=self.urls["demo"])
        # Some scrapes, so that there is something to ask for.
        for _ in range(12):
            self.run('curl -o /dev/null -X POST "$prometheus/api/v1/clock?advance=5s"')

    def run(self, command):
        for port, name in (("9090", "prometheus"), ("9091", "pushgateway"), ("8080", "demo")):
            command = re.sub(rf"\blocalhost:{port}\b", "127.0.0.1:" + self.ports[name], command)
        done = subprocess.run(["bash", "-c", PRELUDE + command], cwd=self.work, env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        return done.returncode, done.stdout

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder)


class Documents(unittest.TestCase):
    maxDiff = None

    def check(self, file):
        with open(os.path.join(ROOT, file)) as document:
            found = blocks.read(file, document.read())
        stack = None
        try:
            for block in found:
                if not HAS_GO and "go run" in block.text:
                    print(f"\n  {block.place}: without Go and Prometheus's client library, promenade batch is run", end="")
                if block.skipped is not None:
                    print(f"\n  {block.place}: not run: {block.skipped}", end="", flush=True)
                    continue
                if stack is None or block.is_fresh:
                    if stack:
                        stack.close()
                    stack = Stack()
                with self.subTest(block.place):
                    self.run_block(stack, block)
        finally:
            if stack:
                stack.close()

    def run_block(self, stack, block):
        for command in block.before:
            code, text = stack.run(command)
            self.assertEqual(code, 0, f"{block.place}: before: {command}\n{text}")
        steps = [step for step in block.steps() if "…" not in step[0]]
        for index, (command, answer) in enumerate(steps):
            code, text = stack.run(command)
            wanted = block.exit if index == len(steps) - 1 else 0
            self.assertEqual(code, wanted, f"{block.place}: {command}\n{text}")
            if answer is not None:
                # In the documents the servers have the usual addresses.
                text = text.replace("127.0.0.1:", "localhost:")
                answer = answer.replace("127.0.0.1:", "localhost:")
                text = "".join(line.rstrip() + "\n" for line in text.rstrip("\n").split("\n"))
                if not blocks.shape(answer).fullmatch(text):
                    self.assertEqual(answer, text, f"{block.place}: {command} answers something else")

    def test_commands_exist(self):
        """Whatever is called `promenade …` in running text is a command."""
        for file in FILES:
            with open(os.path.join(ROOT, file)) as document:
                text = re.sub(r"```.*?```", "", document.read(), flags=re.S)
            for words in re.findall(r"`promenade ([a-z][^`]*)`", text):
                path = []
                for word in words.split():
                    if not re.fullmatch(r"[a-z][a-z0-9-]*", word):
                        break
                    path.append(word)
                for count in range(min(2, len(path)), 0, -1):
                    done = subprocess.run([PROGRAM, "help", *path[:count]], capture_output=True, text=True)
                    if done.returncode == 0:
                        break
                self.assertEqual(done.returncode, 0, f"{file}: promenade {words}: {done.stderr}")

    def test_the_tutorial_is_the_same_in_each_language(self):
        """The same commands, programs and pictures of the same steps, and the programs are those of the folder."""
        def parts(file):
            with open(os.path.join(ROOT, file)) as document:
                text = document.read()
            fences = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.S | re.M)
            pictures = re.findall(r"screenshots/tutorial-([\w-]+?)(?:-ja)?\.png", text)
            return fences, pictures, len(re.findall(r"^## ", text, re.M))
        self.assertEqual(parts("docs/learn-check.md"), parts("docs/learn-check.ja.md"))
        english, japanese = parts("docs/tutorial.md"), parts("docs/tutorial.ja.md")
        self.assertEqual(english, japanese)
        programs = []
        for path in glob.glob(os.path.join(ROOT, "docs/tutorial/*/main.go")):
            with open(path) as program:
                programs.append(program.read())
        self.assertEqual(len(programs), 5)
        for kind, text in english[0]:
            if kind == "go":
                self.assertTrue(any(text in program for program in programs), text)

    def test_every_lesson_ends_on_the_real_stack(self):
        """The commands of all lessons, one after the other; what is asked for is there."""
        stack = Stack()
        try:
            for path in sorted(glob.glob(os.path.join(ROOT, "lessons/*/lesson.en.md"))):
                with open(path) as lesson:
                    found = [block for block in blocks.read(os.path.relpath(path, ROOT), lesson.read()) if block.kind == "sh"]
                self.assertTrue(found, f"{path} has no commands")
                for block in found:
                    for command, _ in block.steps():
                        with self.subTest(f"{block.place}: {command}"):
                            code, text = stack.run(command)
                            self.assertEqual(code, 0, text)
                            if command.startswith("promenade query"):
                                self.assertIn('"result":[{', text)
                            # Until it was scraped, and rules were evaluated.
                            for _ in range(4):
                                stack.run('curl -o /dev/null -X POST "$prometheus/api/v1/clock?advance=5s"')
        finally:
            stack.close()

    def test_links_lead_somewhere(self):
        for file in FILES:
            with open(os.path.join(ROOT, file)) as document:
                text = re.sub(r"```.*?```", "", document.read(), flags=re.S)
            for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
                if "://" not in link:
                    path = os.path.normpath(os.path.join(ROOT, os.path.dirname(file), link))
                    self.assertTrue(os.path.exists(path), f"{file}: {link}")


FILES = ["README.md"] + sorted(os.path.relpath(path, ROOT) for path in glob.glob(os.path.join(ROOT, "docs/**/*.md"), recursive=True))
for name in FILES:
    def test(self, name=name):
        self.check(name)
    setattr(Documents, "test_" + re.sub(r"\W", "_", name), test)

if __name__ == "__main__":
    unittest.main()
