// Everything that discovery found, kept or dropped, with the labels before and after relabelling.

import { api } from "../shared/api.js";
import { discloser } from "../shared/components.js";
import { h, fill } from "../shared/dom.js";
import { relabelling } from "./relabelling.js";

/** What discovery finds, as far as it is shown here. */
async function found() {
    const { activeTargets, droppedTargets, droppedTargetCounts } = await api("targets");
    const labels = (/** @type {any} */ one) => [one.scrapePool, one.labels, one.discoveredLabels];
    const key = JSON.stringify([activeTargets.map(labels), droppedTargets.map(labels), droppedTargetCounts]);
    return { activeTargets, droppedTargets, droppedTargetCounts, key };
}

/** @param {HTMLElement} main */
export async function show(main) {
    let known = await found();
    let fields = fillIn(main, known);
    // Simulated time that moves on is followed, unless somebody is at work here.
    document.addEventListener("timechange", async () => {
        const next = await found().catch(() => known);
        const isUsed = main.contains(document.activeElement) || fields.search.value || fields.dropped.checked;
        if (next.key === known.key || isUsed) return;
        known = next;
        fields = fillIn(main, known);
    });
}

/**
 * @param {HTMLElement} main
 * @param {Awaited<ReturnType<typeof found>>} what
 */
function fillIn(main, { activeTargets, droppedTargets, droppedTargetCounts }) {
    /** @type {Map<string, {labels: any, discovered: any}[]>} */
    const pools = new Map(Object.keys(droppedTargetCounts ?? {}).map((pool) => [pool, []]));
    const add = (/** @type {string} */ pool, /** @type {any} */ one) =>
        pools.set(pool, [...(pools.get(pool) ?? []), one]);
    for (const one of activeTargets) add(one.scrapePool, { labels: one.labels, discovered: one.discoveredLabels });
    for (const one of droppedTargets)
        add(one.scrapePool ?? one.discoveredLabels.job, { labels: null, discovered: one.discoveredLabels });
    /** @type {{row: any, text: string, isDropped: boolean}[]} */
    const rows = [];
    const draw = () => {
        const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
        for (const { row, text, isDropped } of rows)
            row.hidden =
                (dropped.checked && !isDropped) || !words.every((/** @type {string} */ word) => text.includes(word));
        for (const fold of main.querySelectorAll("stack-fold")) {
            fold.toggleAttribute("hidden", fold.querySelector(".target:not([hidden])") === null);
        }
        nothing.hidden = rows.length === 0 || rows.some(({ row }) => !row.hidden);
    };
    const search = h("input", {
        class: "field",
        type: "search",
        placeholder: "Filter by label",
        "aria-label": "Filter what was found",
        oninput: draw,
    });
    const dropped = h("input", { type: "checkbox", onchange: draw });
    const nothing = h("div", { class: "card empty", hidden: true }, h("p", null, "Nothing fits the filter."));
    fill(
        main,
        h(
            "div",
            { class: "headline" },
            h("h1", { class: "grow" }, "Service discovery"),
            h("label", { class: "labelled" }, dropped, "only what was dropped"),
            search,
        ),
        h("p", { class: "muted" }, "What was found for each job, and what relabelling made of it."),
        nothing,
        pools.size === 0 ? h("div", { class: "card empty" }, h("p", null, "No jobs are configured.")) : null,
        [...pools].sort().map(([pool, list]) => {
            const kept = list.filter((one) => one.labels).length;
            const gone = droppedTargetCounts?.[pool] ?? list.length - kept;
            return h(
                "stack-fold",
                { class: "card", key: `discovery/${pool}` },
                h(
                    "details",
                    { open: true },
                    h(
                        "summary",
                        null,
                        h("h2", null, pool),
                        " ",
                        h("span", { class: "state good" }, `${kept} kept`),
                        " ",
                        gone ? h("span", { class: "state" }, `${gone} dropped`) : null,
                    ),
                    h(
                        "div",
                        { class: "targets" },
                        list.slice(0, 200).map((one) => {
                            const row = target(pool, one);
                            rows.push({
                                row,
                                isDropped: !one.labels,
                                text: [
                                    pool,
                                    ...Object.entries({ ...one.discovered, ...one.labels }).map(
                                        ([name, value]) => `${name}="${value}"`,
                                    ),
                                ]
                                    .join(" ")
                                    .toLowerCase(),
                            });
                            return row;
                        }),
                    ),
                    list.length > 200 ? h("p", { class: "muted small" }, `and ${list.length - 200} more`) : null,
                ),
            );
        }),
    );
    return { search, dropped };
}

/**
 * @param {string} pool
 * @param {{labels: any, discovered: any}} one
 */
function target(pool, one) {
    const more = h("div", { class: "target-more", hidden: true });
    const labels = h("stack-labels");
    labels.labels = one.labels ?? one.discovered;
    const button = discloser("Steps", more, async () => [await relabelling(pool, one.discovered, one.labels)]);
    return h(
        "article",
        { class: "target", "aria-label": one.discovered.__address__ ?? pool },
        h(
            "div",
            { class: "row" },
            h("span", { class: `state ${one.labels ? "good" : ""}` }, one.labels ? "kept" : "dropped"),
            h("span", { class: "mono" }, one.discovered.__address__ ?? ""),
            h("span", { class: "grow" }),
            button,
        ),
        labels,
        more,
    );
}
