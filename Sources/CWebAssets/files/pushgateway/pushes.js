// The last pushes and deletions with what became of them.

import { every, fill, h, keyed, setText } from "../shared/dom.js";
import { envelope } from "../shared/api.js";
import { toggleButton } from "../shared/components.js";
import { bytes, span } from "../shared/format.js";
import { badges, ordered } from "./labels.js";

const LIMIT = 500;

/** @param {HTMLElement} place */
export function pushesView(place) {
    /** @type {any[]} */
    let records = [];
    let onlyFailed = false;
    let isBroken = false;
    const count = h("p", { class: "muted", role: "status" });
    const body = h("tbody");
    const failed = toggleButton("Failed only", (isOn) => {
        onlyFailed = isOn;
        render();
    });
    const head = ["When", "Client", "Method", "Group", "Size", "Took", "Result"];
    fill(
        place,
        h("div", { class: "headline" }, h("h1", null, "Pushes"), count),
        h("div", { class: "toolbar row" }, failed),
        h(
            "div",
            { class: "card flush table-wrap" },
            h(
                "table",
                { class: "pushes" },
                h(
                    "thead",
                    null,
                    h(
                        "tr",
                        null,
                        head.map((name) => h("th", { scope: "col" }, name)),
                    ),
                ),
                body,
            ),
        ),
    );

    function render() {
        const items = onlyFailed ? records.filter((record) => record.result !== "success") : records;
        keyed(body, items, (record) => String(record.number), row);
        setText(
            count,
            records.length === 0 ? "none yet" : `the last ${items.length}${onlyFailed ? " that failed" : ""}`,
        );
    }

    return every(2000, async (signal) => {
        try {
            const { data } = await envelope("pushes", { since: records[0]?.number ?? 0, limit: LIMIT }, signal);
            records = [...data, ...records].slice(0, LIMIT);
            if (data.length > 0 || records.length === 0 || isBroken) render();
            isBroken = false;
        } catch (error) {
            if (signal.aborted) return;
            isBroken = true;
            setText(count, /** @type {Error} */ (error).message);
        }
    });
}

/** @param {any} record */
function row(record) {
    const good = record.result === "success";
    return h(
        "tr",
        null,
        h("td", null, h("stack-time", { at: Date.parse(record.time) / 1000 })),
        h("td", { class: "mono client" }, record.client),
        h("td", { class: "mono" }, record.method),
        h("td", null, record.group ? badges(ordered(record.group)) : h("code", null, record.path)),
        h("td", { class: "num" }, bytes(record.size)),
        h("td", { class: "num" }, span(record.duration_seconds)),
        h(
            "td",
            null,
            h(
                "span",
                { class: `state ${good ? "good" : "bad"}` },
                good ? `${record.status}` : `${record.status} failed`,
            ),
            record.error && h("p", { class: "error small mono" }, record.error),
            record.hints.map((/** @type {string} */ hint) => h("p", { class: "hint small" }, hint)),
        ),
    );
}
