"""The tarball: installed into an empty HOME, upgraded, and taken away."""
import glob
import os
import re
import shlex
import shutil
import subprocess
import tarfile
import unittest

from packages import ROOT, Case, bare, pack, run, version


def files(folder):
    return sorted(os.path.relpath(os.path.join(place, name), folder) for place, _, names in os.walk(folder) for name in names)


class Tarball(Case):
    def unpack(self):
        """An empty home, and the script that installs."""
        place = self.folder()
        with tarfile.open(glob.glob(os.path.join(pack("tarball", "tarball"), "*.tar.gz"))[0]) as tar:
            tar.extractall(place)
        return self.folder(), glob.glob(os.path.join(place, "*", "install.sh"))[0]

    def test_installed_upgraded_and_taken_away(self):
        home, script = self.unpack()
        variables = bare(home)
        # As somebody who is not root, or told where.
        prefix = os.path.join(home, ".local")
        text = run(script, prefix, env=variables)
        self.assertIn(f"promenade {version()} is in {prefix}/bin", text)
        self.assertIn("is not in PATH", text)
        self.assertEqual(run(f"{prefix}/bin/promenade", "--version", env=variables), f"promenade {version()}\n")
        first = files(home)
        for file in ("share/man/man1/promenade.1.gz", "share/bash-completion/completions/promenade", "share/promenade/stack.yml"):
            self.assertIn(os.path.join(".local", file), first)
        # An older version had a file more; somebody else has one, too.
        old, other = os.path.join(prefix, "share", "promenade", "old"), os.path.join(prefix, "bin", "other")
        for path in (old, other):
            with open(path, "w"):
                pass
        with open(os.path.join(prefix, "share", "promenade", "installed"), "a") as file:
            file.write("share/promenade/old\n")
        run(script, prefix, env=dict(variables, PATH=f"{prefix}/bin:/usr/bin:/bin"))
        self.assertEqual(files(home), sorted([*first, ".local/bin/other"]))
        self.assertIn("gone", run(os.path.join(prefix, "share", "promenade", "uninstall.sh"), env=variables))
        self.assertEqual(files(home), [".local/bin/other"])
        self.assertEqual(os.listdir(prefix), ["bin"])

    def test_folders_that_were_there_stay(self):
        home, script = self.unpack()
        prefix = os.path.join(home, ".local")
        own = ["bin", "share/man/man1", "share/zsh/site-functions"]
        for name in own:
            os.makedirs(os.path.join(prefix, name))
        before = sorted(place for place, _, _ in os.walk(home))
        for _ in range(2):
            run(script, env=bare(home) if os.geteuid() else dict(bare(home), PREFIX=prefix))
        run(os.path.join(prefix, "share", "promenade", "uninstall.sh"), env=bare(home))
        self.assertEqual(sorted(place for place, _, _ in os.walk(home)), before)
        # What was made goes, the prefix itself as well.
        new = os.path.join(home, "a b", "new")
        run(script, new, env=bare(home))
        run(os.path.join(new, "share", "promenade", "uninstall.sh"), env=bare(home))
        self.assertEqual(sorted(place for place, _, _ in os.walk(home)), before)

    def test_the_service_starts_what_is_there(self):
        home, script = self.unpack()
        prefix = os.path.join(home, "a & b")
        run(script, prefix, env=bare(home))
        with open(os.path.join(prefix, "share", "promenade", "promenade.service")) as file:
            unit = file.read()
        self.assertNotIn("@PREFIX@", unit)
        for line in re.findall(r"^Exec\w+=(.*)", unit, re.M):
            words = shlex.split(line)
            self.assertTrue(os.access(words[0], os.X_OK), line)
            for path in re.findall(r"\S*?(/.*?\.yml)", " ".join(word for word in words if word.endswith(".yml"))):
                self.assertTrue(os.path.exists(path), path)
        config = os.path.join(prefix, "share", "promenade", "service.yml")
        self.assertEqual(unit.count(f'{config}"'), 3)
        run(os.path.join(prefix, "bin", "promenade"), "check", "config", config)
        if shutil.which("systemd-analyze"):
            done = subprocess.run(["systemd-analyze", "verify", os.path.join(prefix, "share", "promenade", "promenade.service")],
                                  capture_output=True, text=True, timeout=60)
            self.assertNotRegex(done.stdout + done.stderr, "Unknown|Failed to parse|Invalid|not executable")

    def test_papers_and_licences(self):
        _, script = self.unpack()
        doc = os.path.join(os.path.dirname(script), "share", "doc", "promenade")
        self.check_links(doc)
        with open(os.path.join(doc, "NOTICES.txt")) as file:
            self.check_notices(file.read())
        self.assertTrue(os.path.exists(os.path.join(doc, "LICENSE")))

    def test_it_is_the_same_each_time(self):
        self.check_same_bytes("tarball", "tarball")
        with tarfile.open(glob.glob(os.path.join(pack("tarball", "tarball"), "*.tar.gz"))[0]) as tar:
            entries = tar.getmembers()
        self.assertEqual({(entry.uid, entry.gid) for entry in entries}, {(0, 0)})
        self.assertEqual({entry.mtime for entry in entries}, {int(run(os.path.join(ROOT, "packaging", "moment")))})

    def test_wrong_words(self):
        home, script = self.unpack()
        for words, code, said in ((["--help"], 0, "usage: ./install.sh [PREFIX]"), (["--prefix=/x"], 2, "usage:"), (["a", "b"], 2, "usage:")):
            done = subprocess.run([script, *words], capture_output=True, text=True, env=bare(home), cwd=home)
            self.assertEqual((done.returncode, said in done.stdout + done.stderr), (code, True), words)
        if os.geteuid():
            done = subprocess.run([script], capture_output=True, text=True, env={"PATH": bare(home)["PATH"]}, cwd=home)
            self.assertEqual((done.returncode, done.stderr), (2, "HOME is not set: name the folder, ./install.sh PREFIX\n"))
        self.assertEqual(files(home), [])
        self.assertIn("fpath=", run(script, "here", env=bare(home), cwd=home))

    def test_what_does_not_run_is_not_installed(self):
        home, script = self.unpack()
        program = os.path.join(os.path.dirname(script), "bin", "promenade")
        with open(program, "w") as file:
            file.write("#!/bin/sh\necho \"version 'GLIBC_9.99' not found\" >&2\nexit 1\n")
        done = subprocess.run([script, os.path.join(home, "new")], capture_output=True, text=True, env=bare(home))
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "version 'GLIBC_9.99' not found\npromenade does not run here; nothing was installed\n")
        self.assertEqual(files(home), [])


if __name__ == "__main__":
    unittest.main()
