// What relabelling did to a target's labels, rule by rule.

import { api } from "../shared/api.js";
import { h } from "../shared/dom.js";

/** @typedef {Record<string, string>} LabelSet */

/**
 * @param {string} pool
 * @param {LabelSet} before
 * @param {LabelSet | null} after null: the target was dropped
 * @returns {Promise<Element>}
 */
export async function relabelling(pool, before, after) {
    let steps;
    try {
        steps = (await api("targets/relabel_steps", { scrapePool: pool, labels: JSON.stringify(before) })).steps;
    } catch {
        steps = null;
    }
    const list = h("ol", { class: "plain relabel" }, stage("Discovered", badges({}, before, true)));
    let last = before;
    for (const [i, step] of (steps ?? []).entries()) {
        list.append(
            stage(`Rule ${i + 1}`, [
                h("code", null, ruleText(step.rule)),
                " ",
                step.keep ? badges(last, step.output) : h("span", { class: "state bad" }, "dropped"),
            ]),
        );
        if (!step.keep) break;
        last = step.output;
    }
    if (steps?.length === 0) list.append(stage("Rules", h("span", { class: "muted" }, "none")));
    if (steps === null)
        list.append(stage("Rules", h("span", { class: "muted" }, "this server does not tell them one by one")));
    list.append(
        stage("In the series", after ? badges(last, after, true) : h("span", { class: "state bad" }, "dropped")),
    );
    return list;
}

/**
 * @param {string} title
 * @param {any} content
 */
function stage(title, content) {
    return h("li", null, h("span", { class: "stage muted small" }, title), h("div", null, content));
}

/**
 * Labels with what changed marked.
 * @param {LabelSet} before
 * @param {LabelSet} after
 * @param {boolean} [all] the unchanged ones too
 */
function badges(before, after, all = false) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    const out = names
        .map((name) => {
            const fresh = Object.keys(before).length > 0;
            if (!(name in after))
                return all
                    ? null
                    : h(
                          "span",
                          { class: "badge lost" },
                          h("span", { class: "visually-hidden" }, "removed: "),
                          h("s", null, `${name}="${before[name]}"`),
                      );
            if (before[name] === after[name] && !all) return null;
            return h(
                "span",
                { class: `badge ${fresh && before[name] !== after[name] ? "gained" : ""}` },
                fresh && before[name] !== after[name] ? (name in before ? "→ " : "+ ") : "",
                h("b", null, name),
                `="${after[name]}"`,
            );
        })
        .filter(Boolean);
    return h("span", { class: "badges" }, out.length ? out : h("span", { class: "muted small" }, "changed nothing"));
}

/**
 * What a rule need not say.
 * @type {Record<string, string>}
 */
const DEFAULTS = { separator: ";", regex: "(.*)", replacement: "$1" };

/**
 * A rule in one line.
 * @param {Record<string, any>} rule
 */
function ruleText(rule) {
    return Object.entries(rule)
        .filter(
            ([name, value]) =>
                value !== "" &&
                value !== DEFAULTS[name] &&
                value !== null &&
                value !== 0 &&
                !(Array.isArray(value) && value.length === 0),
        )
        .map(([name, value]) => `${name}: ${Array.isArray(value) ? `[${value.join(", ")}]` : value}`)
        .join("; ");
}
