// What is drawn of a chart: scales, axes, lines, stacked areas and heatmaps of histograms; exemplars as diamonds,
// counter resets as triangles at the foot.

import { plain, si } from "../shared/format.js";
import { logTicks, timeLabel, timeTicks, valueLabels, valueTicks } from "./axes.js";
import { bucketCells, resetsIn } from "./results.js";

/**
 * @typedef {import("./results.js").Series} Series
 * @typedef {{time: number, value: number, labels: Record<string, string>, series: Record<string, string>}} Exemplar
 * @typedef {{
 *     times: Float64Array, series: Series[], start: number, end: number, mode: "lines"|"stacked"|"heatmap",
 *     exemplars: Exemplar[], counter: boolean, least: number | null, rate: boolean, unit: string,
 * }} ChartData
 */

export const COLOURS = 10;

/** Draws on a canvas; what has a pointer, a legend and a size is a Chart. */
export class Painting {
    constructor() {
        /** @type {ChartData | null} */
        this.data = null;
        /** @type {Set<string>} the names of series that are left out */
        this.hidden = new Set();
        /** The height of letters in pixels. */
        this.font = 12;
        /** @type {Record<string, any>} */
        this.colours = {};
        /** How many exemplars and counter resets were drawn. */
        this.drawn = 0;
        this.resets = 0;
    }

    /** @returns {{one: Series, index: number}[]} */
    visible() {
        return (this.data?.series ?? [])
            .map((one, index) => ({ one, index }))
            .filter(({ one }) => !this.hidden.has(one.name));
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
}

/**
 * A token as a colour that canvas understands (it does not know light-dark()).
 * @param {Element} element
 * @param {string} name
 */
export function resolved(element, name) {
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
