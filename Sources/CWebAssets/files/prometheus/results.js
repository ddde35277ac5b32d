// Query results as columns on a step grid, as CSV, and as sentences. Pure.

import { plain, seriesName } from "../shared/format.js";

/**
 * A series of a graph: one value for each step, NaN where there is none.
 * @typedef {{labels: Record<string, string>, name: string, values: Float64Array, histograms: any[] | null}} Series
 */

/**
 * @param {any[]} matrix of query_range
 * @param {number} start
 * @param {number} end
 * @param {number} step
 * @returns {{times: Float64Array, series: Series[]}}
 */
export function columns(matrix, start, end, step) {
    const count = Math.floor((end - start) / step + 1e-6) + 1;
    const times = Float64Array.from({ length: count }, (_, i) => start + i * step);
    const series = matrix.map((one) => {
        const values = new Float64Array(count).fill(NaN);
        for (const [time, value] of one.values ?? []) values[Math.round((time - start) / step)] = number(value);
        /** @type {any[] | null} */
        let histograms = null;
        if (one.histograms) {
            histograms = new Array(count);
            for (const [time, histogram] of one.histograms) histograms[Math.round((time - start) / step)] = histogram;
        }
        return { labels: one.metric, name: seriesName(one.metric) || "{}", values, histograms };
    });
    return { times, series };
}

/**
 * The API's numbers are strings.
 * @param {string} text
 */
export function number(text) {
    return text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);
}

/** @param {string} text */
function cell(text) {
    return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/**
 * One row a step, one column a series.
 * @param {Float64Array} times
 * @param {Series[]} series
 */
export function csvOfGraph(times, series) {
    const rows = [["time", ...series.map((one) => one.name)].map(cell).join(",")];
    times.forEach((time, i) => rows.push([new Date(Math.round(time * 1000)).toISOString(), ...series.map((one) =>
        one.histograms?.[i] ? cell(one.histograms[i]?.count) : Number.isNaN(one.values[i]) ? "" : plain(one.values[i], 17))].join(",")));
    return rows.join("\r\n") + "\r\n";
}

/**
 * One row a series: its labels, time and value.
 * @param {any[]} vector
 */
export function csvOfTable(vector) {
    const names = [...new Set(vector.flatMap((one) => Object.keys(one.metric)))].sort();
    const rows = [[...names, "timestamp", "value"].map(cell).join(",")];
    for (const one of vector) {
        for (const [time, value] of one.values ?? (one.value ? [one.value] : [])) rows.push([...names.map((name) => cell(one.metric[name] ?? "")), time, value].join(","));
        for (const [time, histogram] of one.histograms ?? (one.histogram ? [one.histogram] : [])) rows.push([...names.map((name) => cell(one.metric[name] ?? "")), time, `count=${histogram.count} sum=${histogram.sum}`].join(","));
    }
    return rows.join("\r\n") + "\r\n";
}

/**
 * Steps at which a counter fell.
 * @param {Float64Array} values
 */
export function resetsIn(values) {
    /** @type {number[]} */
    const found = [];
    let last = NaN;
    values.forEach((value, i) => {
        if (Number.isNaN(value)) return;
        if (value < last) found.push(i);
        last = value;
    });
    return found;
}

/**
 * How many single edits lie between two words (given up above `limit`).
 * @param {string} a
 * @param {string} b
 * @param {number} limit
 */
export function distance(a, b, limit) {
    if (Math.abs(a.length - b.length) > limit) return limit + 1;
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
        const next = [i];
        for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
        if (Math.min(...next) > limit) return limit + 1;
        row = next;
    }
    return row[b.length];
}

/**
 * The words nearest to a mistyped one, best first.
 * @param {string} word
 * @param {string[]} words
 * @param {number} [count]
 */
export function nearest(word, words, count = 3) {
    const limit = Math.max(2, Math.floor(word.length / 4));
    const low = word.toLowerCase();
    const bare = (/** @type {string} */ text) => text.replace(/_(total|bucket|count|sum|info)$/, "");
    const score = (/** @type {string} */ text) => {
        const whole = Math.min(distance(low, text, limit), distance(bare(low), bare(text), limit) + 0.5);
        const [short, long] = text.length < low.length ? [text, low] : [low, text];
        return short.length >= 3 && short.length * 3 > long.length && long.includes(short) ? Math.min(whole, 1.5) : whole;
    };
    return words.map((other) => ({ other, score: score(other.toLowerCase()) })).filter((one) => one.score <= limit)
        .sort((a, b) => a.score - b.score || a.other.length - b.other.length || (a.other < b.other ? -1 : 1)).slice(0, count).map(({ other }) => other);
}

/**
 * Histograms as cells of a heatmap: native buckets as they come, classic ones (series that differ in `le`) as differences.
 * @typedef {{from: number, to: number, low: number, high: number, count: number}} Cell `low` and `high` are where it is drawn
 * @param {Series[]} series
 * @param {number} count of steps
 * @returns {{columns: Cell[][], low: number, high: number, largest: number, log: boolean}}
 */
export function bucketCells(series, count) {
    /** @type {Map<string, Cell>[]} */
    const columns = Array.from({ length: count }, () => new Map());
    const add = (/** @type {number} */ step, /** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ n) => {
        if (!(n > 0)) return;
        const cell = columns[step].get(`${from},${to}`);
        if (cell) cell.count += n;
        else columns[step].set(`${from},${to}`, { from, to, low: from, high: to, count: n });
    };
    for (const one of series) one.histograms?.forEach((histogram, step) => {
        for (const [, from, to, n] of histogram?.buckets ?? []) add(step, number(from), number(to), number(n));
    });
    /** @type {Map<string, {le: number, values: Float64Array}[]>} */
    const groups = new Map();
    for (const one of series) {
        if (one.histograms || one.labels.le === undefined) continue;
        const key = JSON.stringify(Object.entries(one.labels).filter(([name]) => name !== "le").sort());
        groups.set(key, [...(groups.get(key) ?? []), { le: number(one.labels.le), values: one.values }]);
    }
    for (const group of groups.values()) {
        group.sort((a, b) => a.le - b.le);
        group.forEach(({ le, values }, i) => values.forEach((value, step) =>
            add(step, i ? group[i - 1].le : le > 0 ? 0 : -Infinity, le, value - (i ? group[i - 1].values[step] : 0))));
    }
    const bounds = columns.flatMap((column) => [...column.values()].flatMap((cell) => [cell.from, cell.to])).filter(Number.isFinite);
    const positive = bounds.filter((bound) => bound > 0);
    const smallest = positive.reduce((a, b) => Math.min(a, b), Infinity);
    const log = positive.length > 0 && bounds.every((bound) => bound >= 0);
    let low = log ? smallest : bounds.reduce((a, b) => Math.min(a, b), 0), high = bounds.reduce((a, b) => Math.max(a, b), log ? smallest * 2 : 1);
    // The open ends are drawn as one more step.
    const all = columns.flatMap((column) => [...column.values()]);
    const under = all.some((cell) => log ? cell.from <= 0 : cell.from === -Infinity), over = all.some((cell) => cell.to === Infinity);
    const ratio = log ? Math.max(1.2, (high / low) ** (1 / Math.max(2, new Set(positive).size - 1))) : (high - low) / 10;
    if (under) low = log ? low / ratio : low - ratio;
    if (over) high = log ? high * ratio : high + ratio;
    let largest = 0;
    for (const cell of all) {
        cell.low = Math.max(cell.from, low);
        cell.high = Math.min(cell.to, high);
        largest = Math.max(largest, cell.count);
    }
    return { columns: columns.map((column) => [...column.values()]), low, high, largest, log };
}

/**
 * The unit of a graph's values, where the metric names of its expression agree on one.
 * @param {string[]} names
 * @param {string[]} functions
 */
export function unitOf(names, functions) {
    const perSecond = functions.some((name) => /^(rate|irate|deriv)$/.test(name)) && !functions.includes("histogram_quantile");
    const units = new Set(names.map((name) => {
        const base = name.replace(/_(total|sum|bucket)$/, "");
        if (/_count$|_timestamp_seconds$|_time_seconds$/.test(base)) return "";
        return base.endsWith("_bytes") ? "B" : base.endsWith("_seconds") ? "s" : "";
    }));
    if (units.size !== 1 || functions.some((name) => /^(count|count_over_time|absent|timestamp|changes|resets|stdvar|group)$/.test(name))) return "";
    const [unit] = units;
    return unit && perSecond ? (unit === "s" ? "" : `${unit}/s`) : unit;
}

/**
 * The series' names without the labels that all of them share (for a tooltip).
 * @param {Series[]} series
 * @returns {Map<string, string>}
 */
export function shortNames(series) {
    const first = series[0]?.labels ?? {};
    const common = new Set(series.length < 2 ? [] : Object.keys(first).filter((name) => series.every((one) => one.labels[name] === first[name])));
    return new Map(series.map((one) => [one.name, seriesName(Object.fromEntries(Object.entries(one.labels).filter(([name]) => !common.has(name)))) || one.name]));
}
