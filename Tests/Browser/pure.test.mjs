// The parts of the pages that need no browser. Run: node --test Tests/Browser/
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const files = new URL("../../Sources/CWebAssets/files/", import.meta.url);
const read = (path) => readFileSync(new URL(path, files), "utf8");
const load = (path) => import(new URL(path, files));
const { tokenize, placeAt, errorPlace } = await load("prometheus/tokens.js");
const { FUNCTIONS } = await load("prometheus/functions.js");
const url = await load("prometheus/urlstate.js");
const axes = await load("prometheus/axes.js");
const format = await load("shared/format.js");
const { momentOf } = await load("shared/clock.js");
const results = await load("prometheus/results.js");
const { csvOfGraph, csvOfTable } = await load("prometheus/export.js");
const { lastOfEach } = await load("prometheus/received.js");
const { distinction, distinctions, isOver, lives, looksOf, requestsOf, stretches } = await load("prometheus/learnfacts.js");
const { linkHere, read: readText } = await load("prometheus/learnread.js");
const { changes } = await load("prometheus/learnchanges.js");
const { axisStep, inWords, sentences, shortSpan, spanWords, words } = await load("prometheus/learnwords.js");
const { explainWords } = await load("prometheus/explainwords.js");

test("tokens: every character is in exactly one, with its kind", () => {
    const kinds = (text) => tokenize(text).filter((one) => one.kind !== "space").map((one) => `${one.kind}:${one.text}`).join(" ");
    const table = {
        'sum by (job) (rate(foo{a!~"b\\"c"}[5m]))': 'keyword:sum keyword:by punctuation:( label:job punctuation:) punctuation:( function:rate punctuation:( name:foo punctuation:{ label:a operator:!~ string:"b\\"c" punctuation:} punctuation:[ number:5m punctuation:] punctuation:) punctuation:)',
        "a / on(x) group_left b # why": "name:a operator:/ keyword:on punctuation:( label:x punctuation:) keyword:group_left name:b comment:# why",
        "1e3 + 0x1F - .5 ^ Inf": "number:1e3 operator:+ number:0x1F operator:- number:.5 operator:^ keyword:Inf",
        "m[1h30m:1m] offset -5m @ 12.5": "name:m punctuation:[ number:1h30m punctuation:: number:1m punctuation:] keyword:offset operator:- number:5m operator:@ number:12.5",
        'x{a="open': 'name:x punctuation:{ label:a operator:= error:"open',
        "f)": "name:f error:)",
        "`raw \\`": "string:`raw \\`",
    };
    for (const [text, expected] of Object.entries(table)) {
        assert.equal(kinds(text), expected);
        assert.equal(tokenize(text).map((one) => one.text).join(""), text);
    }
});

test("places: what can be typed where the caret (|) is", () => {
    const table = {
        "ra|": { kind: "expression", prefix: "ra", start: 0 },
        "sum(r|)": { kind: "expression", prefix: "r", start: 4 },
        "up{|}": { kind: "label", prefix: "", metric: "up" },
        "up{jo|}": { kind: "label", prefix: "jo", metric: "up", start: 3 },
        'up{job="x",in|}': { kind: "label", prefix: "in", metric: "up" },
        'up{job="a|': { kind: "value", label: "job", prefix: "a", metric: "up", quote: '"' },
        'up{a="1",job=~"b|': { kind: "value", label: "job", prefix: "b", metric: "up" },
        "sum by (j|) (up)": { kind: "label", prefix: "j", metric: "up" },
        "rate(up[5|": { kind: "duration", prefix: "5" },
        "up{job=|": { kind: "none" },
        "12|": { kind: "none" },
        "# sum|": { kind: "none" },
        'up{job="a"} |': { kind: "expression", prefix: "" },
    };
    for (const [text, expected] of Object.entries(table)) {
        const place = placeAt(text.replace("|", ""), text.indexOf("|"));
        for (const [name, value] of Object.entries(expected)) assert.equal(place[name], value, `${text}: ${name}`);
    }
    assert.deepEqual(placeAt('up{a="1",job="', 14).matchers, ['a="1"']);
});

test("a parser's message is placed in the text", () => {
    assert.deepEqual(errorPlace('invalid parameter "query": 1:5: parse error: unexpected', "sum(("), { offset: 4, message: "parse error: unexpected" });
    assert.equal(errorPlace("2:3: parse error: x", "ab\ncde").offset, 5);
    assert.equal(errorPlace("1:99: parse error: x", "abc").offset, 3);
    assert.equal(errorPlace("query timed out", "abc"), null);
});

test("functions: each once, with signature and text", () => {
    assert.equal(new Set(FUNCTIONS.map((one) => one.name)).size, FUNCTIONS.length);
    for (const one of FUNCTIONS) assert.ok(/^[a-z_0-9]+$/.test(one.name) && one.signature.startsWith(one.name) && one.text.endsWith("."), one.signature || JSON.stringify(one));
});

test("URL state: the links of Prometheus 2 and 3, and round trips", () => {
    const old = url.decode("?g0.expr=up&g0.tab=1&g0.stacked=0&g0.show_exemplars=0&g0.range_input=1h&g1.expr=a%2Bb&g1.tab=0&g1.stacked=1&g1.range_input=2d&g1.end_input=2021-10-29%2021%3A50%3A00&g1.step_input=30");
    assert.deepEqual(old, [
        { expr: "up", tab: "table", range: 3600, end: null, mode: "lines", resolution: "medium", exemplars: false, least: null },
        { expr: "a+b", tab: "graph", range: 172800, end: Date.UTC(2021, 9, 29, 21, 50) / 1000, mode: "stacked", resolution: 30, exemplars: false, least: null },
    ]);
    const panels = [{ expr: 'x{a="&"}', tab: "explain", range: 5400, end: 1700000000, mode: "heatmap", resolution: 2.5, exemplars: true, least: null }, { ...url.newPanel("y"), tab: "graph", resolution: "high" }];
    assert.deepEqual(url.decode(url.encode(panels)), panels);
    assert.deepEqual(url.decode(""), []);
    assert.equal(url.decode("g0.expr=x&g0.moment_input=2021-10-29+21%3A50")[0].end, Date.UTC(2021, 9, 29, 21, 50) / 1000);
    for (const bad of ["nonsense", "2021-13-45 00:00", ""]) assert.equal(url.parseTime(bad), null);
    assert.equal(url.decode("g0.expr=x&g0.y_axis_min=0&g0.show_tree=1")[0].least, 0);
    assert.equal(url.decode("g0.expr=x&g0.y_axis_min=")[0].least, null);
    for (const [range, step] of [[31536000, 126144], [3600, 14], [300, 1], [60, 1], [10, 0.05]]) assert.equal(url.stepOf({ ...url.newPanel(), range }), step);
    assert.ok(url.stepOf({ ...url.newPanel(), range: 86400 * 365, resolution: 1 }) * 11000 >= 86400 * 365);
});

test("axes: round ticks and labels that tell them apart", () => {
    assert.deepEqual(axes.valueTicks(0.3, 9.7, 5).ticks, [0, 2, 4, 6, 8, 10]);
    assert.deepEqual(axes.valueTicks(-0.05, 0.05, 4).ticks, [-0.05, -0.025, 0, 0.025, 0.05]);
    assert.ok(axes.valueTicks(5, 5, 4).ticks.length > 1);
    assert.ok(axes.valueTicks(0, 0, 4).ticks.length > 1);
    assert.deepEqual(axes.valueTicks(0, 9000, 4, "s").ticks, [0, 3600, 7200, 10800]);
    assert.deepEqual(axes.valueLabels([0, 3600, 7200], "s"), ["0", "1h", "2h"]);
    assert.deepEqual(axes.valueLabels([0, 0.002, 0.004], "s"), ["0", "2ms", "4ms"]);
    assert.deepEqual(axes.valueLabels([0, 2e6, 4e6], "B/s"), ["0", "2MB/s", "4MB/s"]);
    assert.deepEqual(axes.valueLabels([0, 0.5, 1], "s"), ["0", "0.5 s", "1 s"]);
    assert.deepEqual(axes.valueLabels([0, 500, 1000, 1500]), ["0", "0.5k", "1k", "1.5k"]);
    assert.deepEqual(axes.valueLabels([1000000, 1000010, 1000020]), ["1M", "1.00001M", "1.00002M"]);
    assert.deepEqual(axes.valueLabels([0, 0.002, 0.004]), ["0", "0.002", "0.004"]);
    assert.deepEqual(axes.valueLabels([0, 0.0002, 0.0004]), ["0", "200µ", "400µ"]);
    assert.deepEqual(axes.logTicks(0.05, 2.5, 6, [0.05, 0.1, 0.25, 0.5, 1, 2.5]), [0.05, 0.1, 0.25, 0.5, 1, 2.5], "a histogram's own bounds");
    assert.deepEqual(axes.logTicks(0.1, 4, 6, Array.from({ length: 40 }, (_, i) => 0.1 * 1.1 ** i)), [0.1, 0.2, 0.5, 1, 2]);
    assert.deepEqual(axes.logTicks(0.01, 100, 6, []), [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]);
    assert.deepEqual(axes.logTicks(1e-6, 1e6, 7, []), [1e-6, 1e-4, 1e-2, 1, 1e2, 1e4, 1e6]);
    assert.deepEqual(axes.logTicks(3, 4, 6, []), [3, 4]);
    const day = Date.UTC(2026, 2, 1) / 1000;
    assert.deepEqual(axes.timeTicks(day, day + 3600, 6, 0).ticks.map((one) => axes.timeLabel(one, 600, 0)), ["03-01", "00:10", "00:20", "00:30", "00:40", "00:50", "01:00"]);
    assert.deepEqual(axes.timeTicks(day - 10, day + 86400 * 2, 3, 540).ticks.map((one) => axes.timeLabel(one, 86400, 540)), ["03-02", "03-03"]);
    assert.equal(axes.timeLabel(day + 5.25, 0.25, 0), "00:05.250");
});

test("numbers, lengths and times as text", () => {
    const table = [
        [format.si(1234567), "1.235M"], [format.si(0.00012), "120µ"], [format.si(0), "0"], [format.si(-2500), "-2.5k"], [format.si(Infinity), "+Inf"],
        [format.bytes(1536), "1.5 KiB"], [format.bytes(0), "0 B"],
        [format.span(0.0015), "1.5 ms"], [format.span(7500), "2 h 5 min"], [format.span(59.99), "60 s"], [format.span(-3), "−3 s"], [format.span(86400 * 2), "2 d"],
        [format.ago(0.2), "just now"], [format.ago(90), "1 min 30 s ago"], [format.ago(-30), "in 30 s"],
        [format.duration(5400), "1h30m"], [format.duration(0.25), "250ms"], [format.duration(604800), "1w"], [format.duration(0), "0s"], [format.duration(90), "1m30s"], [format.duration(691200), "8d"],
        [format.parseDuration("1h30m"), 5400], [format.parseDuration("90"), 90], [format.parseDuration("1w2d"), 777600], [format.parseDuration("250ms"), 0.25], [format.parseDuration("1m1h"), null], [format.parseDuration(""), null], [format.parseDuration("x"), null],
        [format.seriesName({ __name__: "up", job: 'a"b', "é": "1" }), 'up{job="a\\"b", "é"="1"}'], [format.seriesName({ __name__: "up" }), "up"], [format.seriesName({}), "{}"], [format.seriesName({ __name__: "a.b", x: "y" }), '{"a.b", x="y"}'],
    ];
    for (const [found, expected] of table) assert.equal(found, expected);
    for (const seconds of [1, 59, 60, 61, 3599, 3600, 86399, 604800, 31536000]) assert.equal(format.parseDuration(format.duration(seconds)), seconds);
});

test("results: columns with gaps, CSV, resets", () => {
    const { times, series } = results.columns([{ metric: { __name__: "a", x: 'q",' }, values: [[10, "1"], [30, "+Inf"]] }], 10, 30, 10);
    assert.deepEqual([...times], [10, 20, 30]);
    assert.deepEqual([...series[0].values], [1, NaN, Infinity]);
    assert.equal(csvOfGraph(times, series), 'time,"a{x=""q\\"",""}"\r\n1970-01-01T00:00:10.000Z,1\r\n1970-01-01T00:00:20.000Z,\r\n1970-01-01T00:00:30.000Z,+Inf\r\n');
    assert.equal(csvOfTable([{ metric: { a: "1" }, value: [5, "2"] }, { metric: { b: "x,y" }, values: [[5, "3"], [6, "4"]] }]), 'a,b,timestamp,value\r\n1,,5,2\r\n,"x,y",5,3\r\n,"x,y",6,4\r\n');
    assert.deepEqual(results.resetsIn(Float64Array.of(1, 5, NaN, 2, 3, 0)), [3, 5]);
    assert.equal(results.unitOf(["process_cpu_seconds_total"], ["rate"]), "");
    assert.equal(results.unitOf(["x_bytes_total"], ["rate"]), "B/s");
    assert.equal(results.unitOf(["x_seconds_bucket"], ["histogram_quantile", "sum", "rate"]), "s");
    assert.equal(results.unitOf(["push_time_seconds"], []), "");
    const short = results.shortNames([{ name: "A", labels: { __name__: "m", i: "1", j: "x" } }, { name: "B", labels: { __name__: "m", i: "2", j: "x" } }]);
    assert.equal(short.get("A"), '{i="1"}');
});

test("heatmaps: classic buckets become differences, native ones stay", () => {
    const one = (le, ...values) => ({ labels: { le }, name: le, values: Float64Array.from(values), histograms: null });
    const classic = results.bucketCells([one("+Inf", 10, 10), one("0.1", 4, 0), one("1", 9, 10)], 2);
    assert.deepEqual(classic.columns[0].map((cell) => [cell.from, cell.to, cell.count]), [[0, 0.1, 4], [0.1, 1, 5], [1, Infinity, 1]]);
    assert.deepEqual(classic.columns[1].map((cell) => cell.count), [10]);
    assert.ok(classic.log && classic.low < 0.1 && classic.high > 1);
    const native = results.bucketCells([{ labels: {}, name: "", values: new Float64Array(1), histograms: [{ count: "3", sum: "1", buckets: [[0, "0.5", "1", "3"]] }] }], 1);
    assert.deepEqual(native.columns[0].map((cell) => [cell.low, cell.high, cell.count]), [[0.5, 1, 3]]);
    assert.deepEqual(results.bucketCells([], 1).columns, [[]]);
});

test("reasons: times as people here write them", async () => {
    const { localized } = await load("shared/format.js");
    assert.equal(localized("no time"), "no time");
    assert.ok(!/T\d\d:/.test(localized("It is from 2026-11-28T09:15:54Z, 5m before.")));
    assert.ok(localized("It is from 2026-11-28T09:15:54Z, 5m before.").endsWith(", 5m before."));
});

test("the pages keep to the Content-Security-Policy and load nothing from elsewhere", () => {
    for (const entry of readdirSync(files, { recursive: true })) {
        if (!/\.(html|css|js|svg)$/.test(entry)) continue;
        const text = read(entry);
        if (entry.endsWith(".html")) assert.ok(!/ style=| on\w+=|<style|<script(?![^>]*\bsrc=)/.test(text), entry);
        if (entry.endsWith(".js")) assert.ok(!/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|setAttribute\("style"|\bstyle: /.test(text), entry);
        assert.ok(!/(?:src|href|url\(|from) *=? *["'(]?https?:/.test(text), `${entry} loads from elsewhere`);
    }
});

test("lines, borders and curves stand out against what is behind them (3:1, WCAG 1.4.11)", () => {
    const style = read("shared/style.css");
    const light = (hex) => { const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
    const token = (name) => new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(style).slice(1);
    const surface = token("surface");
    for (const name of ["line-strong", "accent", "good", "warn", "bad", "ember", ...Array.from({ length: 10 }, (_, i) => `series-${i}`)]) {
        token(name).forEach((colour, theme) => assert.ok(contrast(colour, surface[theme]) >= 3, `${name} ${colour} on ${surface[theme]}`));
    }
});

/** A page's first load in bytes: its HTML and styles, and the modules that import each other without being asked. */
function firstLoad(...modules) {
    const seen = new Set(["index.html", "shared/style.css", "prometheus/pages.css", "shared/theme.js", "shared/icon.svg"]);
    const visit = (path) => {
        if (seen.has(path)) return;
        seen.add(path);
        for (const [, to] of read(path).matchAll(/^(?:import|\} from)[^;]*?"(.*?)";$/gm)) visit(new URL(to, `file:///${path}`).pathname.slice(1));
    };
    modules.forEach(visit);
    return [...seen].reduce((sum, path) => sum + Buffer.byteLength(read(path)), 0);
}

test("a first page is small", () => {
    const sizes = Object.fromEntries([["home", ["home.js"]], ["query", ["query.js"]], ["query with graph", ["query.js", "graph.js"]]]
        .map(([name, modules]) => [name, firstLoad("prometheus/app.js", ...modules.map((one) => `prometheus/${one}`))]));
    for (const [name, size] of Object.entries(sizes)) assert.ok(size < 220_000, `${name}: ${size} bytes`);
    console.log(sizes);
});

const stack = await load("shared/stack.js");

test("the stack's servers are on the page's own host, unless they listen or are reached elsewhere", () => {
    const here = { hostname: "lab.example" };
    const server = { scheme: "http", host: "127.0.0.1", port: 9090, path: "/", externalUrl: "" };
    for (const [change, expected] of [
        [{}, "http://lab.example:9090/"],
        [{ host: "" }, "http://lab.example:9090/"],
        [{ host: "::", path: "/prom/" }, "http://lab.example:9090/prom/"],
        [{ host: "10.0.0.7", scheme: "https" }, "https://10.0.0.7:9090/"],
        [{ host: "fe80::1" }, "http://[fe80::1]:9090/"],
        [{ externalUrl: "https://example.org/p/" }, "https://example.org/p/"],
    ]) assert.equal(stack.urlOf({ ...server, ...change }, here), expected);
});

test("a group's selector: as its series are stored", () => {
    const labels = { job: "pushgateway", instance: "localhost:9091" };
    const honoured = { honorLabels: true, labels }, renamed = { honorLabels: false, labels };
    for (const [group, reader, expected] of [
        [[["job", "a"]], honoured, '{job="a"}'],
        [[["job", "a"]], undefined, '{job="a"}'],
        [[["job", "a"], ["db", 'x"\\y']], honoured, '{job="a", db="x\\"\\\\y"}'],
        [[["job", "a"], ["instance", ""]], honoured, '{job="a", instance=""}'],
        [[["job", "a"], ["db", "x"]], renamed, '{exported_job="a", db="x"}'],
        [[["job", "a"], ["instance", ""]], renamed, '{exported_job="a"}'],
        [[["job", "a"], ["exported_job", "b"]], renamed, '{exported_exported_job="a", exported_job="b"}'],
        [[["job", "a"], ["a.b", "c"]], honoured, '{job="a", "a.b"="c"}'],
    ]) assert.equal(stack.groupSelector(group, reader), expected);
    assert.deepEqual([-1, 0.2, 0.6, 3.2].map(stack.soon), ["now", "now", "in 1 s", "in 4 s"]);
});

test("the link to an explanation has its time", () => {
    assert.equal(format.queryHref("up", "explain", "15m", 1700000000), "query?g0.expr=up&g0.tab=explain&g0.range_input=15m&g0.moment_input=2023-11-14+22%3A13%3A20");
    assert.equal(url.decode(format.queryHref("up", "explain", "15m", 1700000000).slice(6))[0].end, 1700000000);
});

test("lessons: what the Pushgateway held, as stretches of equal values", () => {
    const held = [
        { at: 0, series: [] },
        { at: 10, series: [['rows{job="a"}', "1"], ['rows_total{job="a"}', "9"]] },
        { at: 20, series: [['rows{job="a"}', "1"]] },
        { at: 30, series: [['rows{job="a"}', "2"], ['rows{job="b"}', "3"]] },
        { at: 40, series: [['rows{job="b"}', "3"]] },
    ];
    assert.deepEqual(stretches(held, "rows", 50), [
        { name: 'rows{job="a"}', value: "1", from: 10, to: 30 },
        { name: 'rows{job="a"}', value: "2", from: 30, to: 40 },
        { name: 'rows{job="b"}', value: "3", from: 30, to: 50 },
    ]);
});

test("lessons: what happened, as events and scrapes tell it", () => {
    const life = (name, from, to, service = "api") => ({ service, name, from, to });
    const told = [life("api-1", 0, 5), life("api-2", 0, null), life("api-extra-1", 0, null, "api-extra"), life("api-1", 9, 30), life("api-3", 25, null)];
    // Nothing is known of what comes after the moment that is shown.
    assert.deepEqual(lives(told, "api", 20), [
        { name: "api-1", from: 0, to: 5 }, { name: "api-2", from: 0, to: null }, { name: "api-1", from: 9, to: null },
    ]);
    const request = (at, by, method, job) => ({ at, by, method, job, path: `/metrics/job/${job}` });
    const pushes = [
        request(1, "backup", "PUT", "backup"), request(2, "scenario", "POST", "backup"), request(3, "scenario", "PUT", "backups"),
        request(5, "scenario", "DELETE", "backup"),
    ];
    const made = (origin) => requestsOf(pushes, { origin, name: "backup" }).map((one) => `${one.at} ${one.method}`);
    assert.deepEqual(made("requests"), ["1 PUT", "2 POST", "5 DELETE"]);
    assert.deepEqual(made("batch"), ["1 PUT"]);
    const scrape = (at, good, job = "j") => ({ at, job, instance: "i", good });
    const state = { start: 1000, scrapes: [scrape(0, true), scrape(10, true), scrape(20, false), scrape(20, true, "k")] };
    const samples = { result: [{ values: [[1.01, "7"]] }, { values: [[1.01, "8"]] }] };
    assert.deepEqual(looksOf({ job: "j" }, state, samples, 0, 30), [
        { at: 0, values: [] }, { at: 10, values: ["7", "8"] }, { at: 20, values: null },
    ]);
    assert.equal(distinction('m{db="a",instance="",job="j"}'), 'db="a"');
    assert.equal(distinction('m{db="a", instance="", job="j"}'), 'db="a"');
    assert.equal(distinction("m"), "");
    assert.deepEqual(distinctions([{ __name__: "m", job: "a", i: "1" }, { __name__: "m", job: "b" }]), ['job="a"', 'job="b"']);
    assert.deepEqual(distinctions([{ __name__: "m" }, { __name__: "m", db: "b" }]), ['db=""', 'db="b"']);
    assert.deepEqual(distinctions([{ a: "1", b: "1" }, { a: "1", b: "2" }, { a: "2", b: "2" }]), ['a="1", b="1"', 'a="1", b="2"', 'a="2", b="2"']);
});

test("lessons: what requests did to a group", () => {
    const [rows, seconds] = ['rows{instance="",job="b"}', 'seconds{instance="",job="b"}'];
    const held = [
        { at: 0, request: null, body: "", series: [] },
        { at: 1, request: { method: "PUT", path: "/metrics/job/b", job: "b" }, body: "rows 1\nseconds 4", series: [[rows, "1"], [seconds, "4"]] },
        { at: 2, request: { method: "POST", path: "/metrics/job/b", job: "b" }, body: "rows 2", series: [[rows, "2"], [seconds, "4"]] },
        { at: 3, request: { method: "PUT", path: "/metrics/job/bb", job: "bb" }, body: "x 1", series: [[rows, "2"], [seconds, "4"], ['x{job="bb"}', "1"]] },
        { at: 4, request: { method: "PUT", path: "/metrics/job/b", job: "b" }, body: "rows 3", series: [[rows, "3"]] },
        { at: 5, request: { method: "DELETE", path: "/metrics/job/b", job: "b" }, body: "", series: [] },
        { at: 9, request: { method: "PUT", path: "/metrics/job/b", job: "b" }, body: "rows 9", series: [[rows, "9"]] },
    ];
    const said = changes(held, "b", 8).map(({ request, left, gone }) => [
        request.split(" ")[0], left.map(({ state }) => state).join(), gone.map((name) => name.split("{")[0]).join(),
    ]);
    assert.deepEqual(said, [
        ["PUT", "new,new", ""], ["POST", "renewed,kept", ""], ["PUT", "renewed", "seconds"], ["DELETE", "", "rows"],
    ]);
});

test("lessons: every word is there in every language, with the same parts", () => {
    const parts = (text) => [...new Set(text.match(/\{\d\}/g))].sort();
    for (const table of [words, explainWords])
        for (const [language, texts] of Object.entries(table)) {
            assert.deepEqual(Object.keys(texts), Object.keys(table.en), language);
            for (const [name, text] of Object.entries(texts)) assert.deepEqual(parts(text), parts(table.en[name]), name);
        }
    assert.deepEqual(Object.keys(explainWords), Object.keys(words));
});

test("phrases take texts and elements at any place, and more than once", () => {
    assert.deepEqual(format.phrase("{1}から{0}、{1}", ["a", 2]), ["", 2, "から", "a", "、", 2, ""]);
    assert.deepEqual(format.phrase("nothing {0}", []).join(""), "nothing ");
});

test("lessons: spans and sentences as a language writes them", () => {
    assert.equal(spanWords("ja", 70000), "1分10秒");
    assert.equal(spanWords("en", 70000), "1m10s");
    assert.deepEqual(["45 s", "4 min 45 s", "15s", "1h30m", "rate(x[5m])", "5 more", "7"].map((one) => inWords("ja", one)),
        ["45秒", "4分45秒", "15秒", "1時間30分", "rate(x[5m])", "5 more", "7"]);
    assert.equal(sentences("ja", ["見えたのはどちら？", "時刻 1"]), "見えたのはどちら？時刻 1。");
    assert.equal(sentences("en", ["Who saw it?", "Time 1"]), "Who saw it? Time 1.");
});

test("lessons: a text's links lead to what the server has", () => {
    assert.equal(linkHere("../lessons/06-grouping-keys/lesson.ja.md"), "learn?lesson=06-grouping-keys&lang=ja");
    assert.equal(linkHere("tutorial.md"), "learn?read=tutorial&lang=en");
    assert.equal(linkHere("learn-check.ja.md"), "learn?read=learn-check&lang=ja");
    assert.deepEqual(["../stack.yml", "tutorial/server/main.go", "pages.md"].map(linkHere), [undefined, undefined, undefined]);
});

test("times and long numbers keep their whole part", () => {
    assert.equal(format.precise(1767610920), "1767610920");
    assert.equal(format.precise(1767610920.25), "1767610920.25");
    assert.equal(format.precise(9.999999999999998, 6), "10");
    assert.equal(format.precise(0.21462063251771324, 6), "0.214621");
    assert.equal(format.precise(Infinity), "+Inf");
});

test("lessons: spans in short, and steps of their axis", () => {
    assert.deepEqual([0, 5000, 65000, 3600000, 3661000].map(shortSpan), ["0s", "5s", "1m5s", "1h", "1h1m1s"]);
    for (const minutes of [1, 3, 11, 30, 300]) {
        const labels = (minutes * 60000) / axisStep(minutes * 60000);
        assert.ok(labels <= 10 && labels >= 3, `${minutes}: ${labels}`);
    }
});

test("of each client of OpenTelemetry the last request is shown, the newest first", () => {
    const all = [["a:1", "x", 1], ["b:2", "x", 2], ["a:9", "x", 3], ["a:9", "y", 4]];
    const requests = all.map(([client, userAgent, number]) => ({ client, userAgent, number }));
    assert.deepEqual(lastOfEach(requests).map((one) => one.number), [4, 3, 2]);
});

test("simulated time: the moment that a person means", () => {
    const start = Date.parse("2026-01-05T09:00:00Z") / 1000;
    const at = { start, now: start + 600 };
    const local = (hour, minute, second = 0, day = 0) => {
        const date = new Date(at.now * 1000);
        date.setHours(hour, minute, second, 0);
        date.setDate(date.getDate() + day);
        return date.getTime() / 1000;
    };
    const table = {
        "+30s": start + 630,
        "+ 1h30m": start + 600 + 5400,
        "5m": start + 300,
        " 2026-01-05T09:30:00Z ": start + 1800,
        "2026-01-05 23:15": new Date("2026-01-05T23:15").getTime() / 1000,
        "23:59:59": local(23, 59, 59),
        // What is past today is tomorrow's.
        "0:00": local(0, 0, 0, 1),
        "24:00": undefined,
        "9:60": undefined,
        soon: undefined,
        "": undefined,
        "12": start + 12,
    };
    for (const [text, expected] of Object.entries(table)) assert.equal(momentOf(text, at), expected, text);
    // There is no tomorrow, and what is over is refused.
    assert.equal(momentOf("0:00", { ...at, end: start + 1800 }), local(0, 0));
    // A clock that is moved by hand has no start.
    assert.equal(momentOf("5m", { now: 100 }), 400);
});

test("the filter of rules: names, groups and labels as they are shown; of a rule only the alerts that fit", async () => {
    const { fitting, unseen } = await load("prometheus/rulefilter.js");
    const alert = (i) => ({ labels: { alertname: "Many", i: String(i), severity: "page" } });
    const rule = { name: "Many", labels: { severity: "page" }, alerts: [alert(0), alert(1), alert(10)], alertCount: 2500 };
    const group = { name: "watch", file: "rules/a.yml", rules: [rule] };
    for (const whole of ["", "many", "watch", "a.yml", 'severity="page"']) assert.equal(fitting(group, rule, whole), rule, whole);
    assert.equal(fitting(group, rule, "severity=page"), rule);
    assert.deepEqual(fitting(group, rule, 'i="1"').alerts, [alert(1)]);
    assert.deepEqual(fitting(group, rule, "i=3, severity=page"), null);
    assert.deepEqual(fitting(group, { ...rule, labels: {} }, "i=10, severity=page").alerts, [alert(10)]);
    assert.deepEqual(fitting(group, rule, 'i="1').alerts, [alert(1), alert(10)]);
    assert.equal(fitting(group, rule, 'i="2444"'), null);
    assert.equal(unseen([group]), 2497);
});

test("the strip of an alert: each state has its share of a minute, and what was not evaluated is not inactive", async () => {
    const { tiles } = await load("prometheus/alertstrip.js");
    const none = { pending: 0, firing: 0 };
    const shares = (counts, interval, first) => tiles(counts, { interval, first }, 600).map((one) => one && [one.pending, one.firing]);
    // 25 of 40 s, with an evaluation every 5 s; the newest evaluation may be under way.
    const counts = [none, { pending: 9, firing: 0 }, { pending: 6, firing: 6 }, none, { pending: 0, firing: 11 }];
    assert.deepEqual(shares(counts, 5, 0), [[0, 0], [0.75, 0], [0.5, 0.5], [0, 0], [0, 1]]);
    // Two minutes before the first evaluation, and one in which there were some: those of another process are known.
    assert.deepEqual(shares([none, none, none, none], 5, 510), [null, null, [0, 0], [0, 0]]);
    assert.deepEqual(shares([{ pending: 3, firing: 0 }, none], 5, 590), [[0.25, 0], [0, 0]]);
    // The first two evaluations after a start write nothing.
    assert.deepEqual(shares([none, { pending: 0, firing: 9 }, none], 5, 485), [null, [0, 1], [0, 0]]);
    // A minute has 8 or 9 evaluations; of longer intervals one is all there is.
    assert.deepEqual(shares([{ pending: 8, firing: 0 }, { pending: 9, firing: 0 }], 7, 0), [[1, 0], [1, 0]]);
    assert.deepEqual(shares([{ pending: 0, firing: 1 }, none], 300, 0), [[0, 1], [0, 0]]);
    // Before the first one nothing is known.
    assert.deepEqual(shares([none], 5, Infinity), [null]);
});

test("why an alert does not fire, in words", async () => {
    const { earlier, unsteady, waiting, lastPending } = await load("prometheus/alertwords.js");
    const chain = { labels: ["v"], alerts: 5, since: "2026-03-01T00:00:00Z", longest: 0, everyEvaluation: true, recent: [{ v: "1" }, { v: "2" }] };
    const rule = { duration: 60, interval: 5, labels: { v: "{{ $value }}" }, unsteady: chain };
    assert.match(unsteady(rule), /^The label v follows the value: each evaluation .* \(5 one after the other, the last with 1, 2\)\. Put the value into an annotation\.$/);
    assert.match(unsteady({ ...rule, duration: 0 }), /^The label v follows the value: a new alert and a resolved one at every evaluation /);
    const pods = { ...rule, labels: {}, unsteady: { ...chain, labels: ["node", "pod"], longest: 20, everyEvaluation: false, recent: [{ node: "n", pod: "a" }] } };
    assert.match(unsteady(pods), /^5 alerts, .* differ in the labels node and pod only \(the last with n\/a\): each was gone before it fired, after 20 s at most of 1 min\. .*max without \(node, pod\)/);
    const alert = { state: "pending", activeAt: new Date(Date.now() - 10_000).toISOString() };
    assert.doesNotMatch(waiting(pods, alert), /fires in/);
    assert.match(waiting({ ...pods, unsteady: undefined }, alert), /fires in (49|50)/);
    // Whoever stays longer than those before may fire after all.
    assert.match(waiting(pods, { ...alert, activeAt: new Date(Date.now() - 40_000).toISOString() }), /fires in (19|20)/);
    const gone = { from: "2026-03-01T10:00:00Z", to: "2026-03-01T10:00:20Z", times: 3, longest: 25 };
    assert.match(lastPending({ duration: 30, lastPending: gone }), /^Last pending from \S+ \S+:00 to \S+:20: 20 s of 30 s\. 3 alerts .* after 25 s at most\.$/);
    assert.equal(earlier({ lastPending: { ...gone, times: 1 } }), "1 alert of it went before it fired, after 25 s at most.");
});

test("lessons: what hangs is not over", () => {
    assert.deepEqual([null, 6, 5, 0].map((to) => isOver({ to }, 5)), [false, false, true, true]);
});

test("lessons: a text is read to its end, with its lists and a code block that has none", () => {
    class Node {}
    class Element extends Node {
        constructor(tag) {
            super();
            Object.assign(this, { tag, children: [] });
        }
        setAttribute() {}
        appendChild(child) {
            this.children.push(child);
        }
        toString() {
            return `<${this.tag}>${this.children.join("")}</${this.tag}>`;
        }
    }
    const text = (words) => Object.assign(new Node(), { toString: () => words });
    const before = [globalThis.document, globalThis.Node];
    Object.assign(globalThis, { document: { createElement: (tag) => new Element(tag), createTextNode: text }, Node });
    const found = readText(["One", "two", "- a", "  b", "- c", "", "```sh", "ls", "- d"]).join("");
    [globalThis.document, globalThis.Node] = before;
    assert.equal(found, "<p>One two</p><ul><li>a b</li><li>c</li></ul><pre>ls\n- d</pre>");
});
