// A chart on two canvases: one for the curves, one above it for what moves with the pointer (crosshair, selection).
// Lines, stacked areas and heatmaps of histograms; exemplars as diamonds; counter resets as triangles at the foot.

import { h, fill, keyed, setText } from "../shared/dom.js";
import { localTime, plain, si } from "../shared/format.js";
import { logTicks, timeLabel, timeTicks, valueLabels, valueTicks } from "./axes.js";
import { listen } from "./pointing.js";
import { bucketCells, resetsIn, shortNames } from "./results.js";

/**
 * @typedef {import("./results.js").Series} Series
 * @typedef {{time: number, value: number, labels: Record<string, string>, series: Record<string, string>}} Exemplar
 * @typedef {{
 *     times: Float64Array, series: Series[], start: number, end: number, mode: "lines"|"stacked"|"heatmap",
 *     exemplars: Exemplar[], counter: boolean, least: number | null, rate: boolean, unit: string,
 * }} ChartData
 */

const LEGEND = 200;
const COLOURS = 10;

export class Chart {
    /** @param {{zoom: (start: number, end: number) => void}} options */
    constructor({ zoom }) {
        this.zoom = zoom;
        /** @type {ChartData | null} */
        this.data = null;
        /** @type {Set<string>} */
        this.hidden = new Set();
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
        this.hidden = new Set(alone ? [] : others);
        this.drawLegend();
        this.draw();
    }

    /** @returns {{one: Series, index: number}[]} */
    visible() {
        return (this.data?.series ?? [])
            .map((one, index) => ({ one, index }))
            .filter(({ one }) => !this.hidden.has(one.name));
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

    /**
     * @param {HTMLCanvasElement} canvas
     * @param {number} ratio
     * @returns {CanvasRenderingContext2D}
     */
    context(canvas, ratio) {
        const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
        g.setTransform(ratio, 0, 0, ratio, 0, 0);
        return g;
    }

    /**
     * @param {CanvasRenderingContext2D} g
     * @param {number} width
     * @param {number} height
     */
    scales(g, width, height) {
        const data = /** @type {ChartData} */ (this.data);
        const rows = Math.max(2, Math.floor(height / (this.font * 4)));
        let low = Infinity,
            high = -Infinity;
        this.stacks = null;
        this.cells = null;
        if (data.mode === "heatmap") {
            this.cells = bucketCells(
                this.visible().map(({ one }) => one),
                data.times.length,
            );
            ({ low, high } = this.cells);
        } else if (data.mode === "stacked") {
            this.stacks = stacked(
                this.visible().map(({ one }) => one.values),
                data.times.length,
            );
            low = 0;
            high = 0;
            for (const column of this.stacks)
                for (const value of column)
                    if (Number.isFinite(value)) {
                        low = Math.min(low, value);
                        high = Math.max(high, value);
                    }
        } else {
            for (const { one } of this.visible())
                for (const value of one.values)
                    if (Number.isFinite(value)) {
                        if (value < low) low = value;
                        if (value > high) high = value;
                    }
            if (data.exemplars.length && low <= high) {
                const reach = high + (high - low) * 0.5;
                for (const one of data.exemplars)
                    if (one.value <= reach) {
                        high = Math.max(high, one.value);
                        low = Math.min(low, one.value);
                    }
            }
        }
        if (!(low <= high)) {
            low = 0;
            high = 1;
        }
        // A curve well above zero need not start there, one near it should.
        else if (data.mode === "lines" && low > 0 && low < (high - low) * 0.5) low = 0;
        if (data.mode === "lines" && data.least !== null) {
            low = data.least;
            if (!(high > low)) high = low + 1;
        }
        const log = this.cells?.log ?? false;
        let labels;
        if (log) {
            this.ticks = logTicks(low, high, rows, this.cells?.bounds ?? []);
            labels = this.ticks.map((tick) =>
                tick < 1 || tick >= 1000 || !data.unit ? si(tick, 3) + data.unit : `${plain(tick, 3)} ${data.unit}`,
            );
        } else {
            const nice = valueTicks(low, high, rows, data.unit);
            if (data.mode !== "heatmap") {
                low = nice.low;
                high = nice.high;
            }
            this.ticks = nice.ticks.filter((tick) => tick >= low && tick <= high);
            labels = valueLabels(this.ticks, data.unit);
        }
        this.labels = labels;
        const left = Math.ceil(Math.max(28, ...this.labels.map((label) => g.measureText(label).width))) + 12;
        this.box = {
            left,
            top: 10,
            width: Math.max(10, width - left - 14),
            height: Math.max(10, height - this.font - 26),
        };
        const { box } = this;
        const from = log ? Math.log(low) : low,
            to = log ? Math.log(high) : high;
        this.x = (/** @type {number} */ time) =>
            box.left + ((time - data.start) / (data.end - data.start || 1)) * box.width;
        this.y = (/** @type {number} */ value) =>
            box.top + box.height * (1 - ((log ? Math.log(Math.max(value, low)) : value) - from) / (to - from || 1));
        this.timeAt = (/** @type {number} */ x) => data.start + ((x - box.left) / box.width) * (data.end - data.start);
        this.valueAt = (/** @type {number} */ y) => {
            const v = from + (1 - (y - box.top) / box.height) * (to - from);
            return log ? Math.exp(v) : v;
        };
    }

    /** @param {CanvasRenderingContext2D} g */
    axes(g) {
        const { box, colours } = this,
            data = /** @type {ChartData} */ (this.data);
        g.lineWidth = 1;
        g.textBaseline = "middle";
        g.textAlign = "right";
        this.ticks.forEach((tick, i) => {
            const y = Math.round(this.y(tick)) + 0.5;
            g.strokeStyle = colours.line;
            g.globalAlpha = tick === 0 ? 1 : 0.6;
            g.beginPath();
            g.moveTo(box.left, y);
            g.lineTo(box.left + box.width, y);
            g.stroke();
            g.globalAlpha = 1;
            g.fillStyle = colours.muted;
            g.fillText(this.labels[i], box.left - 8, y);
        });
        const { ticks, step } = timeTicks(data.start, data.end, Math.max(2, Math.floor(box.width / (this.font * 7))));
        g.textBaseline = "top";
        g.textAlign = "center";
        const foot = box.top + box.height;
        for (const tick of ticks) {
            const x = Math.round(this.x(tick)) + 0.5;
            g.strokeStyle = colours.line;
            g.beginPath();
            g.moveTo(x, foot);
            g.lineTo(x, foot + 5);
            g.stroke();
            const label = timeLabel(tick, step),
                half = g.measureText(label).width / 2;
            g.fillStyle = colours.muted;
            if (x + half < box.left + box.width + 14) g.fillText(label, Math.max(x, half), foot + 8);
        }
    }

    /** @param {CanvasRenderingContext2D} g */
    curves(g) {
        const data = /** @type {ChartData} */ (this.data);
        const shown = this.visible();
        g.lineJoin = "round";
        g.lineWidth = shown.length > 30 ? 1.25 : 1.75;
        if (this.stacks) {
            for (let s = shown.length - 1; s >= 0; s--) {
                g.fillStyle = g.strokeStyle = this.colours.series[shown[s].index % COLOURS];
                this.area(g, s ? this.stacks[s - 1] : null, this.stacks[s]);
            }
        }
        if (shown.length === 1 && !this.stacks)
            this.shade(g, shown[0].one.values, this.colours.series[shown[0].index % COLOURS]);
        shown.forEach(({ one, index }, s) => {
            g.strokeStyle = g.fillStyle = this.colours.series[index % COLOURS];
            this.line(g, this.stacks ? this.stacks[s] : one.values, one.values);
        });
        this.resets = 0;
        if (data.mode === "lines" && data.counter) {
            const foot = this.box.top + this.box.height;
            g.fillStyle = this.colours.warn;
            for (const { one } of shown.slice(0, 20))
                for (const i of resetsIn(one.values)) {
                    const x = this.x(data.times[i]);
                    this.resets++;
                    g.beginPath();
                    g.moveTo(x, foot - 10);
                    g.lineTo(x - 5, foot);
                    g.lineTo(x + 5, foot);
                    g.fill();
                    g.globalAlpha = 0.5;
                    g.fillRect(x - 0.5, this.box.top, 1, this.box.height);
                    g.globalAlpha = 1;
                }
        }
    }

    /**
     * A curve on its own gets a veil down to the foot.
     * @param {CanvasRenderingContext2D} g
     * @param {Float64Array} values
     * @param {string} colour
     */
    shade(g, values, colour) {
        const { times } = /** @type {ChartData} */ (this.data),
            foot = this.y(Math.max(0, this.valueAt(this.box.top + this.box.height)));
        g.fillStyle = colour;
        g.globalAlpha = 0.09;
        for (let i = 0; i < values.length; i++) {
            if (!Number.isFinite(values[i])) continue;
            const first = i;
            g.beginPath();
            g.moveTo(this.x(times[i]), foot);
            while (i < values.length && Number.isFinite(values[i])) {
                g.lineTo(this.x(times[i]), this.y(values[i]));
                i++;
            }
            g.lineTo(this.x(times[i - 1]), foot);
            if (i - first > 1) g.fill();
        }
        g.globalAlpha = 1;
    }

    /**
     * A line with gaps; a point on its own becomes a dot.
     * @param {CanvasRenderingContext2D} g
     * @param {Float64Array} at
     * @param {Float64Array} values
     */
    line(g, at, values) {
        const { times } = /** @type {ChartData} */ (this.data);
        const last = values.length - 1;
        const dots = [];
        let open = false;
        g.beginPath();
        for (let i = 0; i <= last; i++) {
            if (!Number.isFinite(values[i])) {
                open = false;
                continue;
            }
            const x = this.x(times[i]),
                y = this.y(at[i]);
            if (open) g.lineTo(x, y);
            else {
                g.moveTo(x, y);
                if (i === last || !Number.isFinite(values[i + 1])) dots.push(x, y);
            }
            open = true;
        }
        g.stroke();
        for (let i = 0; i < dots.length; i += 2) {
            g.beginPath();
            g.arc(dots[i], dots[i + 1], 2, 0, 7);
            g.fill();
        }
    }

    /**
     * @param {CanvasRenderingContext2D} g
     * @param {Float64Array | null} below
     * @param {Float64Array} above
     */
    area(g, below, above) {
        const { times } = /** @type {ChartData} */ (this.data);
        g.beginPath();
        above.forEach((value, i) => g.lineTo(this.x(times[i]), this.y(value)));
        for (let i = above.length - 1; i >= 0; i--) g.lineTo(this.x(times[i]), this.y(below ? below[i] : 0));
        g.globalAlpha = 0.45;
        g.fill();
        g.globalAlpha = 1;
    }

    /** @param {CanvasRenderingContext2D} g */
    heat(g) {
        const { times } = /** @type {ChartData} */ (this.data),
            cells = this.cells;
        if (!cells) return;
        const half = times.length > 1 ? (times[1] - times[0]) / 2 : 30;
        g.fillStyle = this.colours.accent;
        cells.columns.forEach((column, i) => {
            const left = Math.floor(this.x(times[i] - half)),
                right = Math.floor(this.x(times[i] + half));
            for (const cell of column) {
                const top = Math.floor(this.y(cell.high)),
                    foot = Math.floor(this.y(cell.low));
                g.globalAlpha = 0.06 + 0.94 * Math.sqrt(cell.count / cells.largest);
                g.fillRect(left, top, Math.max(1, right - left), Math.max(1, foot - top));
            }
        });
        g.globalAlpha = 1;
    }

    /**
     * Exemplars.
     * @param {CanvasRenderingContext2D} g
     */
    marks(g) {
        const data = /** @type {ChartData} */ (this.data),
            { box } = this;
        g.fillStyle = this.colours.surface;
        g.strokeStyle = this.colours.warn;
        g.lineWidth = 1.5;
        this.drawn = 0;
        for (const one of data.mode === "heatmap" ? [] : data.exemplars) {
            const x = this.x(one.time),
                y = this.y(one.value);
            if (x < box.left || x > box.left + box.width || y < box.top || y > box.top + box.height) continue;
            g.beginPath();
            g.moveTo(x, y - 5);
            g.lineTo(x + 5, y);
            g.lineTo(x, y + 5);
            g.lineTo(x - 5, y);
            g.closePath();
            g.fill();
            g.stroke();
            this.drawn++;
        }
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
        this.zoom(data.start - length / 2, Math.min(Date.now() / 1000, data.end + length / 2));
    }
}

/**
 * A token as a colour that canvas understands (it does not know light-dark()).
 * @param {Element} element
 * @param {string} name
 */
function resolved(element, name) {
    const probe = element.appendChild(document.createElement("i"));
    probe.style.color = `var(${name})`;
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
}

/**
 * Running sums from the bottom up; a missing value adds nothing.
 * @param {Float64Array[]} all
 * @param {number} count
 */
function stacked(all, count) {
    let below = new Float64Array(count);
    return all.map((values) => (below = below.map((sum, i) => sum + (Number.isFinite(values[i]) ? values[i] : 0))));
}
