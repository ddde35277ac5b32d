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
import urllib.error
import urllib.request
import zlib

from webdriver import Browser

URL = os.environ["PROMENADE_URL"].rstrip("/")
GATEWAY = os.environ.get("PROMENADE_GATEWAY_URL", "").rstrip("/")
DEMO = os.environ.get("PROMENADE_DEMO_URL", "").rstrip("/")
FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2] / "docs/screenshots")
WIDTHS = {360: 740, 1280: 800, 1920: 1080}
# Pages whose point is further down.
TALL = {"home": 1.45, "query-explain": 1.45}
SCALES = {360: 0.8, 1280: 0.8, 1920: 0.55}
GRAPH = "&g{0}.tab=graph&g{0}.range_input="
PAGES = {
    "home": (URL + "/", 6, None),
    "query-table": (URL + "/graph?" + "&".join(f"g{i}.expr=db_backup_{name}&g{i}.tab=1" for i, name in enumerate(["last_completion_timestamp_seconds", "last_success_timestamp_seconds", "duration_seconds", "records_processed"])), 0.5, None),
    "query-graph": (URL + "/query?g0.expr=rate(request_count_total[1m])" + GRAPH.format(0) + "1h&g1.expr=request_count_total" + GRAPH.format(1) + "1h", 1.5, None),
    "query-heatmap": (URL + "/query?g0.expr=histogram_quantile(0.9, sum by (le) (rate(fixture_latency_seconds_bucket[10s])))" + GRAPH.format(0) + "1m&g0.show_exemplars=1&g1.expr=rate(fixture_native_seconds[10s])" + GRAPH.format(1) + "1m", 1.5, None),
    "query-explain": (URL + "/query?g0.expr=sum by (job) (increase(fixture_jobs_total[20s]))&g0.tab=explain", 1, None),
    "query-empty": (URL + "/query?g0.expr=up{job=\"dmeo\"}&g0.tab=table&g1.expr=up{job=\"demo\"} %2B up{job=\"pushgateway\"}&g1.tab=table", 1, None),
    "query-completion": (URL + "/query", 0.5, "const t = document.querySelector('textarea'); t.focus(); t.value = 'sum(rate(request'; t.setSelectionRange(99, 99); t.dispatchEvent(new Event('input'))"),
    "targets": (URL + "/targets", 1, None),
    "targets-details": (URL + "/targets?search=mistakes", 1, "document.querySelector('.target button').click()"),
    "service-discovery": (URL + "/service-discovery", 0.5, "const s = document.querySelector('[type=search]'); s.value = 'team'; s.dispatchEvent(new Event('input')); document.querySelector('.target:not([hidden]) button').click()"),
    "status": (URL + "/status", 0.5, None),
    "tsdb-status": (URL + "/tsdb-status", 0.5, None),
    "flags": (URL + "/flags", 0.5, None),
    "config": (URL + "/config", 0.5, None),
    "alerts": (URL + "/alerts", 0.5, None),
    "rules": (URL + "/rules", 0.5, None),
}
if GATEWAY:
    PAGES["pushgateway"] = (GATEWAY + "/", 1.5, "const one = document.querySelector('.unfold'); if (one.getAttribute('aria-expanded') === 'false') one.click()")
    PAGES["pushgateway-pushes"] = (GATEWAY + "/#pushes", 1.5, None)
    PAGES["pushgateway-try"] = (GATEWAY + "/#try", 1, None)
    PAGES["pushgateway-status"] = (GATEWAY + "/status", 1, None)
if DEMO:
    PAGES["demo"] = (DEMO + "/", 1, "[...document.querySelectorAll('.button')][1].click()")


# Gives every pixel the nearest of a picture's most telling colours: the most frequent ones, then those furthest from all chosen so far.
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
    const apart = (a, b) => ((a & 255) - (b & 255)) ** 2 + ((a >> 8 & 255) - (b >> 8 & 255)) ** 2 + ((a >> 16 & 255) - (b >> 16 & 255)) ** 2;
    const ranked = [...counts].sort((a, b) => b[1] - a[1]);
    const kept = ranked.splice(0, most / 4).map(([colour]) => colour);
    const rest = ranked.slice(0, 4000).map(([colour, count]) => ({ colour, weight: Math.sqrt(count), far: Math.min(...kept.map((one) => apart(one, colour))) }));
    while (kept.length < most && rest.length) {
        let best = 0;
        rest.forEach((one, i) => { if (one.far * one.weight > rest[best].far * rest[best].weight) best = i; });
        if (!(rest[best].far > 40)) break;
        const [{ colour }] = rest.splice(best, 1);
        kept.push(colour);
        for (const one of rest) one.far = Math.min(one.far, apart(one.colour, colour));
    }
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
    """The same picture with at most 80 colours."""
    browser.open("about:blank", ready=False)
    width, height, palette, pixels = browser.js_async(REDUCE, base64.b64encode(png).decode(), 80)
    data = base64.b64decode(pixels)
    body = b"".join(b"\0" + data[y * width : (y + 1) * width] for y in range(height))
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)) + chunk(b"PLTE", bytes(palette)) + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b"")


def push(path, families, method="PUT"):
    """What the tutorial's batches push."""
    body = "".join(f"# HELP {name} {text}\n# TYPE {name} {kind}\n{name} {value}\n" for name, kind, value, text in families)
    try:
        urllib.request.urlopen(urllib.request.Request(f"{GATEWAY}/metrics/job/{path}", data=body.encode(), method=method)).close()
    except urllib.error.HTTPError:
        pass  # one of them is meant to fail


def pushes():
    now = time.time()
    completion = ("db_backup_last_completion_timestamp_seconds", "gauge", now, "The timestamp of the last completion of a DB backup, successful or not.")
    push("db_backup", [completion, ("db_backup_last_success_timestamp_seconds", "gauge", now, "The timestamp of the last successful completion of a DB backup."),
                       ("db_backup_duration_seconds", "gauge", 4.2e-07, "The duration of the last DB backup in seconds."), ("db_backup_records_processed", "gauge", 42, "The number of records processed in the last DB backup.")], "POST")
    for database in ("customers", "producers"):
        push(f"db_backup/db/{database}", [completion])
    push("my_batch_job", [("batch_count_total", "counter", 100, "Counter of execute."), ("batch_duration_seconds", "gauge", 1.0421209, "The duration of last batch in seconds."), ("batch_error_count_total", "counter", 40, "Counter of execute resulting in an error.")])
    push("nightly", [("db_backup_duration_seconds", "counter", 1, "The duration of the last DB backup in seconds.")])


def main():
    if GATEWAY:
        pushes()
    # A minute of scrapes for the pictures of short windows.
    time.sleep(65)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
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
                    picture = small(browser, browser.screenshot(width, most=int(height * (2 if width < 500 else TALL.get(name, 1))), least=height if width > 500 else 0, scale=SCALES[width]))
                    (FOLDER / f"{name}-{width}-{theme}.png").write_bytes(picture)
                    total += len(picture)
    finally:
        browser.close()
    print(f"{len(PAGES) * len(WIDTHS) * 2} pictures, {total / 1e6:.2f} MB in {FOLDER}")


if __name__ == "__main__":
    main()
