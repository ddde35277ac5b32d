// What OpenTelemetry's clients sent last, and what became of each metric.

import { now } from "../shared/clock.js";
import { captioned, card, h } from "../shared/dom.js";
import { ago, bytes } from "../shared/format.js";

const KINDS = { taken: "good", dropped: "warn", refused: "bad" };
const COLUMNS = ["Metric", "Unit", "Kind", "Became", "Type", "Points", "Samples", "Verdict"];

/**
 * The last request of each client.
 * @param {any[]} requests oldest first
 */
export function lastOfEach(requests) {
    /** @type {Map<string, any>} */
    const last = new Map();
    for (const one of requests) {
        const client = `${one.client.replace(/:\d+$/, "")} ${one.userAgent}`;
        last.delete(client);
        last.set(client, one);
    }
    return [...last.values()].reverse();
}

/** @param {any[]} requests */
export function receivedMetrics(requests) {
    if (!requests?.length) return null;
    return card(
        "OpenTelemetry in",
        lastOfEach(requests).map(request),
    );
}

/** @param {any} one */
function request(one) {
    const isTaken = one.status < 300;
    return h(
        "details",
        { open: !isTaken },
        h(
            "summary",
            null,
            h("span", { class: `state ${isTaken ? "good" : "bad"}` }, String(one.status)),
            ` ${one.userAgent || one.client}, ${ago(now() - one.time)}: ${one.metrics.length} metrics, `,
            `${one.samples + one.histograms} samples, ${bytes(one.bytes)}`,
        ),
        one.error ? h("p", { class: "note bad" }, one.error) : null,
        one.warnings.map((/** @type {string} */ text) => h("p", { class: "note warn" }, text)),
        one.metrics.length
            ? captioned("What became of each metric", COLUMNS, ["Points", "Samples"], one.metrics.map(row))
            : null,
    );
}

/** @param {any} one */
function row(one) {
    const kind = KINDS[/** @type {keyof KINDS} */ (one.verdict)] ?? "warn";
    return h(
        "tr",
        null,
        h("th", { scope: "row", class: "mono" }, one.name),
        h("td", { class: "mono" }, one.unit || "–"),
        h("td", null, one.kind),
        h("td", { class: "mono" }, one.family || "–"),
        h("td", null, one.type),
        h("td", { class: "num" }, one.points.toLocaleString("en")),
        h("td", { class: "num" }, one.samples.toLocaleString("en")),
        h(
            "td",
            null,
            h("span", { class: `state ${kind}` }, one.verdict),
            [one.error, ...one.warnings].filter(Boolean).map((text) => h("div", { class: "small" }, text)),
        ),
    );
}
