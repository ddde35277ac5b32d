"""Pictures of every page, light and dark, at three widths, into docs/screenshots.

    PROMENADE_URL=… PROMENADE_GATEWAY_URL=… PROMENADE_DEMO_URL=… python3 screenshots.py [FOLDER]

Reduced in size and to a palette of their own, so that all of them together stay small.
"""

import base64
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
SCALES = {360: 0.9, 1280: 0.8, 1920: 0.55}
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


# Counts a picture's colours in the browser, keeps the most frequent ones and gives every pixel the nearest of them.
REDUCE = """
const [data, most, done] = arguments;
const image = new Image();
image.onload = () => {
    const canvas = new OffscreenCanvas(image.width, image.height);
    const g = canvas.getContext("2d");
    g.drawImage(image, 0, 0);
    const pixels = new Uint32Array(g.getImageData(0, 0, image.width, image.height).data.buffer);
    const counts = new Map();
    for (const one of pixels) counts.set(one, (counts.get(one) ?? 0) + 1);
    const kept = [...counts].sort((a, b) => b[1] - a[1]).slice(0, most).map(([colour]) => colour);
    const parts = kept.map((one) => [one & 255, one >> 8 & 255, one >> 16 & 255]);
    const index = new Map(kept.map((colour, i) => [colour, i]));
    for (const colour of counts.keys()) {
        if (index.has(colour)) continue;
        let best = 0, least = Infinity;
        parts.forEach(([r, g, b], i) => {
            const d = (r - (colour & 255)) ** 2 + (g - (colour >> 8 & 255)) ** 2 + (b - (colour >> 16 & 255)) ** 2;
            if (d < least) { least = d; best = i; }
        });
        index.set(colour, best);
    }
    let text = "";
    for (let at = 0; at < pixels.length; at += 8192) text += String.fromCharCode(...Array.from(pixels.subarray(at, at + 8192), (one) => index.get(one)));
    done([image.width, image.height, parts.flat(), btoa(text)]);
};
image.src = "data:image/png;base64," + data;
"""


def small(browser, png):
    """The same picture with at most 96 colours."""
    browser.open("about:blank", ready=False)
    width, height, palette, pixels = browser.js_async(REDUCE, base64.b64encode(png).decode(), 96)
    data = base64.b64decode(pixels)
    body = b"".join(b"\0" + data[y * width : (y + 1) * width] for y in range(height))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)) + chunk(b"PLTE", bytes(palette)) + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b"")


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
                    picture = small(browser, browser.screenshot(width, most=height * (2 if width < 500 else 1), least=height if width > 500 else 0, scale=SCALES[width]))
                    (FOLDER / f"{name}-{width}-{theme}.png").write_bytes(picture)
                    total += len(picture)
    finally:
        browser.close()
    print(f"{len(PAGES) * len(WIDTHS) * 2} pictures, {total / 1e6:.2f} MB in {FOLDER}")


main()
