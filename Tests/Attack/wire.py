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


WRITE = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
WRITE2 = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"}


def write(stack, body, headers=WRITE):
    return stack.request("/api/v1/write", "POST", body, headers)
