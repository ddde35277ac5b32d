"""The list of what the program was made of, and the checksums."""
import glob
import json
import os
import shutil
import unittest

from packages import PROGRAM, ROOT, Case, run


@unittest.skipUnless(os.path.exists(os.path.join(ROOT, "Package.resolved")), "nothing was resolved yet")
class Contents(Case):
    def test_what_it_was_made_of(self):
        folder = self.folder()
        shutil.copy(PROGRAM, os.path.join(folder, "promenade"))
        run(os.path.join(ROOT, "packaging", "sbom"), PROGRAM, folder)
        with open(glob.glob(os.path.join(folder, "*.cdx.json"))[0]) as file:
            listed = {entry["name"]: entry for entry in json.load(file)["components"]}
        with open(os.path.join(ROOT, "Package.resolved")) as file:
            pins = [pin["identity"] for pin in json.load(file)["pins"]]
        self.assertEqual(sorted(listed), sorted([*pins, "sqlite3", "zlib", "libyaml"]))
        nio = listed["swift-nio"]
        self.assertEqual(nio["purl"], "pkg:swift/github.com/apple/swift-nio@" + nio["version"])
        if shutil.which("sha256sum"):
            self.assertIn("promenade: OK", run("sha256sum", "-c", "SHA256SUMS", cwd=folder))


if __name__ == "__main__":
    unittest.main()
