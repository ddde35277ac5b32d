// The shell of the Prometheus server's pages: marks the page in the navigation and loads its module.

import "../shared/banner.js";
import "../shared/components.js";
import { ready } from "../shared/clock.js";
import { localized } from "../shared/format.js";

/**
 * Page (the path's last part) → module, title, and the navigation entry it belongs to.
 * @type {Record<string, [string, string, string?]>}
 */
const pages = {
    "": ["./home.js", "The stack"],
    query: ["./query.js", "Query"],
    graph: ["./query.js", "Query", "query"],
    alerts: ["./rules.js", "Alerts"],
    rules: ["./rules.js", "Rules"],
    targets: ["./targets.js", "Targets"],
    "service-discovery": ["./discovery.js", "Service discovery"],
    status: ["./status.js", "Status"],
    "tsdb-status": ["./status.js", "TSDB status", "status"],
    flags: ["./status.js", "Flags", "status"],
    config: ["./status.js", "Configuration", "status"],
    learn: ["./learn.js", "Learn"],
};

const page = location.pathname.split("/").pop() ?? "";
const [module, title, entry = page] = pages[page] ?? pages[""];
document.title = page ? `${title} · Promenade` : "Promenade";
const here = document.querySelector(`.top nav a[href="${entry}"]`);
here?.setAttribute("aria-current", "page");
// On a narrow screen the navigation scrolls sideways.
here?.scrollIntoView({ inline: "center", block: "nearest" });
/**
 * What the deepest pages are made of: it is asked for at once, not level by level.
 * @type {Record<string, string[]>}
 */
const parts = {
    "./query.js": [
        "prometheus/panel",
        "prometheus/answertable",
        "prometheus/panelcontrols",
        "prometheus/editor",
        "prometheus/tokens",
        "prometheus/catalog",
        "prometheus/urlstate",
        "prometheus/results",
    ],
    "./rules.js": [
        "prometheus/answertable",
        "prometheus/alertstrip",
        "prometheus/tokens",
        "prometheus/results",
        "shared/events",
    ],
};
for (const part of parts[module] ?? []) {
    const link = document.createElement("link");
    link.rel = "modulepreload";
    link.href = `assets/${part}.js`;
    document.head.append(link);
}
const { show } = await import(module);
// What is "now" has to be known before anything is asked for.
await ready;
const main = /** @type {HTMLElement} */ (document.querySelector("main"));
for (let isShown = false; !isShown; ) {
    try {
        await show(main, page);
        isShown = true;
    } catch (error) {
        // While the server is down, or comes up, the page says so and looks again.
        const note = document.createElement("p");
        note.className = "note bad";
        note.setAttribute("role", "alert");
        note.textContent = localized(/** @type {Error} */ (error).message);
        main.querySelector(":scope > .note.bad")?.remove();
        main.append(note);
        await new Promise((again) => setTimeout(again, 2000));
    }
}
performance.mark("ready");
document.documentElement.dataset.ready = "true";
