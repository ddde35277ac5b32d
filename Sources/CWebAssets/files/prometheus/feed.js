// The list of what just happened: the last pushes on top, and one line for each target, what fails first, in an order
// that does not change while one reads it.

import { h, keyed, setText } from "../shared/dom.js";

/**
 * @typedef {"good" | "bad" | "push" | "refused"} Kind
 * @typedef {{key: string, kind: Kind, at: number, text: string, more: string}} Happening
 */

const MARKS = { push: "↑", refused: "!", good: "↓", bad: "!" };
/** Pushes are rare and scrapes are not, so the last pushes stay. */
const PUSHES = 3;
const LINES = 8;

/** @param {Happening} one */
const isPush = (one) => one.kind === "push" || one.kind === "refused";

export class Feed {
    /** @param {HTMLElement} list */
    constructor(list) {
        this.list = list;
        /** @type {Map<string, Happening>} */
        this.lines = new Map();
    }

    /** @param {Happening} line */
    tell(line) {
        this.lines.set(line.key, line);
        const all = [...this.lines.values()];
        const pushes = all.filter(isPush).sort((a, b) => b.at - a.at);
        for (const old of pushes.slice(PUSHES)) this.lines.delete(old.key);
        const rest = all
            .filter((one) => !isPush(one))
            .sort((a, b) => (a.kind === b.kind ? (a.key < b.key ? -1 : 1) : a.kind === "bad" ? -1 : 1));
        keyed(this.list, [...pushes.slice(0, PUSHES), ...rest].slice(0, LINES), (one) => one.key, row, update);
    }

    /**
     * Says more of something that is told already.
     * @param {string} key
     * @param {string} more
     */
    add(key, more) {
        const line = this.lines.get(key);
        if (line && line.more !== more) this.tell({ ...line, more });
    }

    /**
     * Lines of targets that are gone go.
     * @param {Set<string>} keys of the targets that are there
     */
    forget(keys) {
        for (const [key, one] of this.lines) if (!isPush(one) && !keys.has(key)) this.lines.delete(key);
    }
}

function row() {
    const mark = h("span", { "aria-hidden": "true" });
    const text = h("span");
    const more = h("span", { class: "muted" });
    const time = h("stack-time", { class: "muted small" });
    const line = h("li", null, mark, h("span", { class: "grow" }, text, " ", more), time);
    return Object.assign(line, { mark, text, more, time });
}

/**
 * @param {any} line
 * @param {Happening} one
 */
function update(line, one) {
    line.mark.className = `mark ${one.kind === "refused" ? "bad" : one.kind}`;
    setText(line.mark, MARKS[one.kind]);
    setText(line.text, one.text);
    setText(line.more, one.more);
    if (line.time.getAttribute("at") !== String(one.at)) line.time.setAttribute("at", String(one.at));
}
