"""The recipes of docs/remote.md for agents, with the real programs: what they scrape arrives.

PROMETHEUS_BIN and VMAGENT_BIN name the agents, PROMENADE_BIN the stack; what is missing is skipped.
"""
import json
import os
import re
import shlex
import subprocess
import tempfile
import time
import unittest
import urllib.parse

from peers import HOST, Target, free_port, get, program, promenade, serve

PROGRAMS = {"promenade": promenade(), "prometheus": program("PROMETHEUS_BIN", "prometheus"), "vmagent": program("VMAGENT_BIN", "vmagent")}
DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "remote.md")
FREE = ["--pushgateway.listen-address=127.0.0.1:0", "--demo.listen-address=127.0.0.1:0", "--log.level=error"]


def blocks(kind):
    """{name: text} of the fences behind `<!-- KIND: NAME -->`."""
    with open(DOCUMENT) as f:
        return dict(re.findall(rf"<!-- {kind}: (\S+) -->\n(?:<!-- test: [^\n]* -->\n)?```\w+\n(.*?)```", f.read(), re.DOTALL))


class Node(Target):
    def text(self):
        return "# TYPE node_boots_total counter\nnode_boots_total 7\n"


@unittest.skipUnless(PROGRAMS["promenade"], "promenade is not built")
class RecipesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        node = serve(Node, self)
        self.ports = {"9090": free_port(), "9095": free_port(), "8429": free_port(), "9100": node.server_port}
        for name, text in blocks("file").items():
            with open(f"{self.folder}/{name}", "w") as f:
                # Nobody waits a minute for a test.
                f.write(self.moved("" if name == "stack.yml" else "global: {scrape_interval: 1s}\n") + self.moved(text))

    def moved(self, text):
        return re.sub(r"localhost:(\d+)", lambda m: f"{HOST}:{self.ports[m[1]]}", text)

    def start(self, command):
        name, *rest = shlex.split(self.moved(command))
        if name == "promenade":
            rest += [*FREE, f"--web.listen-address={HOST}:{self.ports['9090']}", "--storage.path=data"]
            if not any(one.startswith("--config.file") for one in rest):
                with open(f"{self.folder}/empty.yml", "w") as f:
                    f.write("scrape_configs: []\n")
                rest.append("--config.file=empty.yml")
        process = subprocess.Popen([PROGRAMS[name], *rest], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def end():
            process.terminate()
            process.wait(20)

        self.addCleanup(end)
        return process

    def arrives(self, query, value):
        deadline = time.monotonic() + 40
        found = None
        while time.monotonic() < deadline:
            try:
                body = get(f"{HOST}:{self.ports['9090']}", "/api/v1/query?" + urllib.parse.urlencode({"query": query}))[2]
                found = json.loads(body)["data"]["result"]
                if found:
                    self.assertEqual(found[0]["value"][1], value)
                    return
            except (OSError, ValueError):
                pass
            time.sleep(0.2)
        self.fail(f"{query}: {found}")

    def run_recipe(self, name):
        for command in blocks("recipe")[name].strip().split("\n"):
            self.start(command)
        self.arrives('node_boots_total{job="node"}', "7")
        self.arrives('up{job="node"}', "1")

    @unittest.skipUnless(PROGRAMS["prometheus"], "there is no Prometheus")
    def test_prometheus(self):
        self.run_recipe("prometheus")

    @unittest.skipUnless(PROGRAMS["vmagent"], "there is no vmagent")
    def test_vmagent(self):
        self.run_recipe("vmagent")


if __name__ == "__main__":
    unittest.main()
