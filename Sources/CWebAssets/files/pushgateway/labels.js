// Label badges in the order in which they are given.

import { fill, h } from "../shared/dom.js";

/** @param {[string, string][]} labels */
export function badges(labels) {
    return h("span", { class: "badges" }, labels.map(badge));
}

/** @param {[string, string]} label */
function badge([name, value]) {
    const kind = name === "job" || name === "instance" ? ` ${name}` : "";
    return h("span", { class: `badge${kind}` }, h("b", null, shownName(name)), `="${value}"`);
}

/**
 * A name with unusual characters in quotes, as the exposition shows it.
 * @param {string} name
 */
export function shownName(name) {
    return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name);
}

/**
 * The job first, then by name.
 * @param {Record<string, string>} labels
 * @returns {[string, string][]}
 */
export function ordered(labels) {
    return Object.entries(labels).sort(([a], [b]) =>
        a === b ? 0 : a === "job" ? -1 : b === "job" ? 1 : a < b ? -1 : 1,
    );
}

/**
 * `{job="a", instance="b"}` for questions and headings.
 * @param {[string, string][]} labels
 */
export function text(labels) {
    return `{${labels.map(([name, value]) => `${shownName(name)}=${JSON.stringify(value)}`).join(", ")}}`;
}

/**
 * Refreshes badges in place only where they changed.
 * @param {Element} element
 * @param {[string, string][]} labels
 */
export function refresh(element, labels) {
    const key = JSON.stringify(labels);
    if (/** @type {any} */ (element).shownLabels === key) return;
    /** @type {any} */ (element).shownLabels = key;
    fill(element, labels.map(badge));
}
