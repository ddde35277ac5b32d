// What the Pushgateway in the same process holds and Prometheus does not know (yet): because no job scrapes it, or
// because the next scrape is still to come.

import { api } from "../shared/api.js";
import { fill, h } from "../shared/dom.js";
import { ago, quoted } from "../shared/format.js";
import { groupSelector, soon, survey } from "../shared/stack.js";

/**
 * @typedef {import("../shared/stack.js").Survey} Survey
 * @typedef {import("./tokens.js").Expr} Expr
 * @typedef {import("./tokens.js").Matcher} Matcher
 * @typedef {{labels: Record<string, string>, pushed: number}} Holder a group; the time in Unix seconds
 */

/**
 * The lines that make a job of the Pushgateway, to be copied.
 * @param {Survey} stack
 */
export function jobLines({ pushgateway, reload }) {
    const text = `scrape_configs:\n${pushgateway?.job}`;
    const copy = h(
        "button",
        {
            class: "button small",
            type: "button",
            onclick: () =>
                navigator.clipboard
                    ?.writeText(/** @type {string} */ (pushgateway?.job) + "\n")
                    .then(() => (copy.textContent = "Copied")),
        },
        "Copy the job",
    );
    return [
        h("p", null, "Add this job under ", h("code", null, "scrape_configs"), " in ", place(reload.file), ":"),
        h("pre", { class: "paste", tabindex: 0, "aria-label": "The job" }, text),
        h("div", { class: "row" }, copy),
    ];
}

/** @param {string | undefined} file */
function place(file) {
    return file ? h("code", null, file) : "a configuration file (this stack runs without one)";
}

/**
 * Says on the home page that something was pushed and nobody reads it; nothing otherwise.
 * @param {any} note
 * @param {Survey} stack
 */
export function unread(note, stack) {
    const { pushgateway } = stack;
    const isUnread = pushgateway !== null && pushgateway.groups > 0 && pushgateway.scrapedBy.length === 0;
    if (note.isUnread === isUnread) return;
    note.isUnread = isUnread;
    if (!isUnread) return fill(note);
    const text = "Pushed, but no job scrapes the Pushgateway: Prometheus cannot know of it.";
    fill(note, h("div", { class: "note warn stack" }, h("p", null, h("b", null, text)), jobLines(stack)));
}

/**
 * Every selector of an expression.
 * @param {Expr} node
 * @returns {import("./tokens.js").Selector[]}
 */
export function selectors(node) {
    switch (node.type) {
        case "vectorSelector":
        case "matrixSelector":
            return [node];
        case "parenExpr":
        case "unaryExpr":
        case "subquery":
            return selectors(node.expr);
        case "aggregation":
            return [...(node.param ? selectors(node.param) : []), ...selectors(node.expr)];
        case "binaryExpr":
            return [...selectors(node.lhs), ...selectors(node.rhs)];
        case "call":
            return node.args.flatMap(selectors);
        case "numberLiteral":
        case "stringLiteral":
            return [];
    }
}

/** @param {Matcher} matcher */
function matcherText(matcher) {
    const name = /^[a-zA-Z_]\w*$/.test(matcher.name) ? matcher.name : quoted(matcher.name);
    return `${name}${matcher.type}${quoted(matcher.value)}`;
}

/**
 * Whether a group fits what a selector says of the group's labels (and says nothing that only the stored series could
 * answer).
 * @param {Holder} group
 * @param {Matcher[]} matchers
 */
export function fits(group, matchers) {
    return matchers.every(({ name, type, value }) => {
        const has = group.labels[name];
        if (name === "__name__" || has === undefined) return true;
        if (type === "=") return has === value;
        return type === "!=" ? has !== value : true;
    });
}

/**
 * Why the first selector that the Pushgateway could answer is empty nevertheless.
 * @param {Expr} root the tree of an expression without result
 * @returns {Promise<null | {
 *     kind: "unread" | "waits" | "renamed" | "down", title: string, details: string[], stack: Survey,
 *     suggestions: import("./why.js").Suggestion[], retry: number | null,
 * }>} `retry`: in how many seconds it is worth another try
 */
export async function held(root) {
    for (const node of selectors(root)) {
        const name = node.name || node.matchers.find((one) => one.name === "__name__")?.value;
        if (!name) continue;
        const { groups } = await api("stack/pushed", { metric: name }).catch(() => ({ groups: [] }));
        const found = groups.filter((/** @type {Holder} */ one) => fits(one, node.matchers));
        // Where the series are there, something else made the answer empty.
        const query = `{${node.matchers.map(matcherText).join(", ")}}`;
        if (found.length && (await api("query", { query })).result.length) continue;
        if (found.length) return reason(name, node, found, await survey());
    }
    return null;
}

/**
 * @param {string} name
 * @param {import("./tokens.js").Selector} node
 * @param {Holder[]} groups the one that was pushed last first
 * @param {Survey} stack
 */
function reason(name, node, groups, stack) {
    const [group] = groups;
    const readers = stack.pushgateway?.scrapedBy ?? [];
    const where = `${groupSelector(Object.entries(group.labels), undefined)}`;
    const past = ago(Math.max(0, stack.time - group.pushed));
    const what = {
        stack,
        suggestions: /** @type {import("./why.js").Suggestion[]} */ ([]),
        retry: /** @type {number | null} */ (null),
    };
    if (readers.length === 0) {
        const title = `The Pushgateway holds ${name}, but no job scrapes it.`;
        return {
            ...what,
            kind: /** @type {const} */ ("unread"),
            title,
            details: [`It was pushed ${past}, to the group ${where}.`],
        };
    }
    const [reader] = readers;
    const last = Math.max(...readers.map((one) => one.lastScrape ?? 0));
    if (readers.every((one) => one.health === "down")) {
        const title = `The Pushgateway holds ${name}, but the scrape of it fails.`;
        return {
            ...what,
            kind: /** @type {const} */ ("down"),
            title,
            details: ["The page of the targets says why."],
            retry: reader.interval,
        };
    }
    if (last < group.pushed) {
        const left = Math.min(...readers.map((one) => one.nextScrape ?? Infinity)) - stack.time;
        const when = Number.isFinite(left) ? `the next scrape of the Pushgateway comes ${soon(Math.max(0, left))}` : "";
        return {
            ...what,
            kind: /** @type {const} */ ("waits"),
            title: `Pushed ${past}, scraped ${Number.isFinite(left) ? soon(Math.max(0, left)) : "later"}.`,
            details: [`The Pushgateway holds ${name} (group ${where}); ${when}. Then this is asked again by itself.`],
            retry: Number.isFinite(left) ? Math.max(0, left) + 0.4 : 1,
        };
    }
    const renamed = node.matchers.filter(
        (one) => !reader.honorLabels && group.labels[one.name] && reader.labels[one.name] !== undefined,
    );
    if (renamed.length === 0) return null;
    const names = renamed.map((one) => one.name);
    const matchers = node.matchers
        .filter((one) => one.name !== "__name__" || !node.name)
        .map((one) => matcherText(names.includes(one.name) ? { ...one, name: `exported_${one.name}` } : one));
    const stored = names.map((one) => `exported_${one}`).join(", ");
    return {
        ...what,
        kind: /** @type {const} */ ("renamed"),
        title: `The group's ${names.join(" and ")} ${names.length === 1 ? "is" : "are"} stored as ${stored}.`,
        details: [
            `The job ${reader.scrapePool} scrapes the Pushgateway without honor_labels: true, ` +
                "so the target's own labels win.",
        ],
        suggestions: [{ label: "Ask so", query: `${node.name ?? ""}{${matchers.join(", ")}}`, now: false }],
    };
}
