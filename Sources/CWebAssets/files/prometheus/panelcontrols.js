// The controls of a panel of the query page: when, over how long, in which steps, how it is drawn.

import { now } from "../shared/clock.js";
import { h } from "../shared/dom.js";
import { duration, localTime, parseDuration } from "../shared/format.js";
import { stepOf } from "./urlstate.js";

const RANGES = [
    10, 60, 300, 900, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800, 1209600, 2419200, 4838400, 15724800,
    31536000,
];

export class PanelControls {
    /**
     * @param {import("./urlstate.js").Panel} state
     * @param {string} id what the ids of elements begin with
     * @param {(change: Partial<import("./urlstate.js").Panel>) => void} set changes the state and asks anew
     */
    constructor(state, id, set) {
        this.state = state;
        this.id = id;
        this.set = set;
        /** @type {any} the elements that show the state */
        this.parts = null;
    }

    /** New controls for the state's tab. */
    make() {
        return this.state.tab === "graph" ? this.graphControls() : this.timeControls();
    }

    /**
     * How the answer is drawn, which may be otherwise than the state wants it.
     * @param {string} mode
     */
    showMode(mode) {
        for (const one of ["lines", "stacked", "heatmap"])
            this.parts[one].setAttribute("aria-pressed", String(one === mode));
        this.parts.zero.hidden = mode !== "lines";
    }

    /** The controls show what the state says. */
    sync() {
        const { state, parts } = this;
        if (!parts) return;
        parts.time.value = state.end === null ? "" : localTime(state.end);
        parts.now.disabled = state.end === null;
        if (!parts.range) return;
        parts.range.value = duration(state.range);
        parts.resolution.value = typeof state.resolution === "number" ? "custom" : state.resolution;
        parts.step.hidden = typeof state.resolution !== "number";
        if (typeof state.resolution === "number") parts.step.value = duration(state.resolution);
        this.showMode(state.mode);
        parts.exemplars.setAttribute("aria-pressed", String(state.exemplars));
        parts.zero.setAttribute("aria-pressed", String(state.least !== null));
    }

    timeControls() {
        const move = (/** @type {number} */ by) =>
            this.set({ end: (this.state.end ?? Math.floor(now())) + by });
        const step = () => (this.state.tab === "graph" ? this.state.range / 2 : 60);
        const time = h("input", {
            class: "field moment",
            placeholder: "now",
            autocomplete: "off",
            title: "2026-01-31 12:00, or -2h",
            "aria-label": this.state.tab === "graph" ? "End time" : "Evaluation time",
            onchange: () => {
                const end = moment(time.value);
                if (end === undefined) this.sync();
                else this.set({ end });
            },
        });
        const toNow = h("button", { class: "button", type: "button", onclick: () => this.set({ end: null }) }, "Now");
        this.parts = { time, now: toNow };
        return [
            h("span", { class: "muted small" }, this.state.tab === "graph" ? "until" : "at"),
            h(
                "span",
                { class: "group" },
                h(
                    "button",
                    { class: "button icon", type: "button", "aria-label": "Earlier", onclick: () => move(-step()) },
                    "‹",
                ),
                time,
                h(
                    "button",
                    { class: "button icon", type: "button", "aria-label": "Later", onclick: () => move(step()) },
                    "›",
                ),
                toNow,
            ),
        ];
    }

    graphControls() {
        const { state } = this;
        const button = (/** @type {string} */ name, /** @type {() => void} */ onclick, /** @type {any} */ more = {}) =>
            h("button", { class: "button", type: "button", onclick, ...more }, name);
        const widen = (/** @type {number} */ by) => {
            const at =
                by > 0
                    ? RANGES.find((one) => one > state.range)
                    : [...RANGES].reverse().find((one) => one < state.range);
            if (at) this.set({ range: at });
        };
        const range = h("input", {
            class: "field short",
            "aria-label": "Range",
            list: `${this.id}-ranges`,
            onchange: () => {
                const seconds = parseDuration(range.value);
                if (seconds) this.set({ range: seconds });
                else this.sync();
            },
        });
        const step = h("input", {
            class: "field short",
            "aria-label": "Step",
            onchange: () => {
                const seconds = parseDuration(step.value);
                if (seconds) this.set({ resolution: seconds });
                else this.sync();
            },
        });
        const resolution = h(
            "select",
            {
                class: "field",
                "aria-label": "Resolution",
                onchange: () =>
                    this.set({ resolution: resolution.value === "custom" ? stepOf(state) : resolution.value }),
            },
            [
                ["low", "Coarse steps"],
                ["medium", "Medium steps"],
                ["high", "Fine steps"],
                ["custom", "Step …"],
            ].map(([value, name]) => h("option", { value }, name)),
        );
        const modes = Object.fromEntries(
            /** @type {const} */ ([
                ["lines", "Lines"],
                ["stacked", "Stacked"],
                ["heatmap", "Heatmap"],
            ]).map(([mode, name]) => [mode, button(name, () => this.set({ mode }))]),
        );
        const exemplars = button("Exemplars", () => this.set({ exemplars: !state.exemplars }));
        const zero = button("From 0", () => this.set({ least: state.least === null ? 0 : null }), {
            title: "The value axis begins at 0",
        });
        const time = this.timeControls();
        this.parts = { .../** @type {any} */ (this.parts), range, step, resolution, exemplars, zero, ...modes };
        return [
            h(
                "span",
                { class: "group" },
                button("−", () => widen(-1), { class: "button icon", "aria-label": "Shorter range" }),
                range,
                button("+", () => widen(1), { class: "button icon", "aria-label": "Longer range" }),
            ),
            h(
                "datalist",
                { id: `${this.id}-ranges` },
                RANGES.map((one) => h("option", { value: duration(one) })),
            ),
            time,
            resolution,
            step,
            h("span", { class: "group" }, Object.values(modes)),
            zero,
            exemplars,
        ];
    }
}

/**
 * "" is now (null), "-2h" is counted from now, else a local date and time; undefined where it is none of them.
 * @param {string} text
 */
function moment(text) {
    const trimmed = text.trim();
    if (trimmed === "" || trimmed === "now") return null;
    const back = trimmed.startsWith("-") ? parseDuration(trimmed.slice(1)) : null;
    const time = back !== null ? now() - back : new Date(trimmed.replace(" ", "T")).getTime() / 1000;
    return Number.isFinite(time) ? time : undefined;
}
