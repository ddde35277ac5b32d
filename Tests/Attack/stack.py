"""A stack to attack, and those who watch it meanwhile. Standard library only."""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

PROMENADE = os.environ.get("PROMENADE_BIN", "promenade")
HERE = os.path.dirname(os.path.abspath(__file__))
# What times are multiplied with: more than 1 where the machine has other things to do (`--patient`).
patience = 1

# What the comparisons with real programs need as well: targets and servers of one's own.
sys.path.append(os.path.join(HERE, "..", "Conformance"))


class GaveWay(Exception):
    """What was promised did not hold; the text says what was seen."""


class Late(GaveWay):
    """What came, came too late."""


class Skipped(Exception):
    """The attack needs what this machine does not have."""


def check(condition, seen):
    if not condition:
        raise GaveWay(seen)


def in_time(seconds, limit, what):
    """Fails where something took longer than so many seconds."""
    if seconds > limit * patience:
        raise Late(f"{what} took {seconds:.2f} s")


def until(condition, seconds=60, pause=0.02):
    """Asks until it holds, and returns what it was; fails after so many seconds."""
    seconds *= patience
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise GaveWay(f"waited {seconds} s in vain")
        time.sleep(pause)


class Stack:
    """A process of its own: free ports, a clock that runs, its log in a file."""

    def __init__(self, *flags, config=None, folder=None, limits=None, waits=True, environment=None):
        self.work = tempfile.TemporaryDirectory(prefix="attack-")
        self.log_path = os.path.join(self.work.name, "log")
        self.ready_path = os.path.join(self.work.name, "ready")
        arguments = [PROMENADE, "run", *flags, "--test", f"--ready-file={self.ready_path}"]
        if config is not None:
            self.config_path = os.path.join(self.work.name, "stack.yml")
            with open(self.config_path, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(config)
            arguments.append(f"--config.file={self.config_path}")
        if folder:
            arguments.append(f"--storage.path={folder}")
        self.log_file = open(self.log_path, "wb")
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=self.log_file, stderr=self.log_file, preexec_fn=limits,
            env=dict(os.environ, **(environment or {})))
        self.pid = self.process.pid
        self.ports = {}
        self.is_over = False
        if waits:
            try:
                self.wait()
            except BaseException:
                self.kill()
                raise

    def wait(self, seconds=60):
        def ready():
            try:
                with open(self.ready_path) as file:
                    return json.load(file)
            except (OSError, ValueError):
                check(self.process.poll() is None, f"the stack ended: {self.log()[-500:]}")
        found = until(ready, seconds, 0.002)
        self.ports = {name: urllib.parse.urlsplit(found[name]).port
                      for name in ("prometheus", "pushgateway", "demo", "otlp") if found.get(name)}
        self.scheme = urllib.parse.urlsplit(found["prometheus"]).scheme

    def log(self):
        """All that it has said."""
        if self.is_over:
            return self.words
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def complains(self):
        """Whether it has warned of something, or told an error."""
        return "level=WARN" in self.log() or "level=ERROR" in self.log()

    def url(self, server="prometheus"):
        return f"{self.scheme}://127.0.0.1:{self.ports[server]}"

    def request(self, path, method="GET", body=None, headers=None, server="prometheus", timeout=60, context=None):
        """Status, headers and body, whatever the status."""
        request = urllib.request.Request(self.url(server) + path, method=method, data=body, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=timeout * patience, context=context) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def query(self, expression, path="query", timeout=60, **parameters):
        """Status, and the document of the answer."""
        form = urllib.parse.urlencode(dict(parameters, query=expression)).encode()
        status, _, body = self.request(f"/api/v1/{path}", "POST", form, timeout=timeout,
                                       headers={"Content-Type": "application/x-www-form-urlencoded"})
        try:
            return status, json.loads(body)
        except ValueError:
            return status, {"error": body.decode(errors="replace")}

    def result(self, expression, **parameters):
        status, document = self.query(expression, **parameters)
        check(status == 200, f"{expression}: {status} {document.get('error')}")
        return document["data"]["result"]

    def connect(self, server="prometheus", timeout=20, buffer=None):
        """A socket of its own to a server."""
        client = socket.socket()
        if buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.settimeout(timeout * patience)
        client.connect(("127.0.0.1", self.ports[server]))
        return client

    def memory(self):
        """The memory that it takes now and the most that it took, in MB."""
        with open(f"/proc/{self.pid}/status") as file:
            figures = dict(line.split(":", 1) for line in file)
        return tuple(int(figures[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))

    def forget_peak(self):
        try:
            with open(f"/proc/{self.pid}/clear_refs", "w") as file:
                file.write("5")
        except OSError:
            pass
        return self.memory()[0]

    def is_alive(self):
        return self.process.poll() is None

    def kill(self):
        """Ends it at once, as `kill -9` does. Whoever wants to start it again on the same folder calls this."""
        if self.is_alive():
            self.process.kill()
        self.process.wait()
        self._tidy()

    def end(self, seconds=30):
        """Ends it as a person would, and returns its exit code; one that does not end in time has given way."""
        try:
            if self.is_alive():
                self.process.send_signal(signal.SIGTERM)
            return self.process.wait(seconds * patience)
        except subprocess.TimeoutExpired:
            raise GaveWay(f"SIGTERM did not end it in {seconds * patience} s") from None
        finally:
            self.kill()

    def timed_end(self, seconds):
        """The same; the words for the table."""
        start = time.monotonic()
        self.end(seconds)
        return f"SIGTERM {time.monotonic() - start:.1f} s"

    def _tidy(self):
        if self.is_over:
            return
        self.words = self.log()
        self.is_over = True
        self.process.stdin.close()
        self.log_file.close()
        self.work.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None and not self.is_over:
            check(self.is_alive(), f"the process died: {self.log()[-300:]}")
            self.end()
        else:
            self.kill()


class Watch:
    """Asks for `/-/healthy` and for a page of metrics all the time, from a process of its own, and beside that measures what the machine
    itself costs: the way to a process that only echoes. What is promised is 100 ms beyond that, on a machine that does nothing else."""

    LIMIT = 0.100

    def __init__(self, stack, targets=()):
        self.stack = stack
        ports = [str(stack.ports["prometheus"]), str(stack.ports["pushgateway"])]
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "watch.py"), *ports],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        self.began = time.time()

    def end(self):
        """What was seen: the number of answers, the slowest one, the slowest echo, how many failed."""
        output, _ = self.process.communicate("\n", timeout=120)
        return json.loads(output)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()

    def seen(self):
        """Fails where an answer came late; the words for the table."""
        found = self.end()
        allowed = self.LIMIT * patience + 4 * found["echo"]
        text = f"healthy in {found['slowest'] * 1000:.0f} ms"
        check(found["failed"] == 0, f"{found['failed']} of {found['asked']} answers missing: {found['why']}")
        if found["slowest"] > allowed:
            raise Late(f"{text} (allowed {allowed * 1000:.0f}: the machine took {found['echo'] * 1000:.0f})")
        return text

    def scrapes(self, interval=1.0):
        """Fails where a scrape of the job `watch` came late; the words for the table."""
        end = time.time()
        # A second more than the attack took: one that is over soon may lie between two scrapes.
        rows = self.stack.result(f'up{{job="watch"}}[{int(end - self.began) + 2}s]', time=end)
        check(rows, "no scrape at all")
        times = sorted(point[0] for point in rows[0]["values"])
        gaps = [later - before for before, later in zip(times, times[1:])] + [end - times[-1]]
        text = f"largest gap of scrapes {max(gaps):.2f} s"
        if max(gaps) > interval * 2.5 * patience:
            raise Late(text)
        return text


def watched(stack, seconds):
    """Watches for so long; the words for the table."""
    with Watch(stack) as watch:
        time.sleep(seconds)
        return f"{watch.seen()}, {watch.scrapes()}"


WATCHED = """
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: watch
    static_configs: [{targets: ['localhost:9091']}]
"""


def in_parallel(count, work):
    """Runs work(0) … work(count - 1) at the same time; returns what they return, raises what one of them raises."""
    results, errors = [None] * count, []

    def run(index):
        try:
            results[index] = work(index)
        except Exception as error:
            errors.append(error)
    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def read_all(client, limit=1 << 24):
    """All that comes until the other end closes."""
    parts = []
    try:
        while sum(map(len, parts)) < limit:
            part = client.recv(1 << 16)
            if not part:
                break
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)
