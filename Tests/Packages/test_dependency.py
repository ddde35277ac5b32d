"""The package as a dependency of a fresh one, by path and by version, and the documentation of its products.

Nothing is fetched: the repositories that the build of this checkout has got stand in for those of other packages.
"""
import glob
import os
import shutil
import unittest

from packages import MADE, ROOT, Case, bare, run, version

REPOSITORIES = glob.glob(os.path.join(ROOT, ".build", "repositories", "*"))
# A whole stack is built for the second test, in debug and from nothing.
MINUTES = 60
# As small as can be: nobody looks at these builds with a debugger. `swift test` finds the tests by the index.
BUILD = ["-debug-info-format", "none"]

MANIFEST = """// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "app",
    platforms: [.macOS("26.0")],
    dependencies: [{dependency}],
    targets: [{targets}]
)
"""
CLIENT = '.executableTarget(name: "App", dependencies: [.product(name: "PrometheusClient", package: "promenade")])'
PRODUCTS = ["MetricStorageTesting", "PromenadeTesting", "PrometheusClient", "PrometheusClientPush"]
TESTS = '.testTarget(name: "AppTests", dependencies: [{}])'.format(
    ", ".join(f'.product(name: "{name}", package: "promenade")' for name in PRODUCTS))
USE_OF_CLIENT = """import Exposition
import PrometheusClient

let registry = CollectorRegistry()
let rows = Counter("rows_total", help: "Rows.")
try registry.register(rows)
rows.increment(by: 42)
let format = ExpositionFormat.negotiate(accept: "text/plain")
print(String(decoding: FamilyEncoder.encode(try registry.gather(), as: format), as: UTF8.self))
"""
USE_OF_STACK = """import MetricStorageTesting
import PromenadeTesting
import PrometheusClient
import PrometheusClientPush
import Testing

@Test func `what is pushed is scraped`() async throws {
    try await withStack { stack in
        let registry = CollectorRegistry()
        let rows = Gauge("rows", help: "Rows.")
        try registry.register(rows)
        rows.set(42)
        try await Pusher(url: stack.pushgatewayURL, job: "nightly").gatherer(registry).add()
        await stack.scrape(job: "pushgateway")
        try await stack.expect("rows{job=\\"nightly\\"} == 42")
    }
}

@Test func `there are requirements for stores`() { #expect(!StorageRequirement.allCases.isEmpty) }
"""
# All that the client library is made of; what else the package has, and what that needs, is none of its users' business.
MODULES = {"Clocks", "CoreMetrics", "Exposition", "GoText", "MetricModel", "PrometheusClient", "RE2"}


def write(text, *path):
    os.makedirs(os.path.dirname(os.path.join(*path)), exist_ok=True)
    with open(os.path.join(*path), "w") as file:
        file.write(text)


@unittest.skipIf(shutil.which("swift") is None or shutil.which("git") is None, "no Swift, or no git")
@unittest.skipUnless(REPOSITORIES, "nothing was resolved yet")
class Dependency(Case):
    @classmethod
    def setUpClass(cls):
        cls.place = os.path.join(MADE, "dependency")
        os.makedirs(os.path.join(cls.place, "home"), exist_ok=True)
        cls.environment = dict(bare(os.path.join(cls.place, "home")), PATH=os.environ["PATH"])
        # Under its name, as somebody has cloned it, and with the version as a tag.
        cls.origin = os.path.join(cls.place, "promenade")
        if not os.path.exists(cls.origin):
            shutil.copytree(ROOT, cls.origin, ignore=shutil.ignore_patterns(".build", ".git", "dist", "data", "Package.resolved"))
            git = ["git", "-C", cls.origin, "-c", "user.name=test", "-c", "user.email=test@localhost"]
            for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"], ["tag", version()]):
                run(*git, *words)
        cls.version = version()
        cls.by_version = f'url: "file://{cls.origin}", exact: "{cls.version}"'
        cls.by_path = f'path: "{cls.origin}"'

    def package(self, dependency, targets):
        """A fresh package, which finds those of others in the repositories of this checkout."""
        # No longer path than needed: that of a socket has a limit.
        folder = os.path.join(self.place, self.id().split(".")[-1])
        write(MANIFEST.format(dependency=f".package({dependency})", targets=targets), folder, "Package.swift")
        write(USE_OF_CLIENT, folder, "Sources", "App", "main.swift")
        write(USE_OF_STACK, folder, "Tests", "AppTests", "StackTests.swift")
        # What a mirror is called is what the package is called, so each has its name.
        mirrors = []
        for repository in REPOSITORIES:
            url = run("git", "-C", repository, "config", "remote.origin.url").strip()
            mirror = os.path.join(self.place, "mirrors", url.split("/")[-1].removesuffix(".git"))
            os.makedirs(os.path.dirname(mirror), exist_ok=True)
            if not os.path.lexists(mirror):
                os.symlink(repository, mirror)
            mirrors.append(f'{{"original": "{url}", "mirror": "file://{mirror}"}}')
        write(f'{{"object": [{", ".join(mirrors)}], "version": 1}}', folder, ".swiftpm", "configuration", "mirrors.json")
        return folder

    def swift(self, folder, *words):
        return run("swift", words[0], "--package-path", folder, *BUILD, *words[1:], env=self.environment, timeout=MINUTES * 60)

    def built(self, folder):
        modules = glob.glob(os.path.join(folder, ".build", "debug", "Modules", "*.swiftmodule"))
        return {os.path.basename(module).removesuffix(".swiftmodule") for module in modules}

    def test_client(self):
        """Who takes the client library clones two repositories and builds seven modules."""
        for dependency in (self.by_version, self.by_path):
            folder = self.package(dependency + ", traits: []", CLIENT)
            text = self.swift(folder, "run", "--disable-index-store", "App")
            self.assertIn("# TYPE rows_total counter\nrows_total 42\n", text)
            self.assertNotIn("warning", text)
            self.assertEqual(self.built(folder), MODULES | {"App"})
            cloned = os.listdir(os.path.join(folder, ".build", "repositories"))
            self.assertEqual({name.rsplit("-", 1)[0] for name in cloned}, {"promenade", "swift-metrics"})

    @unittest.skipUnless(os.environ.get("WHOLE"), "builds the whole stack once more: WHOLE=1 Tests/Packages/run dependency")
    def test_stack(self):
        """A stack in the tests of another package."""
        folder = self.package(self.by_version, TESTS)
        self.assertRegex(self.swift(folder, "test"), r"Test run with 2 tests .*passed")
        # As a path it is the same package; that its products are found is enough.
        self.package(self.by_path, TESTS)
        self.assertIn("promenade", run("swift", "package", "--package-path", folder, "show-dependencies", env=self.environment))


class Documentation(Case):
    def test_products(self):
        """What the catalogues say of the products is clear to DocC: names that lead nowhere, parameters that are not there."""
        folder, build = os.path.join(MADE, "documentation"), os.path.join(ROOT, ".build", "release")
        missing = [name for name in PRODUCTS if not os.path.exists(os.path.join(build, "Modules", name + ".swiftmodule"))]
        if missing:
            # `make dist` alone builds the program and no more.
            self.assertNotEqual(os.environ.get("PACKAGES"), "required", missing)
            self.skipTest(f"not built: {', '.join(missing)}; swift build -c release --build-tests")
        made = run(os.path.join(ROOT, "packaging", "documentation"), build, folder,
                   env=dict(bare(folder), PATH=os.environ["PATH"]))
        self.assertNotIn("warning", made)
        self.assertEqual([os.path.basename(line) for line in made.split()], [name + ".doccarchive" for name in PRODUCTS])
        for line in made.split():
            self.assertTrue(os.path.exists(os.path.join(line, "data", "documentation")), line)


if __name__ == "__main__":
    unittest.main()
