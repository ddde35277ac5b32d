"""Asks two ports for `/-/healthy` by turns, on new connections, until a line comes; then tells how long the slowest answer took, and how
long the slowest echo of a process that does nothing else, which is what the machine costs."""
import json
import os
import select
import socket
import sys
import time

ports = [int(port) for port in sys.argv[1:]]
here, there = socket.socketpair()
if os.fork() == 0:
    here.close()
    while there.recv(1):
        there.sendall(b"x")
    os._exit(0)
there.close()


def echo():
    began = time.monotonic()
    here.sendall(b"x")
    here.recv(1)
    return time.monotonic() - began


def healthy(port):
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := client.recv(4096):
            answer += part
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise OSError(answer[:60].decode(errors="replace") or "an empty answer")
    return time.monotonic() - began


print("watching", flush=True)
found = {"asked": 0, "failed": 0, "why": "", "slowest": 0.0, "echo": 0.0}
while not select.select([sys.stdin], [], [], 0.02)[0]:
    found["echo"] = max(found["echo"], echo())
    found["asked"] += 1
    try:
        found["slowest"] = max(found["slowest"], healthy(ports[found["asked"] % len(ports)]))
    except OSError as error:
        found["failed"] += 1
        found["why"] = str(error)
print(json.dumps(found))
