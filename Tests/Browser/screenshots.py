"""Pictures of every page, light and dark, at three widths, into docs/screenshots.

    PROMENADE_URL=… PROMENADE_GATEWAY_URL=… PROMENADE_DEMO_URL=… python3 screenshots.py [FOLDER]

PNGs with a palette of their own (written here by hand), so that all of them together stay small.
"""

import os
import pathlib
import struct
import sys
import time
import zlib

from webdriver import Browser

URL = os.environ["PROMENADE_URL"].rstrip("/")
GATEWAY = os.environ.get("PROMENADE_GATEWAY_URL", "").rstrip("/")
DEMO = os.environ.get("PROMENADE_DEMO_URL", "").rstrip("/")
FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2] / "docs/screenshots")
WIDTHS = {360: 740, 1280: 800, 1920: 1080}
OPEN_DETAILS = "document.querySelector('.target button')?.click()"
PAGES = {
    "home": (URL + "/", 4, None),
    "query-table": (URL + "/query?g0.expr=up&g0.tab=table", 0.5, None),
    "query-graph": (URL + "/query?g0.expr=rate(request_count_total[30s])&g0.tab=graph&g0.range_input=5m&g1.expr=scrape_duration_seconds&g1.tab=graph&g1.range_input=5m&g1.stacked=1", 1.5, None),
    "query-explain": (URL + "/query?g0.expr=sum by (job) (increase(request_count_total[20s]))&g0.tab=explain", 1, None),
    "query-empty": (URL + "/query?g0.expr=up{job=\"dmeo\"}&g0.tab=table", 1, None),
    "query-completion": (URL + "/query", 0.5, "const t = document.querySelector('textarea'); t.focus(); t.value = 'sum(rate(request'; t.setSelectionRange(99, 99); t.dispatchEvent(new Event('input'))"),
    "targets": (URL + "/targets", 1, OPEN_DETAILS),
    "service-discovery": (URL + "/service-discovery", 0.5, OPEN_DETAILS),
    "status": (URL + "/status", 0.5, None),
    "tsdb-status": (URL + "/tsdb-status", 0.5, None),
    "flags": (URL + "/flags", 0.5, None),
    "config": (URL + "/config", 0.5, None),
    "alerts": (URL + "/alerts", 0.5, None),
    "rules": (URL + "/rules", 0.5, None),
}
if GATEWAY:
    PAGES["pushgateway"] = (GATEWAY + "/", 1.5, None)
    PAGES["pushgateway-status"] = (GATEWAY + "/status", 1, None)
if DEMO:
    PAGES["demo"] = (DEMO + "/", 1, None)


def pixels(png):
    """Width, height and the rows of an 8-bit RGB(A) PNG without interlacing."""
    at, data, width, height, depth = 8, b"", 0, 0, 3
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack(">IIBB", png[at + 8 : at + 18])
            depth = 4 if colour == 6 else 3
        elif kind == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    raw, rows, last, stride = zlib.decompress(data), [], None, width * depth
    last = bytes(stride)
    for y in range(height):
        filter_, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
        if filter_ == 1:
            for i in range(depth, stride):
                line[i] = (line[i] + line[i - depth]) & 255
        elif filter_ == 2:
            line = bytearray((a + b) & 255 for a, b in zip(line, last))
        elif filter_ == 3:
            for i in range(stride):
                line[i] = (line[i] + ((line[i - depth] if i >= depth else 0) + last[i]) // 2) & 255
        elif filter_ == 4:
            for i in range(stride):
                a, b, c = (line[i - depth] if i >= depth else 0), last[i], (last[i - depth] if i >= depth else 0)
                pa, pb, pc = abs(b - c), abs(a - c), abs(a + b - 2 * c)
                line[i] = (line[i] + (a if pa <= pb and pa <= pc else b if pb <= pc else c)) & 255
        last = bytes(line)
        rows.append(last)
    return width, height, depth, rows


def small(png):
    """The same picture with at most 256 colours: those that occur most; the others become the nearest of them."""
    width, height, depth, rows = pixels(png)
    counts = {}
    coded = []
    for row in rows:
        line = [(row[i] << 16) | (row[i + 1] << 8) | row[i + 2] for i in range(0, len(row), depth)]
        coded.append(line)
        for colour in line:
            counts[colour] = counts.get(colour, 0) + 1
    kept = sorted(counts, key=counts.get, reverse=True)[:256]
    index = {colour: i for i, colour in enumerate(kept)}
    parts = [(one >> 16, one >> 8 & 255, one & 255) for one in kept]
    for colour in counts:
        if colour not in index:
            r, g, b = colour >> 16, colour >> 8 & 255, colour & 255
            index[colour] = min(range(len(parts)), key=lambda i: (parts[i][0] - r) ** 2 + (parts[i][1] - g) ** 2 + (parts[i][2] - b) ** 2)
    body = b"".join(b"\0" + bytes(index[colour] for colour in line) for line in coded)
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    palette = b"".join(bytes(one) for one in parts)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)) + chunk(b"PLTE", palette) + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b"")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    browser, total = Browser(), 0
    try:
        for name, (url, pause, script) in PAGES.items():
            for width, height in WIDTHS.items():
                for theme in ("light", "dark"):
                    browser.size(width, height, theme, mobile=width < 500)
                    browser.open(url, ready=False)
                    time.sleep(0.7 + pause)
                    if script:
                        browser.js(script)
                        time.sleep(0.7)
                    picture = small(browser.screenshot(width, most=height * (2 if width < 500 else 1), least=height if width > 500 else 0))
                    (FOLDER / f"{name}-{width}-{theme}.png").write_bytes(picture)
                    total += len(picture)
    finally:
        browser.close()
    print(f"{len(PAGES) * len(WIDTHS) * 2} pictures, {total / 1e6:.2f} MB in {FOLDER}")


main()
