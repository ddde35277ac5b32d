"""What happens to the process: killed, stopped, told to end under load, reloaded again and again, its clock set to another time."""
import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

from attack import attack
import stack as stacks
from stack import WATCHED, GaveWay, Skipped, Stack, Watch, check, in_time, until
from wire import WRITE, series, stored, write

import peers

WRITES = "--web.enable-remote-write-receiver"
SCRAPED = """
global: {scrape_interval: 20ms, scrape_timeout: 20ms}
scrape_configs:
  - job_name: watch
    static_configs: [{targets: ['localhost:9091']}]
"""


class Told:
    """What a stack has said that it has, over many lives of it."""

    WRITERS, PUSHERS = 3, 2

    def __init__(self):
        # By writer: the samples acknowledged, as value by time in milliseconds.
        self.written = [{} for _ in range(self.WRITERS)]
        # The newest ones, which the next life is asked for.
        self.fresh = [{} for _ in range(self.WRITERS)]
        self.pushed = [0] * self.PUSHERS
        self.tried = [0] * self.PUSHERS
        self.scraped = set()

    def work(self, stack, stop):
        """Threads that write, push and read what was scraped until the stack is gone."""
        threads = [threading.Thread(target=self.guarded, args=(work, stack, index, stop), daemon=True) for work, count in (
            (self.write, self.WRITERS), (self.push, self.PUSHERS), (self.read, 1)) for index in range(count)]
        for thread in threads:
            thread.start()
        return threads

    def guarded(self, work, stack, index, stop):
        server = {self.write: "prometheus", self.push: "pushgateway", self.read: "prometheus"}[work]
        client = http.client.HTTPConnection("127.0.0.1", stack.ports[server], timeout=20)
        try:
            while not stop.is_set():
                work(client, index)
        except (OSError, http.client.HTTPException, ValueError):
            pass
        finally:
            client.close()

    def write(self, client, index):
        now = int(time.time() * 1000)
        while now in self.written[index] or now in self.fresh[index]:
            now += 1
        value = float(len(self.written[index]) + len(self.fresh[index]))
        body = stored(series([("__name__", "w"), ("writer", str(index))], [(value, now)]))
        client.request("POST", "/api/v1/write", body, WRITE)
        answer = client.getresponse()
        answer.read()
        if answer.status == 204:
            self.fresh[index][now] = value

    def push(self, client, index):
        self.tried[index] += 1
        client.request("PUT", f"/metrics/job/k{index}", b"pushed %d\n" % self.tried[index])
        answer = client.getresponse()
        answer.read()
        if answer.status == 200:
            self.pushed[index] = self.tried[index]

    def read(self, client, _):
        client.request("GET", "/api/v1/query?query=up{job=%22watch%22}[10s]")
        answer = client.getresponse()
        text = answer.read().decode()
        if answer.status == 200:
            self.scraped.update(map(float, re.findall(r'\[(\d+(?:\.\d+)?),"1"\]', text)))
        time.sleep(0.01)

    def compare(self, stack, whole=False):
        """Raises where something is lost, or is there that was never sent."""
        for index in range(self.WRITERS):
            wanted = {**self.written[index], **self.fresh[index]} if whole else self.fresh[index]
            if not wanted:
                continue
            span = int((max(wanted) - min(wanted)) / 1000) + 2
            rows = stack.result(f'w{{writer="{index}"}}[{span}s]', time=(max(wanted) + 1) / 1000)
            found = {round(float(at) * 1000): float(value) for row in rows for at, value in row["values"]}
            lost = [at for at, value in wanted.items() if found.get(at) != value]
            check(not lost, f"{len(lost)} of {len(wanted)} writes acknowledged to writer {index} are lost")
            self.written[index].update(self.fresh[index])
            self.fresh[index] = {}
        shown = stack.request("/metrics", server="pushgateway")[2].decode()
        for index in range(self.PUSHERS):
            found = re.search(rf'^pushed{{instance="",job="k{index}"}} (\S+)', shown, re.M)
            value = float(found.group(1)) if found else 0
            check(self.pushed[index] <= value <= self.tried[index],
                  f"push {self.pushed[index]} was acknowledged, {self.tried[index]} tried, and {value:.0f} is there")
        if self.scraped:
            rows = stack.result('up{job="watch"}[5m]')
            there = {float(point[0]) for row in rows for point in row["values"]}
            lost = {one for one in self.scraped if one > time.time() - 200} - there
            check(not lost, f"{len(lost)} of {len(self.scraped)} scrapes that were seen are lost")


@attack("kill -9 at random moments", "nothing acknowledged or seen is lost, and it is ready again at once (1,000 kills; --short: 200)", short=True)
def kill(short):
    count = 200 if short else 1000
    chance = random.Random()
    told, ready, unready = Told(), [], 0
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        data = os.path.join(folder, "data")
        for number in range(count):
            began = time.monotonic()
            stack = Stack(WRITES, config=SCRAPED, folder=data, waits=False)
            try:
                # Some are killed while they start.
                if chance.random() < 0.15:
                    time.sleep(chance.uniform(0, 0.04))
                    unready += 1
                    continue
                stack.wait()
                ready.append(time.monotonic() - began)
                told.compare(stack)
                stop = threading.Event()
                threads = told.work(stack, stop)
                time.sleep(chance.uniform(0, 0.09))
                stack.process.kill()
                stop.set()
                for thread in threads:
                    thread.join()
            finally:
                stack.kill()
        with Stack(WRITES, config=SCRAPED, folder=data) as stack:
            told.compare(stack, whole=True)
    ready.sort()
    in_time(ready[-1], 5, "a start")
    writes = sum(map(len, told.written))
    check(writes > count and sum(told.pushed) > count, f"only {writes} writes and {sum(told.pushed)} pushes came to be")
    return (f"{count} kills, {unready} of them at the start; {writes} writes, {sum(told.pushed)} pushes, {len(told.scraped)} scrapes, 0 lost; "
            f"ready in {ready[len(ready) // 2] * 1000:.0f} ms (median), {ready[-1] * 1000:.0f} at most")


@attack("short lives", "lives of a second with 100,000 samples each, each ended by kill -9, do not make the start long or large", short=True)
def short_lives(short):
    count = 7 if short else 60
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        data = os.path.join(folder, "data")
        began = int(time.time() * 1000) - 3_000_000
        starts, memory = [], []
        for number in range(count):
            start = time.monotonic()
            with Stack(WRITES, config="scrape_configs: []\n", folder=data) as stack:
                until(lambda: stack.query("vector(1)")[0] == 200)
                starts.append(time.monotonic() - start)
                memory.append(stack.memory()[1])
                times = [began + number * 20_000 + index for index in range(1000)]
                body = b"".join(series([("__name__", "m"), ("n", str(one))], [(float(one), at) for at in times]) for one in range(100))
                check(write(stack, stored(body))[0] == 204, "a write is refused")
                stack.kill()
        with Stack(WRITES, config="scrape_configs: []\n", folder=data) as stack:
            there = stack.result('sum(count_over_time(m[2h]))')[0]["value"][1]
            check(int(there) == count * 100_000, f"{there} of {count * 100_000} samples are there")
    in_time(max(starts), 2, "a start")
    check(max(memory) < 300, f"a start took {max(memory):.0f} MB")
    return f"{count * 100_000} samples in {count} lives; the longest start {max(starts) * 1000:.0f} ms, {max(memory):.0f} MB at most"


@attack("SIGTERM under load", "ends with 0 within three seconds, and what was acknowledged is there", short=True)
def sigterm(short):
    count = 5 if short else 50
    told, slowest = Told(), 0
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        data = os.path.join(folder, "data")
        for _ in range(count):
            with Stack(WRITES, config=SCRAPED, folder=data) as stack:
                told.compare(stack)
                stop = threading.Event()
                threads = told.work(stack, stop)
                time.sleep(0.3)
                start = time.monotonic()
                code = stack.end(20)
                slowest = max(slowest, time.monotonic() - start)
                stop.set()
                for thread in threads:
                    thread.join()
                check(code == 0, f"ended with {code}")
        with Stack(WRITES, config=SCRAPED, folder=data) as stack:
            told.compare(stack, whole=True)
    in_time(slowest, 3, "an end")
    return f"{count} times, {slowest:.2f} s at most; {sum(map(len, told.written))} writes, {sum(told.pushed)} pushes kept"


@attack("streams that nobody reads", "the output, the log or both are a full pipe or socket: ready, healthy within 100 ms, SIGTERM within 5 s", short=True)
def unread_streams(short):
    seen = []
    for name in ("the output", "the log", "both"):
        for kind in ("pipe", "socket"):
            ends = os.pipe() if kind == "pipe" else tuple(end.detach() for end in socket.socketpair())
            full = ends[1]
            os.set_blocking(full, False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(full, b"x" * 4096)
            os.set_blocking(full, True)
            with tempfile.TemporaryDirectory(prefix="attack-") as folder:
                ready = os.path.join(folder, "ready")
                places = [f"--{server}.listen-address=127.0.0.1:0" for server in ("web", "pushgateway", "demo")]
                process = subprocess.Popen(
                    [stacks.PROMENADE, "run", "--storage.memory", f"--ready-file={ready}", *places], cwd=folder,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL if name == "the log" else full,
                    stderr=subprocess.DEVNULL if name == "the output" else full)
                try:
                    def addresses():
                        with open(ready) as file:
                            return json.load(file)
                    until(lambda: os.path.exists(ready) and addresses(), 20)
                    base = addresses()["prometheus"].rstrip("/")
                    slowest = 0
                    for _ in range(20):
                        start = time.monotonic()
                        urllib.request.urlopen(base + "/-/healthy", timeout=10).read()
                        slowest = max(slowest, time.monotonic() - start)
                    in_time(slowest, 0.1, f"{name}, {kind}: /-/healthy")
                    start = time.monotonic()
                    process.send_signal(signal.SIGTERM)
                    try:
                        code = process.wait(5 * stacks.patience)
                    except subprocess.TimeoutExpired:
                        raise GaveWay(f"{name} is a full {kind}: SIGTERM does not end it") from None
                    check(code == 0, f"{name}, {kind}: ended with {code}")
                    seen.append(time.monotonic() - start)
                finally:
                    process.kill()
                    process.wait()
                    for end in ends:
                        os.close(end)
    return f"SIGTERM {max(seen):.1f} s at most, of {len(seen)}"


@attack("stopped for a while (SIGSTOP)", "goes on where it was: clients that waited are answered, scrapes go on", short=True)
def stopped(short):
    seconds = 3 if short else 20
    with Stack(config=WATCHED) as stack:
        until(lambda: stack.result('up{job="watch"} == 1'))
        stack.process.send_signal(signal.SIGSTOP)
        answers = []
        asked = [threading.Thread(target=lambda: answers.append(stack.request("/-/healthy")[0])) for _ in range(20)]
        for thread in asked:
            thread.start()
        time.sleep(seconds)
        stack.process.send_signal(signal.SIGCONT)
        start = time.time()
        for thread in asked:
            thread.join()
        check(answers == [200] * 20, f"{answers}")
        until(lambda: [row for row in stack.result('timestamp(up{job="watch"})') if float(row["value"][1]) > start], 5)
        gone_on = time.time() - start
    return f"{seconds} s, 20 answers kept, the next scrape {gone_on:.1f} s after"


@attack("reloads again and again", "300 (--short: 60) while pushes and scrapes go on: none missed, nothing grows", short=True)
def reloads(short):
    count = 60 if short else 300
    other = WATCHED + "  - {job_name: other, static_configs: [{targets: ['localhost:9090', 'localhost:8080']}]}\n"
    with Stack("--web.enable-lifecycle", config=WATCHED) as stack:
        until(lambda: stack.result('up{job="watch"} == 1'))
        files, before = len(os.listdir(f"/proc/{stack.pid}/fd")), stack.memory()[0]
        with Watch(stack) as watch:
            for number in range(count):
                with open(stack.config_path, "w") as file:
                    file.write(other if number % 2 == 0 else WATCHED)
                check(stack.request("/-/reload", "POST")[0] == 200, "a reload fails")
                pushed = stack.request(f"/metrics/job/r{number % 5}", "PUT", b"a 1\n", server="pushgateway")[0]
                check(pushed == 200, f"a push is answered {pushed}")
            seen = watch.seen()
            gap = watch.scrapes()
        grown = stack.memory()[0] - before
        more = len(os.listdir(f"/proc/{stack.pid}/fd")) - files
        check(grown < 30, f"{grown:.0f} MB more")
        check(more < 12, f"{more} open files more")
    return f"{count} reloads, {grown:.1f} MB and {more} files more, {seen}, {gap}"


SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
/* So many seconds are added to the clock of the day as stand in the file that CLOCK_SHIFT names. */
static long shift(void) {
    char text[32] = {0};
    const char *path = getenv("CLOCK_SHIFT");
    int file = path ? open(path, O_RDONLY) : -1;
    if (file < 0) return 0;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    return count > 0 ? atol(text) : 0;
}
int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, time);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += shift();
    return result;
}
int gettimeofday(struct timeval *time, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""


class SetClock:
    """A clock of the day that a stack has in the place of the machine's, and that can be set."""

    def __init__(self, folder):
        compiler = shutil.which("cc") or shutil.which("clang")
        if not compiler:
            raise Skipped("needs a C compiler for a clock that can be set")
        source, shim, self.path = (os.path.join(folder, name) for name in ("shim.c", "shim.so", "shift"))
        with open(source, "w") as file:
            file.write(SHIM)
        made = subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl"], capture_output=True, text=True)
        check(made.returncode == 0, f"the clock cannot be made: {made.stderr[-200:]}")
        self.environment = {"LD_PRELOAD": shim, "CLOCK_SHIFT": self.path}
        self.shift(0)

    def shift(self, seconds):
        with open(self.path + ".new", "w") as file:
            file.write(str(seconds))
        os.replace(self.path + ".new", self.path)

    def try_on(self, stack, seconds):
        """Sets it so far from the machine's, and skips where that has no effect."""
        now = float(stack.result("time()")[1])
        self.shift(seconds)
        if abs(float(stack.result("time()")[1]) - now - seconds) > 60:
            raise Skipped("this program's clock cannot be set from outside (it is linked statically)")


@attack("a clock ahead for some seconds", "20 days ahead for 25 s: nothing is deleted for its age, and the log tells")
def ahead(short):
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        clock, data, now = SetClock(folder), os.path.join(folder, "data"), int(time.time())
        samples = os.path.join(folder, "samples")
        with open(samples, "w") as file:
            file.write("# TYPE old gauge\n" + "".join(f"old {minute} {now - 3 * 86_400 + minute * 60}\n" for minute in range(1440))
                       + f"# TYPE newest gauge\nnewest 1 {now}\n# EOF\n")
        subprocess.run([stacks.PROMENADE, "tsdb", "import", f"--storage.path={data}", samples], check=True, capture_output=True)
        with Stack(config=WATCHED, folder=data, environment=clock.environment) as stack:
            def count():
                return stack.result("count_over_time(old[4d])", time=now)[0]["value"][1]
            check(count() == "1440", "not all is there")
            until(lambda: stack.result('up{job="watch"} == 1'))
            time.sleep(12)
            clock.try_on(stack, 20 * 86_400)
            until(lambda: "The clock went ahead" in stack.log(), 30)
            time.sleep(12)
            clock.shift(0)
            time.sleep(12)
            check(count() == "1440", "old samples are gone")
    return "1440 samples of three days ago are there"


@attack("clock jumps", "hours back and forth, a day forth and back: pushes and answers go on, what is behind the newest sample is not stored and told", short=True)
def clock(short):
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        clock = SetClock(folder)
        with Stack(config=WATCHED, folder=os.path.join(folder, "data"), environment=clock.environment) as stack:
            until(lambda: stack.result('up{job="watch"} == 1'))
            clock.try_on(stack, -7200)
            # What is behind the newest sample is not stored.
            jumps = [(-7200, False), (0, True), (-7200, False), (0, True), (7200, True), (86_400, True), (0, False)]
            seen = []
            with Watch(stack) as watch:
                for seconds, is_stored in jumps:
                    clock.shift(seconds)
                    start = time.monotonic()
                    for index in range(10 if short else 50):
                        pushed = stack.request("/metrics/job/x", "PUT", f"a {index}\n".encode(), server="pushgateway")[0]
                        check(pushed == 200, f"a push at {seconds} s is answered {pushed}")
                        time.sleep(0.02)
                    health = [target["health"] for target in until(lambda: _targets(stack))]
                    seen.append(f"{seconds:+d}: {health[0]}")
                    at = time.time() + seconds
                    wait = 3 * stacks.patience if is_stored else 3
                    try:
                        until(lambda: [row for row in stack.result('timestamp(up{job="watch"})', time=at + wait)
                                       if at - 2 < float(row["value"][1]) <= at + 7 + wait], wait / stacks.patience)
                        seen[-1] += ", scraped"
                    except GaveWay:
                        seen[-1] += ", not stored"
                healthy = watch.seen()
            stored = [one.endswith(", scraped") for one in seen]
            check(stored == [is_stored for _, is_stored in jumps], f"{seen}; {stack.log()[-300:]}")
            check("too old" in stack.log(), "the log does not tell what was not stored")
            check(stack.request("/-/ready")[0] == 200, "not ready")
            lines = stack.log().count("\n")
            check(lines < 200, f"{lines} lines of log")
    return f"{'; '.join(seen)}; {healthy}"


def _targets(stack):
    return json.loads(stack.request("/api/v1/targets")[2])["data"]["activeTargets"]


class Many(peers.Target):
    def text(self):
        return "".join(f'dead{{n="{index}"}} {index}\n' for index in range(500))


@attack("targets that are gone", "20 dead targets of 500 series: memory grows by less than 20 KB a second")
def dead(short):
    server = peers.listen(Many)
    port = server.server_port
    config = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n" + "".join(
        f"  - {{job_name: j{index}, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n" for index in range(20))
    with Stack(config=config) as stack:
        until(lambda: (stack.result("count(dead)") or [{"value": [0, "0"]}])[0]["value"][1] == "10000")
        server.shutdown()
        server.server_close()
        until(lambda: not stack.result("up == 1"))
        time.sleep(10)
        before = stack.memory()[0]
        time.sleep(60)
        grown = (stack.memory()[0] - before) * 1024 / 60
    check(grown < 20, f"{grown:.0f} KB a second")
    return f"{grown:.1f} KB a second over a minute"
