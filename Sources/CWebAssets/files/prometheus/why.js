// Why a query answered nothing: walks down the expression to the place where the series were lost, and says what would help.

import { api } from "../shared/api.js";
import { duration, localTime, plain, quoted, span } from "../shared/format.js";
import { children, matcherText, selector, text, windowOf } from "./ast.js";
import { labelNames, labelValues, metricNames } from "./catalog.js";
import { matched, mismatch } from "./matching.js";
import { nearest } from "./nearest.js";
import { number } from "./results.js";

/**
 * @typedef {"no-metric"|"no-label"|"no-value"|"no-combination"|"too-old"|"ended"|"not-yet"|"one-sample"|"no-match"|"filtered"|"removed"|"present"|"no-buckets"|"no-step"|"unknown"} Kind
 * @typedef {{kind: Kind, title: string, text: string[], suggestions: {label: string, expr?: string, time?: number}[]}} Reason
 */

const TWO_SAMPLES = new Set(["rate", "increase", "delta", "irate", "idelta", "deriv", "predict_linear", "double_exponential_smoothing"]);
const COMPARISONS = new Set(["==", "!=", ">", "<", ">=", "<="]);

/**
 * @param {any} root the tree of an expression without result
 * @param {number} time
 * @returns {Promise<Reason>}
 */
export async function whyEmpty(root, time) {
    const reason = await look(root, time, root);
    return reason ?? { kind: "unknown", title: "The expression answered no series.", text: ["Open Explain to see what each part of it answered."], suggestions: [] };
}

/**
 * @param {any} node
 * @param {number} time
 * @param {Record<string, any>} [more]
 * @returns {Promise<any[]>}
 */
async function evaluate(node, time, more = {}) {
    const data = await api("query", { query: typeof node === "string" ? node : text(node), time, ...more });
    return data.resultType === "vector" || data.resultType === "matrix" ? data.result : [data];
}

/**
 * The expression with one node exchanged.
 * @param {any} root
 * @param {any} node
 * @param {Record<string, any>} change
 */
function changed(root, node, change) {
    /** @type {(one: any) => any} */
    const copy = (one) => {
        if (Array.isArray(one)) return one.map(copy);
        if (one === null || typeof one !== "object") return one;
        const made = /** @type {any} */ ({});
        for (const [name, value] of Object.entries(one === node ? { ...one, ...change } : one)) made[name] = copy(value);
        return made;
    };
    return text(copy(root));
}

/**
 * @param {any} node an empty one
 * @param {number} time
 * @param {any} root
 * @returns {Promise<Reason | null>}
 */
async function look(node, time, root) {
    switch (node.type) {
        case "vectorSelector": case "matrixSelector": return whySelector(node, time, root);
        case "binaryExpr": return whyBinary(node, time, root);
        case "subquery": {
            if ((await evaluate(node.expr, windowOf(node, time).end)).length === 0) return look(node.expr, windowOf(node, time).end, root);
            return { kind: "no-step", title: "The subquery found a value at none of its steps.", text: [`It looks at ${text(node.expr)} only at whole multiples of its step within the range. There is a value now, but there was none then.`], suggestions: [{ label: "Look at it without the subquery", expr: text(node.expr) }] };
        }
        case "call": {
            const [first] = node.args;
            if (node.func.name === "absent" || node.func.name === "absent_over_time") {
                return { kind: "present", title: `${node.func.name}() answers nothing because the series is there.`, text: ["It answers 1 only while its argument is empty."], suggestions: [{ label: "Look at the series", expr: text(first) }] };
            }
            if (TWO_SAMPLES.has(node.func.name)) {
                const range = node.args.find((/** @type {any} */ one) => one.type === "matrixSelector" || one.type === "subquery");
                const series = range ? await evaluate(range, time) : [];
                if (series.length) return whyTooFew(node, range, series, time, root);
            }
            if (/^histogram_(quantile|fraction|quantiles)$/.test(node.func.name)) {
                const argument = node.args.find((/** @type {any} */ one) => one.type !== "numberLiteral" && one.type !== "stringLiteral");
                const series = argument ? await evaluate(argument, time) : [];
                if (series.length && series.every((one) => one.metric && one.metric.le === undefined && !one.histogram)) {
                    return { kind: "no-buckets", title: `${node.func.name}() found no buckets.`, text: [`The ${series.length} series it was given have no le label and are no native histograms. An aggregation must keep it: sum by (le) (…).`], suggestions: [] };
                }
            }
        }
    }
    for (const child of children(node)) {
        if (child.type === "numberLiteral" || child.type === "stringLiteral") continue;
        if ((await evaluate(child, time)).length === 0) return look(child, time, root);
    }
    return null;
}

/**
 * @param {any} node
 * @param {number} time
 * @param {any} root
 * @returns {Promise<Reason | null>}
 */
async function whySelector(node, time, root) {
    const name = node.name || node.matchers.find((/** @type {any} */ one) => one.name === "__name__" && one.type === "=")?.value;
    const rest = node.matchers.filter((/** @type {any} */ one) => one.name !== "__name__");
    const at = windowOf(node, time).end;
    const known = name ? [`{__name__=${quoted(name)}}`] : [];
    if (name) {
        const names = await metricNames();
        if (!names.includes(name)) {
            return {
                kind: "no-metric", title: `No metric is called ${name}.`,
                text: [names.length ? "No target exposes it, and the store holds nothing of it." : "The store is still empty: nothing has been scraped yet."],
                suggestions: nearest(name, names).map((other) => ({ label: `Did you mean ${other}?`, expr: changed(root, node, { name: other, matchers: node.matchers.map((/** @type {any} */ one) => (one.name === "__name__" && one.value === name ? { ...one, value: other } : one)) }) })),
            };
        }
    }
    for (const matcher of rest) {
        const alone = [...(name ? [`__name__=${quoted(name)}`] : []), matcherText(matcher)];
        if ((await api("series", { "match[]": `{${alone.join(",")}}`, limit: 1 }).catch(() => [0])).length) continue;
        const values = await labelValues(matcher.name, known);
        const who = name ?? "any metric";
        if (values.length === 0) {
            const labels = (await labelNames(known)).filter((label) => label !== "__name__");
            return {
                kind: "no-label", title: `No series of ${who} has a label ${matcher.name}.`, text: [`It has ${labels.length ? labels.join(", ") : "no labels at all"}.`],
                suggestions: nearest(matcher.name, labels, 2).map((other) => ({ label: `Did you mean ${other}?`, expr: changed(root, matcher, { name: other }) })),
            };
        }
        const near = matcher.type === "=" ? nearest(matcher.value, values) : [];
        return {
            kind: "no-value", title: `No series of ${who} has ${matcherText(matcher)}.`,
            text: [`The values of ${matcher.name} are ${values.slice(0, 8).map(quoted).join(", ")}${values.length > 8 ? ` and ${values.length - 8} more` : ""}.`],
            suggestions: (near.length ? near : matcher.type === "=" ? values.slice(0, 3) : []).map((value) => ({ label: `${matcher.name}=${quoted(value)}`, expr: changed(root, matcher, { value }) })),
        };
    }
    const bare = selector(node);
    const found = await api("series", { "match[]": bare, limit: 1 }).catch(() => []);
    if (found.length === 0) {
        return { kind: "no-combination", title: "No single series fits all of these matchers.", text: [`Each of ${rest.map(matcherText).join(", ")} fits some series${name ? ` of ${name}` : ""}, but none fits all of them.`], suggestions: rest.map((/** @type {any} */ matcher) => ({ label: `Without ${matcherText(matcher)}`, expr: changed(root, node, { matchers: node.matchers.filter((/** @type {any} */ one) => one !== matcher) }) })) };
    }
    return whyNow(bare, node, at, root);
}

/**
 * The series exist, but not at this time.
 * @param {string} bare
 * @param {any} node
 * @param {number} at
 * @param {any} root
 * @returns {Promise<Reason | null>}
 */
async function whyNow(bare, node, at, root) {
    const range = node.type === "matrixSelector" ? node.range / 1000 : 300;
    const reach = node.type === "matrixSelector" ? `the window of ${duration(range)}` : "the lookback of 5m";
    const last = async (/** @type {string} */ query, more = {}) => Number((await evaluate(query, at, more).catch(() => []))[0]?.value?.[1] ?? 0);
    const old = await last(`max(timestamp(${bare}))`, { lookback_delta: "30d" });
    if (old) {
        return {
            kind: "too-old", title: `The newest sample is older than ${reach}.`, text: [`It is from ${localTime(old)}, ${span(at - old)} before the time that was asked for.`],
            suggestions: [{ label: "Look at that time", time: old }, ...(node.type === "matrixSelector" ? [{ label: `Use a window of ${duration(Math.ceil((at - old) * 2 / 60) * 60)}`, expr: changed(root, node, { range: Math.ceil((at - old) * 2 / 60) * 60000 }) }] : [])],
        };
    }
    const ended = await lastSample(bare, at);
    if (ended) {
        return { kind: "ended", title: "The series has ended.", text: [`Its last sample is from ${localTime(ended)}, ${span(at - ended)} before the time that was asked for. Then its target stopped exposing it or vanished, so it counts as gone at once.`], suggestions: [{ label: "Look at that time", time: ended }] };
    }
    const now = Date.now() / 1000;
    if (at < now - 1 && (await evaluate(bare, now, { limit: 1 }).catch(() => [])).length) {
        return { kind: "not-yet", title: "The series did not exist yet.", text: [`It has samples now, but none at ${localTime(at)} or before.`], suggestions: [{ label: "Look at now", time: 0 }] };
    }
    return null;
}

/**
 * When a series that is gone had its last sample: looked for in wider and wider windows.
 * @param {string} bare
 * @param {number} at
 */
async function lastSample(bare, at) {
    for (const window of ["5m", "1h", "6h", "2d", "30d"]) {
        const [found] = await evaluate(`count_over_time(${bare}[${window}])`, at).catch(() => []);
        if (!found) continue;
        const labels = Object.entries(found.metric).map(([name, value]) => matcherText({ name, type: "=", value }));
        const [series] = await evaluate(`${bare.replace(/\{.*\}$/s, "")}{${[...(bare.startsWith("{") ? [bare.slice(1, -1)] : []), ...labels].join(",")}}[${window}]`, at);
        const samples = series?.values ?? series?.histograms ?? [];
        return samples.length ? samples[samples.length - 1][0] : 0;
    }
    return 0;
}

/**
 * Seconds between the samples of a selector's first series; infinite where there are too few to tell.
 * @param {string} bare
 * @param {number} at
 */
async function usualGap(bare, at) {
    for (const window of ["5m", "1h"]) {
        const [series] = await evaluate(`${bare}[${window}]`, at, { limit: 1 }).catch(() => []);
        const samples = series?.values ?? series?.histograms ?? [];
        if (samples.length > 2) return Math.round((samples[samples.length - 1][0] - samples[0][0]) / (samples.length - 1) * 10) / 10;
    }
    return Infinity;
}

/**
 * @param {any} node
 * @param {any} range
 * @param {any[]} series
 * @param {number} time
 * @param {any} root
 * @returns {Promise<Reason>}
 */
async function whyTooFew(node, range, series, time, root) {
    const most = Math.max(...series.map((one) => (one.values?.length ?? 0) + (one.histograms?.length ?? 0)));
    if (most >= 2) return { kind: "unknown", title: `${node.func.name}() could not use the samples.`, text: ["A window that mixes numbers and histograms, or histograms that do not fit together, answers nothing."], suggestions: [] };
    const gap = range.type === "matrixSelector" ? await usualGap(selector(range), windowOf(range, time).end) : Infinity;
    const better = Number.isFinite(gap) && gap < 1800 ? Math.max(60, Math.ceil(gap * 4 / 60) * 60) : range.range / 1000 * 4;
    return {
        kind: "one-sample", title: `Only one sample in the window of ${duration(range.range / 1000)}.`,
        text: [`${node.func.name}() compares samples, so it needs at least two${Number.isFinite(gap) && gap < 1800 ? `; these come about every ${span(gap)}` : ""}. A window of four scrape intervals is a good rule.`],
        suggestions: [{ label: `Use [${duration(better)}]`, expr: changed(root, range, { range: better * 1000 }) }],
    };
}

/**
 * @param {any} node
 * @param {number} time
 * @param {any} root
 * @returns {Promise<Reason | null>}
 */
async function whyBinary(node, time, root) {
    const [left, right] = await Promise.all([evaluate(node.lhs, time), evaluate(node.rhs, time)]);
    if (left.length === 0 && node.op !== "unless" && node.lhs.type !== "numberLiteral") return look(node.lhs, time, root);
    if (left.length === 0) return look(node.lhs, time, root);
    if (right.length === 0) return look(node.rhs, time, root);
    const vector = (/** @type {any[]} */ side) => side.every((one) => one.metric);
    if (vector(left) && vector(right)) {
        const l = left.map((one) => one.metric), r = right.map((one) => one.metric);
        const pairs = matched(l, r, node.matching);
        if (node.op === "unless") return { kind: "removed", title: "unless removed every series.", text: [`All ${l.length} series of the left side have a partner on the right side.`], suggestions: [] };
        if (pairs.left === 0) {
            const { onlyLeft, onlyRight, apart, shared } = mismatch(l, r, node.matching);
            const say = [`Left: ${l.length} series, right: ${r.length}. Two series meet when ${node.matching?.on ? `their labels ${node.matching.labels.join(", ")}` : "all their labels"} are equal.`];
            if (onlyLeft.length) say.push(`Only the left side has ${onlyLeft.join(", ")}.`);
            if (onlyRight.length) say.push(`Only the right side has ${onlyRight.join(", ")}.`);
            if (apart.length) say.push(`Both have ${apart.join(", ")}, but with different values.`);
            const unwanted = [...onlyLeft, ...onlyRight, ...apart];
            const with_ = (/** @type {any} */ change) => changed(root, node, { matching: { ...(node.matching ?? { card: "one-to-one", include: [] }), ...change } });
            const suggestions = [];
            if (shared.length && unwanted.length) suggestions.push({ label: `Match on (${shared.join(", ")})`, expr: with_({ on: true, labels: shared }) });
            if (unwanted.length && !node.matching?.on) suggestions.push({ label: `Match ignoring (${unwanted.join(", ")})`, expr: with_({ on: false, labels: [...new Set([...(node.matching?.labels ?? []), ...unwanted])] }) });
            return { kind: "no-match", title: `No series of the left side of ${node.op} has a partner on the right side.`, text: say, suggestions };
        }
    }
    if (COMPARISONS.has(node.op)) {
        const numbers = left.map((one) => number(one.value?.[1] ?? "NaN")).filter((value) => !Number.isNaN(value));
        const low = Math.min(...numbers), high = Math.max(...numbers);
        return {
            kind: "filtered", title: `No value satisfies ${node.op} ${right.length === 1 && node.rhs.type === "numberLiteral" ? text(node.rhs) : "the right side"}.`,
            text: [numbers.length ? `The left side has ${left.length} series with values ${low === high ? `of ${plain(low)}` : `from ${plain(low)} to ${plain(high)}`}. A comparison keeps only those for which it is true.` : "A comparison keeps only the series for which it is true."],
            suggestions: [{ label: "Show the left side", expr: text(node.lhs) }, { label: `Answer 0 or 1 (${node.op} bool)`, expr: changed(root, node, { bool: true }) }],
        };
    }
    return null;
}
