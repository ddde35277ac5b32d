"""The list of what the program was made of, and the checksums."""
import glob
import hashlib
import json
import os
import shutil
import sys
import unittest

from packages import PROGRAM, ROOT, Case, run


@unittest.skipUnless(os.path.exists(os.path.join(ROOT, "Package.resolved")), "nothing was resolved yet")
class Contents(Case):
    def test_what_it_was_made_of(self):
        folder = self.folder()
        shutil.copy(PROGRAM, os.path.join(folder, "promenade"))
        run(os.path.join(ROOT, "packaging", "sbom"), PROGRAM, folder)
        with open(glob.glob(os.path.join(folder, "*.cdx.json"))[0]) as file:
            whole = json.load(file)
        listed = {entry["name"]: entry for entry in whole["components"]}
        with open(os.path.join(ROOT, "Package.resolved")) as file:
            pins = [pin["identity"] for pin in json.load(file)["pins"]]
        # What is linked in, whether a package manager of Swift's knows it or not, and what the image has besides.
        pins += ["boringssl", "llhttp", "freebsd-sha1"]
        system = ["swift-runtime", "sqlite3", "zlib", "libyaml", "libstdc++", "libgcc", "glibc", "ca-certificates"]
        if sys.platform != "darwin":
            pins = [pin for pin in pins if pin != "swift-nio-transport-services"] + system
        self.assertEqual(sorted(listed), sorted(pins))
        with open(PROGRAM, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        self.assertEqual(whole["metadata"]["component"]["hashes"], [{"alg": "SHA-256", "content": digest}])
        self.assertRegex(whole["serialNumber"], r"^urn:uuid:[-0-9a-f]{36}$")
        nio = listed["swift-nio"]
        self.assertEqual(nio["purl"], "pkg:swift/github.com/apple/swift-nio@" + nio["version"])
        # Each has a name of its own, a version and a licence, and is needed by the program.
        references = [entry["bom-ref"] for entry in whole["components"]]
        self.assertEqual(len(set(references)), len(references))
        itself = whole["metadata"]["component"]["bom-ref"]
        self.assertEqual(whole["dependencies"], [{"ref": itself, "dependsOn": references}])
        for entry in whole["components"]:
            self.assertTrue(entry.get("version") and entry.get("licenses"), entry)
            self.assertNotRegex(entry.get("purl", ""), r"[+ ]|-dev@", "a purl that is not encoded, or of a package without sources")
        self.assertIn({"license": {"id": "Apache-2.0"}}, listed["boringssl"]["licenses"])
        if shutil.which("sha256sum"):
            self.assertIn("promenade: OK", run("sha256sum", "-c", "SHA256SUMS", cwd=folder))


if __name__ == "__main__":
    unittest.main()
