// The targets, live: state, labels before and after relabelling with each step, the last scrape and what was read.

import { discloser } from "../shared/components.js";
import { api } from "../shared/api.js";
import { h, every, fill, keyed, memory, setText } from "../shared/dom.js";
import { span } from "../shared/format.js";
import { webURL } from "../shared/stack.js";
import { healthOf } from "./health.js";
import { relabelling } from "./relabelling.js";
import { sampleLabels } from "./samplelabels.js";
import { scrapedBody } from "./scrapedbody.js";

const STATES = /** @type {Record<string, string>} */ ({ up: "good", down: "bad", unknown: "warn" });

/** @param {HTMLElement} main */
export async function show(main) {
    const params = new URLSearchParams(location.search);
    const pools = h("div", { class: "stack" });
    const summary = h("p", { class: "muted", role: "status" });
    const search = h("input", {
        class: "field",
        type: "search",
        placeholder: "Filter by label, URL or error",
        "aria-label": "Filter targets",
        value: params.get("search") ?? "",
        oninput: () => draw(),
    });
    const down = h("input", {
        type: "checkbox",
        checked: params.get("health") === "down" || memory.get("targets:down", false),
        onchange: () => {
            memory.set("targets:down", down.checked);
            draw();
        },
    });
    fill(
        main,
        h(
            "div",
            { class: "headline" },
            h("h1", { class: "grow" }, "Targets"),
            summary,
            h("label", { class: "labelled" }, down, "only what is not up"),
            search,
        ),
        pools,
    );
    /** @type {any[]} */
    let targets = [];

    const draw = () => {
        const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
        const fits = (/** @type {any} */ one) =>
            (!down.checked || one.health !== "up") &&
            words.every((/** @type {string} */ word) =>
                `${one.scrapePool} ${one.scrapeUrl} ${one.lastError} ${Object.entries(one.labels)
                    .map(([k, v]) => `${k}="${v}"`)
                    .join(" ")}`
                    .toLowerCase()
                    .includes(word),
            );
        /** @type {Map<string, any[]>} */
        const byPool = new Map();
        for (const one of targets)
            if (fits(one)) byPool.set(one.scrapePool, [...(byPool.get(one.scrapePool) ?? []), one]);
        keyed(
            pools,
            [...byPool],
            ([pool]) => pool,
            ([pool]) => poolView(pool),
            (view, [, list]) =>
                view.update(
                    list,
                    targets.filter((one) => one.scrapePool === list[0].scrapePool),
                ),
        );
        setText(summary, targets.length ? healthOf(targets).text : "");
        let nothing = main.querySelector(".nothing");
        if (byPool.size === 0 && !nothing)
            main.append(
                (nothing = h(
                    "div",
                    { class: "card empty nothing" },
                    h(
                        "p",
                        null,
                        targets.length
                            ? "No target fits the filter."
                            : "No targets. Add a job under scrape_configs and reload.",
                    ),
                )),
            );
        else if (byPool.size) nothing?.remove();
    };
    const look = async (/** @type {AbortSignal} */ signal) => {
        targets = (await api("targets", { state: "active" }, signal)).activeTargets;
        draw();
    };
    await look(new AbortController().signal);
    every(2000, look);
}

/** @param {string} pool */
function poolView(pool) {
    const state = h("span", { class: "state" });
    const rows = h("div", { class: "targets" });
    const view = h(
        "stack-fold",
        { class: "card", key: `targets/${pool}` },
        h("details", { open: true }, h("summary", null, h("h2", null, pool), " ", state), rows),
    );
    view.update = (/** @type {any[]} */ list, /** @type {any[]} */ whole) => {
        const health = healthOf(whole);
        state.className = `state ${health.state}`;
        setText(state, health.text);
        keyed(
            rows,
            list,
            (one) => one.scrapeUrl + JSON.stringify(one.labels),
            targetView,
            (row, one) => row.update(one),
        );
    };
    return view;
}

/** @param {any} first */
function targetView(first) {
    let target = first;
    const state = h("span", { class: "state" });
    const href = webURL(first.globalUrl || first.scrapeUrl);
    const link = h("a", { class: "mono", href: href?.href }, first.scrapeUrl);
    const labels = h("stack-labels");
    const time = h("stack-time");
    const took = h("span");
    const bar = h("i");
    const error = h("p", { class: "note bad small", hidden: true });
    const more = h("div", { class: "stack target-more", hidden: true });
    const button = discloser("Details", more, async () => [
        h("h3", null, "Labels, from discovery to the series"),
        await relabelling(target.scrapePool, target.discoveredLabels, target.labels),
        h("h3", null, "Labels of its samples"),
        await sampleLabels(target),
        h("h3", null, "What was read"),
        await scrapedBody(target),
    ]);
    const view = h(
        "article",
        { class: "target", "aria-label": first.scrapeUrl },
        h(
            "div",
            { class: "row" },
            state,
            link,
            h("span", { class: "grow" }),
            h("span", { class: "small muted" }, "every ", first.scrapeInterval, ", timeout ", first.scrapeTimeout),
            button,
        ),
        h(
            "div",
            { class: "row" },
            labels,
            h("span", { class: "grow" }),
            h(
                "span",
                { class: "small muted last" },
                h("span", null, "last scrape ", time, took),
                h("span", { class: "meter", "aria-hidden": "true", title: "share of the timeout" }, bar),
            ),
        ),
        error,
        more,
    );
    view.update = (/** @type {any} */ one) => {
        target = one;
        state.className = `state ${STATES[one.health] ?? "warn"}`;
        setText(state, one.health.toUpperCase());
        labels.labels = one.labels;
        const at = Date.parse(one.lastScrape) / 1000;
        if (time.getAttribute("at") !== String(at)) time.setAttribute("at", String(at));
        setText(took, at > 0 ? `, took ${span(one.lastScrapeDuration)}` : "");
        bar.style.width = `${Math.min(100, (one.lastScrapeDuration / (parseFloat(one.scrapeTimeout) || 10)) * 100)}%`;
        error.hidden = !one.lastError;
        setText(error, one.lastError);
    };
    return view;
}
