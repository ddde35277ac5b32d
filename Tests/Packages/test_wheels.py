"""The wheels, installed into a fresh virtual environment with an empty HOME."""
import glob
import os
import re
import shutil
import subprocess
import sys
import time
import unittest
import zipfile
import zlib

from packages import ROOT, Case, bare, pack, run, version

# What a hundred tests with a stack each may take.
SECONDS = 15
HUNDRED = """
import pytest

@pytest.mark.parametrize("n", range(100))
def test_it(promenade_stack, n):
    promenade_stack.push("nightly", f"rows_total {n}\\n")
    promenade_stack.advance(30)
    promenade_stack.scrape("pushgateway")
    promenade_stack.expect(f"rows_total == {n}")
"""


class Wheels(Case):
    @classmethod
    def setUpClass(cls):
        cls.wheels = sorted(glob.glob(os.path.join(pack("wheels", "wheels"), "*.whl")))
        cls.version = version()

    def environment(self):
        """A fresh virtual environment."""
        folder = self.folder()
        run(sys.executable, "-m", "venv", os.path.join(folder, "v"))
        # Where the registry cannot be reached, PIP_NO_INDEX and PIP_FIND_LINKS tell of a folder.
        variables = bare(os.path.join(folder, "home"))
        variables.update({name: value for name, value in os.environ.items() if name.startswith("PIP_")})
        variables["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
        os.mkdir(variables["HOME"])
        return os.path.join(folder, "v", "bin"), variables

    def wheel(self, name):
        found = [wheel for wheel in self.wheels if os.path.basename(wheel).startswith(name + "-")]
        self.assertEqual(len(found), 1, self.wheels)
        return found[0]

    def test_the_program_comes_and_goes(self):
        programs, variables = self.environment()
        before = set(os.listdir(programs))
        run(f"{programs}/pip", "install", "--no-index", self.wheel("promenade_stack"), env=variables)
        self.assertEqual(set(os.listdir(programs)) - before, {"promenade-stack"})
        for command in ([f"{programs}/promenade-stack"], [f"{programs}/python", "-m", "promenade_stack"]):
            self.assertEqual(run(*command, "--version", env=variables), f"promenade {self.version}\n")
            done = subprocess.run([*command, "sql"], capture_output=True, text=True, env=variables, timeout=60)
            self.assertEqual(done.returncode, 2, done.stderr)
        run(f"{programs}/pip", "check", env=variables)
        # With it, without pytest: the verbs.
        use = ("from promenade_stack import Stack\nwith Stack() as stack:\n    stack.push('nightly', 'rows 42\\n')\n"
               "    stack.scrape()\n    stack.expect('rows == 42')\n    print(stack.value('rows'))")
        self.assertEqual(run(f"{programs}/python", "-W", "error", "-c", use, env=variables), "42.0\n")
        self.assertEqual(os.listdir(variables["HOME"]), [])
        # The other command is a wheel of its own.
        run(f"{programs}/pip", "install", "--no-index", self.wheel("promenade_stack_command"), env=variables)
        self.assertEqual(run(f"{programs}/promenade", "--version", env=variables), f"promenade {self.version}\n")
        run(f"{programs}/pip", "uninstall", "-y", "promenade-stack", "promenade-stack-command", env=variables)
        self.assertEqual(set(os.listdir(programs)), before)
        left = glob.glob(os.path.join(programs, "..", "lib", "*", "site-packages", "*promenade*"))
        self.assertEqual(left, [])

    def test_the_documented_commands_leave_others_alone(self):
        """With PyPI's promenade there, whoever took the program and the fixtures upgrades and uninstalls as docs/packaging.md tells."""
        with open(os.path.join(ROOT, "docs", "packaging.md")) as text:
            section = re.search(r"^## pip\n(.*?)^## ", text.read(), re.S | re.M)[1]
        self.assertNotIn("*.whl", re.sub(r"\w+-\*\.whl", "", section), "a command that names wheels that one need not have")
        program, _, fixtures = re.findall(r"^```sh\n(.*?)^```", section, re.S | re.M)
        programs, variables = self.environment()
        other = self.folder()
        with zipfile.ZipFile(os.path.join(other, "promenade-0.1.1-py3-none-any.whl"), "w") as wheel:
            info = "promenade-0.1.1.dist-info/"
            wheel.writestr("promenade-0.1.1.data/scripts/promenade", "#!/bin/sh\necho the other\n")
            wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: promenade\nVersion: 0.1.1\n")
            wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(info + "RECORD", f"promenade-0.1.1.data/scripts/promenade,,\n{info}METADATA,,\n{info}WHEEL,,\n{info}RECORD,,\n")
        run(f"{programs}/pip", "install", "--no-index", os.path.join(other, "promenade-0.1.1-py3-none-any.whl"), env=variables)
        before = set(os.listdir(programs))
        place = os.path.dirname(os.path.abspath(self.wheels[0]))
        for line in (program + fixtures).splitlines():
            command = line.split("#")[0].strip()
            self.assertRegex(command, "^pip (install|uninstall) ")
            # pytest itself is of a registry, which the test does without.
            command = command.replace("pip install", f"{programs}/pip install --no-index --no-deps")
            command = command.replace("pip uninstall", f"{programs}/pip uninstall -y")
            run("bash", "-c", command.replace("dist/", place + "/"), env=variables)
            self.assertEqual(run("sh", f"{programs}/promenade", env=variables), "the other\n", command)
        self.assertEqual(set(os.listdir(programs)), before)

    def test_no_registry_is_asked_for_what_is_in_none(self):
        names = {"promenade-stack", "promenade-stack-command", "pytest-promenade", "promenade"}
        for wheel in self.wheels:
            with zipfile.ZipFile(wheel) as file:
                text = file.read(next(name for name in file.namelist() if name.endswith("/METADATA"))).decode()
                asked = {name.lower() for name in re.findall(r"^Requires-Dist: ([-\w.]+)", text, re.M)}
                self.assertEqual(asked & names, set(), wheel)
                self.assertEqual(set(re.findall(r"pip install (?:--upgrade )?([-\w]+)(?![-\w./])", text)) & names, set(), wheel)
        # What is missing is told, with the file that has it.
        programs, variables = self.environment()
        run(f"{programs}/pip", "install", "--no-index", self.wheel("promenade_stack_command"), env=variables)
        done = subprocess.run([f"{programs}/promenade", "--version"], capture_output=True, text=True, env=variables, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^promenade: the program is in another wheel: pip install ./promenade_stack-….whl.*\n$")
        run(f"{programs}/pip", "install", "--no-index", "--no-deps", self.wheel("pytest_promenade"), env=variables)
        use = "import pytest_promenade; print(pytest_promenade.PROBLEM)"
        self.assertEqual(run(f"{programs}/python", "-c", use, env=variables),
                         f"pytest-promenade {self.version} needs promenade-stack {self.version}: "
                         f"pip install the file promenade_stack-{self.version}-….whl, which is made with it\n")
        # And where both are there, but of two versions.
        run(f"{programs}/pip", "install", "--no-index", self.wheel("promenade_stack"), env=variables)
        self.assertIn(f"needs promenade-stack {self.version}, not 0.0.9: ",
                      run(f"{programs}/python", "-c", "import promenade_stack; promenade_stack.__version__ = '0.0.9'; " + use, env=variables))

    def test_licences(self):
        for wheel in self.wheels:
            with zipfile.ZipFile(wheel) as file:
                info = next(name for name in file.namelist() if name.endswith("/METADATA")).rsplit("/", 1)[0]
                named = re.findall(r"^License-File: (.*)$", file.read(info + "/METADATA").decode(), re.M)
                for name in named:
                    self.assertIn(f"{info}/{name}", file.namelist())
                self.assertIn("LICENSE", named)
                if wheel == self.wheel("promenade_stack"):
                    self.check_notices(file.read(info + "/NOTICES.txt").decode())

    def test_records_are_true_and_the_same_each_time(self):
        again = self.folder()
        run(os.path.join(ROOT, "packaging", "wheels"), os.environ["PROMENADE_BIN"], again)
        for wheel in self.wheels:
            with open(wheel, "rb") as one, open(os.path.join(again, os.path.basename(wheel)), "rb") as other:
                self.assertTrue(one.read() == other.read(), f"{wheel} differs from one time to the next")
            with zipfile.ZipFile(wheel) as file:
                self.assertIsNone(file.testzip())
                record = next(name for name in file.namelist() if name.endswith(".dist-info/RECORD"))
                rows = [line.split(",")[0] for line in file.read(record).decode().splitlines()]
                self.assertEqual(sorted(rows), sorted(file.namelist()))
                # zipfile heeds no level of the archive's for entries that are made by hand.
                for entry in file.infolist():
                    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
                    best = len(packed.compress(file.read(entry)) + packed.flush())
                    self.assertLessEqual(entry.compress_size, best, entry.filename)

    def test_fixtures_of_pytest(self):
        programs, variables = self.environment()
        install = [f"{programs}/pip", "install", "--quiet", self.wheel("promenade_stack"), self.wheel("pytest_promenade")]
        # A registry that cannot be reached is given up soon; one pytest is as good as another.
        done = subprocess.run([*install, "--retries", "0", "--timeout", "20", "pytest-xdist"], capture_output=True, text=True,
                              env=variables, timeout=300)
        if done.returncode:
            run(sys.executable, "-m", "venv", "--system-site-packages", os.path.dirname(programs))
            done = subprocess.run([*install, "--no-index"], capture_output=True, text=True, env=variables, timeout=300)
            if done.returncode:
                self.skipTest("no pytest of version 8 or newer: " + done.stderr.strip().splitlines()[-1])
        folder = self.folder()
        shutil.copytree(os.path.join(ROOT, "clients", "python", "tests"), os.path.join(folder, "tests"))
        with open(os.path.join(folder, "test_hundred.py"), "w") as file:
            file.write(HUNDRED)
        pytest = [f"{programs}/python", "-m", "pytest", "-p", "no:cacheprovider", "-q"]
        text = run(*pytest, "tests", cwd=folder, env=variables)
        self.assertRegex(text, r"\b[1-9][0-9] passed")
        start, before = time.monotonic(), os.times()
        text = run(*pytest, "test_hundred.py", cwd=folder, env=variables)
        seconds, after = time.monotonic() - start, os.times()
        self.assertIn("100 passed", text)
        work = after.children_user + after.children_system - before.children_user - before.children_system
        print(f"a hundred pytest tests with a stack each: {seconds:.1f} s, of which {work:.1f} s of work", flush=True)
        # On a machine that others use, too, the work counts: what it would take on a processor of its own.
        self.assertLess(min(seconds, work), SECONDS)
        self.assertEqual([name for name in os.listdir(folder) if "promenade" in name], [])

    def test_each_says_what_it_is(self):
        for wheel in self.wheels:
            with zipfile.ZipFile(wheel) as file:
                name = next(name for name in file.namelist() if name.endswith("/METADATA"))
                head, body = file.read(name).decode().split("\n\n", 1)
            self.assertIn("Description-Content-Type: text/markdown", head.split("\n"))
            # Each its own page, with how that file is installed.
            self.assertIn("pip install ./promenade_stack-….whl", body)
            words = {"pytest_promenade": "def test_rows_are_counted(promenade_stack)", "promenade_stack": "promenade-stack run",
                     "promenade_stack_command": "the command `promenade`"}
            self.assertIn(words[os.path.basename(wheel).split("-")[0]], body)
            self.assertIn("Classifier: Topic :: Software Development :: Testing", head.split("\n"))
            self.assertEqual(re.findall(r"\]\((?!https?:)", body), [], "a link that leads nowhere outside the tree")

    def test_names(self):
        """What the wheel is called, and for which machines it is."""
        name = os.path.basename(self.wheel("promenade_stack"))
        self.assertRegex(name, re.escape(self.version) + r"-py3-none-(manylinux_\d+_\d+|linux|macosx_\d+_\d+)_\w+\.whl")
        library = re.search(r"manylinux_(\d+)_(\d+)", name)
        if library:
            with open(os.path.join(ROOT, "docs", "packaging.md")) as text:
                self.assertIn("glibc {}.{} or later".format(*library.groups()), text.read())


if __name__ == "__main__":
    unittest.main()
