// The graphs of lessons: answers of range queries as lines. Where there is no answer there is nothing.

import { h } from "../shared/dom.js";
import { distinctions } from "./learnfacts.js";
import { number } from "./results.js";
import { axisStep, shortSpan, textWidth } from "./learnwords.js";

/**
 * The answers of a range query.
 * @param {any} result of the session's query
 * @param {any} state
 * @param {(at: number) => number} x
 * @param {number} height
 * @param {number} first colour
 * @param {boolean} [isStepped] a value stays until the next one, and is named where it changes
 * @param {number} [until] the end of the axis
 */
export function curve(result, state, x, height, first, isStepped, until = Infinity) {
    const matrix = (result?.result ?? []).slice(0, 8);
    const all = matrix.flatMap((/** @type {any} */ one) => one.values ?? []);
    const finite = all.map((/** @type {any} */ sample) => number(sample[1])).filter(Number.isFinite);
    const high = Math.max(...finite, 0);
    const low = Math.min(...finite, 0);
    const y = (/** @type {number} */ value) => height - 6 - ((value - low) / (high - low || 1)) * (height - 24);
    const step = result?.step ?? 1000;
    /** @type {{from: number, to: number, y: number}[]} where numbers stand already */
    const taken = [];
    return matrix.map((/** @type {any} */ one, /** @type {number} */ index) => {
        let path = "";
        let last = -Infinity;
        let before = NaN;
        const labels = [];
        /** @type {{spot: {from: number, to: number, y: number}, text: string}[]} */
        const changes = [];
        const points = (one.values ?? []).map((/** @type {any} */ v) => [v[0] * 1000 - state.start, number(v[1])]);
        for (const [place, [at, value]] of points.entries()) {
            if (!Number.isFinite(value)) continue;
            const isNew = at - last > step * 1.5;
            if (isNew && isStepped && path) path += `H${x(last + step).toFixed(1)}`;
            const [left, top] = [x(at).toFixed(1), y(value).toFixed(1)];
            if (isNew) path += `M${left} ${top}h1.5`;
            else path += isStepped ? `H${left}V${top}` : `L${left} ${top}`;
            if (isStepped && (isNew || value !== before)) {
                const text = String(+value.toFixed(3));
                const wide = textWidth(text);
                const start = x(points.at(-1)[0]) - x(at) < wide ? x(at) - wide : x(at) + 3;
                const spot = { from: start, to: start + wide + 4, y: Math.max(12, y(value) - 5) };
                // No line goes through a number: that of a value which changes again soon is left out.
                const change = points.slice(place).findIndex((/** @type {number[]} */ one) => one[1] !== value);
                const [until, from] = change < 0 ? [Infinity, 0] : [points[place + change], points[place + change - 1]];
                const isSoon = until[0] - from[0] <= step * 1.5 && x(until[0]) < spot.to;
                if (change < 0 || !isSoon) changes.push({ spot, text });
            }
            before = value;
            last = at;
        }
        // Where there is no room for all, the last ones are named.
        for (const { spot, text } of changes.reverse()) {
            const isFree = taken.every(
                (one) => spot.from > one.to || spot.to < one.from || Math.abs(spot.y - one.y) > 13,
            );
            if (!isFree) continue;
            labels.push(h("svg:text", { x: spot.from, y: spot.y }, text));
            taken.push(spot);
        }
        const end = points.at(-1);
        // It holds until the first moment at which it is not found.
        if (end && isStepped) path += `H${x(Math.min(last + step, until)).toFixed(1)}`;
        if (end && !isStepped) {
            const text = String(+end[1].toFixed(3));
            const right = Math.max(x(end[0]), textWidth(text) + 8);
            const spot = { from: right - textWidth(text), to: right, y: Math.max(11, y(end[1]) - 5) };
            // The same number at the same place is said once, another one above it or below.
            const near = taken.filter((one) => one.to > spot.from - 4 && one.from < spot.to + 4);
            const other = near.find((one) => Math.abs(one.y - spot.y) < 13);
            if (other) spot.y = spot.y <= other.y && other.y > 26 ? other.y - 13 : other.y + 13;
            labels.push(h("svg:text", { x: right, y: spot.y, "text-anchor": "end" }, text));
            taken.push(spot);
        }
        return h(
            "svg:g",
            { class: `curve series-${(first + index) % 10}` },
            h("svg:path", { d: path, fill: "none" }),
            labels,
        );
    });
}

/**
 * Which line is which, where there are several.
 * @param {any} result
 * @returns {string[]} nothing for one alone
 */
export function lineNames(result) {
    const all = (result?.result ?? []).slice(0, 8);
    return all.length > 1 ? distinctions(all.map((/** @type {any} */ one) => one.metric)) : [];
}

/**
 * A graph of one question.
 * @param {any} result
 * @param {any} state
 * @param {number} end
 * @param {number} range
 * @param {number} width
 */
export function graph(result, state, end, range, width) {
    const begin = Math.max(0, end - range);
    const span = Math.max(1000, end - begin);
    const x = (/** @type {number} */ at) => 6 + ((at - begin) / span) * (width - 12);
    const step = axisStep(span, width);
    const axis = [];
    for (let at = Math.ceil(begin / step) * step; at <= end; at += step) {
        const anchor = x(at) < 26 ? "start" : x(at) > width - 30 ? "end" : "middle";
        axis.push(
            h("svg:path", { d: `M${x(at)} 4V104`, class: "grid-line" }),
            h("svg:text", { x: x(at), y: 122, class: "axis", "text-anchor": anchor }, shortSpan(at)),
        );
    }
    const key = lineNames(result).map((name, index) =>
        h(
            "li",
            { class: "mono" },
            h("svg:svg", { class: `curve series-${index}`, width: 18, height: 8, "aria-hidden": "true" },
                h("svg:path", { d: "M1 4h16" })),
            name,
        ),
    );
    const drawn = h(
        "svg:svg",
        { class: "lesson-picture", role: "presentation", width, height: 128, viewBox: `0 0 ${width} 128` },
        axis,
        h("svg:rect", { x: 6, y: 4, width: width - 12, height: 100, class: "lane" }),
        h("svg:g", { transform: "translate(0 4)" }, curve(result, state, x, 100, 0)),
    );
    return h("div", null, drawn, key.length ? h("ul", { class: "plain line-names small" }, key) : null);
}
