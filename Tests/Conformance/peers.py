"""Starting and stopping the servers that the conformance tests compare, on free ports of 127.0.0.1."""
import http.client
import http.server
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time

HOST = "127.0.0.1"
RECEIVER = ["--web.enable-remote-write-receiver"]


_given = set()


def free_port():
    """A port that nobody listens on, and that was not given before: who was given it may listen there only later."""
    while True:
        with socket.socket() as s:
            s.bind((HOST, 0))
            port = s.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def program(variable, *names):
    """The path of a program: from the environment, else from PATH; None where it is not installed."""
    if os.environ.get(variable):
        return os.environ[variable]
    for name in names:
        if shutil.which(name):
            return shutil.which(name)
    return None


def alertmanager(path):
    """The words that start an Alertmanager. Debian's looks for its templates in /usr/share only: where it was unpacked elsewhere, it sees the
    /usr/share that lies beside it in that place, in a mount namespace of its own."""
    share = pathlib.Path(path).resolve().parent.parent / "share"
    needed = "prometheus/alertmanager/default.tmpl"
    if (pathlib.Path("/usr/share") / needed).exists() or not (share / needed).exists() or not shutil.which("unshare"):
        return [path]
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *as_root, "sh", "-c", 'mount --bind "$0" /usr/share && exec "$@"', str(share), path]


def promenade():
    built = os.path.join(os.path.dirname(__file__), "..", "..", ".build", "release", "promenade")
    return os.environ.get("PROMENADE_BIN") or (built if os.path.exists(built) else shutil.which("promenade"))


def get(address, path, method="GET", body=None, headers=None, timeout=60):
    status, lines, body = exchange(address, path, method, body, headers, timeout)
    return status, dict(lines), body


def exchange(address, path, method="GET", body=None, headers=None, timeout=60):
    """Like get, with the headers as a list: some come more than once."""
    host, port = address.rsplit(":", 1)
    c = http.client.HTTPConnection(host, int(port), timeout=timeout)
    try:
        c.request(method, path, body, headers or {})
        r = c.getresponse()
        return r.status, r.getheaders(), r.read()
    finally:
        c.close()


class Target(http.server.BaseHTTPRequestHandler):
    """A target of scrapes: a subclass says its text."""

    def text(self):
        raise NotImplementedError

    def do_GET(self):
        body = self.text().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Steps(Target):
    """Counters of scrapes; a subclass has its own count, and may change what a series makes of it."""
    scrapes = 0
    series = 1

    @staticmethod
    def value(scrapes, series):
        return scrapes

    def text(self):
        kind = type(self)
        kind.scrapes += 1
        lines = ["# HELP steps_total Scrapes.", "# TYPE steps_total counter"]
        lines += [f'steps_total{{i="{i}"}} {kind.value(kind.scrapes, i)}' for i in range(kind.series)]
        return "\n".join(lines) + "\n"


class Multiples(Steps):
    """Counters of which each counts another multiple of the scrapes."""

    @staticmethod
    def value(scrapes, series):
        return scrapes * (series + 1)


def until(test, condition, seconds=30):
    """What a condition answers once it holds; a test in which it does not come to hold has failed."""
    deadline = time.monotonic() + seconds
    last = None
    while time.monotonic() < deadline:
        last = condition()
        if last:
            return last
        time.sleep(0.2)
    test.fail(f"not within {seconds} s: {last}")


def listen(handler):
    """A server of HTTP on a free port, until it is shut down or the program ends."""
    server = http.server.ThreadingHTTPServer((HOST, 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def serve(handler, test):
    """The same as long as a test runs."""
    server = listen(handler)
    test.addCleanup(server.server_close)
    test.addCleanup(server.shutdown)
    return server


class Server:
    def __init__(self, argv, address, ready="/-/ready", env=None):
        self.folder = None
        self.address = address
        self.log = tempfile.TemporaryFile()  # closed by stop
        self.process = subprocess.Popen(argv, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, env=env)
        deadline = time.monotonic() + 60
        while True:
            if self.process.poll() is not None:
                self.log.seek(0)
                raise RuntimeError(f"{argv[0]} ended with {self.process.returncode}:\n{self.log.read().decode()[-2000:]}")
            try:
                if get(address, ready, timeout=5)[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{argv[0]} is not ready after 60 s")
            time.sleep(0.02)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            time.sleep(5)
            self.log.seek(0)
            print(f"{self.process.args[0]} told:\n{self.log.read().decode(errors='replace')[-6000:]}")
        self.stop()


def _folder(config):
    folder = tempfile.mkdtemp(prefix="promenade-conformance-")
    with open(os.path.join(folder, "config.yml"), "w") as f:
        f.write(config)
    return folder


def start_prometheus(binary, config="scrape_configs: []\n", flags=(), ready="/-/ready", writes=True):
    folder = _folder(config)
    address = f"{HOST}:{free_port()}"
    server = Server([binary, f"--config.file={folder}/config.yml", f"--storage.tsdb.path={folder}/data",
                     f"--web.listen-address={address}", "--log.level=error", *(RECEIVER if writes else []), *flags], address, ready)
    server.folder = folder
    return server


def start_promenade(binary, config="scrape_configs: []\n", flags=(), ready="/-/ready", writes=True):
    folder = _folder(config)
    # The answers of the real ones may be read by the pages of every origin.
    origins = [] if any(f.startswith("--web.cors.origin") for f in flags) else ["--web.cors.origin=.*"]
    address, push, demo = (f"{HOST}:{free_port()}" for _ in range(3))
    server = Server([binary, "run", f"--config.file={folder}/config.yml", f"--storage.path={folder}/data",
                     f"--web.listen-address={address}", f"--pushgateway.listen-address={push}",
                     f"--demo.listen-address={demo}", "--log.level=error", *(RECEIVER if writes else []), *origins, *flags], address, ready)
    server.folder = folder
    server.push_address = push
    server.demo_address = demo
    return server
