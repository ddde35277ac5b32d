// A chart on two canvases: one for the curves (painting.js), one above it for what moves with the pointer (crosshair,
// selection).

import { now } from "../shared/clock.js";
import { h, fill, keyed, setText } from "../shared/dom.js";
import { localTime, plain, si } from "../shared/format.js";
import { COLOURS, Painting, resolved } from "./painting.js";
import { listen } from "./pointing.js";
import { shortNames } from "./results.js";

/**
 * @typedef {import("./painting.js").Series} Series
 * @typedef {import("./painting.js").ChartData} ChartData
 */

const LEGEND = 200;

export class Chart extends Painting {
    /** @param {{zoom: (start: number, end: number) => void}} options */
    constructor({ zoom }) {
        super();
        this.zoom = zoom;
        this.highlight = "";
        this.hover = -1;
        this.pointer = { x: 0, y: 0 };
        /** Whether the pointer is over the chart. */
        this.inside = false;
        /** @type {number | null} where a drag began */
        this.drag = null;
        this.base = h("canvas", { "aria-hidden": "true" });
        this.over = h("canvas", { class: "over", "aria-hidden": "true" });
        this.tip = h("div", { class: "tip", hidden: true });
        this.spoken = h("div", { class: "visually-hidden", "aria-live": "polite" });
        this.plot = h(
            "div",
            { class: "plot", tabindex: 0, role: "group", "aria-roledescription": "chart" },
            this.base,
            this.over,
            this.tip,
            this.spoken,
        );
        this.legend = h("ul", { class: "legend plain" });
        this.key = h("p", { class: "key small muted", hidden: true });
        this.element = h("div", { class: "chart" }, this.plot, this.key, this.legend);
        listen(this);
        this.resizing = new ResizeObserver(() => this.draw());
        this.resizing.observe(this.plot);
        this.ending = new AbortController();
        const signal = this.ending.signal;
        document.addEventListener("themechange", () => this.draw(), { signal });
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw(), { signal });
    }

    destroy() {
        this.resizing.disconnect();
        this.ending.abort();
        this.data = null;
    }

    /** @param {ChartData} data */
    show(data) {
        this.data = data;
        this.short = shortNames(data.series);
        this.hover = -1;
        this.tip.hidden = true;
        for (const name of this.hidden) if (!data.series.some((one) => one.name === name)) this.hidden.delete(name);
        this.plot.setAttribute(
            "aria-label",
            `Chart of ${data.series.length} series from ${localTime(data.start)} to ${localTime(data.end)}. ` +
                "Left and right arrow keys read the values, shift with them selects, Enter zooms in, minus zooms out.",
        );
        this.drawLegend();
        this.draw();
        if (this.inside) this.follow();
    }

    drawLegend() {
        const data = /** @type {ChartData} */ (this.data);
        keyed(
            this.legend,
            data.series.slice(0, LEGEND),
            (one) => one.name,
            (one) => {
                const toggle = h(
                    "button",
                    { type: "button", class: "toggle" },
                    h("i", { class: "swatch" }),
                    h("span", null, one.name, one.name === "{}" ? h("span", { class: "muted" }, " (no labels)") : null),
                );
                toggle.onclick = (/** @type {MouseEvent} */ event) =>
                    event.ctrlKey || event.metaKey || event.shiftKey ? this.isolate(one.name) : this.toggle(one.name);
                const only = h(
                    "button",
                    {
                        type: "button",
                        class: "only",
                        "aria-label": `Only ${one.name}`,
                        onclick: () => this.isolate(one.name),
                    },
                    "only",
                );
                return h(
                    "li",
                    {
                        onpointerenter: () => {
                            this.highlight = one.name;
                            this.drawOver();
                        },
                        onpointerleave: () => {
                            this.highlight = "";
                            this.drawOver();
                        },
                    },
                    toggle,
                    only,
                );
            },
            (row, one) => {
                const index = data.series.indexOf(one);
                row.firstChild.setAttribute("aria-pressed", String(!this.hidden.has(one.name)));
                row.firstChild.firstChild.className = `swatch series-${index % COLOURS}`;
            },
        );
        // A heatmap of classic buckets is the difference of neighbours: none of them can be left out.
        this.legend.hidden = data.mode === "heatmap" && !data.series.some((one) => one.histograms);
        let more = this.element.querySelector(".more");
        const rest = data.series.length - LEGEND;
        if (rest > 0 && !more) this.element.append((more = h("p", { class: "more small muted" })));
        if (more) setText(more, rest > 0 ? `and ${rest} more series, drawn but not listed` : "");
    }

    /** @param {string} name */
    toggle(name) {
        if (!this.hidden.delete(name)) this.hidden.add(name);
        this.drawLegend();
        this.draw();
    }

    /**
     * Shows one alone; once more shows all.
     * @param {string} name
     */
    isolate(name) {
        const others = (this.data?.series ?? []).map((one) => one.name).filter((one) => one !== name);
        const alone = !this.hidden.has(name) && others.every((one) => this.hidden.has(one));
        this.hidden.clear();
        if (!alone) for (const other of others) this.hidden.add(other);
        this.drawLegend();
        this.draw();
    }

    /** Sizes, colours and scales; then everything is painted. */
    draw() {
        const width = this.plot.clientWidth,
            height = this.plot.clientHeight;
        if (!this.data || width === 0 || height === 0) return;
        const ratio = window.devicePixelRatio || 1;
        for (const canvas of [this.base, this.over]) {
            const w = Math.round(width * ratio),
                hh = Math.round(height * ratio);
            if (canvas.width !== w || canvas.height !== hh) {
                canvas.width = w;
                canvas.height = hh;
            }
        }
        const style = getComputedStyle(this.plot);
        const token = (/** @type {string} */ name) => resolved(this.plot, name);
        this.colours = {
            ink: token("--ink"),
            muted: token("--muted"),
            line: token("--line"),
            surface: token("--surface"),
            accent: token("--accent"),
            warn: token("--ember"),
            series: Array.from({ length: COLOURS }, (_, i) => token(`--series-${i}`)),
        };
        this.font = parseFloat(style.fontSize) * 0.8125;
        this.family = style.fontFamily;
        const g = this.context(this.base, ratio);
        g.clearRect(0, 0, width, height);
        g.font = `${this.font}px ${this.family}`;
        this.scales(g, width, height);
        this.axes(g);
        g.save();
        g.beginPath();
        g.rect(this.box.left, this.box.top - 2, this.box.width, this.box.height + 4);
        g.clip();
        if (this.data.mode === "heatmap") this.heat(g);
        else this.curves(g);
        g.restore();
        this.marks(g);
        this.explainMarks();
        this.drawOver();
    }

    /** Under the chart: what its marks mean, and how dark how many are. */
    explainMarks() {
        const data = /** @type {ChartData} */ (this.data);
        const signs = [];
        if (data.mode === "heatmap") {
            if (this.cells?.largest)
                signs.push([
                    h("span", null, "few"),
                    h("i", { class: "scale" }),
                    h(
                        "span",
                        null,
                        `${si(this.cells.largest, 3)} observations${data.rate ? " a second" : ""} in a bucket`,
                    ),
                ]);
            const growing = data.counter && data.series.some((one) => one.labels.__name__);
            if (growing) signs.push(h("span", null, "These buckets only grow; rate(…) shows what is new."));
        } else {
            if (this.resets)
                signs.push(
                    h(
                        "span",
                        null,
                        h("i", { class: "reset" }),
                        this.resets === 1 ? "1 counter reset" : `${this.resets} counter resets`,
                    ),
                );
            if (this.drawn)
                signs.push(
                    h(
                        "span",
                        null,
                        h("i", { class: "exemplar" }),
                        this.drawn === 1 ? "1 exemplar" : `${this.drawn} exemplars`,
                    ),
                );
        }
        this.key.hidden = signs.length === 0;
        fill(this.key, signs);
    }

    drawOver() {
        if (!this.data || !this.box) return;
        const data = this.data,
            { box, colours } = this;
        const g = this.context(this.over, window.devicePixelRatio || 1);
        g.clearRect(0, 0, this.plot.clientWidth, this.plot.clientHeight);
        const lit = this.visible().findIndex(({ one }) => one.name === this.highlight);
        if (lit >= 0 && data.mode !== "heatmap") {
            const { one, index } = this.visible()[lit];
            g.strokeStyle = g.fillStyle = colours.series[index % COLOURS];
            g.lineWidth = 3.5;
            this.line(g, this.stacks ? this.stacks[lit] : one.values, one.values);
        }
        if (this.drag !== null) {
            g.fillStyle = colours.accent;
            g.globalAlpha = 0.18;
            g.fillRect(Math.min(this.drag, this.pointer.x), box.top, Math.abs(this.pointer.x - this.drag), box.height);
            g.globalAlpha = 1;
        }
        if (this.hover < 0) return;
        const x = Math.round(this.x(data.times[this.hover])) + 0.5;
        g.strokeStyle = colours.muted;
        g.lineWidth = 1;
        g.setLineDash([3, 3]);
        g.beginPath();
        g.moveTo(x, box.top);
        g.lineTo(x, box.top + box.height);
        g.stroke();
        g.setLineDash([]);
        if (data.mode === "heatmap") return;
        this.visible().forEach(({ one, index }, s) => {
            const value = one.values[this.hover];
            if (!Number.isFinite(value)) return;
            g.fillStyle = colours.series[index % COLOURS];
            g.beginPath();
            g.arc(x, this.y(this.stacks ? this.stacks[s][this.hover] : value), 3.2, 0, 7);
            g.fill();
        });
    }

    /**
     * What the crosshair says.
     * @returns {any[]}
     */
    reading() {
        const data = /** @type {ChartData} */ (this.data);
        const value = this.valueAt(this.pointer.y);
        if (this.cells) {
            const cell = this.cells.columns[this.hover]?.find((one) => value >= one.low && value < one.high);
            return [
                h(
                    "p",
                    null,
                    cell
                        ? `${plain(cell.from, 4)} to ${plain(cell.to, 4)}: ${plain(cell.count, 5)}`
                        : "no observations here",
                ),
            ];
        }
        const near = data.exemplars.find(
            (one) => Math.hypot(this.x(one.time) - this.pointer.x, this.y(one.value) - this.pointer.y) < 9,
        );
        if (near)
            return [
                h("p", null, h("b", null, "Exemplar "), plain(near.value)),
                Object.entries(near.labels).map(([name, text]) => h("p", null, `${name}="${text}"`)),
            ];
        const rows = this.visible()
            .map(({ one, index }, s) => ({
                one,
                index,
                value: one.values[this.hover],
                at: this.stacks ? this.stacks[s][this.hover] : one.values[this.hover],
            }))
            .filter((row) => !Number.isNaN(row.value))
            .sort((a, b) => Math.abs(a.at - value) - Math.abs(b.at - value));
        const shown = rows.slice(0, 8).sort((a, b) => b.at - a.at);
        return [
            shown.map((row) =>
                h(
                    "p",
                    { class: row === rows[0] ? "nearest" : "" },
                    h("i", { class: `swatch series-${row.index % COLOURS}` }),
                    h("span", { class: "name" }, this.short?.get(row.one.name) ?? row.one.name),
                    h("b", { class: "num" }, plain(row.value) + (data.unit ? ` ${data.unit}` : "")),
                ),
            ),
            rows.length > 8 ? h("p", { class: "muted" }, `and ${rows.length - 8} more`) : null,
            rows.length === 0 ? h("p", { class: "muted" }, "no sample here") : null,
        ];
    }

    /** @param {boolean} [speak] */
    point(speak = false) {
        const data = /** @type {ChartData} */ (this.data);
        if (this.hover < 0) {
            this.tip.hidden = true;
            return this.drawOver();
        }
        fill(
            this.tip,
            h(
                "p",
                { class: "muted" },
                localTime(data.times[this.hover], data.times.length > 1 && data.times[1] - data.times[0] < 1),
            ),
            this.reading(),
        );
        if (speak) setText(this.spoken, this.tip.innerText);
        this.tip.hidden = false;
        const x = this.x(data.times[this.hover]),
            width = this.tip.offsetWidth;
        this.tip.style.left = `${x + 14 + width > this.plot.clientWidth ? Math.max(0, x - width - 14) : x + 14}px`;
        this.drawOver();
    }

    follow() {
        const data = this.data;
        if (!data || !this.box) return;
        const { box } = this;
        const inside = this.pointer.x >= box.left - 5 && this.pointer.x <= box.left + box.width + 5;
        const step = data.times.length > 1 ? data.times[1] - data.times[0] : 1;
        this.hover = inside
            ? Math.min(
                  data.times.length - 1,
                  Math.max(0, Math.round((this.timeAt(this.pointer.x) - data.start) / step)),
              )
            : -1;
        this.point();
    }

    select() {
        const from = this.drag;
        this.drag = null;
        if (from === null || !this.box) return;
        const { box } = this;
        const kept = [from, this.pointer.x]
            .map((x) => Math.min(box.left + box.width, Math.max(box.left, x)))
            .sort((a, b) => a - b);
        if (kept[1] - kept[0] > 5) this.zoom(this.timeAt(kept[0]), this.timeAt(kept[1]));
        else this.drawOver();
    }

    wider() {
        const data = this.data;
        if (!data) return;
        const length = data.end - data.start;
        this.zoom(data.start - length / 2, Math.min(now(), data.end + length / 2));
    }
}
