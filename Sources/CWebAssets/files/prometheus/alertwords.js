// What is said of an alert: what it waits for, why it will not fire, what its templates were made of.

import { now } from "../shared/clock.js";
import { h } from "../shared/dom.js";
import { duration, localTime, queryHref, seriesName, span } from "../shared/format.js";
import { painted } from "./answertable.js";

const seconds = (/** @type {string} */ time) => Date.parse(time) / 1000;

/**
 * What an alert waits for.
 * @param {any} rule
 * @param {any} alert
 */
export function waiting(rule, alert) {
    const since = seconds(alert.activeAt);
    const found = `Found without a gap since ${localTime(since)}.`;
    if (alert.keepFiringSince) {
        const left = rule.keepFiringFor - (now() - seconds(alert.keepFiringSince));
        return `Not found any more; it goes on firing for ${span(Math.max(0, left))}.`;
    }
    if (alert.state !== "pending") return found;
    const age = now() - since;
    // None of those before it stayed for longer: nobody is told when it would fire.
    if (rule.unsteady && age <= rule.unsteady.longest + 2 * rule.interval) return found;
    return `${found} It fires in ${span(Math.max(0, rule.duration - age))} at the earliest, if it is found until then.`;
}

/**
 * Why none of the alerts that follow each other stays, and what helps.
 * @param {any} rule
 */
export function unsteady(rule) {
    const { labels, alerts, since, longest, everyEvaluation, recent } = rule.unsteady;
    const named = `${labels.length > 1 ? "labels" : "label"} ${labels.join(" and ")}`;
    const templates = labels.map((/** @type {string} */ name) => String(rule.labels?.[name] ?? ""));
    const isTemplate = templates.join("").includes("{{");
    const isValue = isTemplate && /\$value|\.Value|\bvalue\b/.test(templates.join("\n"));
    const values = recent.map((/** @type {Record<string, string>} */ one) => Object.values(one).join("/"));
    const it = labels.length > 1 ? "them" : "it";
    // What the expression finds makes another alert, whatever stands in the rule's own labels.
    const foundOnes = labels.filter((/** @type {string} */ name) => !String(rule.labels?.[name] ?? "").includes("{{"));
    const without = foundOnes.length === labels.length ? it : foundOnes.join(" and ");
    const advice =
        foundOnes.length === 0
            ? `Put ${isValue ? "the value" : it} into an annotation.`
            : `Without ${without} this would be one alert: max without (${foundOnes.join(", ")}) (…).`;
    const last = `the last with ${values.join(", ")}`;
    if (everyEvaluation) {
        const verb = labels.length > 1 ? "are" : "is";
        const what = isValue ? `The ${named} follows the value` : `The ${named} ${verb} another one each time`;
        const effect =
            rule.duration > 0
                ? "each evaluation makes another alert, and none stays long enough to fire"
                : "a new alert and a resolved one at every evaluation";
        return `${what}: ${effect} (${alerts} one after the other, ${last}). ${advice}`;
    }
    const from = localTime(seconds(since));
    const course = `${alerts} alerts, one after the other since ${from}, differ in the ${named} only`;
    const effect =
        rule.duration > 0
            ? `each was gone before it fired, after ${span(longest)} at most of ${span(rule.duration)}`
            : "a new alert and a resolved one each time";
    return `${course} (${last}): ${effect}. ${advice}`;
}

/**
 * When an alert of a rule was there last, and not for long enough.
 * @param {any} rule
 */
export function lastPending(rule) {
    const { from, to, times } = rule.lastPending;
    const length = span(seconds(to) - seconds(from));
    const day = (/** @type {number} */ time) => localTime(time).slice(0, 10);
    const end = localTime(seconds(to)).slice(day(seconds(from)) === day(seconds(to)) ? 11 : 0);
    const often = times > 1 ? ` ${earlier(rule)}` : "";
    return `Last pending from ${localTime(seconds(from))} to ${end}: ${length} of ${span(rule.duration)}.${often}`;
}

/**
 * How many alerts of a rule were pending and went.
 * @param {any} rule
 */
export function earlier({ lastPending: { times, longest } }) {
    const went = times > 1 ? `${times} alerts of it went before they` : "1 alert of it went before it";
    return `${went} fired, after ${span(longest)} at most.`;
}

/**
 * An annotation; a link where it is an address and nothing else, as that of a runbook, and marked where it failed.
 * @param {string} name
 * @param {string} text
 */
export function annotation(name, text) {
    const isLink = /^https?:\/\/\S+$/.test(text);
    return h(
        "p",
        { class: `annotation small ${text.startsWith("<error expanding template: ") ? "bad" : ""}` },
        h("b", null, name),
        " ",
        isLink ? h("a", { href: text, rel: "noreferrer" }, text) : text,
    );
}

/**
 * Labels and annotations as they stand in the file.
 * @param {any} rule
 */
export function templates(rule) {
    const [labels, annotations] = [rule.labels, rule.annotations].map((one) => Object.entries(one ?? {}));
    if (labels.length + annotations.length === 0) return null;
    const isBoth = labels.length > 0 && annotations.length > 0;
    const part = (/** @type {string} */ title, /** @type {[string, any][]} */ entries) =>
        entries.length === 0
            ? null
            : [
                  isBoth ? h("p", { class: "muted" }, title) : null,
                  entries.map(([name, text]) =>
                      h("p", { class: "annotation" }, h("b", null, name), " ", h("code", null, text)),
                  ),
              ];
    const names = isBoth ? "Labels and annotations" : labels.length > 0 ? "Labels" : "Annotations";
    return h(
        "stack-fold",
        { key: `templates/${rule.name}/${JSON.stringify(rule.labels)}` },
        h(
            "details",
            { class: "small" },
            h("summary", null, `${names} as written`),
            part("Labels", labels),
            part("Annotations", annotations),
        ),
    );
}

/**
 * What the templates of an alert had to go by: its value, its labels, and the queries they asked, with the answers.
 * @param {any} rule
 * @param {any} alert
 */
export function inputs(rule, alert) {
    const texts = [...Object.values(rule.labels ?? {}), ...Object.values(rule.annotations ?? {})].join(" ");
    if (!texts.includes("{{")) return null;
    const labels = Object.entries(alert.labels).filter(([name]) => name !== "alertname" && !rule.labels?.[name]);
    return h(
        "stack-fold",
        { key: `inputs/${JSON.stringify(alert.labels)}` },
        h(
            "details",
            { class: "small" },
            h("summary", null, "What went into it"),
            h("p", null, h("code", null, "$value"), " ", String(Number(alert.value))),
            labels.map(([name, value]) =>
                h("p", null, h("code", null, `$labels.${name}`), " ", /** @type {string} */ (value)),
            ),
            (alert.queries ?? []).map(answered),
        ),
    );
}

/**
 * A query of a template, with what it answered.
 * @param {any} asked
 */
function answered({ query, error, series, first }) {
    const link = h("a", { href: queryHref(query, "table") }, painted(query));
    if (error !== undefined) return h("p", null, link, ": ", h("span", { class: "bad" }, error));
    if (series === 0) return h("p", null, link, ": no series");
    const lines = first.map((/** @type {any} */ one) => `${seriesName(one.labels)} ${Number(one.value)}`);
    if (series > first.length) lines.push(`and ${series - first.length} more`);
    return h("p", { class: "annotation" }, link, ":\n", lines.join("\n"));
}
