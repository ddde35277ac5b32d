"""Targets that cost little beside the servers that scrape them: bodies are made before, and one thread sends them.

Each target has an address of its own (127.1.0.1, 127.1.0.2 …), each server a port of its own, so that all are scraped alike.
"""
import collections
import json
import random
import select
import socket
import threading
import time


IRREGULAR = random.Random(1).choices(range(1 << 20), k=65537)


def noise(number, step):
    """Something irregular that is the same in each run."""
    return IRREGULAR[(number * 7919 + step * 31) % 65537]


class Series:
    """Counters with irregular steps (some stand still), and gauges between 0 and 1000."""

    def __init__(self, metrics, instances, seed=0):
        #: name without labels, "counter" or "gauge", [(line up to its value, number)]
        self.families = []
        for metric in range(metrics):
            name = f"work_{metric}" + ("" if metric % 2 else "_total")
            self.families.append((name, "gauge" if metric % 2 else "counter", [
                (f'{name}{{node="node-{i}",zone="z{i % 5}",path="/api/v1/{metric}"}} ', seed + metric * instances + i) for i in range(instances)]))

    @staticmethod
    def value(kind, number, step):
        if kind == "gauge":
            return f"{(number * 7 + step * (number % 17 + 3)) % 1000}.{noise(number, step) % 100:02}"
        if number % 10 == 8:
            return number
        slope = number * 37 % 50 + 1
        return step * slope + noise(number, step) % slope

    def text(self, step):
        """What a scrape gets."""
        lines = []
        for name, kind, members in self.families:
            lines.append(f"# TYPE {name} {kind}")
            lines += [f"{start}{self.value(kind, number, step)}" for start, number in members]
        return "\n".join(lines) + "\n"

    def history(self, steps, every):
        """OpenMetrics with a sample of each at each step; the time of step 0 is that of 1970."""
        for name, kind, members in self.families:
            yield f"# TYPE {name.removesuffix('_total')} {kind}\n"
            for start, number in members:
                yield "".join([f"{start}{self.value(kind, number, step)} {step * every}\n" for step in steps])
        yield "# EOF\n"


def address(target):
    return f"127.1.{target // 250}.{target % 250 + 1}"


class Farm:
    def __init__(self, kinds):
        """kinds: [[body]]: targets go round over the kinds, and each scrape of a target gets the next body of its kind."""
        self.answers = [[self.answer(body.encode()) for body in bodies] for bodies in kinds]
        self.counts = collections.Counter()
        self.arrivals = collections.defaultdict(list)
        self.poll = select.epoll()
        self.listeners = {}
        self.connections = {}
        threading.Thread(target=self.run, daemon=True).start()

    @staticmethod
    def answer(body):
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    def listen(self):
        """A port for one server."""
        listener = socket.create_server(("", 0), backlog=4096)
        listener.setblocking(False)
        self.listeners[listener.fileno()] = listener
        self.poll.register(listener, select.EPOLLIN)
        return listener.getsockname()[1]

    def config(self, port, targets, interval, rules=None):
        """A configuration (JSON is YAML) that scrapes so many targets."""
        every = f"{interval}s"
        return json.dumps({
            "global": {"scrape_interval": every, "scrape_timeout": f"{min(interval, 10)}s", **({"evaluation_interval": every} if rules else {})},
            **({"rule_files": rules} if rules else {}),
            "scrape_configs": [{"job_name": "work", "static_configs": [{"targets": [f"{address(i)}:{port}" for i in range(targets)]}]}]})

    def count(self, port):
        """Scrapes by one server."""
        return sum(count for (at, _), count in list(self.counts.items()) if at == port)

    def late(self, port, interval):
        """Of each scrape of a target: by how many seconds it came later than the most punctual one. Sorted. The first is left out, which
        some make at once, and then fall into step."""
        found = []
        for (at, _), times in list(self.arrivals.items()):
            if at == port and len(times) > 2:
                phases = [time - number * interval for number, time in enumerate(times[1:])]
                least = min(phases)
                found += [phase - least for phase in phases]
        return sorted(found)

    def run(self):
        while True:
            for number, event in self.poll.poll():
                if number in self.listeners:
                    self.accept(self.listeners[number])
                    continue
                connection = self.connections[number]
                try:
                    if event & select.EPOLLIN:
                        connection.read(self)
                    connection.write(self.poll)
                except (OSError, EOFError):
                    del self.connections[number]
                    connection.socket.close()

    def accept(self, listener):
        try:
            accepted, _ = listener.accept()
        except BlockingIOError:
            return
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections[accepted.fileno()] = Connection(accepted)
        self.poll.register(accepted, select.EPOLLIN)

    def next(self, port, target):
        self.arrivals[port, target].append(time.monotonic())
        count = self.counts[port, target]
        self.counts[port, target] += 1
        bodies = self.answers[target % len(self.answers)]
        return bodies[count % len(bodies)]

    def close(self):
        """Forgets the bodies; who scrapes on is not answered."""
        self.answers = [[b""]]
        for listener in self.listeners.values():
            self.poll.unregister(listener)
            listener.close()


class Connection:
    def __init__(self, accepted):
        self.socket = accepted
        host, self.port = accepted.getsockname()[:2]
        _, _, high, low = map(int, host.split("."))
        self.target = high * 250 + low - 1
        self.asked = b""
        self.left = memoryview(b"")
        self.isWaiting = False

    def read(self, farm):
        got = self.socket.recv(1 << 16)
        if not got:
            raise EOFError
        self.asked += got
        if self.asked.endswith(b"\r\n\r\n"):
            self.asked = b""
            self.left = memoryview(farm.next(self.port, self.target))

    def write(self, poll):
        try:
            while self.left:
                self.left = self.left[self.socket.send(self.left[:1 << 20]):]
        except BlockingIOError:
            pass
        if bool(self.left) != self.isWaiting:
            self.isWaiting = not self.isWaiting
            poll.modify(self.socket, select.EPOLLIN | (select.EPOLLOUT if self.isWaiting else 0))
