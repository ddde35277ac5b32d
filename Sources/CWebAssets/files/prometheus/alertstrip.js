// The last hour of an alert as a strip: inactive, pending, firing, one piece for each minute.

import { api } from "../shared/api.js";
import { now } from "../shared/clock.js";
import { h, fill } from "../shared/dom.js";
import { quoted } from "../shared/format.js";

const PIECES = 60;
const STEP = 60;
// A strip is asked for anew after so many milliseconds; until then a page that is drawn again shows the same one.
const FRESH = 30_000;
/** @type {Map<string, {element: HTMLElement, at: number}>} */
const strips = new Map();

/**
 * @param {Record<string, string>} labels
 * @param {string} state what it is now
 * @returns {HTMLElement}
 */
export function strip(labels, state) {
    const key = JSON.stringify([labels, state]);
    const asked = now() * 1000;
    const known = strips.get(key);
    if (known && Math.abs(asked - known.at) < FRESH) return known.element;
    if (strips.size > 1000) strips.clear();
    const element =
        known?.element ??
        h("div", { class: "alert-strip", role: "img", "aria-label": "The last hour of the alert" });
    strips.set(key, { element, at: asked });
    load(element, labels, state);
    return element;
}

/**
 * @param {HTMLElement} element
 * @param {Record<string, string>} labels
 * @param {string} state what it is now
 */
async function load(element, labels, state) {
    const matchers = Object.entries(labels).map(([name, value]) => `${quoted(name)}=${quoted(value)}`);
    const end = Math.floor(now());
    let result = [];
    try {
        const answer = await api("query_range", {
            query: inEachMinute(matchers.join(",")),
            start: String(end - (PIECES - 1) * STEP),
            end: String(end),
            step: String(STEP),
        });
        result = answer.result;
    } catch {
        // The strip is an extra: without it the alert is told all the same.
        return;
    }
    const states = new Array(PIECES).fill("inactive");
    for (const series of result) {
        // Matchers also find alerts that have more labels.
        if (Object.keys(own(series.metric)).some((name) => name !== "alertname" && !(name in labels))) continue;
        mark(states, series, end);
    }
    states[PIECES - 1] = state;
    draw(element, states);
}

/**
 * What was active at some time of each minute, be it for a moment.
 * @param {string} matchers
 */
function inEachMinute(matchers) {
    return `last_over_time({__name__="ALERTS",${matchers}}[${STEP}s])`;
}

/**
 * The labels of an alert, of those of its sample.
 * @param {Record<string, string>} metric
 */
function own(metric) {
    const labels = { ...metric };
    delete labels.__name__;
    delete labels.alertstate;
    return labels;
}

/**
 * @param {string[]} states
 * @param {any} series
 * @param {number} end
 */
function mark(states, series, end) {
    for (const [time] of series.values ?? []) {
        const piece = PIECES - 1 - Math.round((end - time) / STEP);
        if (states[piece] && states[piece] !== "firing") states[piece] = series.metric.alertstate;
    }
}

/**
 * @param {HTMLElement} element
 * @param {string[]} states
 */
function draw(element, states) {
    fill(
        element,
        states.map((then, index) => h("i", { class: then, title: `${PIECES - 1 - index} min ago: ${then}` })),
    );
}

// So many alerts that are over are shown for a rule.
const MOST = 5;
/** @type {Map<string, {element: HTMLElement, at: number}>} */
const pasts = new Map();
/** @type {{names: Set<string>, at: number} | null} */
let recent = null;

/**
 * The alerts of a rule that were active within the last hour and are over.
 * @param {any} rule
 * @returns {HTMLElement}
 */
export function past(rule) {
    const key = JSON.stringify([rule.name, rule.query, rule.labels]);
    const asked = now() * 1000;
    const known = pasts.get(key);
    if (known && Math.abs(asked - known.at) < FRESH) return known.element;
    if (pasts.size > 1000) pasts.clear();
    const element = known?.element ?? h("div", { class: "stack" });
    pasts.set(key, { element, at: asked });
    loadPast(element, rule);
    return element;
}

/** Which alerts there were within the last hour: asked once for all rules. */
async function recentNames() {
    const asked = now() * 1000;
    if (!recent || Math.abs(asked - recent.at) >= FRESH) {
        const { result } = await api("query", { query: "group by (alertname) (last_over_time(ALERTS[1h]))" });
        recent = { names: new Set(result.map((/** @type {any} */ series) => series.metric.alertname)), at: asked };
    }
    return recent.names;
}

/**
 * @param {HTMLElement} element
 * @param {any} rule
 */
async function loadPast(element, rule) {
    const end = Math.floor(now());
    let result = [];
    try {
        if (!(await recentNames()).has(rule.name)) {
            fill(element);
            return;
        }
        const answer = await api("query_range", {
            query: inEachMinute(`alertname=${quoted(rule.name)}`),
            start: String(end - (PIECES - 1) * STEP),
            end: String(end),
            step: String(STEP),
        });
        result = answer.result;
    } catch {
        return;
    }
    /** @type {Map<string, {labels: Record<string, string>, states: string[]}>} */
    const alerts = new Map();
    for (const series of result) {
        const labels = own(series.metric);
        // Another rule may have the same name.
        const isOther = Object.entries(rule.labels ?? {}).some(
            ([name, value]) => !String(value).includes("{{") && (labels[name] ?? "") !== value,
        );
        if (isOther) continue;
        const key = JSON.stringify(labels);
        const alert = alerts.get(key) ?? { labels, states: new Array(PIECES).fill("inactive") };
        alerts.set(key, alert);
        mark(alert.states, series, end);
    }
    const last = (/** @type {string[]} */ states) =>
        states.reduce((found, state, index) => (state === "inactive" ? found : index), -1);
    const sorted = [...alerts.values()].sort((a, b) => last(b.states) - last(a.states));
    const more = sorted.length - MOST;
    fill(
        element,
        sorted.slice(0, MOST).map(overCard),
        more > 0 ? h("p", { class: "muted small" }, `and ${more} more that are over`) : null,
    );
}

/** @param {{labels: Record<string, string>, states: string[]}} alert */
function overCard({ labels, states }) {
    const strip = h("div", { class: "alert-strip", role: "img", "aria-label": "The last hour of the alert" });
    draw(strip, states);
    const over = h("span", { class: "muted small" }, "over");
    return h("div", { class: "alert" }, h("div", { class: "row" }, h("stack-labels", { labels }), over), strip);
}
