"""The image, unpacked by hand as an engine does it, and its program started where there is nothing else."""
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import unittest
import urllib.request

from packages import NAMESPACE, Case, namespace_is_missing, pack, run, version


@unittest.skipUnless(sys.platform.startswith("linux"), "images are made on Linux")
class Image(Case):
    def setUp(self):
        self.made = pack("image", "image")
        self.layout = os.path.join(self.made, "oci")

    def blob(self, descriptor):
        """A blob, if it is what its descriptor says."""
        with open(os.path.join(self.layout, "blobs", *descriptor["digest"].split(":")), "rb") as file:
            content = file.read()
        self.assertEqual(("sha256:" + hashlib.sha256(content).hexdigest(), len(content)), (descriptor["digest"], descriptor["size"]))
        return content

    def image(self):
        with open(os.path.join(self.layout, "index.json")) as file:
            index = json.load(file)
        manifest = json.loads(self.blob(index["manifests"][0]))
        return manifest, json.loads(self.blob(manifest["config"]))

    def unpack(self):
        root = self.folder()
        manifest, config = self.image()
        for layer, wanted in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
            content = gzip.decompress(self.blob(layer))
            self.assertEqual("sha256:" + hashlib.sha256(content).hexdigest(), wanted)
            with tarfile.open(fileobj=io.BytesIO(content)) as tar:
                for entry in tar:
                    self.assertFalse(entry.name.startswith(("/", "..")), entry.name)
                tar.extractall(root, numeric_owner=True)
        return root, config["config"]

    def test_it_holds_nothing_else(self):
        root, config = self.unpack()
        files = sorted(os.path.relpath(os.path.join(place, file), root) for place, _, names in os.walk(root) for file in names)
        for file in files:
            self.assertRegex(file, r"^(usr/bin/promenade|usr/share/(doc|common-licenses)/[-\w+./]+|etc/ssl/certs/ca-certificates\.crt|(usr/)?lib\S*/[-\w+.]+\.so[.\d]*)$")
        with open(os.path.join(root, "etc/ssl/certs/ca-certificates.crt")) as file:
            self.assertIn("BEGIN CERTIFICATE", file.read())
        self.assertEqual(config["Entrypoint"], ["/usr/bin/promenade"])
        with open(os.path.join(root, "usr/share/doc/promenade/NOTICES.txt")) as file:
            text = file.read()
        self.check_notices(text)
        self.assertIn("ca-certificates", text)
        self.assertTrue(os.path.exists(os.path.join(root, "usr/share/doc/promenade/LICENSE")))
        if os.path.exists("/usr/share/doc/libc6/copyright"):
            # The C library is there as a file: with its licence, and with the text of that.
            for file in ("doc/libc6/copyright", "common-licenses/LGPL-2.1"):
                self.assertIn("usr/share/" + file, files)

    def test_it_is_the_same_each_time(self):
        self.check_same_bytes("image", "image")

    def test_docker_finds_what_it_looks_for(self):
        with tarfile.open(os.path.join(self.made, [file for file in os.listdir(self.made) if file.endswith(".tar")][0])) as tar:
            names = tar.getnames()
            listed = json.load(tar.extractfile("manifest.json"))[0]
        self.assertEqual(listed["RepoTags"], ["promenade:" + version()])
        for name in [listed["Config"], *listed["Layers"], "oci-layout", "index.json"]:
            self.assertIn(name, names)

    def rooted(self, *namespaces, before="true"):
        """The image's root, its configuration, the words that run a command in it, and the environment of that."""
        root, config = self.unpack()
        user = config["User"].split(":")[0]
        # Where nobody but root may change the user, the program runs as the one there is.
        who = ["--userspec", f"{user}:{user}"] if os.geteuid() == 0 else []
        mounted = f'{before} && mount --rbind /proc "{root}/proc" && exec chroot "$@"'
        inside = ["unshare", *NAMESPACE, *namespaces, "sh", "-c", mounted, "chroot", *who, root]
        if os.geteuid() == 0:
            os.chmod(root, 0o755)
        environment = dict(item.split("=", 1) for item in config["Env"])
        environment["PATH"] += os.pathsep + os.environ["PATH"]
        return root, config, inside, environment

    def started(self, command, environment):
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        # Nothing here waits without an end.
        late = threading.Timer(60, process.kill)
        late.start()
        self.addCleanup(late.cancel)
        return process

    def test_it_listens_in_a_network_of_ipv4(self):
        """A bridge of docker's: the only address besides the loopback interface's is one of IPv4."""
        missing = namespace_is_missing() or ("" if shutil.which("ip") else "no ip of iproute2")
        if missing:
            self.skipTest(missing)
        network = "ip link set lo up && ip addr add 10.77.0.2/32 dev lo"
        _, config, inside, environment = self.rooted("--net", before=network)
        # Flags of one's own take the place of the image's command; where it listens, and where it stores, stay as they are.
        own = ["run", "--storage.tsdb.retention.time=1d"]
        process = self.started([*inside, *config["Entrypoint"], *own, "--test"], environment)
        urls = json.loads(process.stdout.readline() or "{}")
        process.stdin.close()
        self.assertEqual(process.wait(60), 0)
        self.assertEqual({name: urls[name].rsplit(":", 1)[1] for name in ("prometheus", "pushgateway", "demo")},
                         {"prometheus": "9090", "pushgateway": "9091", "demo": "8080"})

    def test_it_runs_in_its_root(self):
        missing = namespace_is_missing()
        if missing:
            self.skipTest(missing)
        root, config, inside, environment = self.rooted()
        self.assertEqual(run(*inside, *config["Entrypoint"], "--version", env=environment), f"promenade {version()}\n")
        # What every engine writes.
        with open(os.path.join(root, "etc", "hosts"), "w") as file:
            file.write("127.0.0.1 localhost\n")
        # As the image starts it, but on ports that are free, and in a test's hand.
        environment["PROMENADE_RUN_FLAGS"] = re.sub(r"-address=:\d+", "-address=:0", environment["PROMENADE_RUN_FLAGS"])
        command = [*config["Cmd"], "--test"]
        process = self.started([*inside, *config["Entrypoint"], *command], environment)
        try:
            urls = json.loads(process.stdout.readline())
            with urllib.request.urlopen(urls["prometheus"] + "/api/v1/scrape?wait=true", data=b"", timeout=60) as answer:
                self.assertEqual(answer.status, 200)
            with urllib.request.urlopen(urls["prometheus"] + "/api/v1/query?query=up", timeout=60) as answer:
                rows = json.load(answer)["data"]["result"]
            self.assertEqual([row["value"][1] for row in rows], ["1"] * 3, rows)
            check = config["Healthcheck"]["Test"][1:]
            self.assertIn("SUCCESS", run(*inside, *check, "--url", urls["prometheus"], env=environment))
        finally:
            process.stdin.close()
            self.assertEqual(process.wait(60), 0)
        self.assertIn("stack.db", os.listdir(os.path.join(root, "data")))


if __name__ == "__main__":
    unittest.main()
