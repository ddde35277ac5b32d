"""Remote write 1.0 with the standard library: just enough of protobuf and snappy to load test data into a server."""
import http.client
import struct


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def zigzag(n):
    return varint((n << 1) ^ (n >> 63))


def field(number, kind, payload):
    return varint(number << 3 | kind) + (varint(len(payload)) + payload if kind == 2 else payload)


def double(x):
    return struct.pack("<d", x) if isinstance(x, float) else struct.pack("<Q", x)


STALE = 0x7FF0000000000002  # as bits: Python may not keep a NaN's payload


def histogram(h, timestamp):
    """h: dict(schema, zero_threshold, zero_count, count, sum, positive=(offset, [counts]), negative=(offset, [counts]))"""
    out = field(1, 0, varint(h["count"])) + field(3, 1, double(h["sum"])) + field(4, 0, zigzag(h["schema"]))
    out += field(5, 1, double(h["zero_threshold"])) + field(6, 0, varint(h["zero_count"]))
    for spans, deltas, (offset, counts) in ((8, 9, h["negative"]), (11, 12, h["positive"])):
        if counts:
            out += field(spans, 2, field(1, 0, zigzag(offset)) + field(2, 0, varint(len(counts))))
            previous, packed = 0, b""
            for c in counts:
                packed += zigzag(c - previous)
                previous = c
            out += field(deltas, 2, packed)
    return out + field(14, 0, varint(0)) + field(15, 0, varint(timestamp))


def label_pairs(labels):
    return b"".join(field(1, 2, field(1, 2, name.encode()) + field(2, 2, labels[name].encode())) for name in sorted(labels))


def write_request(series):
    """series: list of (labels dict, [(timestamp ms, float | bits | histogram dict)]), perhaps with [(timestamp ms, float, labels dict)]
    behind it: exemplars"""
    out = bytearray()
    for labels, samples, *more in series:
        body = bytearray(label_pairs(labels))
        for t, v, own in more[0] if more else ():
            body += field(3, 2, label_pairs(own) + field(2, 1, double(v)) + field(3, 0, varint(t)))
        for t, v in samples:
            if isinstance(v, dict):
                body += field(4, 2, histogram(v, t))
            else:
                body += field(2, 2, field(1, 1, double(v)) + field(2, 0, varint(t)))
        out += field(1, 2, bytes(body))
    return bytes(out)


def snappy(data):
    """A valid block of literals only."""
    out = bytearray(varint(len(data)))
    for i in range(0, len(data), 65536):
        part = data[i:i + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(part) - 1) + part
    return bytes(out)


def send(address, series, path="/api/v1/write"):
    """-> (status, body)"""
    host, port = address.rsplit(":", 1)
    c = http.client.HTTPConnection(host, int(port), timeout=60)
    c.request("POST", path, snappy(write_request(series)), {
        "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"})
    r = c.getresponse()
    body = r.read()
    c.close()
    return r.status, body
