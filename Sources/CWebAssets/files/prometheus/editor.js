// The expression editor: a textarea whose text is transparent over a painted copy of it, a list of completions at the
// caret, and the parser's error under the character it points at.

import { api } from "../shared/api.js";
import { h, fill } from "../shared/dom.js";
import { quoted } from "../shared/format.js";
import { aboutMetric, labelNames, labelValues, metadata, metricNames } from "./catalog.js";
import { LABEL_LISTS, errorPlace, placeAt, tokenize } from "./tokens.js";

const PAIRS = /** @type {Record<string, string>} */ ({ "(": ")", "{": "}", "[": "]", '"': '"' });
const KEYWORDS = [...LABEL_LISTS, "offset", "bool", "and", "or", "unless"];
let count = 0;

/** @typedef {{insert: string, label: string, kind: string, detail: string, text: string, back?: number}} Completion */

export class Editor {
    /** @param {{value: string, execute: () => void, change: (value: string) => void}} options */
    constructor({ value, execute, change }) {
        this.id = `editor${++count}`;
        this.execute = execute;
        this.change = change;
        /** @type {Completion[]} */
        this.items = [];
        this.active = 0;
        this.round = 0;
        /** @type {{offset: number, message: string} | null} */
        this.error = null;
        this.paint = h("pre", { class: "paint", "aria-hidden": "true" });
        this.input = h("textarea", {
            class: "input",
            rows: 1,
            spellcheck: "false",
            autocomplete: "off",
            autocapitalize: "off",
            "aria-label": "Expression (PromQL)",
            placeholder: "Expression (Enter runs it, Shift+Enter breaks the line)",
            "aria-autocomplete": "list",
            "aria-haspopup": "listbox",
            "aria-controls": `${this.id}-list`,
            "aria-describedby": `${this.id}-error`,
            oninput: () => this.edited(true),
            onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
            onblur: () => this.close(),
            onclick: () => this.close(),
            onscroll: () => {
                this.paint.scrollTop = this.input.scrollTop;
            },
        });
        this.list = h("ul", {
            id: `${this.id}-list`,
            class: "completions plain",
            role: "listbox",
            "aria-label": "Completions",
        });
        this.doc = h("div", { class: "completion-doc small" });
        this.popup = h("div", { class: "popup", hidden: true }, this.list, this.doc);
        this.message = h("div", { id: `${this.id}-error`, class: "editor-error small", role: "alert" });
        this.element = h(
            "div",
            { class: "editor grow" },
            h("div", { class: "layers" }, this.paint, this.input),
            this.popup,
            this.message,
        );
        this.input.value = value;
        this.draw();
    }

    get value() {
        return this.input.value;
    }

    /** @param {string} value */
    set value(value) {
        this.input.value = value;
        this.edited(false);
    }

    /** @param {boolean} typed */
    edited(typed) {
        this.fail(null);
        this.draw();
        this.change(this.value);
        clearTimeout(this.checking);
        this.checking = window.setTimeout(() => this.check(), 400);
        if (typed) this.complete(false);
    }

    draw() {
        const value = this.value,
            error = this.error;
        fill(
            this.paint,
            tokenize(value).map((token) => {
                const hit = error && error.offset >= token.start && error.offset < token.end;
                return h("span", { class: token.kind + (hit ? " wrong" : "") }, token.text);
            }),
            error && error.offset >= value.length ? h("span", { class: "wrong" }, " ") : "",
            "\n",
        );
    }

    /** Asks the server's own parser. */
    async check() {
        const value = this.value;
        if (!value.trim()) return;
        try {
            await api("parse_query", { query: value });
        } catch (error) {
            if (value === this.value && this.popup.hidden) this.fail(/** @type {Error} */ (error).message);
        }
    }

    /**
     * Shows where a query is wrong; null clears.
     * @param {string | null} message
     * @returns {boolean} whether the message had a place
     */
    fail(message) {
        const place = message === null ? null : errorPlace(message, this.value);
        this.error = place;
        if (message === null && !this.message.firstChild) return false;
        fill(this.message, place ? [h("b", null, `Column ${place.offset + 1}: `), place.message] : null);
        this.input.setAttribute("aria-invalid", String(Boolean(place)));
        this.draw();
        return Boolean(place);
    }

    /** @param {KeyboardEvent} event */
    key(event) {
        const open = !this.popup.hidden;
        if (
            open &&
            (event.key === "ArrowDown" || event.key === "ArrowUp" || event.key === "PageDown" || event.key === "PageUp")
        ) {
            const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
            this.choose(
                Math.abs(by) === 1
                    ? (this.active + by + this.items.length) % this.items.length
                    : Math.min(this.items.length - 1, Math.max(0, this.active + by)),
            );
        } else if (open && event.key === "Escape") {
            this.close();
        } else if (open && (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey))) {
            // A word that is whole already needs no completing: Enter runs it.
            if (event.key === "Enter" && this.items[this.active].label === this.place?.prefix) {
                this.close();
                this.execute();
            } else this.accept(this.active);
        } else if (event.key === "Enter" && !event.shiftKey) {
            this.execute();
        } else if (event.key === " " && event.ctrlKey) {
            this.complete(true);
        } else if (!this.pair(event)) {
            return;
        }
        event.preventDefault();
    }

    /**
     * Brackets and quotes come in pairs.
     * @param {KeyboardEvent} event
     * @returns {boolean} whether it was dealt with
     */
    pair(event) {
        const { selectionStart: start, selectionEnd: end, value } = this.input;
        if (event.ctrlKey || event.metaKey || event.altKey) return false;
        const next = value[end] ?? "";
        if (start === end && next === event.key && /[)}\]"]/.test(next)) {
            this.input.setSelectionRange(end + 1, end + 1);
            this.close();
            return true;
        }
        if (event.key === "Backspace" && start === end && start > 0 && PAIRS[value[start - 1]] === next && next) {
            this.input.setSelectionRange(start - 1, end + 1);
            this.insert("");
            return true;
        }
        const closer = PAIRS[event.key];
        if (
            !closer ||
            (start === end && /[\w"]/.test(next)) ||
            (event.key === '"' && /\w/.test(value[start - 1] ?? ""))
        )
            return false;
        const selected = value.slice(start, end);
        this.insert(event.key + selected + closer);
        this.input.setSelectionRange(start + 1, start + 1 + selected.length);
        this.complete(false);
        return true;
    }

    /**
     * Replaces the selection and keeps the browser's undo.
     * @param {string} text
     */
    insert(text) {
        const { selectionStart: start, selectionEnd: end } = this.input;
        this.input.focus();
        if (!document.execCommand(text ? "insertText" : "delete", false, text)) {
            this.input.setRangeText(text, start, end, "end");
            this.edited(false);
        }
    }

    /**
     * Inserts at the caret, as the metrics list does.
     * @param {string} text
     */
    put(text) {
        this.insert(text);
        this.close();
        this.input.focus();
    }

    /** @param {boolean} asked by Ctrl+Space: even where nothing is typed yet */
    async complete(asked) {
        const round = ++this.round;
        const place = placeAt(this.value, this.input.selectionStart);
        if (place.kind === "none" || (place.kind === "expression" && !place.prefix && !asked)) return this.close();
        let all;
        try {
            all = await candidates(place);
        } catch {
            return this.close();
        }
        if (round !== this.round || document.activeElement !== this.input) return;
        const items = ranked(all, place.prefix).slice(0, 60);
        if (
            items.length === 0 ||
            (items.length === 1 && items[0].label === place.prefix && place.kind !== "expression")
        )
            return this.close();
        this.place = place;
        this.items = items;
        fill(
            this.list,
            items.map((item, i) =>
                h(
                    "li",
                    {
                        id: `${this.id}-${i}`,
                        role: "option",
                        "aria-selected": "false",
                        onmousedown: (/** @type {Event} */ event) => {
                            event.preventDefault();
                            this.accept(i);
                        },
                    },
                    h("span", { class: `kind ${item.kind}`, "aria-hidden": "true" }, item.kind[0]),
                    h("span", { class: "word" }, marked(item.label, place.prefix)),
                    h("span", { class: "detail muted" }, item.detail),
                ),
            ),
        );
        this.popup.hidden = false;
        this.choose(0);
        this.position(place.start);
    }

    /** @param {number} offset */
    position(offset) {
        const walker = document.createTreeWalker(this.paint, NodeFilter.SHOW_TEXT);
        let node = walker.nextNode();
        while (node && offset > (node.textContent?.length ?? 0)) {
            offset -= node.textContent?.length ?? 0;
            node = walker.nextNode();
        }
        if (!node) return;
        const range = document.createRange();
        range.setStart(node, offset);
        const at = range.getBoundingClientRect(),
            box = this.element.getBoundingClientRect();
        this.popup.style.top = `${at.bottom - box.top + 4}px`;
        const left = Math.min(at.left - box.left - 30, box.width - this.popup.offsetWidth);
        this.popup.style.left = `${Math.max(0, left)}px`;
    }

    /** @param {number} index */
    choose(index) {
        this.list.children[this.active]?.setAttribute("aria-selected", "false");
        this.active = index;
        const row = this.list.children[index];
        row.setAttribute("aria-selected", "true");
        row.scrollIntoView({ block: "nearest" });
        this.input.setAttribute("aria-activedescendant", row.id);
        const item = this.items[index];
        this.doc.hidden = !item.text;
        fill(this.doc, item.text);
    }

    /** @param {number} index */
    accept(index) {
        const item = this.items[index],
            place = this.place;
        if (!item || !place) return;
        const value = this.value;
        let end = this.input.selectionStart;
        let text = item.insert,
            back = item.back ?? 0;
        if (text.endsWith("()") && value[end] === "(") {
            text = text.slice(0, -2);
            back = 0;
        }
        if (place.kind === "value") {
            text = quoted(text).slice(1, -1);
            if (place.quote !== '"') text = item.insert;
            while (end < value.length && /[^"'`,{}\n]/.test(value[end])) end++;
            if (value[end] === place.quote) end++;
            text += place.quote;
        }
        this.input.setSelectionRange(place.start, end);
        this.insert(text);
        const caret = place.start + text.length - back;
        this.input.setSelectionRange(caret, caret);
        this.close();
    }

    close() {
        this.round++;
        this.popup.hidden = true;
        this.input.removeAttribute("aria-activedescendant");
    }
}

/**
 * @param {import("./tokens.js").Place} place
 * @returns {Promise<Completion[]>}
 */
async function candidates(place) {
    const word = (/** @type {string} */ label, /** @type {string} */ kind, detail = "", text = "") => ({
        insert: label,
        label,
        kind,
        detail,
        text,
    });
    const scope = place.metric
        ? [
              place.matchers?.length
                  ? `{__name__=${quoted(place.metric)},${place.matchers.join(",")}}`
                  : `{__name__=${quoted(place.metric)}}`,
          ]
        : place.matchers?.length
          ? [`{${place.matchers.join(",")}}`]
          : [];
    if (place.kind === "label") {
        const used = new Set(place.used);
        return (await labelNames(scope))
            .filter((name) => !used.has(name) && (name !== "__name__" || !place.metric))
            .map((name) => word(name, "label"));
    }
    if (place.kind === "value") {
        const about = place.label === "__name__" ? await metadata() : {};
        return (await labelValues(place.label ?? "", scope)).map((value) =>
            word(value, "value", aboutMetric(about, value)?.type, aboutMetric(about, value)?.help),
        );
    }
    if (place.kind === "duration") {
        return /^\d+$/.test(place.prefix)
            ? ["s", "m", "h", "d"].map((unit) =>
                  word(place.prefix + unit, "time", { s: "seconds", m: "minutes", h: "hours", d: "days" }[unit]),
              )
            : ["1m", "5m", "15m", "1h", "6h", "1d"].map((one) => word(one, "time"));
    }
    const [{ FUNCTIONS }, names, about] = await Promise.all([
        import("./functions.js"),
        metricNames().catch(() => /** @type {string[]} */ ([])),
        metadata(),
    ]);
    return [
        ...FUNCTIONS.map((one) => ({
            insert: `${one.name}()`,
            back: one.name === "pi" || one.name === "time" ? 0 : 1,
            label: one.name,
            kind: one.aggregator ? "aggregator" : "function",
            detail: one.signature.slice(one.name.length),
            text: one.text + (one.experimental ? " (Experimental.)" : ""),
        })),
        ...KEYWORDS.map((one) => word(one, "keyword")),
        ...names.map((name) => ({
            ...word(name, "metric", aboutMetric(about, name)?.type, aboutMetric(about, name)?.help),
            insert: /^[a-zA-Z_:][\w:]*$/.test(name) ? name : `{${quoted(name)}}`,
        })),
    ];
}

/**
 * Whole word, then beginnings, then word beginnings, then anywhere.
 * @param {Completion[]} all
 * @param {string} prefix
 */
function ranked(all, prefix) {
    const low = prefix.toLowerCase();
    if (!low) return all;
    const scored = [];
    for (const item of all) {
        const label = item.label.toLowerCase();
        const at = label.indexOf(low);
        if (at < 0) continue;
        const score = label === low ? 0 : at === 0 ? 1 : /[_:.]/.test(label[at - 1]) ? 2 : 3;
        scored.push({ item, score });
    }
    return scored
        .sort(
            (a, b) =>
                a.score - b.score ||
                a.item.label.length - b.item.label.length ||
                (a.item.label < b.item.label ? -1 : 1),
        )
        .map(({ item }) => item);
}

/**
 * @param {string} label
 * @param {string} prefix
 */
function marked(label, prefix) {
    const at = label.toLowerCase().indexOf(prefix.toLowerCase());
    return at < 0 || !prefix
        ? label
        : [label.slice(0, at), h("b", null, label.slice(at, at + prefix.length)), label.slice(at + prefix.length)];
}
