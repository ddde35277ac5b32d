"""Remote read 1.0 with the standard library: requests, and what is in an answer."""
import struct

import remote_write
from remote_write import field, snappy, varint

# Newest value first; one every 15 s.
SERIES = [
    ({"__name__": "a", "x": "1"}, [1.0, 2.0, 0.0]),
    ({"__name__": "a", "x": "2"}, [float("nan"), 1.0]),
    ({"__name__": "a", "x": "3"}, [float("inf"), float("-inf")]),
    ({"__name__": "a", "x": "<&\"\\\n>"}, [1e6]),
    ({"__name__": "a", "x": "gone"}, [remote_write.STALE, 5.0]),
    ({"__name__": "h_native", "x": "1"}, [dict(schema=0, zero_threshold=0.001, zero_count=2, count=9, sum=12.5, positive=(0, [1, 3, 2]), negative=(1, [1]))]),
    ({"__name__": "b_total", "x": "1", "zone": "own"}, [12345678.0]),
    ({"__name__": "utf8.name", "utf8 name": "ü"}, [3.0]),
    ({"__name__": "with_instance", "instance": "i", "job": "j"}, [0.1]),
]

EQUAL, UNEQUAL, MATCHES, FAILS = range(4)
AGES = 1 << 50


def matcher(kind, name, value):
    return field(3, 2, (field(1, 0, varint(kind)) if kind else b"") + field(2, 2, name.encode()) + field(3, 2, value.encode()))


def query(*matchers, start=0, end=AGES):
    return field(1, 2, field(1, 0, varint(start)) + field(2, 0, varint(end)) + b"".join(matchers))


def requests():
    """(name, body, headers)"""
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Read-Version": "0.1.0"}
    of_a = matcher(EQUAL, "__name__", "a")
    for name, message in [
        ("empty", b""), ("one", query(of_a)), ("two", query(of_a) + query(matcher(EQUAL, "__name__", "b_total"))),
        ("nothing", query(matcher(EQUAL, "__name__", "nothing"))), ("early", query(of_a, end=5)), ("backwards", query(of_a, start=5, end=1)),
        ("regular", query(of_a, matcher(MATCHES, "x", "1|3"))), ("not", query(of_a, matcher(FAILS, "x", "1|3"), matcher(UNEQUAL, "x", "2"))),
        ("no pattern", query(of_a, matcher(MATCHES, "x", "("))), ("no type", query(of_a, field(3, 2, field(1, 0, varint(9)) + field(2, 2, b"x")))),
        ("external", query(of_a, matcher(EQUAL, "zone", "eu"))), ("external not", query(of_a, matcher(UNEQUAL, "zone", "eu"))),
        ("own", query(matcher(EQUAL, "__name__", "b_total"))), ("utf8", query(matcher(EQUAL, "__name__", "utf8.name"))),
        ("no matcher", query()), ("histogram", query(matcher(EQUAL, "__name__", "h_native"))), ("samples", query(of_a) + field(2, 0, varint(0))), ("unknown type first", query(of_a) + field(2, 0, varint(7)) + field(2, 0, varint(0))),
        ("instance", query(matcher(EQUAL, "__name__", "with_instance"))), ("unknown types", query(of_a) + field(2, 0, varint(7))),
        ("broken", b"\x0a\x05"), ("wrong wire", b"\x08\x01"), ("illegal", b"\x00\x00"),
    ]:
        yield name, snappy(message), headers
    yield "not packed", b"hello", headers
    yield "no body", b"", headers
    yield "cut", b"\x20\x08abc", headers
    yield "no headers", snappy(query(of_a)), {}


def unsnappy(data):
    """Blocks as Go and Promenade make them: literals and copies."""
    size, position = read_varint(data, 0)
    out = bytearray()
    while position < len(data):
        tag = data[position]
        kind = tag & 3
        position += 1
        if kind == 0:
            length = tag >> 2
            if length >= 60:
                width = length - 59
                length = int.from_bytes(data[position:position + width], "little")
                position += width
            out += data[position:position + length + 1]
            position += length + 1
            continue
        if kind == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[position]
            position += 1
        else:
            width = 2 if kind == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[position:position + width], "little")
            position += width
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size, (len(out), size)
    return bytes(out)


def read_varint(data, position):
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def fields(data):
    position = 0
    while position < len(data):
        tag, position = read_varint(data, position)
        if tag & 7 == 0:
            value, position = read_varint(data, position)
        elif tag & 7 == 1:
            value, position = data[position:position + 8], position + 8
        elif tag & 7 == 5:
            value, position = data[position:position + 4], position + 4
        else:
            length, position = read_varint(data, position)
            value, position = data[position:position + length], position + length
        yield tag >> 3, value


def decode(body):
    """Of each result: its series as (labels, [(time, bits of the value or fields of the histogram)])."""
    results = []
    for _, result in fields(unsnappy(body)):
        all_series = []
        for _, series in fields(result):
            labels, samples = [], []
            for number, content in fields(series):
                parts = dict(fields(content))
                if number == 1:
                    labels.append((parts.get(1, b"").decode(), parts.get(2, b"").decode()))
                elif number == 2:
                    samples.append((parts.get(2, 0), struct.unpack("<Q", parts.get(1, bytes(8)))[0]))
                elif number == 4:
                    samples.append((parts.pop(15), sorted((n, c) for n, c in parts.items() if c != 0)))
            all_series.append((labels, samples))
        results.append(all_series)
    return results


def shown(content_type, body):
    """An answer as text that can be compared; times relative to each series' first."""
    if content_type != "application/x-protobuf":
        return body.decode("utf-8", "backslashreplace")
    lines = []
    for result in decode(body):
        lines.append("result")
        for labels, samples in sorted(result):
            lines.append(f"  {labels} {[(t - samples[0][0], hex(v) if isinstance(v, int) else v) for t, v in samples]}")
    return "\n".join(lines)
