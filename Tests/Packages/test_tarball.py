"""The tarball: installed into an empty HOME, upgraded, and taken away."""
import glob
import os
import subprocess
import tarfile
import unittest

from packages import Case, bare, pack, run, version


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
