// Which labels a target's samples are stored with: what the target says, and what its samples make of it.

import { api } from "../shared/api.js";
import { h } from "../shared/dom.js";
import { quoted } from "../shared/format.js";

/**
 * @typedef {{
 *     name: string, target: string | null, values: {value: string, series: number}[], others: number,
 * }} Row
 */

/** @param {{scrapePool: string, scrapeUrl: string}} target */
export async function sampleLabels({ scrapePool, scrapeUrl }) {
    /** @type {{honorLabels: boolean, series: number, labels: Row[]}} */
    let found;
    try {
        found = await api("targets/sample_labels", { scrapePool, scrapeUrl });
    } catch (error) {
        return h("p", { class: "muted" }, `Not known yet: ${/** @type {Error} */ (error).message}.`);
    }
    const rule = found.honorLabels
        ? "honor_labels: true – a label that a sample brings wins, and the target's fills in where it brings none."
        : "honor_labels: false – the target's labels win; a sample's own of the same name is stored as exported_….";
    return [
        h("p", null, rule),
        h(
            "div",
            { class: "table-wrap" },
            h(
                "table",
                { class: "sample-labels" },
                h("caption", { class: "visually-hidden" }, "Labels of the samples"),
                h(
                    "thead",
                    null,
                    h(
                        "tr",
                        null,
                        ["Label", "of the target", `of the ${found.series} series that were read last`].map((one) =>
                            h("th", { scope: "col" }, one),
                        ),
                    ),
                ),
                h(
                    "tbody",
                    null,
                    found.labels.map((row) =>
                        h(
                            "tr",
                            null,
                            h("td", { class: "mono" }, row.name),
                            h("td", { class: "mono" }, row.target === null ? "" : quoted(row.target)),
                            h("td", null, values(row)),
                        ),
                    ),
                ),
            ),
        ),
    ];
}

/** @param {Row} row */
function values({ values, others }) {
    const list = values.map(({ value, series }) => [
        h("span", { class: "badge" }, value === "" ? "no such label" : quoted(value)),
        h("span", { class: "muted small" }, ` in ${series}`),
        " ",
    ]);
    return [list, others ? h("span", { class: "muted small" }, `and ${others} other values`) : null];
}
