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
        this.rest = h("p", { class: "muted small", hidden: true });
        /** @type {Map<string, Happening>} */
        this.lines = new Map();
    }

    /** @param {Happening} line */
    tell(line) {
        this.lines.set(line.key, line);
        // In the order in which they were told, whatever somebody did to the clock.
        const pushes = [...this.lines.values()].filter(isPush);
        for (const old of pushes.slice(0, -PUSHES)) this.lines.delete(old.key);
        this.draw();
    }

    draw() {
        const all = [...this.lines.values()];
        const pushes = all.filter(isPush).reverse();
        const rest = all
            .filter((one) => !isPush(one))
            .sort((a, b) => (a.kind === b.kind ? (a.key < b.key ? -1 : 1) : a.kind === "bad" ? -1 : 1));
        const shown = [...pushes, ...rest];
        keyed(this.list, shown.slice(0, LINES), (one) => one.key, row, update);
        const left = shown.length - LINES;
        this.rest.hidden = left <= 0;
        if (left > 0) {
            const failing = shown.slice(LINES).filter((one) => one.kind === "bad").length;
            const more = left === 1 ? "1 more target" : `${left} more targets`;
            setText(this.rest, `and ${more}${failing ? `, ${failing} of which could not be scraped` : ""}`);
        }
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
     * @param {Set<string> | null} keys of the targets that are there; null where nothing of all that was is left
     */
    forget(keys) {
        for (const [key, one] of this.lines) if (!keys || (!isPush(one) && !keys.has(key))) this.lines.delete(key);
        if (!keys) this.draw();
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
