// Rules and alerts. This server does not evaluate rules yet, and says so; where a server lists some, they are shown.

import { api } from "../shared/api.js";
import { h, fill } from "../shared/dom.js";
import { queryHref } from "../shared/format.js";
import { painted } from "./panel.js";

const STATES = /** @type {Record<string, string>} */ ({ inactive: "good", pending: "warn", firing: "bad" });

/**
 * @param {HTMLElement} main
 * @param {string} page
 */
export async function show(main, page) {
    const alerts = page === "alerts";
    fill(main, h("h1", null, alerts ? "Alerts" : "Rules"));
    const { groups } = await api("rules", alerts ? { type: "alert" } : {});
    if (groups.length === 0) {
        main.append(
            h(
                "section",
                { class: "card empty stack" },
                h(
                    "p",
                    null,
                    alerts ? "There are no alerts, because there are no alerting rules." : "There are no rules.",
                ),
                h(
                    "p",
                    null,
                    "Promenade does not evaluate recording and alerting rules yet. Meanwhile, a comparison on the ",
                    h("a", { href: queryHref("up == 0", "table") }, "query page"),
                    " shows what an alert would fire on.",
                ),
            ),
        );
        return;
    }
    main.append(
        ...groups.map((/** @type {any} */ group) =>
            h(
                "stack-fold",
                { class: "card", key: `${page}/${group.file}/${group.name}` },
                h(
                    "details",
                    { open: true },
                    h("summary", null, h("h2", null, group.name), " ", h("span", { class: "muted small" }, group.file)),
                    h(
                        "div",
                        { class: "targets" },
                        group.rules.map((/** @type {any} */ rule) =>
                            h(
                                "article",
                                { class: "target" },
                                h(
                                    "div",
                                    { class: "row" },
                                    h("b", null, rule.name),
                                    rule.state
                                        ? h("span", { class: `state ${STATES[rule.state] ?? ""}` }, rule.state)
                                        : null,
                                    h("span", { class: "grow" }),
                                    h("span", { class: "muted small" }, rule.lastError || rule.health),
                                ),
                                h("code", null, painted(rule.query)),
                            ),
                        ),
                    ),
                ),
            ),
        ),
    );
}
