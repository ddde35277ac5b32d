// One panel of the query page: editor, tabs, controls, and the answer.

import { api, envelope } from "../shared/api.js";
import { now } from "../shared/clock.js";
import { tabKeys, toast } from "../shared/components.js";
import { h, fill, memory, setText } from "../shared/dom.js";
import { duration, localized, seriesName, span } from "../shared/format.js";
import { away } from "../shared/presence.js";
import { survey } from "../shared/stack.js";
import { AnswerTable } from "./answertable.js";
import { aboutMetric, metadata, metricNames } from "./catalog.js";
import { Editor } from "./editor.js";
import { PanelControls } from "./panelcontrols.js";
import { columns, number, unitOf } from "./results.js";
import { tokenize } from "./tokens.js";
import { stepOf } from "./urlstate.js";

const TABS = /** @type {const} */ ([
    ["table", "Table"],
    ["graph", "Graph"],
    ["explain", "Explain"],
]);
let count = 0;

export class PanelView {
    /**
     * @param {import("./urlstate.js").Panel} state
     * @param {{changed: () => void, remove: () => void}} owner
     */
    constructor(state, owner) {
        this.state = state;
        this.owner = owner;
        this.id = `panel${++count}`;
        /** @type {string} the tab that controls and body are made for */
        this.dressed = "";
        /** @type {AbortController | null} */
        this.asking = null;
        /** @type {import("./graph.js").Chart | null} */
        this.chart = null;
        /** @type {AnswerTable | null} */
        this.table = null;
        /** @type {any} what can be exported */
        this.answer = null;
        this.editor = new Editor({ value: state.expr, execute: () => this.run(), change: () => {} });
        this.status = h("span", { class: "status muted small num", role: "status" });
        this.notes = h("div", { class: "stack" });
        this.body = h("div", {
            class: "answer",
            id: `${this.id}-body`,
            role: "tabpanel",
            "aria-labelledby": `${this.id}-${state.tab}`,
        });
        this.controls = h("div", { class: "row controls" });
        this.steering = new PanelControls(state, this.id, (change) => this.set(change));
        this.exports = h("span", { class: "row" });
        this.tabs = h(
            "div",
            { class: "tabs grow", role: "tablist", "aria-label": "Show the answer as" },
            TABS.map(([tab, name]) =>
                h(
                    "button",
                    {
                        type: "button",
                        role: "tab",
                        id: `${this.id}-${tab}`,
                        "data-tab": tab,
                        "aria-controls": `${this.id}-body`,
                        onclick: () => this.choose(tab),
                    },
                    name,
                ),
            ),
        );
        tabKeys(this.tabs, (tab) => this.choose(/** @type {any} */ (tab)));
        const tool = (/** @type {string} */ name, /** @type {() => void} */ onclick) =>
            h("button", { class: "button quiet", type: "button", onclick }, name);
        this.element = h(
            "section",
            { class: "card panel", "aria-label": `Panel ${count}` },
            h(
                "div",
                { class: "ask" },
                this.editor.element,
                h("button", { class: "button primary", type: "button", onclick: () => this.run() }, "Execute"),
            ),
            h(
                "div",
                { class: "row tools small" },
                tool("Metrics", () => this.metrics()),
                tool("History", () => this.past()),
                tool("Format", () => this.format()),
                h("span", { class: "grow" }),
                this.exports,
                tool("Remove panel", () => owner.remove()),
            ),
            h("div", { class: "row bar" }, this.tabs, this.status),
            this.controls,
            this.notes,
            this.body,
        );
        this.dress();
    }

    destroy() {
        this.asking?.abort();
        this.chart?.destroy();
        this.element.remove();
    }

    /** @param {"table"|"graph"|"explain"} tab */
    choose(tab) {
        if (tab === this.state.tab) return;
        this.state.tab = tab;
        this.dress();
        this.run();
    }

    /** Tabs and controls for the state. */
    dress() {
        const { state } = this;
        for (const tab of /** @type {HTMLElement[]} */ ([...this.tabs.children])) {
            const chosen = tab.dataset.tab === state.tab;
            tab.setAttribute("aria-selected", String(chosen));
            tab.tabIndex = chosen ? 0 : -1;
        }
        this.body.setAttribute("aria-labelledby", `${this.id}-${state.tab}`);
        if (this.dressed !== state.tab) {
            this.dressed = state.tab;
            this.body.classList.toggle("explaining", state.tab === "explain" && this.editor.value.trim() !== "");
            this.chart?.destroy();
            this.chart = null;
            this.table = null;
            this.answer = null;
            fill(this.body);
            fill(this.notes);
            setText(this.status, "");
            if (state.tab === "graph" && this.editor.value.trim()) this.body.append(h("div", { class: "plot" }));
            fill(
                this.exports,
                state.tab === "graph"
                    ? [
                          this.exportButton("PNG", () => this.savePicture()),
                          this.exportButton("CSV", () => this.saveTable()),
                      ]
                    : state.tab === "table"
                      ? this.exportButton("CSV", () => this.saveTable())
                      : null,
            );
            fill(this.controls, this.steering.make());
        }
        this.steering.sync();
    }

    /**
     * @param {string} name
     * @param {() => void} onclick
     */
    exportButton(name, onclick) {
        return h(
            "button",
            {
                class: "button quiet small",
                type: "button",
                "aria-label": `Download as ${name}`,
                disabled: true,
                onclick,
            },
            `↓ ${name}`,
        );
    }

    /** @param {Partial<import("./urlstate.js").Panel> | any} change */
    set(change) {
        Object.assign(this.state, change);
        this.steering.sync();
        this.run();
    }

    /**
     * Asks and shows.
     * @param {{quiet?: boolean}} [options] quiet: a refresh, which keeps what is shown until the answer is here
     */
    async run(options) {
        const { state } = this,
            quiet = options?.quiet ?? false;
        if (!quiet) state.expr = this.editor.value.trim();
        this.editor.close();
        if (!quiet) this.owner.changed();
        this.asking?.abort();
        if (state.expr === "") {
            fill(this.body);
            fill(this.notes);
            setText(this.status, "");
            this.table = null;
            return;
        }
        const asking = (this.asking = new AbortController());
        if (!quiet) setText(this.status, "running …");
        const began = performance.now();
        try {
            const said = await { table: this.runTable, graph: this.runGraph, explain: this.runExplain }[state.tab].call(
                this,
                asking.signal,
            );
            if (asking.signal.aborted) return;
            setText(this.status, [said, `${span((performance.now() - began) / 1000)}`].filter(Boolean).join(" · "));
            if (!quiet) remember(state.expr);
        } catch (error) {
            if (asking.signal.aborted) return;
            // What is shown stays, and is said to be old.
            if (quiet && away()) return setText(this.status, "not renewed");
            const message = /** @type {Error} */ (error).message;
            setText(this.status, "failed");
            this.chart?.destroy();
            this.chart = this.table = this.answer = null;
            fill(this.body);
            const placed = this.editor.fail(message);
            fill(this.notes, placed ? null : h("p", { class: "note bad", role: "alert" }, message));
        }
        for (const button of this.exports.children) button.disabled = !this.answer;
    }

    /** @param {{warnings?: string[], infos?: string[]}} answer */
    remarks({ warnings = [], infos = [] }) {
        fill(
            this.notes,
            warnings.map((one) => h("p", { class: "note warn small" }, one)),
            infos.map((one) => h("p", { class: "note small" }, one)),
        );
    }

    /** @param {AbortSignal} signal */
    async runTable(signal) {
        const { state } = this;
        const time = state.end ?? now();
        const answer = await envelope("query", { query: state.expr, time }, signal);
        const { resultType, result } = answer.data;
        this.remarks(answer);
        this.answer = null;
        if (resultType === "scalar" || resultType === "string") {
            this.table = null;
            fill(
                this.body,
                h("p", { class: "scalar mono" }, result[1], h("span", { class: "muted small" }, ` ${resultType}`)),
            );
            return resultType;
        }
        if (result.length === 0) {
            await this.empty(time, signal);
            return "empty result";
        }
        this.answer = result;
        if (!this.table) {
            this.table = new AnswerTable();
            fill(this.body, this.table.elements);
        }
        this.table.show(result);
        return result.length === 1 ? "1 series" : `${result.length} series`;
    }

    /** @param {AbortSignal} signal */
    async runGraph(signal) {
        const { state } = this;
        const step = stepOf(state);
        // A whole number of steps, so that the last point is at the end.
        const span = Math.floor(state.range / step + 1e-9) * step;
        const ask = (/** @type {number} */ until) =>
            envelope("query_range", { query: state.expr, start: until - span, end: until, step }, signal);
        // On multiples of the step, so that points stay where they are from one refresh to the next.
        let end = state.end ?? Math.floor(now() / step) * step;
        let answer = await ask(end);
        if (state.end === null && answer.data.result.length === 0) {
            // The first samples of a new stack are younger than the last multiple.
            end = now();
            answer = await ask(end);
        }
        const start = end - span;
        const [{ Chart }, points, about] = await Promise.all([
            import("./graph.js"),
            state.exemplars
                ? api("query_exemplars", { query: state.expr, start, end }, signal).catch((error) => {
                      if (!signal.aborted) toast(`Exemplars: ${error.message}`, "bad");
                      return [];
                  })
                : [],
            metadata(),
        ]);
        signal.throwIfAborted();
        this.remarks(answer);
        const matrix = answer.data.result;
        this.answer = null;
        if (matrix.length === 0) {
            this.chart?.destroy();
            this.chart = null;
            await this.empty(end, signal);
            return "empty result";
        }
        const { times, series } = columns(matrix, start, end, step);
        const tokens = tokenize(state.expr);
        const names = tokens.filter((one) => one.kind === "name").map((one) => one.text);
        const calls = tokens.filter((one) => one.kind === "function" || one.kind === "keyword").map((one) => one.text);
        const name = series[0].labels.__name__ ?? "";
        const type = aboutMetric(about, name)?.type;
        const histograms = series.every((one) => one.histograms);
        this.answer = { times, series };
        if (!this.chart) {
            this.chart = new Chart({
                zoom: (from, to) =>
                    this.set({
                        range: Math.max(1, Math.round((to - from) * 100) / 100),
                        end: Math.round(to * 100) / 100,
                    }),
            });
            fill(this.body, this.chart.element);
        }
        const mode = histograms ? "heatmap" : state.mode;
        this.steering.showMode(mode);
        this.chart.show({
            times,
            series,
            start,
            end,
            mode,
            least: state.least,
            rate: calls.some((one) => one === "rate" || one === "irate"),
            unit: unitOf(names, mode === "heatmap" ? [] : calls),
            counter: name !== "" && (type ? type !== "gauge" : /_(total|count|sum|bucket)$/.test(name)),
            exemplars: points
                .flatMap((/** @type {any} */ one) =>
                    one.exemplars.map((/** @type {any} */ each) => ({
                        time: each.timestamp,
                        value: number(each.value),
                        labels: each.labels,
                        series: one.seriesLabels,
                    })),
                )
                .slice(0, 2000),
        });
        return `${series.length === 1 ? "1 series" : `${series.length} series`} · every ${duration(step)}`;
    }

    /** @param {AbortSignal} signal */
    async runExplain(signal) {
        const { state } = this;
        fill(this.notes);
        const time = state.end ?? Math.floor(now() * 1000) / 1000;
        const [{ explain }, explanation] = await Promise.all([
            import("./explain.js"),
            api("explain", { query: state.expr, time }, signal),
        ]);
        signal.throwIfAborted();
        const reason = h("div");
        const tree = h("div");
        fill(this.body, reason, tree);
        explain(tree, explanation);
        if (explanation.emptyReason) await this.empty(time, signal, reason, explanation.emptyReason);
        return "";
    }

    /**
     * Asks once more by itself, unless somebody asks something else before.
     * @param {number} seconds
     * @param {AbortSignal} signal
     */
    again(seconds, signal) {
        const timer = setTimeout(() => {
            if (!signal.aborted && this.element.isConnected) this.run({ quiet: true });
        }, seconds * 1000);
        signal.addEventListener("abort", () => clearTimeout(timer));
    }

    /**
     * Says why there is nothing.
     * @param {number} time
     * @param {AbortSignal} signal
     * @param {Element} [place]
     * @param {import("./why.js").Reason} [known]
     */
    async empty(time, signal, place = this.body, known) {
        if (place === this.body) this.table = null;
        const { expr } = this.state;
        const at = this.state.end === null ? {} : { time };
        const [{ unknown }, { jobLines }, found] = await Promise.all([
            import("./why.js"),
            import("./pushed.js"),
            // The present is the server's, whose clock tells what was pushed before.
            known ?? api("explain", { query: expr, ...at }, signal).then((one) => one.emptyReason),
        ]);
        /** @type {import("./why.js").Reason} */
        const reason = found ?? unknown;
        const stack = reason.kind === "unread" ? await survey(signal) : null;
        if (signal.aborted) return;
        if (reason.retry && this.state.end === null) this.again(reason.retry, signal);
        fill(
            place,
            h(
                "div",
                { class: "why note warn stack", "data-reason": reason.kind },
                h("h2", null, reason.title),
                reason.details.map((one) => h("p", null, localized(one))),
                stack ? jobLines(stack) : null,
                reason.suggestions.length
                    ? h(
                          "div",
                          { class: "row" },
                          reason.suggestions.map((one) =>
                              h(
                                  "button",
                                  {
                                      class: "button",
                                      type: "button",
                                      onclick: () => {
                                          if (one.query) this.editor.value = one.query;
                                          if (one.now) this.set({ end: null });
                                          else this.set(one.time ? { end: Math.ceil(one.time) } : {});
                                      },
                                  },
                                  one.label,
                              ),
                          ),
                      )
                    : null,
            ),
        );
    }

    async format() {
        try {
            this.editor.value = await api("format_query", { query: this.editor.value });
        } catch (error) {
            if (!this.editor.fail(/** @type {Error} */ (error).message))
                toast(/** @type {Error} */ (error).message, "bad");
        }
        this.editor.input.focus();
    }

    async metrics() {
        const { openPicker } = await import("./picker.js");
        openPicker({
            title: "Metrics",
            placeholder: "Search names and help texts",
            empty: "Nothing has been scraped yet.",
            pick: (name) => this.editor.put(/^[a-zA-Z_:][\w:]*$/.test(name) ? name : seriesName({ __name__: name })),
            load: async () => {
                const [names, about] = await Promise.all([metricNames(), metadata()]);
                return names.map((name) => ({
                    label: name,
                    tag: aboutMetric(about, name)?.type,
                    text: aboutMetric(about, name)?.help,
                }));
            },
        });
    }

    async past() {
        const { openPicker } = await import("./picker.js");
        openPicker({
            title: "History",
            placeholder: "Search earlier expressions",
            empty: "Expressions that ran appear here.",
            pick: (expr) => {
                this.editor.value = expr;
                this.run();
            },
            load: async () => memory.get("history", /** @type {string[]} */ ([])).map((label) => ({ label })),
        });
    }

    async savePicture() {
        const { chart } = this,
            { pictureOf } = await import("./export.js");
        const blob = chart && (await pictureOf(chart, this.state.expr));
        if (blob) save(blob, "graph.png");
    }

    async saveTable() {
        const { answer } = this,
            { csvOfGraph, csvOfTable } = await import("./export.js");
        if (!answer) return;
        const text = this.state.tab === "graph" ? csvOfGraph(answer.times, answer.series) : csvOfTable(answer);
        save(new Blob([text], { type: "text/csv" }), `${this.state.tab}.csv`);
    }
}

/** @param {string} expr */
function remember(expr) {
    const history = memory.get("history", /** @type {string[]} */ ([]));
    if (history[0] !== expr) memory.set("history", [expr, ...history.filter((one) => one !== expr)].slice(0, 100));
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function save(blob, name) {
    const link = h("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
