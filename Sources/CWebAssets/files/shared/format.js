// Numbers, units and times as text. Pure; tested with node.

const SI = [
    [1e24, "Y"],
    [1e21, "Z"],
    [1e18, "E"],
    [1e15, "P"],
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
    [1, ""],
    [1e-3, "m"],
    [1e-6, "µ"],
    [1e-9, "n"],
    [1e-12, "p"],
];

/**
 * A number with at most `digits` significant digits and no idle zeros.
 * @param {number} value
 * @param {number} [digits]
 */
export function plain(value, digits = 6) {
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
    return String(Number(value.toPrecision(digits)));
}

/**
 * A number with at most `digits` significant digits, but never less than its whole part: a time stays a time.
 * @param {number} value
 * @param {number} [digits]
 */
export function precise(value, digits = 8) {
    const whole = Math.abs(value) >= 1 ? Math.floor(Math.log10(Math.abs(value))) + 1 : 1;
    return plain(value, Number.isFinite(value) ? Math.min(17, Math.max(digits, whole + 3)) : digits);
}

/**
 * 1234567 → "1.23M".
 * @param {number} value
 * @param {number} [digits]
 * @param {number} [scale] choose the prefix by this size instead
 */
export function si(value, digits = 4, scale = Math.abs(value)) {
    if (!Number.isFinite(value) || value === 0) return plain(value);
    const [unit, prefix] =
        SI.find(([limit]) => scale >= /** @type {number} */ (limit) * 0.9999999) ?? SI[SI.length - 1];
    return plain(value / /** @type {number} */ (unit), digits) + prefix;
}

/**
 * 1536 → "1.5 KiB".
 * @param {number} value
 */
export function bytes(value) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let step = 0;
    while (Math.abs(value) >= 1024 && step < units.length - 1) {
        value /= 1024;
        step++;
    }
    return `${plain(value, value < 10 ? 2 : 4)} ${units[step]}`;
}

/**
 * A length of time for people: "1.5 ms", "3 s", "2 h 5 min".
 * @param {number} seconds
 * @returns {string}
 */
export function span(seconds) {
    if (!Number.isFinite(seconds)) return plain(seconds);
    if (seconds === 0) return "0 s";
    if (seconds < 0) return `−${span(-seconds)}`;
    if (seconds < 1e-3) return `${plain(seconds * 1e6, 3)} µs`;
    if (seconds < 1) return `${plain(seconds * 1e3, 3)} ms`;
    if (seconds < 60) return `${plain(seconds, 3)} s`;
    const whole = Math.round(seconds);
    const parts = [
        [Math.floor(whole / 86400), "d"],
        [Math.floor(whole / 3600) % 24, "h"],
        [Math.floor(whole / 60) % 60, "min"],
        [whole % 60, "s"],
    ];
    const first = parts.findIndex(([count]) => Number(count) > 0);
    return parts
        .slice(first, first + 2)
        .filter(([count]) => Number(count) > 0)
        .map(([count, unit]) => `${count} ${unit}`)
        .join(" ");
}

/** @param {number} seconds since then */
export function ago(seconds) {
    if (seconds < -1) return `in ${span(Math.round(-seconds))}`;
    return seconds < 1 ? "just now" : `${span(Math.floor(seconds))} ago`;
}

const two = (/** @type {number} */ value) => String(value).padStart(2, "0");

/**
 * "2026-03-01 12:00:05" in the reader's zone.
 * @param {number} seconds
 * @param {boolean} [milliseconds]
 */
export function localTime(seconds, milliseconds = false) {
    const date = new Date(seconds * 1000);
    if (Number.isNaN(date.getTime())) return plain(seconds);
    return (
        [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-") +
        ` ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")}` +
        (milliseconds ? `.${String(date.getMilliseconds()).padStart(3, "0")}` : "")
    );
}

/**
 * A moment, without the day where that is the same as of another one.
 * @param {number} seconds
 * @param {number} other Unix seconds
 */
export function shortTime(seconds, other) {
    const text = localTime(seconds);
    return text.slice(0, 10) === localTime(other).slice(0, 10) ? text.slice(11) : text;
}

/**
 * A text with its times as people here write them.
 * @param {string} text
 */
export function localized(text) {
    return text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (time) => localTime(Date.parse(time) / 1000));
}

const UNITS = [
    ["y", 31536000],
    ["w", 604800],
    ["d", 86400],
    ["h", 3600],
    ["m", 60],
    ["s", 1],
    ["ms", 0.001],
];

/**
 * Prometheus's own durations: 5400 → "1h30m".
 * @param {number} seconds
 */
export function duration(seconds) {
    let rest = Math.round(seconds * 1000) / 1000;
    if (rest === 0) return "0s";
    let text = rest < 0 ? "-" : "";
    rest = Math.abs(rest);
    for (const [unit, size] of /** @type {[string, number][]} */ (UNITS)) {
        if ((unit === "w" || unit === "y") && Math.abs(rest / size - Math.round(rest / size)) > 1e-9) continue;
        const count = Math.floor(rest / size + 1e-6);
        if (count > 0) {
            text += count + unit;
            rest = Math.max(0, Math.round((rest - count * size) * 1000) / 1000);
        }
    }
    return text;
}

/**
 * "1h30m" → 5400; a plain number is seconds; null where it is neither.
 * @param {string} text
 */
export function parseDuration(text) {
    const trimmed = text.trim();
    if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
    if (!/^(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/.test(trimmed) || trimmed === "") return null;
    let sum = 0;
    for (const [, count, unit] of trimmed.matchAll(/(\d+)(ms|[ywdhms])/g))
        sum += Number(count) * Number(UNITS.find(([name]) => name === unit)?.[1]);
    return Math.round(sum * 1000) / 1000;
}

/**
 * `name{label="value"}` as Prometheus writes it.
 * @param {Record<string, string>} labels
 */
export function seriesName(labels) {
    const pairs = Object.entries(labels)
        .filter(([name]) => name !== "__name__")
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => `${/^[a-zA-Z_]\w*$/.test(name) ? name : quoted(name)}=${quoted(value)}`);
    const name = labels.__name__ ?? "";
    if (name && !/^[a-zA-Z_:][\w:]*$/.test(name)) return `{${[quoted(name), ...pairs].join(", ")}}`;
    return pairs.length || !name ? `${name}{${pairs.join(", ")}}` : name;
}

/**
 * A string in PromQL's double quotes.
 * @param {string} text
 */
export function quoted(text) {
    return `"${text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`;
}

/**
 * A phrase with what belongs into it, texts or elements: what stands at `{0}`, `{1}` and so on.
 * @param {string} template
 * @param {any[]} parts
 * @returns {any[]}
 */
export function phrase(template, parts) {
    return template.split(/\{(\d)\}/).map((one, index) => (index % 2 ? parts[Number(one)] ?? "" : one));
}

/**
 * Where the query page asks something.
 * @param {string} expr
 * @param {string} tab "table", "graph" or "explain"
 * @param {string} [range] of a graph, "15m"
 * @param {number} [time] Unix seconds; now, unless it is given
 */
export function queryHref(expr, tab, range, time) {
    const panel = new URLSearchParams({ "g0.expr": expr, "g0.tab": tab });
    if (range) panel.set("g0.range_input", range);
    if (time) panel.set("g0.moment_input", new Date(time * 1000).toISOString().slice(0, 19).replace("T", " "));
    return `query?${panel}`;
}
