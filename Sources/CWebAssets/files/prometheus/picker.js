// A searchable list in a dialog: the metrics with type and help, the history of expressions.

import { h, fill } from "../shared/dom.js";

/** @typedef {{label: string, tag?: string, text?: string}} Choice */

/**
 * @param {{
 *     title: string, placeholder: string, empty: string,
 *     load: () => Promise<Choice[]>, pick: (label: string) => void,
 * }} options
 */
export async function openPicker({ title, placeholder, empty, load, pick }) {
    const list = h("ul", { class: "plain choices" });
    const count = h("span", { class: "muted small", role: "status" });
    const search = h("input", {
        class: "field grow",
        type: "search",
        placeholder,
        "aria-label": placeholder,
        oninput: () => show(),
    });
    const dialog = h(
        "dialog",
        {
            class: "picker",
            "aria-label": title,
            onclose: () => dialog.remove(),
            onclick: (/** @type {Event} */ event) => {
                if (event.target === dialog) dialog.close();
            },
        },
        h(
            "div",
            { class: "headline" },
            h("h2", { class: "grow" }, title),
            count,
            h("button", { class: "button quiet", type: "button", onclick: () => dialog.close() }, "Close"),
        ),
        h("div", { class: "row" }, search),
        list,
    );
    document.body.append(dialog);
    dialog.showModal();
    search.focus();
    /** @type {Choice[]} */
    let all = [];
    const show = () => {
        const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
        const found = all.filter((one) =>
            words.every((/** @type {string} */ word) => `${one.label} ${one.text ?? ""}`.toLowerCase().includes(word)),
        );
        count.textContent = `${found.length} of ${all.length}`;
        fill(
            list,
            found.slice(0, 200).map((one) =>
                h(
                    "li",
                    null,
                    h(
                        "button",
                        {
                            type: "button",
                            onclick: () => {
                                dialog.close();
                                pick(one.label);
                            },
                        },
                        h("span", { class: "mono" }, one.label),
                        one.tag ? h("span", { class: "badge" }, one.tag) : null,
                        one.text ? h("span", { class: "muted small about" }, one.text) : null,
                    ),
                ),
            ),
            found.length === 0
                ? h("li", { class: "empty" }, all.length ? "Nothing fits." : empty)
                : found.length > 200
                  ? h("li", { class: "muted small" }, "Type to see the others.")
                  : null,
        );
    };
    search.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter") list.querySelector("button")?.click();
        else if (event.key === "Escape") dialog.close();
        else if (event.key === "ArrowDown") list.querySelector("button")?.focus();
        else return;
        event.preventDefault();
    });
    list.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
        const row = document.activeElement?.parentElement;
        const next =
            event.key === "ArrowDown"
                ? row?.nextElementSibling
                : event.key === "ArrowUp"
                  ? (row?.previousElementSibling ?? search.parentElement)
                  : null;
        if (!next) return;
        event.preventDefault();
        /** @type {HTMLElement | null} */ (next.querySelector("button, input"))?.focus();
    });
    try {
        all = await load();
    } catch (error) {
        empty = /** @type {Error} */ (error).message;
    }
    show();
}
