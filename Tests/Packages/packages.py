"""What the tests of packages share."""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROGRAM = os.environ.get("PROMENADE_BIN", os.path.join(ROOT, "dist", "promenade"))
MADE = os.environ.get("PROMENADE_PACKAGES") or tempfile.mkdtemp(prefix="packages-")


def run(*command, **settings):
    """The output of a command; a failure of it fails the test with what it said. Ends after two minutes at the latest."""
    settings = {"stdin": subprocess.DEVNULL, "timeout": 120, **settings}
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **settings)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def pack(tool, kind):
    """Makes a kind of package once; its folder."""
    folder = os.path.join(MADE, kind)
    if not os.path.exists(folder):
        os.mkdir(folder)
        run(os.path.join(ROOT, "packaging", tool), PROGRAM, folder)
    return folder


def version():
    return run(PROGRAM, "--version").split()[1]


def bare(home):
    """An environment in which nothing is set but what a fresh account has."""
    return {"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


def namespace_is_missing():
    """Why there can be no other root; nothing where there can. With PACKAGES=required that fails the test."""
    if shutil.which("unshare") is None:
        why = "no unshare"
    else:
        done = subprocess.run(["unshare", *NAMESPACE, "true"], capture_output=True, text=True)
        why = done.stderr.strip() if done.returncode else ""
    if why and os.environ.get("PACKAGES") == "required":
        raise AssertionError(why)
    return why


# Root where it is not, and mounts that nobody else sees.
NAMESPACE = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]


# What has to be in every list of licences: parts, and words of their licences.
NOTICES = {"boringssl": "The OpenSSL Project Authors", "swift-nio": "The SwiftNIO Project", "llhttp": "Fedor Indutny"}
if sys.platform.startswith("linux"):
    NOTICES.update({"libyaml": "Kirill Simonov", "libgcc": "GCC RUNTIME LIBRARY EXCEPTION", "swift-runtime": "Runtime Library Exception"})


class Case(unittest.TestCase):
    maxDiff = None

    def check_notices(self, text):
        for part, words in NOTICES.items():
            self.assertRegex(text, rf"(?m)^  {part} \d?\S+  \(", "no version, or no licence")
            self.assertIn(words.lower(), text.lower(), part)

    def check_links(self, folder):
        """Each link of each paper leads somewhere in the folder."""
        papers = glob.glob(os.path.join(folder, "**", "*.md"), recursive=True)
        self.assertGreater(len(papers), 10)
        for paper in papers:
            with open(paper) as file:
                targets = re.findall(r"\]\(([^)\s#]+)[^)\s]*\)", re.sub(r"(?ms)^```.*?^```", "", file.read()))
            for target in targets:
                if not re.match("[a-z]+:", target):
                    self.assertTrue(os.path.exists(os.path.join(os.path.dirname(paper), target)), f"{paper}: {target}")

    def check_same_bytes(self, tool, kind, **variables):
        """Packed once more, later and with another umask, it is the same."""
        first, again = pack(tool, kind), self.folder()
        run("sh", "-c", 'umask 077; exec "$@"', "sh", os.path.join(ROOT, "packaging", tool), PROGRAM, again, env=dict(os.environ, **variables))
        names = sorted(name for name in os.listdir(again) if os.path.isfile(os.path.join(again, name)))
        self.assertTrue(names)
        for name in names:
            with open(os.path.join(first, name), "rb") as one, open(os.path.join(again, name), "rb") as other:
                self.assertTrue(one.read() == other.read(), f"{name} differs from one time to the next")

    def folder(self):
        path = tempfile.mkdtemp(prefix="packages-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path
