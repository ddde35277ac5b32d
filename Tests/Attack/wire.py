"""Remote writes, made by hand."""
import struct


def varint(number):
    found = b""
    number &= (1 << 64) - 1
    while number >= 0x80:
        found, number = found + bytes([number & 0x7f | 0x80]), number >> 7
    return found + bytes([number])


def field(number, body, wire=2):
    if wire == 0:
        return varint(number << 3) + varint(body)
    if wire == 1:
        return varint(number << 3 | 1) + struct.pack("<d", body)
    body = body.encode() if isinstance(body, str) else body
    return varint(number << 3 | 2) + varint(len(body)) + body


def stored(body):
    """A snappy block that packs nothing."""
    parts = [varint(len(body))]
    for start in range(0, len(body), 1 << 16):
        piece = body[start:start + (1 << 16)]
        parts.append(bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece)
    return b"".join(parts)


def series(labels, samples):
    body = b"".join(field(1, field(1, name) + field(2, value)) for name, value in labels)
    return field(1, body + b"".join(field(2, field(1, value, 1) + field(2, time, 0)) for value, time in samples))


def native(name, labels, now, schema, spans, deltas, total):
    """A series with a native histogram whose positive buckets are these; each counts one or none."""
    def signed(number):
        return number << 1 ^ number >> 63
    count, counts = 0, []
    for delta in deltas:
        count += delta
        counts.append(count)
    body = field(1, sum(counts), 0) + field(3, total, 1) + field(4, signed(schema), 0) + field(5, 0.001, 1) + field(6, 0, 0)
    body += b"".join(field(11, field(1, signed(offset), 0) + field(2, length, 0)) for offset, length in spans)
    body += field(12, b"".join(varint(signed(delta)) for delta in deltas)) + field(15, now, 0)
    pairs = [("__name__", name), *labels]
    return field(1, b"".join(field(1, field(1, key) + field(2, value)) for key, value in pairs) + field(4, body))


def repeated(piece, times):
    """A snappy block of a piece again and again."""
    size = len(piece)
    left = size * (times - 1)
    parts = [varint(size * times), bytes([61 << 2]), struct.pack("<H", size - 1), piece]
    while left:
        step = min(64, left)
        parts.append(bytes([step - 1 << 2 | 2]) + struct.pack("<H", size))
        left -= step
    return b"".join(parts)


WRITE = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
WRITE2 = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"}


def write(stack, body, headers=WRITE):
    return stack.request("/api/v1/write", "POST", body, headers)
