// What stands at the top of every page of the stack:
//
//   <stack-banner>   what an operator should know, above all that the server is away or that a reload failed
//   <stack-back>     on the other servers' pages: the way to the stack
//   <stack-clock>    the bar of simulated time; nothing where time is everybody's
//   <stack-size>     the button that makes the type large, for a projector

import { api } from "./api.js";
import { keep } from "./components.js";
import { every, fill, h } from "./dom.js";
import { localTime, localized, shortTime } from "./format.js";
import { kind } from "./clock.js";
import { away, missed } from "./presence.js";
import { survey, urlOf } from "./stack.js";

/** @typedef {import("./stack.js").Survey} Survey */

// Where time is simulated, its bar stands above all (timebar.js).
if (kind) import("./timebar.js");

/** After so many milliseconds without an answer the server is away. */
const PATIENCE = 5000;

class StackBanner extends HTMLElement {
    said = "";
    /** @type {{text: string, date: string}[]} */
    list = [];
    /** @type {Survey | null} */
    stack = null;
    connectedCallback() {
        this.setAttribute("role", "status");
        let rounds = 0;
        // Whether it is there again is asked more often.
        every(1000, (signal) => (away() || rounds++ % 5 === 0 ? this.look(signal) : undefined));
        document.addEventListener("presence", () => this.show());
        document.addEventListener("stackchange", (event) => {
            if (/** @type {CustomEvent} */ (event).detail === "reload") this.look();
        });
    }

    /** @param {AbortSignal} [signal] */
    async look(signal) {
        const late = setTimeout(missed, PATIENCE);
        try {
            await this.read(signal);
        } finally {
            clearTimeout(late);
        }
    }

    /** @param {AbortSignal} [signal] */
    async read(signal) {
        // The Prometheus server has a list of what an operator should know; its neighbours are told only the reload.
        const isComplete = this.hasAttribute("complete");
        /** @type {{text: string, date: string}[]} */
        const list = isComplete ? await api("notifications", {}, signal) : [];
        const isQuiet = isComplete && list.length === 0;
        const stack = isQuiet ? null : await survey(signal).catch(() => null);
        if (away()) return;
        [this.list, this.stack] = [list, stack];
        this.show();
    }

    show() {
        const { list, stack } = this;
        const gone = away();
        const text = JSON.stringify([list, stack?.reload, gone]);
        if (text === this.said) return;
        this.said = text;
        fill(
            this,
            gone ? awayLine(gone) : null,
            list.filter((one) => !isReload(one.text)).map((one) => line(one.text, Date.parse(one.date) / 1000)),
        );
        if (stack?.reload.failed) this.append(reloadFailed(stack, this.hasAttribute("complete")));
    }
}

/** @param {import("./presence.js").Away} gone */
function awayLine({ since, words, isGone }) {
    // Where time is simulated, this is not of it.
    const time = shortTime(since, Date.now() / 1000) + (kind ? " by your own clock" : "");
    return h(
        "div",
        { class: "banner away" },
        h("b", null, isGone ? `The server has not answered since ${time}.` : `${localized(words)}.`),
        " ",
        h("span", { class: "small" }, isGone ? "What is shown is from then." : "What is shown of it is from before."),
    );
}

/** @param {string} text */
const isReload = (text) => /reload/i.test(text);

/**
 * @param {string} text
 * @param {number} since
 */
function line(text, since) {
    return h(
        "div",
        { class: "banner" },
        h("b", null, text),
        " ",
        h("span", { class: "small" }, `since ${localTime(since)}`),
    );
}

/**
 * @param {Survey} stack
 * @param {boolean} isComplete
 */
function reloadFailed({ reload, prometheus }, isComplete) {
    const box = line("Configuration reload has failed.", reload.since ?? 0);
    const errors = reload.errors ?? [];
    if (errors.length) {
        box.append(
            h(
                "ul",
                null,
                errors.slice(0, 8).map((one) => h("li", null, h("code", null, one))),
            ),
        );
        if (errors.length > 8) box.append(h("p", null, `and ${errors.length - 8} more mistakes`));
    }
    const used = h("p", { class: "small" }, "The configuration from before is still in use. ");
    if (!isComplete && prometheus) used.append(h("a", { href: urlOf(prometheus) }, "The stack's page says why."));
    box.append(used);
    return box;
}

class StackBack extends HTMLElement {
    connectedCallback() {
        this.look();
    }

    async look() {
        const stack = await survey().catch(() => null);
        const server = stack?.prometheus;
        if (server) {
            const short = h("span", { class: "short" }, "‹ Stack");
            fill(this, h("a", { class: "back", href: urlOf(server) }, h("span", null, "‹ The stack"), short));
        } else if (!stack) setTimeout(() => this.isConnected && this.look(), 5000);
    }
}

class StackSize extends HTMLElement {
    connectedCallback() {
        const root = document.documentElement;
        const button = h(
            "button",
            { class: "button icon", type: "button", onclick: () => this.set(!root.dataset.size) },
            "A",
        );
        this.show = () => {
            const isLarge = root.dataset.size === "large";
            button.setAttribute("aria-pressed", String(isLarge));
            button.title = isLarge ? "Large type, for a projector: on" : "Large type, for a projector: off";
            button.setAttribute("aria-label", "Large type, for a projector");
        };
        this.show();
        fill(this, button);
    }

    show = () => {};

    /** @param {boolean} isLarge */
    set(isLarge) {
        const root = document.documentElement;
        if (isLarge) root.dataset.size = "large";
        else delete root.dataset.size;
        keep("size", isLarge ? "large" : "");
        this.show();
        // What is drawn by size is drawn anew.
        document.dispatchEvent(new Event("themechange"));
        window.dispatchEvent(new Event("resize"));
    }
}

customElements.define("stack-banner", StackBanner);
customElements.define("stack-back", StackBack);
customElements.define("stack-size", StackSize);
