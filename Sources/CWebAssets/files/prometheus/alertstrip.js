// The last hour of an alert as a strip: inactive, pending, firing, one piece for each minute. What is known is kept as
// data, and drawn anew with the page that shows it.

import { api } from "../shared/api.js";
import { now } from "../shared/clock.js";
import { h } from "../shared/dom.js";
import { quoted } from "../shared/format.js";

const PIECES = 60;
const STEP = 60;
// What was asked is asked anew after so many milliseconds.
const FRESH = 30_000;
// So many alerts that are over are shown for a rule.
const MOST = 5;
// For so many milliseconds nobody asks again which alerts there were.
const TOGETHER = 5000;

/** @typedef {{labels: Record<string, string>, states: string[]}} Past */

/** @type {Map<string, {states: string[], state: string, at: number}>} */
const strips = new Map();
/** @type {Map<string, {alerts: Past[], at: number}>} */
const pasts = new Map();
/** @type {{names: Promise<Set<string>>, at: number} | null} */
let recent = null;

/**
 * The state of an active alert in each minute of the last hour, as far as it is known; what is not is asked for.
 * @param {Record<string, string>} labels
 * @param {string} state what it is now
 * @param {() => void} learnt is called when more is known
 * @returns {string[]}
 */
export function lately(labels, state, learnt) {
    const key = JSON.stringify(labels);
    const known = strips.get(key);
    if (known?.state === state && isFresh(known)) return known.states;
    if (strips.size > 1000) strips.clear();
    const asked = { states: known?.states ?? [], state, at: now() * 1000 };
    strips.set(key, asked);
    statesOf(labels, state).then((states) => {
        asked.states = states;
        learnt();
    }, ignore);
    return asked.states;
}

/**
 * The alerts of a rule that were active within the last hour and are over, the last one first, as far as they are
 * known; what is not is asked for.
 * @param {any} rule
 * @param {() => void} learnt is called when more is known
 * @returns {Past[]}
 */
export function over(rule, learnt) {
    const key = JSON.stringify([rule.name, rule.query, rule.labels]);
    // While some are active the others are not shown, and what is known of those that are over is not all any more.
    if (rule.alerts.length > 0) {
        pasts.delete(key);
        return [];
    }
    const known = pasts.get(key);
    if (known && Math.abs(now() * 1000 - known.at) < (known.alerts.length ? FRESH : TOGETHER)) return known.alerts;
    if (pasts.size > 1000) pasts.clear();
    const asked = { alerts: known?.alerts ?? [], at: now() * 1000 };
    pasts.set(key, asked);
    pastOf(rule).then((alerts) => {
        const isMore = alerts.length > 0 || asked.alerts.length > 0;
        asked.alerts = alerts;
        if (isMore) learnt();
    }, ignore);
    return asked.alerts;
}

/**
 * @param {Past[]} alerts
 * @returns {HTMLElement}
 */
export function overList(alerts) {
    const more = alerts.length - MOST;
    return h(
        "div",
        { class: "stack" },
        alerts.slice(0, MOST).map(({ labels, states }) =>
            h(
                "div",
                { class: "alert", key: JSON.stringify(labels) },
                h(
                    "div",
                    { class: "row" },
                    h("stack-labels", { labels }),
                    h("span", { class: "muted small" }, "over"),
                ),
                strip(states),
            ),
        ),
        more > 0 ? h("p", { class: "muted small" }, `and ${more} more that are over`) : null,
    );
}

/** @param {{at: number}} known */
const isFresh = ({ at }) => Math.abs(now() * 1000 - at) < FRESH;

// Strips are an extra: without them the alerts are told all the same.
const ignore = () => {};

/**
 * @param {Record<string, string>} wanted
 * @param {string} state what it is now
 */
async function statesOf(wanted, state) {
    const matchers = Object.entries(wanted).map(([name, value]) => `${quoted(name)}=${quoted(value)}`);
    // Matchers also find alerts that have more labels.
    const alerts = await lastHour(matchers, (labels) =>
        Object.keys(labels).every((name) => name === "alertname" || name in wanted),
    );
    const states = alerts[0]?.states ?? inactive();
    states[PIECES - 1] = state;
    return states;
}

/** @param {any} rule */
async function pastOf(rule) {
    if (!(await recentNames()).has(rule.name)) return [];
    // Another rule may have the same name.
    const alerts = await lastHour([`alertname=${quoted(rule.name)}`], (labels) =>
        Object.entries(rule.labels ?? {}).every(
            ([name, value]) => String(value).includes("{{") || (labels[name] ?? "") === value,
        ),
    );
    const last = (/** @type {string[]} */ states) =>
        states.reduce((found, state, index) => (state === "inactive" ? found : index), -1);
    return alerts.sort((a, b) => last(b.states) - last(a.states));
}

/**
 * What was active at some time of each minute of the last hour, be it for an instant.
 * @param {string[]} matchers
 * @param {(labels: Record<string, string>) => boolean} isWanted
 * @returns {Promise<Past[]>}
 */
async function lastHour(matchers, isWanted) {
    const end = Math.floor(now());
    const { result } = await api("query_range", {
        query: `last_over_time({${['__name__="ALERTS"', ...matchers].join(",")}}[${STEP}s])`,
        start: String(end - (PIECES - 1) * STEP),
        end: String(end),
        step: String(STEP),
    });
    /** @type {Map<string, Past>} */
    const alerts = new Map();
    for (const { metric, values } of result) {
        const { __name__, alertstate, ...labels } = metric;
        if (!isWanted(labels)) continue;
        // An alert has a series for each state.
        const key = JSON.stringify(labels);
        const alert = alerts.get(key) ?? { labels, states: inactive() };
        alerts.set(key, alert);
        for (const [time] of values) {
            const piece = PIECES - 1 - Math.round((end - time) / STEP);
            if (alert.states[piece] && alert.states[piece] !== "firing") alert.states[piece] = alertstate;
        }
    }
    return [...alerts.values()];
}

const inactive = () => new Array(PIECES).fill("inactive");

/** Which alerts there were within the last hour: asked once for all rules, and not at each evaluation. */
function recentNames() {
    const asked = now() * 1000;
    if (!recent || Math.abs(asked - recent.at) >= TOGETHER) recent = { names: askNames(), at: asked };
    return recent.names;
}

async function askNames() {
    const { result } = await api("query", { query: "group by (alertname) (last_over_time(ALERTS[1h]))" });
    return new Set(result.map((/** @type {any} */ series) => series.metric.alertname));
}

/**
 * @param {string[]} states
 * @returns {HTMLElement}
 */
export function strip(states) {
    return h(
        "div",
        { class: "alert-strip", role: "img", "aria-label": "The last hour of the alert" },
        states.map((then, index) => h("i", { class: then, title: `${PIECES - 1 - index} min ago: ${then}` })),
    );
}
