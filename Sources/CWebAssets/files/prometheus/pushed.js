// What the Pushgateway in the same process holds and Prometheus does not know, because no job scrapes it.

import { fill, h } from "../shared/dom.js";

/**
 * @typedef {import("../shared/stack.js").Survey} Survey
 */

/**
 * The lines that make a job of the Pushgateway, to be copied.
 * @param {Survey} stack
 */
export function jobLines({ pushgateway, reload }) {
    const text = `scrape_configs:\n${pushgateway?.job}`;
    const copy = h(
        "button",
        {
            class: "button small",
            type: "button",
            onclick: () =>
                navigator.clipboard
                    ?.writeText(/** @type {string} */ (pushgateway?.job) + "\n")
                    .then(() => (copy.textContent = "Copied")),
        },
        "Copy the job",
    );
    return [
        h("p", null, "Add this job under ", h("code", null, "scrape_configs"), " in ", place(reload.file), ":"),
        h("pre", { class: "paste", tabindex: 0, "aria-label": "The job" }, text),
        h("div", { class: "row" }, copy),
    ];
}

/** @param {string | undefined} file */
function place(file) {
    return file ? h("code", null, file) : "a configuration file (this stack runs without one)";
}

/**
 * Says on the home page that something was pushed and nobody reads it; nothing otherwise.
 * @param {any} note
 * @param {Survey} stack
 */
export function unread(note, stack) {
    const { pushgateway } = stack;
    const isUnread = pushgateway !== null && pushgateway.groups > 0 && pushgateway.scrapedBy.length === 0;
    if (note.isUnread === isUnread) return;
    note.isUnread = isUnread;
    if (!isUnread) return fill(note);
    const text = "Pushed, but no job scrapes the Pushgateway: Prometheus cannot know of it.";
    fill(note, h("div", { class: "note warn stack" }, h("p", null, h("b", null, text)), jobLines(stack)));
}
