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
        return h(
            "p",
            { class: "muted small" },
            /** @type {any} */ (error).status === 404
                ? "This server does not keep the bodies it scrapes."
                : /** @type {Error} */ (error).message,
        );
    }
    /** @type {any[]} */
    const found = scrape.verdicts ?? [];
    const verdicts = new Map([...found].reverse().map((one) => [one.line, one]));
    const lines = (scrape.body ?? "").split("\n");
    if (lines[lines.length - 1] === "") lines.pop();
    const bad = found.filter((one) => one.verdict === "error").length,
        advice = found.length - bad;
    const row = (/** @type {string} */ line, /** @type {number} */ i) => {
        const verdict = /** @type {any} */ (verdicts.get(i + 1));
        return h(
            "li",
            { class: verdict?.verdict ?? "" },
            h("span", { class: line.startsWith("#") ? "muted" : "" }, line || " "),
            verdict ? h("span", { class: "verdict" }, verdict.message) : null,
        );
    };
    return h(
        "div",
        { class: "stack" },
        h(
            "div",
            { class: "row small" },
            h(
                "span",
                { class: `state ${scrape.error ? "bad" : "good"}` },
                scrape.status ? `HTTP ${scrape.status}` : "no answer",
            ),
            scrape.contentType ? h("code", null, scrape.contentType) : null,
            h(
                "span",
                { class: "muted" },
                `${bytes(scrape.size ?? 0)}, ${lines.length} lines, in ${span(scrape.duration ?? 0)}`,
            ),
            lines.length
                ? h(
                      "span",
                      { class: `state ${bad ? "bad" : "good"}` },
                      bad
                          ? counted(bad, "line breaks the format", "lines break the format")
                          : "every line is well-formed",
                  )
                : null,
            advice ? h("span", { class: "state warn" }, counted(advice, "piece of advice", "pieces of advice")) : null,
            scrape.truncated ? h("span", { class: "state warn" }, "cut for showing") : null,
        ),
        scrape.error ? h("p", { class: "note bad small" }, scrape.error) : null,
        found.length
            ? h(
                  "ul",
                  { class: "plain small findings" },
                  found
                      .slice(0, 20)
                      .map((one) =>
                          h(
                              "li",
                              null,
                              h("b", null, one.line ? `Line ${one.line}: ` : "In all: "),
                              one.message,
                              one.remedy ? h("span", { class: "muted" }, ` ${one.remedy}`) : null,
                          ),
                      ),
                  found.length > 20 ? h("li", { class: "muted" }, `and ${found.length - 20} more`) : null,
              )
            : null,
        lines.length === 0 && !scrape.error
            ? h(
                  "p",
                  { class: "muted small" },
                  !scrape.size
                      ? "The body was empty."
                      : scrape.bodyKept
                        ? "The body is no text (protobuf), so it is not shown line by line."
                        : "The body was too long to be kept.",
              )
            : null,
        lines.length
            ? h(
                  "ol",
                  { class: "scraped mono", tabindex: 0, "aria-label": "The scraped text" },
                  lines.slice(0, SHOWN).map(row),
              )
            : null,
        lines.length > SHOWN ? h("p", { class: "muted small" }, `and ${lines.length - SHOWN} more lines`) : null,
    );
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
function counted(count, one, many) {
    return `${count} ${count === 1 ? one : many}`;
}
