// The families of one unfolded group.

import { unfolder } from "../shared/components.js";
import { fill, h, keyed, setText } from "../shared/dom.js";
import { ordered, refresh } from "./labels.js";

let counter = 0;

/**
 * @param {Element} place
 * @param {any} group as api/v1/metrics shows it
 * @param {string} path the group's
 * @param {{keys: Set<string>, set: (key: string, isOpen: boolean) => void}} open
 */
export function refreshFamilies(place, group, path, open) {
    const families = Object.entries(group)
        .filter(([, value]) => typeof value === "object" && "time_stamp" in value)
        .map(([name, family]) => ({ name, ...family }));
    if (families.length > 0 && place.firstElementChild?.classList.contains("note")) fill(place);
    keyed(
        place,
        families,
        (family) => family.name,
        (family) => create(family, path, open),
        update,
    );
}

/**
 * @param {any} family
 * @param {string} path
 * @param {any} open
 */
function create(family, path, open) {
    const id = `family-${++counter}`;
    const key = `${path} ${family.name}`;
    const type = h("span", { class: "badge accent" });
    const help = h("span", { class: "help" });
    const time = h("stack-time");
    const body = h("tbody");
    const samples = h(
        "div",
        { class: "samples table-wrap", id, hidden: true },
        h(
            "table",
            null,
            h("thead", null, h("tr", null, h("th", { scope: "col" }, "Labels"), h("th", { scope: "col" }, "Value"))),
            body,
        ),
    );
    const button = unfolder(
        id,
        (isOpen) => row.toggle(isOpen),
        h("span", { class: "name" }, family.name),
        type,
        help,
        h("span", { class: "small muted" }, "pushed ", time),
    );
    const row = h("div", { class: "family" }, h("h3", null, button), samples);
    Object.assign(row, { type, help, time, body });
    /** @param {boolean} isOpen */
    row.toggle = (isOpen) => {
        samples.hidden = !isOpen;
        button.setAttribute("aria-expanded", String(isOpen));
        open.set(key, isOpen);
        if (isOpen) fillSamples(row);
    };
    row.samples = samples;
    row.family = family;
    if (open.keys.has(key)) row.toggle(true);
    return row;
}

/**
 * @param {any} row
 * @param {any} family
 */
function update(row, family) {
    row.family = family;
    setText(row.type, family.type.toLowerCase().replace("_", " "));
    setText(row.help, family.help ?? "");
    row.time.setAttribute("at", String(Date.parse(family.time_stamp) / 1000));
    if (!row.samples.hidden) fillSamples(row);
}

/** @param {any} row */
function fillSamples(row) {
    keyed(
        row.body,
        row.family.metrics,
        (metric) => JSON.stringify(metric.labels),
        () => {
            const cell = h("td");
            const labels = h("span", { class: "badges" });
            return Object.assign(h("tr", null, h("td", null, labels), cell), { cell, labels });
        },
        (line, metric) => {
            refresh(line.labels, ordered(metric.labels));
            if (metric.value !== undefined) setText(line.cell, metric.value);
            else refreshTable(line.cell, parts(metric));
        },
    );
}

/**
 * The lines of a summary or histogram.
 * @param {any} metric
 * @returns {[string, string][]}
 */
function parts(metric) {
    /** @type {[string, string][]} */
    const rows = [];
    for (const [quantile, value] of numerically(metric.quantiles ?? {})) rows.push([`Quantile ${quantile}`, value]);
    if (Array.isArray(metric.buckets)) {
        for (const [kind, lower, upper, count] of metric.buckets) {
            const [left, right] = ["(]", "[)", "()", "[]"][kind];
            rows.push([`${left}${lower}, ${upper}${right}`, count]);
        }
    } else {
        for (const [bound, count] of numerically(metric.buckets ?? {})) rows.push([`Values ≤ ${bound}`, count]);
    }
    rows.push(["Count", metric.count], ["Sum", metric.sum]);
    return rows;
}

/**
 * @param {Record<string, string>} object
 * @returns {[string, string][]}
 */
function numerically(object) {
    const number = (/** @type {string} */ text) => Number(text.replace("Inf", "Infinity"));
    return Object.entries(object).sort(([a], [b]) => number(a) - number(b));
}

/**
 * @param {Element} cell
 * @param {[string, string][]} rows
 */
function refreshTable(cell, rows) {
    const key = JSON.stringify(rows);
    if (/** @type {any} */ (cell).shownRows === key) return;
    /** @type {any} */ (cell).shownRows = key;
    fill(
        cell,
        h(
            "table",
            null,
            h(
                "tbody",
                null,
                rows.map(([name, value]) =>
                    h("tr", null, h("th", { scope: "row" }, name), h("td", { class: "num" }, value)),
                ),
            ),
        ),
    );
}
