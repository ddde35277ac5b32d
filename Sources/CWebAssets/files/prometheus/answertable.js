// The answer of an instant query as a table.

import { now } from "../shared/clock.js";
import { h, fill, keyed, setText } from "../shared/dom.js";
import { localTime, plain, seriesName } from "../shared/format.js";
import { number } from "./results.js";
import { tokenize } from "./tokens.js";

/** How many rows are shown at first. */
const ROWS = 500;

/**
 * @typedef {{count: string, sum: string, buckets?: [number, string, string, string][]}} HistogramValue
 * @typedef {{
 *     metric: Record<string, string>, value?: [number, string], histogram?: [number, HistogramValue],
 *     values?: [number, string][], histograms?: [number, HistogramValue][],
 * }} Row
 */

export class AnswerTable {
    constructor() {
        this.body = h("tbody");
        this.more = h("div", { class: "row" });
        this.elements = [
            h(
                "div",
                { class: "table-wrap" },
                h(
                    "table",
                    { class: "answers" },
                    h("caption", { class: "visually-hidden" }, "The answer"),
                    h(
                        "thead",
                        null,
                        h(
                            "tr",
                            null,
                            h("th", { scope: "col" }, "Series"),
                            h("th", { scope: "col", class: "num" }, "Value"),
                        ),
                    ),
                    this.body,
                ),
            ),
            this.more,
        ];
    }

    /**
     * @param {Row[]} result
     * @param {boolean} [cut] whether the first rows are enough
     */
    show(result, cut = result.length > ROWS) {
        const shown = cut ? result.slice(0, ROWS) : result;
        keyed(
            this.body,
            shown,
            (one) => seriesName(one.metric),
            (one) =>
                h(
                    "tr",
                    null,
                    h("td", { class: "mono series" }, painted(seriesName(one.metric) || "{}")),
                    h("td", { class: "num mono" }),
                ),
            (row, one) => valueCell(row.lastChild, one),
        );
        fill(
            this.more,
            cut
                ? [
                      h("span", { class: "muted" }, `${ROWS} of ${result.length} series`),
                      h(
                          "button",
                          { class: "button", type: "button", onclick: () => this.show(result, false) },
                          "Show all",
                      ),
                  ]
                : null,
        );
    }
}

/**
 * A series' name in the editor's colours.
 * @param {string} name
 */
export function painted(name) {
    return tokenize(name).map((token) => h("span", { class: token.kind }, token.text));
}

/**
 * @param {Element} cell
 * @param {Row} one
 */
function valueCell(cell, one) {
    if (one.histogram) return fill(cell, histogramPicture(one.histogram[1]));
    if (one.value) {
        // A metric that is a time also says it as people do.
        const at = /_(timestamp|time)_seconds$/.test(one.metric.__name__ ?? "") ? number(one.value[1]) : 0;
        return at > 1e8 && at < 1e10
            ? fill(cell, one.value[1], h("div", { class: "muted small" }, localTime(at)))
            : setText(cell, one.value[1]);
    }
    const values = one.values ?? [];
    fill(
        cell,
        values.slice(-50).map(([time, value]) => h("div", null, value, clock(time))),
        values.length > 50 ? h("div", { class: "muted" }, `${values.length - 50} earlier ones`) : null,
        (one.histograms ?? [])
            .slice(-20)
            .map(([time, value]) =>
                h("div", null, `count ${value.count}, sum ${plain(number(value.sum))}`, clock(time)),
            ),
    );
}

/**
 * When a sample of a window was taken; as PromQL's @ takes it, by the pointer.
 * @param {number} time
 */
function clock(time) {
    const text = localTime(time, true);
    return h(
        "span",
        { class: "muted", title: `@ ${time}` },
        ` at ${now() - time < 43200 ? text.slice(11) : text}`,
    );
}

/** @param {HistogramValue} histogram */
function histogramPicture(histogram) {
    const buckets = (histogram.buckets ?? []).slice(0, 200);
    const largest = Math.max(1e-300, ...buckets.map((one) => number(one[3])));
    const width = Math.max(1, 240 / Math.max(1, buckets.length));
    return [
        h(
            "svg:svg",
            {
                viewBox: "0 0 240 40",
                class: "histogram",
                role: "img",
                "aria-label": `Histogram of ${histogram.count} observations in ${buckets.length} buckets`,
            },
            buckets.map(([, from, to, n], i) =>
                h(
                    "svg:rect",
                    {
                        x: i * width,
                        width: Math.max(1, width - 0.5),
                        y: 40 - (number(n) / largest) * 38,
                        height: (number(n) / largest) * 38,
                    },
                    h("svg:title", null, `${from} to ${to}: ${n}`),
                ),
            ),
        ),
        h("div", { class: "small" }, `count ${histogram.count}, sum ${plain(number(histogram.sum))}`),
    ];
}
