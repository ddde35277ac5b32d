"""What the tests of packages share."""
import os
import shutil
import subprocess
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


class Case(unittest.TestCase):
    maxDiff = None

    def folder(self):
        path = tempfile.mkdtemp(prefix="packages-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path
