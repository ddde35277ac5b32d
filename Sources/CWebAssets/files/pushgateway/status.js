// Runtime, build and flags.

import { card, fill, h } from "../shared/dom.js";

/**
 * @param {HTMLElement} place
 * @param {any} page
 */
export function statusView(place, page) {
    const { build_information: build, flags, start_time: started } = page.status;
    fill(
        place,
        h("h1", null, "Status"),
        section("Runtime information", { Started: started }),
        section("Build information", build),
        section("Startup flags", flags),
    );
    return () => {};
}

/**
 * @param {string} title
 * @param {Record<string, string>} rows
 */
function section(title, rows) {
    return card(
        title,
        h(
            "div",
            { class: "table-wrap" },
            h(
                "table",
                null,
                h(
                    "tbody",
                    null,
                    Object.entries(rows)
                        .sort(([a], [b]) => (a < b ? -1 : 1))
                        .map(([name, value]) =>
                            h("tr", null, h("th", { scope: "row" }, name), h("td", { class: "mono" }, value)),
                        ),
                ),
            ),
        ),
    );
}
