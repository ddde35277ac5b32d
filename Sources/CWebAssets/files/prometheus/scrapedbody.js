// The last scraped body with a verdict per line, from this server's own /api/v1/targets/last_scrape.

import { api } from "../shared/api.js";
import { h } from "../shared/dom.js";
import { bytes, span } from "../shared/format.js";

const SHOWN = 2000;

/**
 * @param {any} target
 * @returns {Promise<Element>}
 */
export async function scrapedBody(target) {
    let scrape;
    try {
        scrape = await api("targets/last_scrape", { scrapePool: target.scrapePool, scrapeUrl: target.scrapeUrl });
    } catch (error) {
        return h("p", { class: "muted small" }, /** @type {any} */ (error).status === 404 ? "This server does not keep the bodies it scrapes." : /** @type {Error} */ (error).message);
    }
    const verdicts = new Map((scrape.verdicts ?? []).map((/** @type {any} */ one) => [one.line, one]));
    const lines = (scrape.body ?? "").split("\n");
    if (lines[lines.length - 1] === "") lines.pop();
    const bad = [...verdicts.values()].filter((/** @type {any} */ one) => one.verdict === "error").length;
    const row = (/** @type {string} */ line, /** @type {number} */ i) => {
        const verdict = /** @type {any} */ (verdicts.get(i + 1));
        return h("li", { class: verdict?.verdict ?? "" }, h("span", { class: line.startsWith("#") ? "muted" : "" }, line || " "), verdict ? h("span", { class: "verdict" }, verdict.message) : null);
    };
    return h("div", { class: "stack" },
        h("div", { class: "row small" },
            h("span", { class: `state ${scrape.error ? "bad" : "good"}` }, scrape.status ? `HTTP ${scrape.status}` : "no answer"),
            scrape.contentType ? h("code", null, scrape.contentType) : null, h("span", { class: "muted" }, `${bytes(scrape.size ?? 0)}, ${lines.length} lines, in ${span(scrape.duration ?? 0)}`),
            h("span", { class: `state ${bad ? "bad" : "good"}` }, bad ? (bad === 1 ? "1 bad line" : `${bad} bad lines`) : "every line is fine"), scrape.truncated ? h("span", { class: "state warn" }, "cut for showing") : null),
        scrape.error ? h("p", { class: "note bad small" }, scrape.error) : null,
        [...verdicts.values()].length ? h("ul", { class: "plain small" }, [...verdicts.values()].slice(0, 20).map((/** @type {any} */ one) => h("li", null, `Line ${one.line}: ${one.message}`))) : null,
        lines.length ? h("ol", { class: "scraped mono", tabindex: 0, "aria-label": "The scraped text" }, lines.slice(0, SHOWN).map(row)) : null,
        lines.length > SHOWN ? h("p", { class: "muted small" }, `and ${lines.length - SHOWN} more lines`) : null);
}
