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
            query: `{__name__="ALERTS",${matchers.join(",")}}`,
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
        const names = Object.keys(series.metric).filter((name) => name !== "__name__" && name !== "alertstate");
        if (names.some((name) => name !== "alertname" && !(name in labels))) continue;
        for (const [time] of series.values ?? []) {
            const piece = PIECES - 1 - Math.round((end - time) / STEP);
            if (piece >= 0 && piece < PIECES) states[piece] = series.metric.alertstate;
        }
    }
    states[PIECES - 1] = state;
    fill(
        element,
        states.map((then, index) => h("i", { class: then, title: `${PIECES - 1 - index} min ago: ${then}` })),
    );
}
