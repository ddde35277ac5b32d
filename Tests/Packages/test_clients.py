"""The clients in `clients/`, each with its own tests, as somebody's project would use them."""
import json
import os
import re
import shutil
import sys
import unittest

from packages import PROGRAM, ROOT, Case, run, version

CLIENTS = os.path.join(ROOT, "clients")
# A fixture that took these flags would not start.
OTHERS = {"PROMENADE_RUN_FLAGS": "--web.listen-address=no:such:place"}


class Clients(Case):
    def test_versions_are_the_servers(self):
        wanted = version()
        for file, pattern in (("python/promenade_stack/__init__.py", r'__version__ = "(.*)"'),
                              ("python/pytest_promenade/__init__.py", r'__version__ = "(.*)"'),
                              ("go/promenadetest/stack.go", r'const Version = "(.*)"'),
                              ("js/index.js", r'version = "(.*)"'),
                              ("js/package.json", r'"version": "(.*)"')):
            with open(os.path.join(CLIENTS, file)) as text:
                self.assertEqual(re.findall(pattern, text.read()), [wanted], file)

    def test_the_table_of_verbs_is_true(self):
        """Whatever stands in the table of docs/testing.md is there, in each language."""
        sources = []
        for files in (("python/promenade_stack/_stack.py",), ("go/promenadetest/testing.go",), ("js/index.js",),
                      ("go/promenadetest/verbs.go", "go/promenadetest/target.go"), ("js/index.d.ts",)):
            texts = []
            for file in files:
                with open(os.path.join(CLIENTS, file)) as text:
                    texts.append(text.read())
            sources.append("".join(texts))
        with open(os.path.join(ROOT, "docs", "testing.md")) as text:
            verbs, stack = re.split(r"^## .*\n", text.read(), flags=re.M)[1:3]
        rows = re.findall(r"^\| ([a-z].*?) \| `(\w+).*?` \| `(\w+).*?` \| `(\w+).*?` \|", verbs, re.M)
        self.assertGreaterEqual(len(rows), 9)
        for _, python, go, js in rows:
            self.assertRegex(sources[0], rf"    def {python}\(")
            self.assertRegex(sources[1], rf"\(t \*T\) {go}\(")
            self.assertRegex(sources[2], rf"(?m)^  async {js}\(")
            # The verbs that answer errors, and the types.
            self.assertRegex(sources[3], rf"\(s \*Stack\) {go}\(")
            self.assertRegex(sources[4], rf"(?m)^  {js}\(")
        # What a stack is started with, and what it tells of itself.
        with open(os.path.join(CLIENTS, "go/promenadetest/stack.go")) as text:
            sources[1] += text.read()
        rows = re.findall(r"^\| ([a-z].*?) \| (`.*`) \| (`.*`) \| (`.*`) \|", stack, re.M)
        self.assertGreaterEqual(len(rows), 6)
        for _, python, go, js in rows:
            for names, source in ((python, (0,)), (go, (1,)), (js, (2, 4))):
                for name in re.findall(r"`(\w+)", names):
                    for number in source:
                        self.assertRegex(sources[number], rf"\b{name}\b")

    def test_whoever_types_promenade_is_told_of_promenade(self):
        """The command of the second wheel, and `python -m`: the program behind both is promenade-stack."""
        path = os.path.join(self.folder(), "promenade-stack")
        os.symlink(PROGRAM, path)
        environment = dict(os.environ, PROMENADE_BIN=path, PYTHONPATH=os.path.join(CLIENTS, "python"))
        for typed, said in (("bin/promenade", "promenade"), ("promenade_stack/__main__.py", "promenade-stack")):
            code = f"import sys; sys.argv = ['{typed}', 'help', 'version']; from promenade_stack.__main__ import main; main()"
            self.assertEqual(run(sys.executable, "-c", code, env=environment), said + " version\n")

    def test_go(self):
        if shutil.which("go") is None:
            self.skipTest("no Go")
        # A project with a module of its own takes the package from a folder, without a network.
        project = self.folder()
        with open(os.path.join(project, "go.mod"), "w") as file:
            file.write("module example.com/project\n\ngo 1.19\n")
        shutil.copy(os.path.join(CLIENTS, "go", "promenadetest", "promenadetest_test.go"), project)
        environment = dict(os.environ, PROMENADE_BIN=PROGRAM, GOPROXY="off", GOFLAGS="", GO111MODULE="on", **OTHERS)
        # As docs/testing.md has it.
        with open(os.path.join(ROOT, "docs", "testing.md")) as text:
            told = re.search(r"`(go mod edit -replace promenadetest=…/clients/go/promenadetest)`, then `(go get promenadetest)`", text.read())
        for command in told.groups():
            run(*command.replace("…/clients", CLIENTS).split(), cwd=project, env=environment)
        run("go", "vet", ".", cwd=os.path.join(CLIENTS, "go", "promenadetest"), env=environment)
        self.assertEqual(run("gofmt", "-l", os.path.join(CLIENTS, "go")), "")
        self.assertIn("ok", run("go", "test", "-count=1", ".", cwd=project, env=environment))

    def test_node(self):
        if shutil.which("node") is None:
            self.skipTest("no node")
        project = self.folder()
        os.makedirs(os.path.join(project, "node_modules"))
        os.symlink(os.path.join(CLIENTS, "js"), os.path.join(project, "node_modules", "promenadetest"))
        shutil.copy(os.path.join(CLIENTS, "js", "stack.test.js"), os.path.join(project, "stack.test.mjs"))
        text = run("node", "--test", cwd=project, env=dict(os.environ, PROMENADE_BIN=PROGRAM, **OTHERS))
        self.assertRegex(text, r"# pass [1-9]")
        self.assertIn("# fail 0", text)

    def test_types_of_typescript(self):
        if shutil.which("tsc") is None:
            self.skipTest("no tsc")
        project = self.folder()
        with open(os.path.join(project, "use.ts"), "w") as file:
            file.write("""import { Sample, Stack, startStack, withStack } from "./index";
export const one = withStack({ clock: "manual", startTimeout: 5 }, async (stack, t: { name: string }) => {
    const app = await stack.target("app", "rows 1\\n", { labels: { zone: "x" }, scrape_interval: "5s" });
    app.body = t.name;
    const clear = await stack.fault("status", { job: "app", status: 503 });
    await clear();
    const rows: Sample[] = await stack.query("up");
    await stack.expect("rows == 1", "up", { within: rows.length });
    await stack.expect({ notified: ['alertname="Down"'], resolved: 'job="app"' });
    await stack.push(stack.otlp, new Uint8Array(), { db: "x" }, { add: true });
    await stack.delete("nightly", { db: "x", shard: 3 });
    await stack.remove("app", "127.0.0.1:1");
    const dispose: () => Promise<void> = () => stack[Symbol.asyncDispose]();
    if (stack.clock === "manual") await dispose();
});
// @ts-expect-error: a stack is started, not made
new Stack();
// @ts-expect-error: what no stack knows is found here already
export const misspelt = startStack({ clok: "manual" });
export async function other(): Promise<number> { const stack = await startStack(); return stack.advance("1m"); }
""")
        shutil.copy(os.path.join(CLIENTS, "js", "index.d.ts"), project)
        run("tsc", "--strict", "--noEmit", "--target", "es2020", "--moduleResolution", "node", "--typeRoots", "none", "use.ts", cwd=project)

    def test_package_of_node_is_whole(self):
        with open(os.path.join(CLIENTS, "js", "package.json")) as file:
            package = json.load(file)
        self.assertEqual(package.get("dependencies", {}), {})
        for file in package["files"]:
            self.assertTrue(os.path.exists(os.path.join(CLIENTS, "js", file)), file)


if __name__ == "__main__":
    unittest.main()
