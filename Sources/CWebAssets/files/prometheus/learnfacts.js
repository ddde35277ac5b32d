// What happened in a lesson's world, as its session tells it, arranged for tables and pictures. Pure.

import { shortSpan } from "./learnwords.js";

/**
 * Stretches in which a value stays the same, from what was held at moments.
 * @param {{at: number, series: [string, string][]}[]} held rising
 * @param {string} metric
 * @param {number} end
 * @returns {{name: string, value: string, from: number, to: number}[]}
 */
export function stretches(held, metric, end) {
    /** @type {Map<string, {name: string, value: string, from: number, to: number}>} */
    const open = new Map();
    const done = [];
    for (const { at, series } of held) {
        if (at > end) break;
        const now = new Map(series.filter(([name]) => name === metric || name.startsWith(`${metric}{`)));
        for (const [name, stretch] of open) {
            if (now.get(name) === stretch.value) continue;
            done.push({ ...stretch, to: at });
            open.delete(name);
        }
        for (const [name, value] of now) if (!open.has(name)) open.set(name, { name, value, from: at, to: end });
    }
    return [...done, ...open.values()].sort((a, b) => a.name.localeCompare(b.name) || a.from - b.from);
}

/**
 * When the instances of a service were there.
 * @param {{service: string, name: string, from: number, to: number | null}[]} told
 * @param {string} service
 * @param {number} end
 * @returns {{name: string, from: number, to: number | null}[]}
 */
export function lives(told, service, end) {
    return told
        .filter((one) => one.service === service && one.from <= end)
        .map(({ name, from, to }) => ({ name, from, to: isOver({ to }, end) ? to : null }));
}

/**
 * The requests to a job's groups, or of a batch.
 * @param {{at: number, by: string, job: string, method: string, path: string}[]} requests that the Pushgateway took
 * @param {any} way
 */
export function requestsOf(requests, way) {
    return requests.filter((one) => (way.origin === "batch" ? one.by : one.job) === way.name);
}

/**
 * What each scrape of a way found: the value that was stored, nothing of it, or nobody.
 * @param {any} way
 * @param {any} state
 * @param {any} samples the stored samples, a range vector
 * @param {number} begin
 * @param {number} end
 * @returns {{at: number, values: string[] | null}[]} without values where nobody was there
 */
export function looksOf(way, state, samples, begin, end) {
    const values = new Map();
    for (const one of samples?.result ?? [])
        for (const [time, value] of one.values ?? []) {
            const at = Math.round(time * 1000 - state.start);
            values.set(at, [...(values.get(at) ?? []), value]);
        }
    return state.scrapes
        .filter((/** @type {any} */ one) => one.job === way.job && one.at >= begin && one.at <= end)
        .map((/** @type {any} */ one) => ({ at: one.at, values: one.good ? values.get(one.at) ?? [] : null }));
}

/**
 * What of a series' name tells it from others of its metric.
 * @param {string} name
 */
export function distinction(name) {
    const labels = /\{(.*)\}$/s.exec(name)?.[1] ?? "";
    return labels.replace(/(^|, ?)(job="[^"]*"|instance="")/g, "").replace(/^, ?/, "");
}

/**
 * What of each series of an answer tells it from the others: one label where one is enough, else all that differ.
 * @param {Record<string, string>[]} metrics
 * @returns {string[]}
 */
export function distinctions(metrics) {
    const names = [...new Set(metrics.flatMap((one) => Object.keys(one)))];
    const differing = names.filter((name) => new Set(metrics.map((one) => one[name])).size > 1);
    const alone = differing.filter((name) => new Set(metrics.map((one) => one[name])).size === metrics.length);
    const first = ["job", "instance", "alertstate"].find((name) => alone.includes(name)) ?? alone[0];
    const chosen = first ? [first] : differing;
    return metrics.map((one) =>
        chosen
            .map((name) => (name === "__name__" ? one[name] : `${name}="${one[name] ?? ""}"`))
            .join(", "),
    );
}

/**
 * From when to when; nothing of what comes after the moment that is shown.
 * @param {{from: number, to: number | null}} one
 * @param {number} end
 */
export function span({ from, to }, end) {
    return `${shortSpan(from)} – ${to !== null && isOver({ to }, end) ? shortSpan(to) : "…"}`;
}

/**
 * Whether it has ended at the moment that is shown: what hangs never does.
 * @param {{to: number | null}} one
 * @param {number} end
 */
export function isOver({ to }, end) {
    return to !== null && to <= end;
}
