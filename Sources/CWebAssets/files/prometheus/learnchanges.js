// The table of what each request did to a job's groups: made from the requests that were made, not from what is known
// about them.

import { h } from "../shared/dom.js";
import { distinction } from "./learnfacts.js";
import { shortSpan } from "./learnwords.js";

/**
 * What each request left, and what it took away.
 * @param {any[]} held the states of the Pushgateway, rising
 * @param {string} job
 * @param {number} end milliseconds from the start
 * @returns {{at: number, request: string, body: string, left: {name: string, value: string, state: string}[],
 *     gone: string[]}[]}
 */
export function changes(held, job, end) {
    const rows = [];
    /** @type {Map<string, string>} */
    let before = new Map();
    for (const { at, request, body, series } of held) {
        if (at > end) break;
        const now = new Map(
            series.filter((/** @type {[string, string]} */ [name]) => name.includes(`job="${job}"`)),
        );
        if (request?.job === job) {
            const left = [...now].map(([name, value]) => {
                const old = before.get(name);
                return { name, value, state: old === undefined ? "new" : old === value ? "kept" : "renewed" };
            });
            const gone = [...before.keys()].filter((name) => !now.has(name));
            rows.push({ at, request: `${request.method} ${request.path}`, body, left, gone });
        }
        before = now;
    }
    return rows;
}

/** @param {string} name */
function short(name) {
    const labels = distinction(name);
    return name.replace(/\{.*/s, "") + (labels ? `{${labels}}` : "");
}

/**
 * @param {any} page
 * @param {any[]} held
 * @param {string} job
 * @param {number} end
 */
export function changesTable(page, held, job, end) {
    const rows = changes(held, job, end);
    if (!rows.length) return h("p", { class: "muted" }, page.say("notYet"));
    return h(
        "div",
        { class: "table-wrap" },
        h(
            "table",
            { class: "lesson-table changes" },
            h(
                "thead",
                null,
                h(
                    "tr",
                    null,
                    h("th", { scope: "col" }, page.say("request")),
                    h("th", { scope: "col" }, page.say("left")),
                ),
            ),
            h(
                "tbody",
                null,
                rows.map(({ at, request, body, left, gone }) =>
                    h(
                        "tr",
                        null,
                        h(
                            "td",
                            null,
                            h("span", { class: "muted small" }, shortSpan(at), " "),
                            h("code", null, request),
                            body.split("\n").map((one) => (one ? h("div", { class: "mono small" }, one) : null)),
                        ),
                        h(
                            "td",
                            null,
                            left.length ? null : h("div", { class: "muted" }, page.say("noGroup")),
                            left.map(({ name, value, state }) =>
                                h(
                                    "div",
                                    { class: `mono change ${state}` },
                                    `${short(name)} ${value}`,
                                    h("span", { class: "badge" }, page.say(state)),
                                ),
                            ),
                            gone.map((name) =>
                                h("div", { class: "mono change gone" }, h("s", null, short(name)),
                                    h("span", { class: "badge" }, page.say("gone"))),
                            ),
                        ),
                    ),
                ),
            ),
        ),
    );
}
