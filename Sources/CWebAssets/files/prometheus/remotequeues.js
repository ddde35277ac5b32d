// How the queues of remote write stand.

import { now } from "../shared/clock.js";
import { captioned, card, h } from "../shared/dom.js";
import { ago, plain } from "../shared/format.js";

const NUMBERS = ["Waiting", "Sent", "Refused", "Left out", "Tried again", "Newest sent", "Shards"];

/**
 * What a queue does, in a word or two, and whether that is as it should be.
 * @param {any} one
 */
function state(one) {
    if (one.attempts > 0) return { text: `tried ${one.attempts} times`, kind: "bad" };
    if (one.shardsDesired > one.shardsMax) return { text: "too slow: more shards are wanted", kind: "warn" };
    return one.pending > 0 || one.entriesBehind > 0
        ? { text: "sending", kind: "good" }
        : { text: "up to date", kind: "good" };
}

/** @param {any[]} queues */
export function remoteQueues(queues) {
    if (!queues?.length) return null;
    return card(
        "Remote write",
        captioned(
            "Queues of remote write",
            ["Name", "State", ...NUMBERS],
            NUMBERS,
            queues.map(row),
        ),
    );
}

/** @param {any} one */
function row(one) {
    const { text, kind } = state(one);
    const count = (/** @type {number} */ value) => h("td", { class: "num" }, value.toLocaleString("en"));
    return h(
        "tr",
        null,
        h("th", { scope: "row" }, one.name, h("div", { class: "mono small muted" }, one.url)),
        h(
            "td",
            null,
            h("span", { class: `state ${kind}` }, text),
            one.lastError
                ? h("div", { class: "small" }, one.lastError, ` (${ago(now() - one.lastErrorTime)})`)
                : null,
        ),
        count(one.pending),
        count(one.sent),
        count(one.failed),
        count(one.dropped),
        count(one.retried),
        h("td", { class: "num" }, one.newestSent > 0 ? ago(now() - one.newestSent) : "–"),
        h("td", { class: "num" }, `${one.shards} (${plain(one.shardsDesired, 2)} wanted)`),
    );
}
