// What the server knows by name (metrics with type and help, labels, values), asked once and kept for half a minute.

import { api } from "../shared/api.js";

/** @type {Map<string, {at: number, answer: Promise<any>}>} */
const cache = new Map();

/**
 * @param {string} path
 * @param {Record<string, any>} [params]
 * @returns {Promise<any>}
 */
function cached(path, params = {}) {
    const key = path + JSON.stringify(params);
    const known = cache.get(key);
    if (known && Date.now() - known.at < 30000) return known.answer;
    if (cache.size > 200) cache.clear();
    const answer = api(path, params);
    cache.set(key, { at: Date.now(), answer });
    answer.catch(() => cache.delete(key));
    return answer;
}

/** @returns {Promise<string[]>} */
export const metricNames = () => cached("label/__name__/values");

/**
 * @param {string[]} matchers selectors
 * @returns {Promise<string[]>}
 */
export const labelNames = (matchers) => cached("labels", matchers.length ? { "match[]": matchers } : {});

/**
 * @param {string} label
 * @param {string[]} matchers selectors
 * @returns {Promise<string[]>}
 */
export const labelValues = (label, matchers) =>
    cached(`label/${escapedLabel(label)}/values`, matchers.length ? { "match[]": matchers } : {});

/**
 * Names beyond the old alphabet travel escaped in the path.
 * @param {string} label
 */
function escapedLabel(label) {
    if (/^[a-zA-Z_]\w*$/.test(label)) return label;
    return (
        "U__" +
        [...label]
            .map((one) =>
                one === "_" ? "__" : /[a-zA-Z0-9]/.test(one) ? one : `_${one.codePointAt(0)?.toString(16)}_`,
            )
            .join("")
    );
}

/** @returns {Promise<Record<string, {type: string, help: string, unit: string}[]>>} */
export const metadata = () => cached("metadata").catch(() => ({}));

/**
 * Type and help of a metric; a histogram's `_bucket` and an OpenMetrics counter's `_total` find their family.
 * @param {Record<string, {type: string, help: string, unit: string}[]>} all
 * @param {string} name
 */
export function aboutMetric(all, name) {
    const family = all[name] ?? all[name.replace(/_(total|bucket|count|sum|created|info)$/, "")];
    return family?.[0];
}
