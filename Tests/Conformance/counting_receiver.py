"""A receiver of remote write that writes down every sample before it acknowledges it, so that it may be killed at any moment.

    counting_receiver.py PORT FILE [ANSWERS]

Each request is one line of the file: a number for the message's version, then `series time value` for each sample, with tabs between, and `end`.
ANSWERS is a list of statuses such as `503,429,204` that are given in turn before all is taken; of what is not taken nothing is written.
"""
import http.server
import json
import struct
import sys
import threading

from remote_read import fields, read_varint, unsnappy


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def number(data):
    return struct.unpack("<d", data)[0]


def packed(data):
    at = 0
    while at < len(data):
        value, at = read_varint(data, at)
        yield value


def series_of(message, is_new):
    """(labels, samples, histograms, exemplars, metadata) for each series; samples are (time, value)."""
    symbols = [v.decode() for n, v in fields(message) if n == 4] if is_new else []
    for n, series in fields(message):
        if n != (5 if is_new else 1):
            continue
        labels, samples, histograms, exemplars, told = {}, [], [], [], {}
        for m, value in fields(series):
            if m == 1 and is_new:
                refs = list(packed(value))
                labels = {symbols[a]: symbols[b] for a, b in zip(refs[::2], refs[1::2])}
            elif m == 1:
                pair = dict(fields(value))
                labels[pair.get(1, b"").decode()] = pair.get(2, b"").decode()
            elif m == 2:
                sample = dict(fields(value))
                samples.append((signed(sample.get(2, 0)), number(sample.get(1, bytes(8)))))
            elif m == (3 if is_new else 4):
                histograms.append(dict(fields(value)))
            elif m == (4 if is_new else 3):
                exemplars.append(dict(fields(value)))
            elif m == 5 and is_new:
                meta = dict(fields(value))
                told = {"type": meta.get(1, 0), "help": symbols[meta.get(3, 0)], "unit": symbols[meta.get(4, 0)]}
        yield labels, samples, histograms, exemplars, told


def key(labels):
    return json.dumps(labels, sort_keys=True, separators=(",", ":"))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    answers = []
    file = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with Handler.lock:
            status = Handler.answers.pop(0) if Handler.answers else 204
        told = []
        if status < 300:
            is_new = "write.v2" in self.headers["Content-Type"]
            line, counts = ["2" if is_new else "1"], [0, 0, 0]
            for labels, samples, histograms, exemplars, _ in series_of(unsnappy(body), is_new):
                name = key(labels)
                line += [f"{name} {time} {value!r}" for time, value in samples]
                for i, part in enumerate((samples, histograms, exemplars)):
                    counts[i] += len(part)
            if len(line) > 1:
                with Handler.lock:
                    Handler.file.write("\t".join(line) + "\tend\n")
                    Handler.file.flush()
            if is_new:
                told = list(zip(("Samples", "Histograms", "Exemplars"), counts))
        self.send_response(status)
        for name, count in told:
            self.send_header(f"X-Prometheus-Remote-Write-{name}-Written", str(count))
        if status == 429:
            self.send_header("Retry-After", "1")
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    Handler.file = open(sys.argv[2], "a")
    Handler.answers = [int(one) for one in sys.argv[3].split(",")] if len(sys.argv) > 3 else []
    http.server.ThreadingHTTPServer.request_queue_size = 64
    # A sender that was killed is none of its business.
    http.server.ThreadingHTTPServer.handle_error = lambda *_: None
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
