// Rules and alerts: each group with its rules, each alert with its history as a strip, what it still waits for and
// what became of its templates; what was told to whom in the inbox.

import { api } from "../shared/api.js";
import { h, fill, every, renew } from "../shared/dom.js";
import { listen } from "../shared/events.js";
import { duration, localTime, queryHref, span } from "../shared/format.js";
import { painted } from "./answertable.js";
import { lately, legend, over, overList, strip } from "./alertstrip.js";
import { annotation, earlier, inputs, lastPending, templates, unsteady, waiting } from "./alertwords.js";
import { fitting, unseen } from "./rulefilter.js";

const STATES = /** @type {Record<string, string>} */ ({ inactive: "good", pending: "warn", firing: "bad" });
const WEIGHT = /** @type {Record<string, number>} */ ({ firing: 0, pending: 1, inactive: 2, unknown: 3 });

/**
 * @param {HTMLElement} main
 * @param {string} page
 */
export async function show(main, page) {
    const alerts = page === "alerts";
    const list = h("div", { class: "stack" });
    const inbox = h("div", { class: "stack" });
    const search = /** @type {HTMLInputElement} */ (
        h("input", {
            class: "field",
            type: "search",
            placeholder: "Filter by name or label",
            "aria-label": "Filter rules",
        })
    );
    const state = /** @type {HTMLSelectElement} */ (
        h(
            "select",
            { class: "field", "aria-label": "Only rules in a state" },
            ["all", ...(alerts ? ["firing", "pending", "inactive"] : ["ok", "err", "unknown"])].map((name) =>
                h("option", { value: name }, name),
            ),
        )
    );
    const asked = new URLSearchParams(location.search);
    search.value = asked.get("search") ?? "";
    const wanted = asked.get("state") ?? "all";
    if ([...state.options].some((option) => option.value === wanted)) state.value = wanted;
    fill(main, h("h1", null, alerts ? "Alerts" : "Rules"), h("div", { class: "row" }, search, state), list, inbox);
    let known = "";
    let isWhole = false;
    let soon = 0;
    // What happens together is looked at together.
    const later = () => {
        if (!soon) soon = window.setTimeout(() => ((soon = 0), list.isConnected && refresh()), 300);
    };
    const refresh = async () => {
        // A rule may have more alerts than anybody reads: the page asks for some of them only.
        const few = { alert_limit: String(LIMIT), explain: "true" };
        const [{ groups }, told, managers] = await Promise.all([
            api("rules", alerts ? { ...few, type: "alert" } : few),
            alerts ? api("inbox", {}) : null,
            alerts ? api("alertmanagers", { explain: "true" }) : null,
        ]);
        const wanted = search.value.trim().toLowerCase();
        const shown = groups
            .map((/** @type {any} */ group) => ({
                ...group,
                rules: group.rules
                    .filter((/** @type {any} */ rule) => isIn(rule, state.value, alerts))
                    .map((/** @type {any} */ rule) => fitting(group, rule, wanted))
                    .filter(Boolean)
                    .sort((/** @type {any} */ a, /** @type {any} */ b) =>
                        alerts ? WEIGHT[a.state] - WEIGHT[b.state] : 0,
                    ),
            }))
            .filter((/** @type {any} */ group) => group.rules.length > 0);
        for (const group of shown) for (const rule of group.rules) recall(group, rule, alerts, later);
        const text = JSON.stringify(shown, (key, value) =>
            alerts && (key === "lastEvaluation" || key === "evaluationTime") ? undefined : value,
        );
        if (text !== known) {
            known = text;
            const { parts, left } = fewer(shown, isWhole ? Infinity : RULES);
            const cards = parts.map((/** @type {any} */ group) => groupCard(group, page));
            if (left > 0) cards.push(h("button", { class: "button", type: "button", "data-all": true }, more(left)));
            const missed = alerts ? unseen(groups) : 0;
            const beyond = `${missed} alerts beyond the first ${LIMIT} of their rules were not looked through.`;
            const none = h("p", { class: "muted" }, "No rule fits the filter. ", missed > 0 ? beyond : "");
            const above = [tally(groups, alerts), shown.some(hasAlerts) ? legend() : null];
            renew(list, groups.length === 0 ? nothing(alerts) : [above, cards.length === 0 ? none : cards]);
        }
        if (told) renew(inbox, tellingCard(told, managers), told.notices.length > 0 ? inboxCard(told.notices) : null);
    };
    list.addEventListener("click", (/** @type {Event} */ event) => {
        const asked = /** @type {HTMLElement} */ (event.target).closest("button")?.dataset;
        if (asked?.all !== undefined) isWhole = true;
        else if (asked?.rule) all.add(asked.rule);
        else return;
        known = "";
        refresh();
    });
    const choose = () => {
        const chosen = new URLSearchParams();
        if (state.value !== "all") chosen.set("state", state.value);
        if (search.value) chosen.set("search", search.value);
        // A link to what is seen, and seen again when the page is read anew.
        const query = chosen.toString();
        history.replaceState(history.state, "", location.pathname + (query && `?${query}`));
        refresh();
    };
    search.addEventListener("input", choose);
    state.addEventListener("change", choose);
    await refresh();
    every(5000, refresh);
    // What changes is seen at once.
    const hearing = listen(
        (_, isPast) => {
            if (!list.isConnected) hearing.stop();
            else if (!isPast) later();
        },
        ["evaluation", "alert", "reload"],
    );
}

/**
 * @param {any} rule
 * @param {string} state
 * @param {boolean} alerts
 */
function isIn(rule, state, alerts) {
    return state === "all" || (alerts ? rule.state : rule.health) === state;
}

/** @param {any} group */
const hasAlerts = (group) => group.rules.some((/** @type {any} */ rule) => rule.type === "alerting");

/** @param {number} left */
const more = (left) => `Show ${left} more that are quiet`;

/**
 * No more rules than anybody reads at once; those that are active or fail are there in any case.
 * @param {any[]} groups
 * @param {number} most
 * @returns {{parts: any[], left: number}}
 */
function fewer(groups, most) {
    let [left, room] = [0, most];
    const parts = groups.map((group) => {
        const rules = group.rules.filter((/** @type {any} */ rule) => {
            const isQuiet = rule.health !== "err" && (rule.alerts ?? []).length === 0;
            if (room-- > 0 || !isQuiet) return true;
            left++;
            return false;
        });
        return { ...group, rules };
    });
    return { parts: parts.filter((group) => group.rules.length > 0), left };
}

/**
 * How many rules are in which state.
 * @param {any[]} groups
 * @param {boolean} alerts
 */
function tally(groups, alerts) {
    const rules = groups.flatMap((group) => group.rules);
    const names = alerts ? ["firing", "pending", "inactive", "unknown"] : ["ok", "err", "unknown"];
    const count = (/** @type {string} */ name) =>
        rules.filter((rule) => (alerts ? rule.state : rule.health) === name).length;
    const parts = names.filter((name) => count(name) > 0).map((name) => `${count(name)} ${name}`);
    const all = rules.length === 1 ? "1 rule" : `${rules.length} rules`;
    return h("p", { class: "muted small" }, `${all}: ${parts.join(", ")}`);
}

/** @param {boolean} alerts */
function nothing(alerts) {
    return h(
        "section",
        { class: "card empty stack" },
        h("p", null, alerts ? "There are no alerts, because there are no alerting rules." : "There are no rules."),
        h(
            "p",
            null,
            "Name files of rules under rule_files, or write them under rules in stack.yml. A comparison on the ",
            h("a", { href: queryHref("up == 0", "table") }, "query page"),
            " shows what an alert would fire on.",
        ),
    );
}

/**
 * @param {any} group
 * @param {string} page
 */
function groupCard(group, page) {
    return h(
        "stack-fold",
        { class: "card", key: `${page}/${group.file}/${group.name}` },
        h(
            "details",
            { open: true },
            h(
                "summary",
                null,
                h("h2", null, group.name),
                " ",
                h("span", { class: "muted small" }, about(group, page)),
            ),
            h("div", { class: "targets" }, group.rules.map(ruleCard)),
        ),
    );
}

/**
 * @param {any} group
 * @param {string} page
 */
function about(group, page) {
    const parts = [group.file, `every ${duration(group.interval)}`];
    if (group.limit > 0) parts.push(`at most ${group.limit} for each rule`);
    const last = Date.parse(group.lastEvaluation) / 1000;
    if (page === "rules" && last > 0) parts.push(`evaluated at ${localTime(last)} in ${span(group.evaluationTime)}`);
    return parts.join(" · ");
}

/** @param {any} rule */
function ruleCard(rule) {
    const alerting = rule.type === "alerting";
    return h(
        "article",
        { class: "target", key: JSON.stringify([rule.name, rule.query, rule.labels]) },
        h(
            "div",
            { class: "row" },
            h("b", null, rule.name),
            rule.state
                ? h("span", { class: `state ${rule.health === "err" ? "" : STATES[rule.state] ?? ""}` }, rule.state)
                : null,
            rule.duration > 0 ? h("span", { class: "muted small" }, `for ${duration(rule.duration)}`) : null,
            rule.keepFiringFor > 0
                ? h("span", { class: "muted small" }, `keeps firing for ${duration(rule.keepFiringFor)}`)
                : null,
            h("span", { class: "grow" }),
            h(
                "span",
                { class: "row small" },
                h("a", { href: queryHref(rule.query, "explain") }, "Explain"),
                h("span", { class: rule.health === "err" ? "bad" : "muted" }, rule.health),
            ),
        ),
        h("code", null, h("a", { class: "mono", href: queryHref(rule.query, "table") }, painted(rule.query))),
        rule.lastError ? h("p", { class: "bad small" }, rule.lastError) : null,
        rule.unsteady ? h("p", { class: "warn small" }, unsteady(rule)) : null,
        rule.state === "pending" && rule.lastPending && !rule.unsteady
            ? h("p", { class: "muted small" }, earlier(rule))
            : null,
        templates(rule),
        alerting ? alertList(rule) : null,
    );
}

// So many alerts of a rule are shown before somebody asks for all; the rules whose alerts are all shown.
const MOST = 20;
// So many are asked for, and looked through by the filter.
const LIMIT = 500;
// So many rules are drawn before somebody asks for all.
const RULES = 150;
const all = new Set();

/** @param {any} rule */
const shownOf = (rule) => (all.has(rule.name) ? rule.alerts.length : MOST);

/**
 * Adds what is known of the last hour of a rule's alerts.
 * @param {any} group
 * @param {any} rule
 * @param {boolean} withOver those that are over as well: they come later, and the page of rules would move
 * @param {() => void} learnt is called when more is known
 */
function recall(group, rule, withOver, learnt) {
    if (rule.type !== "alerting") return;
    rule.interval = group.interval;
    const first = rule.firstEvaluation ? Date.parse(rule.firstEvaluation) / 1000 : Infinity;
    const evaluations = { interval: group.interval, first };
    for (const alert of rule.alerts.slice(0, shownOf(rule)))
        alert.lately = lately(alert.labels, alert.state, evaluations, learnt);
    rule.over = withOver ? over(rule, evaluations, learnt) : [];
}

/** @param {any} rule */
function alertList(rule) {
    if (rule.alerts.length === 0) {
        return [
            h(
                "p",
                { class: "muted small" },
                rule.state === "unknown"
                    ? "Not evaluated yet."
                    : rule.lastError
                      ? "The last evaluation failed, so there are no alerts."
                      : "The expression finds nothing now.",
                " ",
                h("a", { href: queryHref(rule.query, "explain") }, "Why?"),
            ),
            rule.lastPending && !rule.lastError ? h("p", { class: "muted small" }, lastPending(rule)) : null,
            rule.over.length > 0 ? overList(rule.over) : null,
        ];
    }
    const most = shownOf(rule);
    const cards = rule.alerts.slice(0, most).map((/** @type {any} */ alert) => alertCard(rule, alert));
    if (rule.alerts.length <= most) return rule.alertCount ? [...cards, others(rule)] : cards;
    const more = `Show ${rule.alerts.length - most} more${rule.alertCount ? ` of ${rule.alertCount}` : ""}`;
    return [...cards, h("button", { class: "button", type: "button", "data-rule": rule.name }, more)];
}

/**
 * The alerts that were not asked for.
 * @param {any} rule
 */
function others(rule) {
    const query = `ALERTS{alertname=${JSON.stringify(rule.name)}}`;
    return h(
        "p",
        { class: "muted small" },
        `These are the first ${rule.alerts.length} of ${rule.alertCount} alerts; the filter looks through these. `,
        h("a", { href: queryHref(`count by (alertstate) (${query})`, "table") }, "Count them"),
    );
}

/**
 * @param {any} rule
 * @param {any} alert
 */
function alertCard(rule, alert) {
    return h(
        "div",
        { class: "alert", key: JSON.stringify(alert.labels) },
        h(
            "div",
            { class: "row" },
            h("span", { class: `state ${STATES[alert.state] ?? ""}` }, alert.state),
            h("stack-labels", { labels: alert.labels }),
            h("span", { class: "grow" }),
            h("span", { class: "muted small" }, `value ${Number(alert.value)}`),
        ),
        h("p", { class: "muted small" }, waiting(rule, alert)),
        strip(alert.lately),
        Object.entries(alert.annotations).map(([name, text]) => annotation(name, /** @type {string} */ (text))),
        inputs(rule, alert),
    );
}

/**
 * Who is told of alerts, and what became of the last request; nothing where only the inbox is.
 * @param {any} inbox
 * @param {any} managers
 */
function tellingCard(inbox, managers) {
    const active = managers.activeAlertmanagers;
    if (active.length === 0 && inbox.enabled) return null;
    const nobody = inbox.set
        ? "Nobody is told of alerts: the inbox is switched off by inbox: {enabled: false}."
        : "Nobody is told of alerts: the discovery of Alertmanagers finds none.";
    return h(
        "section",
        { class: "card stack", key: "telling" },
        h("h2", null, "Alertmanagers"),
        active.length === 0 ? h("p", { class: "warn" }, nobody) : null,
        active.map((/** @type {any} */ one) =>
            h("div", { class: "row", key: one.url }, h("code", null, one.url), delivery(one)),
        ),
    );
}

/** @param {any} manager */
function delivery({ last }) {
    if (!last) return h("span", { class: "muted small" }, "was not told of anything yet");
    const alerts = last.alerts === 1 ? "1 alert" : `${last.alerts} alerts`;
    return [
        h("span", { class: `state ${last.error ? "bad" : "good"}` }, last.error ? "not told" : "told"),
        h("span", { class: "small" }, `of ${alerts} `, h("stack-time", { at: Date.parse(last.time) / 1000 })),
        last.error ? h("span", { class: "small" }, last.error) : null,
    ];
}

const REASONS = /** @type {Record<string, string>} */ ({
    first: "began to fire",
    repeated: "fires still",
    resolved: "is resolved",
});

/** @param {any[]} notices */
function inboxCard(notices) {
    return h(
        "section",
        { class: "card stack", key: "inbox" },
        h("h2", null, "Inbox"),
        h("p", { class: "muted small" }, "What an Alertmanager would be told, the newest first."),
        notices.slice(0, 100).map((notice) =>
            h(
                "div",
                { class: "row" },
                h("stack-time", { class: "small", at: Date.parse(notice.time) / 1000 }),
                h("span", { class: `state ${notice.reason === "resolved" ? "good" : "bad"}` }, REASONS[notice.reason]),
                h("stack-labels", { labels: notice.labels }),
                h("span", { class: "small" }, notice.annotations.summary ?? ""),
            ),
        ),
    );
}
