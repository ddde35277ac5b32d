// The custom elements of the design system. They render into the page itself (no shadow tree), so style.css dresses
// them and the accessibility tree sees plain elements.
//
//   <stack-labels>                  .labels = {name: value}      badges, sorted, `__name__` first
//   <stack-time at="1700000000.5">  "3 s ago", kept current by one timer for all of them; the exact time as tooltip,
//                                   and instead while the server is away: what was last then need not be so any more
//   <stack-fold key="pool/demo">    wraps one <details>, whose state it remembers under its key
//   <stack-theme>                   the button that goes through system, light and dark
//   confirmation(…), toast(…)       a question in a dialog; a passing message that screen readers hear
//   unfolder(…), discloser(…)       buttons that show and hide what they stand for

import { now } from "./clock.js";
import { h, fill, memory, setText } from "./dom.js";
import { ago, localTime, shortTime } from "./format.js";
import { away } from "./presence.js";

class StackLabels extends HTMLElement {
    /** @type {string} */
    shown = "";
    get labels() {
        return JSON.parse(this.shown || "{}");
    }
    /** @param {Record<string, string>} labels */
    set labels(labels) {
        const text = JSON.stringify(labels);
        if (text === this.shown) return;
        this.shown = text;
        fill(
            this,
            Object.entries(labels)
                .sort(byName)
                .map(([name, value]) =>
                    name === "__name__"
                        ? h("span", { class: "badge accent" }, value)
                        : h("span", { class: "badge" }, h("b", null, name), `="${value}"`),
                ),
        );
    }
}

/**
 * @param {[string, string]} a
 * @param {[string, string]} b
 */
function byName([a], [b]) {
    if (a === "__name__" || b === "__name__") return a === "__name__" ? -1 : 1;
    return a < b ? -1 : a > b ? 1 : 0;
}

/** @type {Set<StackTime>} */
const times = new Set();
let ticking = 0;
const refreshAll = () => times.forEach((time) => time.refresh());

class StackTime extends HTMLElement {
    static observedAttributes = ["at"];
    connectedCallback() {
        if (times.size === 0)
            for (const one of ["timechange", "presence"]) document.addEventListener(one, refreshAll);
        times.add(this);
        this.refresh();
        ticking ||= window.setInterval(refreshAll, 1000);
    }
    disconnectedCallback() {
        times.delete(this);
        if (times.size === 0) {
            for (const one of ["timechange", "presence"]) document.removeEventListener(one, refreshAll);
            clearInterval(ticking);
            ticking = 0;
        }
    }
    attributeChangedCallback() {
        if (this.isConnected) this.refresh();
    }
    refresh() {
        const at = Number(this.getAttribute("at"));
        // It has happened: where the page's clock is behind the stack's, just now.
        const text = () => (away() ? `at ${shortTime(at, now())}` : ago(Math.max(0, now() - at)));
        setText(this, at > 0 ? text() : "never");
        this.title = at > 0 ? localTime(at) : "";
    }
}

class StackFold extends HTMLElement {
    static observedAttributes = ["key"];
    /** @type {HTMLDetailsElement | null} */
    details = null;
    connectedCallback() {
        const details = this.querySelector("details");
        if (!details || this.details) return;
        this.details = details;
        this.recall();
        details.addEventListener("toggle", (event) => {
            if (event.target === details) memory.set(this.name, details.open);
        });
    }
    attributeChangedCallback() {
        this.recall();
    }
    get name() {
        return `fold:${this.getAttribute("key")}`;
    }
    recall() {
        if (this.details) this.details.open = memory.get(this.name, this.details.open);
    }
}

/**
 * Keeps for a year how a person likes the pages of all servers of this host; an empty value forgets it.
 * @param {"theme" | "size"} name
 * @param {string} value
 */
export function keep(name, value) {
    try {
        const age = value ? 365 * 24 * 3600 : 0;
        document.cookie = `promenade-${name}=${value}; path=/; max-age=${age}; SameSite=Strict`;
    } catch {
        /* switched off */
    }
}

class StackTheme extends HTMLElement {
    connectedCallback() {
        const root = document.documentElement;
        const button = h("button", {
            class: "button icon",
            type: "button",
            onclick: () => {
                const next = { "": "light", light: "dark", dark: "" }[root.dataset.theme ?? ""];
                if (next) root.dataset.theme = next;
                else delete root.dataset.theme;
                keep("theme", next ?? "");
                show();
                document.dispatchEvent(new Event("themechange"));
            },
        });
        const show = () => {
            const theme = root.dataset.theme ?? "system";
            button.textContent = { system: "◐", light: "☀", dark: "☾" }[theme];
            button.title = `Theme: ${theme}`;
            button.setAttribute("aria-label", `Theme: ${theme}. Change`);
        };
        show();
        fill(this, button);
    }
}

customElements.define("stack-labels", StackLabels);
customElements.define("stack-time", StackTime);
customElements.define("stack-fold", StackFold);
customElements.define("stack-theme", StackTheme);

/**
 * Asks before something irreversible.
 * @param {{title: string, text: string, action: string}} question
 * @returns {Promise<boolean>}
 */
export function confirmation({ title, text, action }) {
    return new Promise((resolve) => {
        const dialog = h(
            "dialog",
            {
                "aria-labelledby": "confirmation-title",
                onclose: () => {
                    dialog.remove();
                    resolve(dialog.returnValue === "yes");
                },
            },
            h("h2", { id: "confirmation-title" }, title),
            h("p", null, text),
            h(
                "form",
                { method: "dialog", class: "row" },
                h("button", { class: "button", value: "no", autofocus: true }, "Cancel"),
                h("button", { class: "button danger", value: "yes" }, action),
            ),
        );
        document.body.append(dialog);
        dialog.showModal();
    });
}

/**
 * Says something that passes.
 * @param {string} message
 * @param {"" | "bad"} [kind]
 */
export function toast(message, kind = "") {
    let place = document.querySelector(".toasts");
    if (!place) document.body.append((place = h("div", { class: "toasts", role: "status", "aria-live": "polite" })));
    const box = h("div", { class: `toast ${kind}` }, message);
    place.append(box);
    setTimeout(() => box.remove(), kind === "bad" ? 8000 : 4000);
}

/**
 * Arrow keys, Home and End in a tab list; each tab's `aria-controls` names its panel.
 * @param {HTMLElement} list
 * @param {(id: string) => void} choose called with the chosen tab's `data-tab`
 */
export function tabKeys(list, choose) {
    list.addEventListener("keydown", (event) => {
        const tabs = /** @type {HTMLElement[]} */ ([...list.children]);
        const here = tabs.indexOf(/** @type {HTMLElement} */ (document.activeElement));
        const to = { ArrowRight: here + 1, ArrowLeft: here - 1 + tabs.length, Home: 0, End: tabs.length - 1 }[
            event.key
        ];
        if (to === undefined || here < 0) return;
        event.preventDefault();
        const tab = tabs[to % tabs.length];
        tab.focus();
        choose(tab.dataset.tab ?? "");
    });
}

/**
 * A button that stays pressed.
 * @param {string} name
 * @param {(isOn: boolean) => void} changed
 */
export function toggleButton(name, changed) {
    const button = h(
        "button",
        {
            class: "button",
            type: "button",
            "aria-pressed": "false",
            onclick: () => {
                const isOn = button.getAttribute("aria-pressed") !== "true";
                button.setAttribute("aria-pressed", String(isOn));
                changed(isOn);
            },
        },
        name,
    );
    return button;
}

/**
 * A line that unfolds what has that id.
 * @param {string} id
 * @param {(isOpen: boolean) => void} toggle told whether it is to be open
 * @param {...any} content
 */
export function unfolder(id, toggle, ...content) {
    const isOpen = () => button.getAttribute("aria-expanded") === "true";
    const button = h(
        "button",
        {
            class: "unfold",
            type: "button",
            "aria-expanded": "false",
            "aria-controls": id,
            onclick: () => toggle(!isOpen()),
        },
        content,
    );
    return button;
}

/**
 * A button that shows in `more` what it asks for each time that it is opened.
 * @param {string} words
 * @param {HTMLElement} more hidden at first
 * @param {() => Promise<any[]>} contents
 */
export function discloser(words, more, contents) {
    const button = h(
        "button",
        {
            class: "button quiet small disclosure",
            type: "button",
            "aria-expanded": "false",
            onclick: async () => {
                more.hidden = !more.hidden;
                button.setAttribute("aria-expanded", String(!more.hidden));
                fill(more, more.hidden ? [] : await contents());
            },
        },
        words,
    );
    return button;
}
