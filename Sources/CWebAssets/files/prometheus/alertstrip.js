// The last hour of an alert as a strip: inactive, pending, firing, one piece for each minute.

import { api } from "../shared/api.js";
import { h, fill } from "../shared/dom.js";
import { quoted } from "../shared/format.js";

const PIECES = 60;
const STEP = 60;

/**
 * @param {Record<string, string>} labels
 * @returns {HTMLElement}
 */
export function strip(labels) {
    const element = h("div", { class: "alert-strip", role: "img", "aria-label": "The last hour of the alert" });
    load(element, labels);
    return element;
}

/**
 * @param {HTMLElement} element
 * @param {Record<string, string>} labels
 */
async function load(element, labels) {
    const matchers = Object.entries(labels).map(([name, value]) => `${quoted(name)}=${quoted(value)}`);
    const end = Math.floor(Date.now() / 1000);
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
        for (const [time] of series.values ?? []) {
            const piece = PIECES - 1 - Math.round((end - time) / STEP);
            if (piece >= 0 && piece < PIECES) states[piece] = series.metric.alertstate;
        }
    }
    fill(
        element,
        states.map((state, index) => h("i", { class: state, title: `${PIECES - 1 - index} min ago: ${state}` })),
    );
}
