"""Clients that ask again as soon as they are answered, each over a connection of its own: one thread, so that they cost little."""
import json
import select
import socket
import time
import urllib.parse

from measure import cpu, peers


class Refused(Exception):
    pass


def request(address, path, **parameters):
    """The bytes of a question."""
    query = f"?{urllib.parse.urlencode(parameters, doseq=True)}" if parameters else ""
    return f"GET {path}{query} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()


def post(address, path, body, headers):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


class Client:
    """One connection, one answer at a time."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, question):
        self.head, self.left, self.tail = b"", None, b""
        self.began = time.perf_counter()
        self.socket.sendall(question)

    def read(self):
        """What has come; whether that was all of the answer."""
        got = self.socket.recv(1 << 18)
        if not got:
            raise Refused(f"closed after {self.head[:200]}")
        if self.left is None:
            self.head += got
            head, found, got = self.head.partition(b"\r\n\r\n")
            if not found:
                return False
            if not head.startswith(b"HTTP/1.1 2"):
                raise Refused(head[:400] + got[:400])
            if head.startswith(b"HTTP/1.1 204"):
                return True
            _, named, length = head.lower().partition(b"content-length:")
            # The length of what comes in pieces is not known before its end.
            self.left = int(length.split(b"\r\n")[0]) if named else -1
            self.head = b""
        if self.left < 0:
            self.tail = (self.tail + got)[-7:]
            return self.tail.endswith(b"\r\n0\r\n\r\n") or self.tail == b"0\r\n\r\n"
        self.left -= len(got)
        return self.left == 0

    def ask(self, question):
        """Seconds until the whole answer is there."""
        self.send(question)
        while not self.read():
            pass
        return time.perf_counter() - self.began

    def close(self):
        self.socket.close()


def ask(address, questions, clients, seconds, most=1 << 30):
    """Asks so many questions at once for so many seconds, or so many in all: the seconds that each took, sorted, and all of them."""
    poll = select.epoll()
    open_ = {}
    taken = []
    number = 0
    try:
        begin = time.perf_counter()
        for _ in range(clients):
            client = Client(address)
            open_[client.socket.fileno()] = client
            poll.register(client.socket, select.EPOLLIN)
            client.send(questions[number % len(questions)])
            number += 1
        end = begin + seconds
        while True:
            for at, _ in poll.poll(60):
                client = open_[at]
                if client.read():
                    now = time.perf_counter()
                    taken.append(now - client.began)
                    if now > end or len(taken) >= most:
                        return sorted(taken), now - begin
                    client.send(questions[number % len(questions)])
                    number += 1
    finally:
        for client in open_.values():
            client.close()


def middle(server, questions, seconds):
    """What one client's questions take: the middle of seconds of the wall, and CPU seconds of the server for one."""
    before = cpu(server.process)
    taken, _ = ask(server.address, questions, 1, seconds, most=300)
    return share(taken, 0.5), (cpu(server.process) - before) / len(taken)


def result(address, path, **parameters):
    """The data that a server answers with, nothing where it has none."""
    status, _, body = peers.get(address, f"{path}?{urllib.parse.urlencode(parameters, doseq=True)}")
    data = json.loads(body)["data"] if status == 200 else None
    return data["result"] if isinstance(data, dict) and "result" in data else data


def share(sorted_, part):
    """The value below which such a part of them is."""
    return sorted_[min(len(sorted_) - 1, int(len(sorted_) * part))]
