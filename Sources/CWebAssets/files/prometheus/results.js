// Query results as columns on a step grid and as cells of a heatmap. Pure.

import { seriesName } from "../shared/format.js";

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
 * Histograms as cells of a heatmap: native buckets as they come, classic ones (series that differ in `le`) as
 * differences.
 * @typedef {{from: number, to: number, low: number, high: number, count: number}} Cell
 *     `low` and `high` are where it is drawn
 * @param {Series[]} series
 * @param {number} count of steps
 * @returns {{columns: Cell[][], low: number, high: number, largest: number, log: boolean, bounds: number[]}}
 *     `bounds` are the finite ones above 0
 */
export function bucketCells(series, count) {
    /** @type {Map<string, Cell>[]} */
    const columns = Array.from({ length: count }, () => new Map());
    const add = (
        /** @type {number} */ step,
        /** @type {number} */ from,
        /** @type {number} */ to,
        /** @type {number} */ n,
    ) => {
        if (!(n > 0)) return;
        const cell = columns[step].get(`${from},${to}`);
        if (cell) cell.count += n;
        else columns[step].set(`${from},${to}`, { from, to, low: from, high: to, count: n });
    };
    for (const one of series)
        one.histograms?.forEach((histogram, step) => {
            for (const [, from, to, n] of histogram?.buckets ?? []) add(step, number(from), number(to), number(n));
        });
    /** @type {Map<string, {le: number, values: Float64Array}[]>} */
    const groups = new Map();
    for (const one of series) {
        if (one.histograms || one.labels.le === undefined) continue;
        const key = JSON.stringify(
            Object.entries(one.labels)
                .filter(([name]) => name !== "le")
                .sort(),
        );
        groups.set(key, [...(groups.get(key) ?? []), { le: number(one.labels.le), values: one.values }]);
    }
    for (const group of groups.values()) {
        group.sort((a, b) => a.le - b.le);
        group.forEach(({ le, values }, i) =>
            values.forEach((value, step) =>
                add(
                    step,
                    i ? group[i - 1].le : le > 0 ? 0 : -Infinity,
                    le,
                    value - (i ? group[i - 1].values[step] : 0),
                ),
            ),
        );
    }
    const bounds = columns
        .flatMap((column) => [...column.values()].flatMap((cell) => [cell.from, cell.to]))
        .filter(Number.isFinite);
    const positive = bounds.filter((bound) => bound > 0);
    const smallest = positive.reduce((a, b) => Math.min(a, b), Infinity);
    const log = positive.length > 0 && bounds.every((bound) => bound >= 0);
    let low = log ? smallest : bounds.reduce((a, b) => Math.min(a, b), 0),
        high = bounds.reduce((a, b) => Math.max(a, b), log ? smallest * 2 : 1);
    // The open ends are drawn as one more step.
    const all = columns.flatMap((column) => [...column.values()]);
    const under = all.some((cell) => (log ? cell.from <= 0 : cell.from === -Infinity)),
        over = all.some((cell) => cell.to === Infinity);
    const ratio = log
        ? Math.max(1.2, (high / low) ** (1 / Math.max(2, new Set(positive).size - 1)))
        : (high - low) / 10;
    if (under) low = log ? low / ratio : low - ratio;
    if (over) high = log ? high * ratio : high + ratio;
    let largest = 0;
    for (const cell of all) {
        cell.low = Math.max(cell.from, low);
        cell.high = Math.min(cell.to, high);
        largest = Math.max(largest, cell.count);
    }
    return {
        columns: columns.map((column) => [...column.values()]),
        low,
        high,
        largest,
        log,
        bounds: [...new Set(positive)].sort((a, b) => a - b),
    };
}

/**
 * The unit of a graph's values, where the metric names of its expression agree on one.
 * @param {string[]} names
 * @param {string[]} functions
 */
export function unitOf(names, functions) {
    const perSecond =
        functions.some((name) => /^(rate|irate|deriv)$/.test(name)) && !functions.includes("histogram_quantile");
    const units = new Set(
        names.map((name) => {
            const base = name.replace(/_(total|sum|bucket)$/, "");
            if (/_count$|_timestamp_seconds$|_time_seconds$/.test(base)) return "";
            return base.endsWith("_bytes") ? "B" : base.endsWith("_seconds") ? "s" : "";
        }),
    );
    if (
        units.size !== 1 ||
        functions.some((name) => /^(count|count_over_time|absent|timestamp|changes|resets|stdvar|group)$/.test(name))
    )
        return "";
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
    const common = new Set(
        series.length < 2
            ? []
            : Object.keys(first).filter((name) => series.every((one) => one.labels[name] === first[name])),
    );
    return new Map(
        series.map((one) => [
            one.name,
            seriesName(Object.fromEntries(Object.entries(one.labels).filter(([name]) => !common.has(name)))) ||
                one.name,
        ]),
    );
}
