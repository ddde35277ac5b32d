// A lesson's picture: what happened, what the scraper saw, what the Pushgateway held and what a query answers, lane
// below lane on one axis of time. Drawn as SVG from what the lesson's session tells.

import { h } from "../shared/dom.js";
import { number } from "./results.js";
import { shortSpan, word } from "./learnwords.js";

const LABEL = 19;
const GAP = 14;

/**
 * The steps of the axis that give four to nine labels.
 * @param {number} span milliseconds
 */
export function axisStep(span) {
    const steps = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400].map((one) => one * 1000);
    return steps.find((step) => span / step <= 8) ?? 28800000;
}

/**
 * Stretches in which a value stays the same, from what was held at moments.
 * @param {{at: number, series: [string, string][]}[]} held rising
 * @param {string} metric
 * @param {number} end
 * @returns {{name: string, value: string, from: number, to: number}[]}
 */
export function stretches(held, metric, end) {
    /** @type {Map<string, {name: string, value: string, from: number, to: number}>} */
    const open = new Map();
    const done = [];
    for (const { at, series } of held) {
        if (at > end) break;
        const now = new Map(series.filter(([name]) => name === metric || name.startsWith(`${metric}{`)));
        for (const [name, stretch] of open) {
            if (now.get(name) === stretch.value) continue;
            done.push({ ...stretch, to: at });
            open.delete(name);
        }
        for (const [name, value] of now) if (!open.has(name)) open.set(name, { name, value, from: at, to: end });
    }
    return [...done, ...open.values()].sort((a, b) => a.name.localeCompare(b.name) || a.from - b.from);
}

/**
 * @param {any} picture the block of the lesson
 * @param {any} state the session's
 * @param {number} end milliseconds from the start
 * @param {{query: string, result: any}[]} answers of range queries
 * @param {string} language
 * @param {number} width pixels
 */
export function picture(picture, state, end, answers, language, width) {
    const begin = Math.max(0, end - picture.range);
    const span = Math.max(1000, end - begin);
    const left = 6;
    const right = width - 6;
    const x = (/** @type {number} */ at) => left + ((at - begin) / span) * (right - left);
    const inside = (/** @type {number} */ at) => at >= begin && at <= end;
    /** @type {any[]} */
    const lanes = [];
    let y = 4;
    const lane = (/** @type {string} */ label, /** @type {number} */ height, /** @type {any[]} */ marks) => {
        const top = y + LABEL;
        lanes.push(
            h("svg:text", { x: left, y: y + 13, class: "lane-label" }, label),
            h("svg:rect", { x: left, y: top, width: right - left, height, class: "lane" }),
            h("svg:g", { transform: `translate(0 ${top})` }, marks),
        );
        y = top + height + GAP;
    };
    let runCount = 0;
    for (const batch of picture.batches) {
        const runs = state.runs.filter(
            (/** @type {any} */ one) => one.batch === batch && (one.to ?? end) >= begin && one.from <= end,
        );
        runCount += runs.length;
        lane(
            word(language, "runs", batch),
            20,
            runs.map((/** @type {any} */ run) => {
                const from = Math.max(begin, run.from);
                const to = Math.min(end, run.to ?? end);
                const label = `${shortSpan(run.from)} – ${run.to === null ? "…" : shortSpan(run.to)}`;
                const wide = Math.max(3, x(to) - x(from));
                return h(
                    "svg:g",
                    null,
                    h("svg:title", null, label + (run.good ? "" : ` ${word(language, "failed")}`)),
                    h("svg:rect", {
                        x: x(from),
                        y: 2,
                        width: wide,
                        height: 16,
                        rx: 3,
                        class: run.good ? "run" : "run bad",
                    }),
                    run.good ? null : h("svg:text", { x: x(from) + wide / 2, y: 15, class: "cross" }, "×"),
                );
            }),
        );
    }
    let found = 0;
    let missed = 0;
    for (const job of picture.jobs) {
        const scrapes = state.scrapes.filter((/** @type {any} */ one) => one.job === job && inside(one.at));
        lane(
            word(language, "scrapes", job),
            20,
            scrapes.map((/** @type {any} */ scrape) => {
                scrape.good ? (found += 1) : (missed += 1);
                const label = `${shortSpan(scrape.at)} ${word(language, scrape.good ? "found" : "missed")}`;
                return h(
                    "svg:g",
                    null,
                    h("svg:title", null, label),
                    scrape.good
                        ? h("svg:circle", { cx: x(scrape.at), cy: 10, r: 5, class: "seen" })
                        : h("svg:path", { d: `M${x(scrape.at) - 3.5} 6.5l7 7m0-7l-7 7`, class: "unseen" }),
                );
            }),
        );
    }
    if (picture.held) {
        const all = stretches(state.held, picture.held, end).filter((one) => one.to >= begin);
        const names = [...new Set(all.map((one) => one.name))];
        lane(
            word(language, "held", picture.held),
            Math.max(1, names.length) * 22,
            all.map((one) => {
                const from = Math.max(begin, one.from);
                const wide = Math.max(2, x(one.to) - x(from));
                const row = names.indexOf(one.name) * 22;
                const label = names.length > 1 ? `${one.name.slice(picture.held.length)} ${one.value}` : one.value;
                return h(
                    "svg:g",
                    null,
                    h("svg:title", null, `${one.name} ${one.value}, ${shortSpan(one.from)}`),
                    h("svg:rect", { x: x(from), y: row + 2, width: wide, height: 18, rx: 3, class: "held" }),
                    wide > label.length * 8 + 8
                        ? h("svg:text", { x: x(from) + 5, y: row + 15.5, class: "held-value" }, label)
                        : null,
                );
            }),
        );
    }
    answers.forEach(({ query, result }, index) => {
        lane(word(language, "answers", query), 44, curve(result, state, x, 44, index));
    });
    const step = axisStep(span);
    const axis = [];
    for (let at = Math.ceil(begin / step) * step; at <= end; at += step) {
        const anchor = x(at) < left + 20 ? "start" : x(at) > right - 24 ? "end" : "middle";
        axis.push(
            h("svg:path", { d: `M${x(at)} 4V${y - GAP}`, class: "grid-line" }),
            h("svg:text", { x: x(at), y: y + 6, class: "axis", "text-anchor": anchor }, shortSpan(at)),
        );
    }
    return h(
        "svg:svg",
        {
            class: "lesson-picture",
            role: "img",
            width,
            height: y + 14,
            viewBox: `0 0 ${width} ${y + 14}`,
            "aria-label": word(language, "picture", runCount, found, missed, shortSpan(end)),
        },
        axis,
        lanes,
    );
}

/**
 * The answers of a range query as dots and lines; where there is no answer there is nothing.
 * @param {any} result of the session's query
 * @param {any} state
 * @param {(at: number) => number} x
 * @param {number} height
 * @param {number} first colour
 */
function curve(result, state, x, height, first) {
    const matrix = (result?.result ?? []).slice(0, 8);
    const all = matrix.flatMap((/** @type {any} */ one) => one.values ?? []);
    const finite = all.map((/** @type {any} */ sample) => number(sample[1])).filter(Number.isFinite);
    const high = Math.max(...finite, 0);
    const low = Math.min(...finite, 0);
    const y = (/** @type {number} */ value) => height - 6 - ((value - low) / (high - low || 1)) * (height - 22);
    const step = result?.step ?? 1000;
    return matrix.map((/** @type {any} */ one, /** @type {number} */ index) => {
        let path = "";
        let last = -Infinity;
        const points = (one.values ?? []).map((/** @type {any} */ v) => [v[0] * 1000 - state.start, number(v[1])]);
        for (const [at, value] of points) {
            if (!Number.isFinite(value)) continue;
            path += `${at - last > step * 1.5 ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
            // A single answer is a short line.
            if (at - last > step * 1.5) path += "h1.5";
            last = at;
        }
        const end = points[points.length - 1];
        const place = end ? Math.max(x(end[0]), 34) : 0;
        return h(
            "svg:g",
            { class: `curve series-${(first + index) % 10}` },
            h("svg:path", { d: path, fill: "none" }),
            end
                ? h(
                      "svg:text",
                      { x: place, y: Math.max(11, y(end[1]) - 5), "text-anchor": "end" },
                      String(+end[1].toFixed(3)),
                  )
                : null,
        );
    });
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
    const step = axisStep(span);
    const axis = [];
    for (let at = Math.ceil(begin / step) * step; at <= end; at += step) {
        const anchor = x(at) < 26 ? "start" : x(at) > width - 30 ? "end" : "middle";
        axis.push(
            h("svg:path", { d: `M${x(at)} 4V104`, class: "grid-line" }),
            h("svg:text", { x: x(at), y: 122, class: "axis", "text-anchor": anchor }, shortSpan(at)),
        );
    }
    return h(
        "svg:svg",
        { class: "lesson-picture", role: "presentation", width, height: 128, viewBox: `0 0 ${width} 128` },
        axis,
        h("svg:rect", { x: 6, y: 4, width: width - 12, height: 100, class: "lane" }),
        h("svg:g", { transform: "translate(0 4)" }, curve(result, state, x, 100, 0)),
    );
}
