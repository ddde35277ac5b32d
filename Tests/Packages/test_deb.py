"""The .deb, from its installation to its purge, in a root that is a copy of this machine's."""
import glob
import gzip
import os
import re
import shutil
import subprocess
import unittest

from packages import MADE, NAMESPACE, PROGRAM, ROOT, Case, namespace_is_missing, run, version

HERE = os.path.dirname(os.path.abspath(__file__))


@unittest.skipIf(shutil.which("dpkg-deb") is None, "no dpkg-deb")
class Deb(Case):
    @classmethod
    def setUpClass(cls):
        cls.version = version()
        cls.debs = []
        for number in (cls.version, cls.version + "+next"):
            folder = os.path.join(MADE, "deb-" + number)
            os.makedirs(folder, exist_ok=True)
            run(os.path.join(ROOT, "packaging", "deb"), PROGRAM, folder, env=dict(os.environ, PACKAGE_VERSION=number, COMPRESSION="gzip"))
            cls.debs += glob.glob(os.path.join(folder, "*.deb"))

    def test_its_life(self):
        missing = namespace_is_missing()
        if missing or os.geteuid() != 0:
            self.skipTest(missing or "only root may mount another root")
        text = run("unshare", *NAMESPACE, "--net", "--pid", "--fork", "--kill-child", os.path.join(HERE, "deb_life.sh"), *self.debs,
                   os.path.join(HERE, "systemctl.sh"))
        self.assertEqual(text, "\n".join([
            "install: start promenade.service",
            f"promenade {self.version}",
            "the conffile is well",
            "HTTP/1.1 200 OK",
            "what was pushed is scraped",
            "jobs: without demo",
            "upgrade: restart promenade.service",
            "another process",
            "# mine",
            "rows_total: 42",
            "broken: the service did not restart, line of the conffile told",
            "mended: restart promenade.service",
            "port taken: the service did not restart",
            "remove: stop promenade.service",
            "no program",
            "configuration and samples are kept",
            "left: ",
        ]) + "\n")

    def test_papers_and_licences(self):
        root = self.folder()
        run("dpkg-deb", "-x", self.debs[0], root)
        doc = os.path.join(root, "usr", "share", "doc", "promenade")
        self.check_links(doc)
        with open(os.path.join(doc, "NOTICES.txt")) as file:
            self.check_notices(file.read())
        with open(os.path.join(doc, "copyright")) as file:
            text = file.read()
        self.assertRegex(text, r"Copyright: 20\d\d ")
        self.assertRegex(text, r"(?m)^Files: usr/bin/promenade\n.*\nLicense: Apache-2.0 and .*MIT.*Zlib.*GCC-exception")

    def test_it_is_the_same_each_time(self):
        if not os.path.exists(os.path.join(MADE, "deb")):
            os.symlink(os.path.dirname(self.debs[0]), os.path.join(MADE, "deb"))
        self.check_same_bytes("deb", "deb", COMPRESSION="gzip")

    def test_lintian(self):
        if shutil.which("lintian") is None:
            self.skipTest("no lintian")
        # What is not packed by `make dist` is as it was linked: with libraries, and their symbols, of the system.
        done = subprocess.run(["lintian", "--fail-on", "error,warning", self.debs[0]], capture_output=True, text=True, timeout=120)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_pages_and_completions(self):
        root = self.folder()
        run("dpkg-deb", "-x", self.debs[0], root)
        share = os.path.join(root, "usr", "share")
        pages = sorted(os.listdir(os.path.join(share, "man", "man1")))
        self.assertIn("promenade.1.gz", pages)
        for word in ("run", "check", "expect", "open", "tsdb"):
            self.assertIn(f"promenade-{word}.1.gz", pages)
        for page in pages:
            path = os.path.join(share, "man", "man1", page)
            with gzip.open(path, "rt") as file:
                self.assertIn(".SH NAME", file.read())
            if shutil.which("man"):
                # Warnings go to the standard error, which is part of what comes.
                text = run("man", "--warnings=w", "-E", "UTF-8", "-l", "-Tutf8", path, env=dict(os.environ, MANWIDTH="200", PAGER="cat"))
                self.assertNotIn("warning", text.split("\n")[0])
                self.assertIn("promenade", text)
                if page == "promenade.1.gz":
                    # As a terminal shows it: a bold letter is one that is struck twice.
                    see = re.sub(".\x08", "", text).split("SEE ALSO")[1]
                    self.assertRegex(see, r"promenade-batch\(1\),\s+promenade-check\(1\),\s+(promenade-\w+\(1\),\s+)+promenade-tsdb\(1\)\n")
        program = os.path.join(root, "usr", "bin")
        for shell, file, ask in (
                ("bash", "bash-completion/completions/promenade",
                 'source "$1"; COMP_WORDS=(promenade che); COMP_CWORD=1; COMP_LINE="promenade che"; COMP_POINT=13; '
                 '_promenade promenade che promenade; echo "${COMPREPLY[@]}"'),
                # As a file of fpath it is read, and has to answer, at the first question.
                ("zsh", "zsh/vendor-completions/_promenade",
                 "fpath=(${1:h} $fpath); autoload -Uz compinit; compinit -D -u; compadd() { shift 3; print -l -- $@ }; "
                 "words=(promenade che); CURRENT=2; ${_comps[promenade]}"),
                ("fish", "fish/vendor_completions.d/promenade.fish",
                 "source $argv[1]; complete -C 'promenade '; echo -; complete -C 'promenade run --config.file '")):
            if shutil.which(shell) is None:
                continue
            path = os.path.join(share, file)
            words = [path] if shell == "fish" else [shell, path]
            done = run(shell, "-c", ask, *words, env=dict(os.environ, PATH=program + os.pathsep + os.environ["PATH"]), cwd=ROOT)
            self.assertIn("check", done.split(), shell)
            if shell == "fish":
                # Files stand where files are meant, and nowhere else.
                commands, files = done.split("-\n", 1)
                self.assertNotIn("README.md", commands)
                self.assertIn("README.md", files)
        self.assertEqual(run(os.path.join(program, "promenade"), "__complete", "--", "open", "p").split(), ["prometheus", "pushgateway"])

    def test_scripts_are_plain_shell(self):
        for name in ("postinst", "prerm", "postrm"):
            run("sh", "-n", os.path.join(ROOT, "packaging", "debian", name))
        if shutil.which("systemd-analyze"):
            # That the program is not there is no fault of the unit.
            done = subprocess.run(["systemd-analyze", "verify", os.path.join(ROOT, "packaging", "promenade.service")],
                                  capture_output=True, text=True, timeout=60)
            self.assertNotRegex(done.stdout + done.stderr, "Unknown|Failed to parse|Invalid")


if __name__ == "__main__":
    unittest.main()
