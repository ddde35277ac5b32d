"""A hundred fixtures side by side and one after the other leave no port, no file and no process behind; how long each takes."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

PROMENADE = os.environ.get("PROMENADE_BIN", "promenade")


class Fixture:
    def __init__(self, folder, wrapper=()):
        environment = dict(os.environ, TMPDIR=folder, HOME=folder)
        self.process = subprocess.Popen(
            [*wrapper, PROMENADE, "run", "--test"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder,
            env=environment, start_new_session=True)

    def ready(self):
        self.answer = json.loads(self.process.stdout.readline())
        servers = [urllib.parse.urlsplit(self.answer[name]) for name in ("prometheus", "pushgateway", "demo")]
        self.ports = [server.port for server in servers]
        return self

    def end(self):
        self.process.stdin.close()
        code = self.process.wait(timeout=20)
        self.process.stdout.close()
        return code


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except ConnectionRefusedError:
        return False


def lives(group):
    try:
        os.killpg(group, 0)
        return True
    except ProcessLookupError:
        return False


class Leaks(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = place.name

    def check_nothing_is_left(self, fixtures):
        for fixture in fixtures:
            self.assertEqual([port for port in fixture.ports if listens(port)], [])
            self.assertFalse(lives(fixture.process.pid))
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_hundred_side_by_side(self):
        begin = time.monotonic()
        fixtures = [Fixture(self.folder) for _ in range(100)]
        try:
            ports = [port for fixture in fixtures for port in fixture.ready().ports]
            ready = time.monotonic() - begin
            self.assertEqual(len(set(ports)), 300)
            self.assertTrue(all(listens(port) for port in ports))
        finally:
            codes = [fixture.end() for fixture in fixtures]
        self.assertEqual(codes, [0] * 100)
        print(f"100 side by side: ready after {ready * 10:.1f} ms each, gone after {(time.monotonic() - begin) * 10:.1f} ms each")
        self.check_nothing_is_left(fixtures)

    def test_a_hundred_in_sequence(self):
        fixtures, ready, whole = [], [], []
        for _ in range(100):
            begin = time.monotonic()
            fixtures.append(Fixture(self.folder).ready())
            ready.append(time.monotonic() - begin)
            self.assertEqual(fixtures[-1].end(), 0)
            whole.append(time.monotonic() - begin)
        ready.sort()
        whole.sort()
        print(f"100 in sequence, in ms: ready min {ready[0] * 1e3:.1f}, median {ready[50] * 1e3:.1f}, 90% {ready[90] * 1e3:.1f}, "
              f"max {ready[-1] * 1e3:.1f}; gone again median {whole[50] * 1e3:.1f}")
        self.check_nothing_is_left(fixtures)

    def test_ends_when_the_parent_is_killed(self):
        fixture = Fixture(self.folder, wrapper=["sh", "-c", '"$@"; true', "sh"]).ready()
        # The pipe stays open, so only the missing parent tells.
        fixture.process.send_signal(signal.SIGKILL)
        fixture.process.wait()
        deadline = time.monotonic() + 20
        while lives(fixture.process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        fixture.process.stdin.close()
        fixture.process.stdout.close()
        self.check_nothing_is_left([fixture])


if __name__ == "__main__":
    unittest.main()
