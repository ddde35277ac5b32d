// A push tried from the page: first without consequences, with the difference it would make or what is wrong with it.

import { fill, h, memory } from "../shared/dom.js";
import { ask } from "../shared/presence.js";

/**
 * @param {HTMLElement} place
 * @param {any} page
 */
export function tryView(place, page) {
    const kept = memory.get("try", {
        method: "PUT",
        path: "job/try",
        body: '# TYPE some_metric gauge\nsome_metric{label="value"} 3.14\n',
    });
    const method = h(
        "select",
        { class: "field", "aria-label": "Method" },
        ["PUT", "POST"].map((name) => h("option", { value: name, selected: name === kept.method }, name)),
    );
    const path = h("input", {
        class: "field path",
        value: kept.path,
        "aria-label": "Grouping key",
        spellcheck: "false",
    });
    const body = h(
        "textarea",
        { class: "field", "aria-label": "Metrics in the text format", spellcheck: "false" },
        kept.body,
    );
    const result = h("div", { role: "status", "aria-live": "polite" });
    fill(
        place,
        h("h1", null, "Try a push"),
        h(
            "p",
            { class: "muted" },
            "PUT replaces the whole group, POST the metrics of the same name. The dry run changes nothing: ",
            "it tells what the push would change, or what is wrong with it and where.",
        ),
        h(
            "form",
            {
                class: "card try",
                onsubmit: (/** @type {Event} */ event) => {
                    event.preventDefault();
                    send(true);
                },
            },
            h("div", { class: "row" }, method, h("span", { class: "mono muted" }, "/metrics/"), path),
            body,
            h(
                "div",
                { class: "row" },
                h("button", { class: "button primary", type: "submit" }, "Dry run"),
                h("button", { class: "button", type: "button", onclick: () => send(false) }, "Push"),
            ),
        ),
        result,
    );

    /** @param {boolean} isDry */
    async function send(isDry) {
        memory.set("try", { method: method.value, path: path.value, body: body.value });
        try {
            const { response, text } = await ask(`metrics/${path.value}${isDry ? "?dry_run=1" : ""}`, {
                method: method.value,
                body: body.value,
                headers: { "Content-Type": "text/plain; version=0.0.4" },
            });
            const lines = text
                .replace(/\n$/, "")
                .split("\n")
                .map((line) =>
                    h(
                        "span",
                        { class: line.startsWith("+ ") ? "added" : line.startsWith("- ") ? "removed" : "" },
                        `${line}\n`,
                    ),
                );
            fill(
                result,
                h(
                    "p",
                    { class: `note ${response.ok ? "good" : "bad"}` },
                    response.ok
                        ? isDry
                            ? "The push would be accepted."
                            : "Pushed."
                        : `Refused with status ${response.status}.`,
                ),
                text && h("pre", { class: "result mono" }, lines),
            );
        } catch (error) {
            page.toast(`The push failed: ${/** @type {Error} */ (error).message}`, "bad");
        }
    }
    return () => {};
}
