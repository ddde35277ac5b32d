// The Explain tab: the tree of an expression with what each node answered, and for functions over a window a picture of the
// samples in it and of the arithmetic that leads to the number.

import { envelope } from "../shared/api.js";
import { h, fill } from "../shared/dom.js";
import { duration, localTime, plain, seriesName, span } from "../shared/format.js";
import { children, headline, isRange, text, windowOf } from "./ast.js";
import { timeLabel, timeTicks, valueLabels, valueTicks } from "./axes.js";
import { extrapolate } from "./extrapolation.js";
import { labelCounts, matched } from "./matching.js";
import { number } from "./results.js";
import { tokenize } from "./tokens.js";

const PICTURES = 3;

/** @typedef {{result: any[], type: string, time: number, error?: string}} Answer */

/**
 * Evaluates every node and shows the tree.
 * @param {HTMLElement} place
 * @param {any} root
 * @param {number} time
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>} what the whole answers
 */
export async function explain(place, root, time, signal) {
    // The tree appears when it is whole (unless that takes long), so that nothing jumps.
    const tree = h("ul", { class: "tree plain waiting" });
    const appear = () => tree.classList.remove("waiting"), late = setTimeout(appear, 600);
    fill(place, h("p", { class: "muted small" }, `Every part of the expression, evaluated on its own at ${localTime(time, true)}.`), tree);
    try { return await showNode(tree, root, time, signal); } finally { clearTimeout(late); appear(); }
}

/**
 * @param {Element} list
 * @param {any} node
 * @param {number} time
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
async function showNode(list, node, time, signal) {
    const facts = h("div", { class: "node-facts row small" }, h("span", { class: "muted" }, "…"));
    const more = h("div", { class: "node-more" });
    const below = h("ul", { class: "plain" });
    const kids = children(node);
    const code = h("code", null, tokenize(kids.length ? headline(node) : text(node)).map((token) => h("span", { class: token.kind === "error" ? "muted" : token.kind }, token.text)));
    list.append(h("li", null, h("div", { class: "node" }, h("div", { class: "row" }, code), facts, more), kids.length ? below : null));
    const [answers, answer] = await Promise.all([
        Promise.all(kids.map((kid) => showNode(below, kid, time, signal))),
        ask(node, time, signal),
    ]);
    signal.throwIfAborted();
    fill(facts, factsOf(node, answer, answers));
    if (answer.error) fill(more, h("p", { class: "note bad small" }, answer.error));
    else if (node.type === "call" && node.args.some(isRange)) windows(more, node, answer, answers, time);
    else if (answer.result.length && node.type !== "numberLiteral" && node.type !== "stringLiteral" && !isRange(node)) more.append(sampleOf(node, answer));
    return answer;
}

/**
 * @param {any} node
 * @param {number} time
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
async function ask(node, time, signal) {
    if (node.type === "numberLiteral") return { result: [{ value: [time, node.val] }], type: "scalar", time: NaN };
    if (node.type === "stringLiteral") return { result: [], type: "string", time: NaN };
    const began = performance.now();
    try {
        const { data } = await envelope("query", { query: text(node), time, stats: "true" }, signal);
        const result = data.resultType === "vector" || data.resultType === "matrix" ? data.result : [{ value: data.result }];
        return { result, type: data.resultType, time: data.stats?.timings?.execTotalTime ?? (performance.now() - began) / 1000 };
    } catch (error) {
        signal.throwIfAborted();
        return { result: [], type: "error", time: NaN, error: /** @type {Error} */ (error).message };
    }
}

/**
 * @param {any} node
 * @param {Answer} answer
 * @param {Answer[]} below
 */
function factsOf(node, answer, below) {
    if (answer.type === "string") return [h("span", { class: "muted" }, "a string")];
    if (answer.type === "scalar") return [h("span", { class: "muted" }, "a scalar: "), h("b", null, answer.result[0]?.value?.[1] ?? "")];
    const out = [];
    const series = answer.result.length;
    const samples = answer.type === "matrix" ? answer.result.reduce((sum, one) => sum + (one.values?.length ?? 0) + (one.histograms?.length ?? 0), 0) : 0;
    if (!answer.error) out.push(h("span", { class: `state ${series ? "good" : "warn"}` }, series === 1 ? "1 series" : `${series} series`));
    if (series === 1 && answer.result[0].value) out.push(h("b", { class: "mono" }, `= ${plain(number(answer.result[0].value[1]), 8)}`));
    if (samples) out.push(h("span", null, samples === 1 ? "1 sample" : `${samples} samples`));
    if (Number.isFinite(answer.time)) out.push(h("span", { class: "muted" }, span(answer.time)));
    if (node.type === "binaryExpr" && below.every((one) => one.type === "vector")) {
        const [l, r] = below.map((one) => one.result.map((each) => each.metric));
        const pairs = matched(l, r, node.matching);
        out.push(h("span", { class: pairs.left < l.length || pairs.right < r.length ? "state warn" : "muted" }, `${pairs.left} of ${l.length} on the left and ${pairs.right} of ${r.length} on the right have a partner`));
    }
    const here = labelCounts(answer.result.map((one) => one.metric ?? {}));
    const before = labelCounts(below.filter((one) => one.type === "vector" || one.type === "matrix").flatMap((one) => one.result.map((each) => each.metric)));
    const has = before.size > 0;
    if (series) for (const [name, count] of here) {
        const gained = has && !before.has(name);
        out.push(h("span", { class: `badge ${gained ? "gained" : ""}` }, gained ? "+ " : "", h("b", null, name), count > 1 ? ` ×${count}` : ""));
    }
    if (series) for (const name of before.keys()) if (!here.has(name)) out.push(h("span", { class: "badge lost" }, h("span", { class: "visually-hidden" }, "lost: "), h("s", null, name === "__name__" ? "name" : name)));
    return out;
}

/**
 * The first few series of an answer.
 * @param {any} node
 * @param {Answer} answer
 */
function sampleOf(node, answer) {
    const rows = answer.result.slice(0, 8);
    return h("details", { class: "small" }, h("summary", { class: "muted" }, "Series"),
        h("table", null, h("caption", { class: "visually-hidden" }, `Series of ${text(node)}`), h("tbody", null, rows.map((one) => h("tr", null,
            h("td", { class: "mono" }, seriesName(one.metric ?? {}) || "{}"), h("td", { class: "num mono" }, one.value ? one.value[1] : one.histogram ? `count ${one.histogram.count}` : ""))))),
        answer.result.length > rows.length ? h("p", { class: "muted" }, `and ${answer.result.length - rows.length} more`) : null);
}

/**
 * @param {Element} place
 * @param {any} node
 * @param {Answer} answer
 * @param {Answer[]} below
 * @param {number} time
 */
function windows(place, node, answer, below, time) {
    const which = node.args.findIndex(isRange);
    const range = node.args[which], matrix = below[which].result;
    const floats = matrix.filter((one) => one.values?.length);
    const window = windowOf(range, time);
    const results = new Map(answer.result.map((one) => [key(one.metric ?? {}), one.value?.[1]]));
    floats.slice(0, PICTURES).forEach((one, i) => place.append(h("details", { class: "small", open: i === 0 },
        h("summary", null, h("span", { class: "mono" }, seriesName(one.metric) || "{}")),
        picture(place.clientWidth, node, one.values.map((/** @type {[number, string]} */ [at, value]) => [at, number(value)]), window, results.get(key(one.metric))))));
    if (floats.length > PICTURES) place.append(h("p", { class: "muted small" }, `and ${floats.length - PICTURES} more series with a window of their own`));
    if (matrix.length > floats.length) place.append(h("p", { class: "muted small" }, `${matrix.length - floats.length} series hold native histograms; their windows are not drawn.`));
}

/** @param {Record<string, string>} labels */
function key(labels) {
    return JSON.stringify(Object.entries(labels).filter(([name]) => name !== "__name__").sort());
}

/**
 * @param {number} width
 * @param {any} node
 * @param {[number, number][]} samples
 * @param {{start: number, end: number}} window
 * @param {string | undefined} answer
 */
function picture(width, node, samples, { start, end }, answer) {
    const name = node.func.name;
    const ex = name === "rate" || name === "increase" || name === "delta" ? extrapolate(samples, start, end, name) : null;
    const line = name === "deriv" || name === "predict_linear" ? regression(samples) : null;
    const mended = [...samples].map(([at, value]) => /** @type {[number, number]} */ ([at, value]));
    let lift = 0;
    if (ex) for (let i = 1; i < samples.length; i++) { if (ex.resets.includes(i)) lift += samples[i - 1][1]; mended[i][1] += lift; }
    const slope = ex ? ex.raw / ex.sampled : 0;
    const ends = ex ? [[samples[0][0] - ex.before, samples[0][1] - slope * ex.before], [samples[samples.length - 1][0] + ex.after, mended[mended.length - 1][1] + slope * ex.after]] : [];

    // Drawn at its own size, in the reader's font size.
    const em = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const W = Math.max(280 * em, Math.min(width || 720, 900 * em)), H = 230 * em, left = 62 * em, right = 14, top = 22 * em, foot = 30 * em;
    const shown = [...samples, ...mended, ...ends].map(([, value]) => value).filter(Number.isFinite);
    const axis = valueTicks(Math.min(...shown), Math.max(...shown), 4);
    const pad = (end - start) * 0.04;
    const x = (/** @type {number} */ at) => left + ((at - start + pad) / (end - start + 2 * pad)) * (W - left - right);
    const y = (/** @type {number} */ value) => top + (1 - (value - axis.low) / (axis.high - axis.low || 1)) * (H - top - foot);
    const path = (/** @type {number[][]} */ points) => points.map(([at, value], i) => `${i ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    const labels = valueLabels(axis.ticks), times = timeTicks(start, end, Math.max(2, Math.floor(W / (100 * em))));
    const svg = h("svg:svg", { viewBox: `0 0 ${W} ${H}`, width: W, height: H, class: "window", role: "img", "aria-label": `${samples.length} samples in the window of ${duration(end - start)}` },
        h("svg:rect", { x: x(start), y: top, width: x(end) - x(start), height: H - top - foot, class: "band" }),
        axis.ticks.map((tick, i) => [h("svg:line", { x1: left, x2: W - right, y1: y(tick), y2: y(tick), class: "gridline" }), h("svg:text", { x: left - 8, y: y(tick) + 4 * em, class: "end" }, labels[i])]),
        times.ticks.map((tick) => h("svg:text", { x: x(tick), y: H - 10 * em, class: "middle" }, timeLabel(tick, times.step))),
        h("svg:text", { x: x(start) + 5, y: top - 7 * em }, "window starts"), h("svg:text", { x: x(end) - 5, y: top - 7 * em, class: "end" }, "ends"),
        ex ? h("svg:path", { d: path([...ends.slice(0, 1), mended[0]]) + path([mended[mended.length - 1], ...ends.slice(1)]), class: "reach" }) : null,
        ex?.resets.length ? h("svg:path", { d: path(mended), class: "mended" }) : null,
        segments(samples, ex?.resets ?? []).map((part) => h("svg:path", { d: path(part), class: "curve" })),
        ex?.resets.map((i) => h("svg:path", { d: path([samples[i - 1], samples[i]]), class: "fall" })),
        line ? h("svg:path", { d: path([[start, line.at(start)], [end, line.at(end)]]), class: "reach" }) : null,
        samples.map(([at, value]) => h("svg:circle", { cx: x(at), cy: y(value), r: 4, class: "dot" }, h("svg:title", null, `${localTime(at, true)}: ${plain(value)}`))),
        ends.map(([at, value]) => h("svg:circle", { cx: x(at), cy: y(value), r: 4, class: "reached" })));
    const sign = (/** @type {string} */ look, /** @type {string} */ name) => h("span", null, h("i", { class: look }), name);
    return h("div", { class: "picture stack" }, svg, h("p", { class: "key small muted", "aria-hidden": "true" }, sign("sample", "sample"), ex ? sign("reach", "carried on to the edges") : line ? sign("reach", "the straight line that fits best") : null,
        ex?.resets.length ? [sign("fall", "reset"), sign("mended", "as if it had not been reset")] : null), h("ol", { class: "steps" }, sentences(node, samples, ex, line, start, end, answer).map((one) => h("li", null, one))));
}

/**
 * Runs of samples between resets.
 * @param {[number, number][]} samples
 * @param {number[]} resets
 */
function segments(samples, resets) {
    const cuts = [0, ...resets, samples.length];
    return cuts.slice(1).map((cut, i) => samples.slice(cuts[i], cut)).filter((part) => part.length > 1);
}

/** @param {[number, number][]} samples */
function regression(samples) {
    const n = samples.length;
    if (n < 2) return null;
    const zero = samples[0][0];
    const mean = (/** @type {number[]} */ all) => all.reduce((sum, one) => sum + one, 0) / n;
    const mx = mean(samples.map(([at]) => at - zero)), my = mean(samples.map(([, value]) => value));
    const slope = samples.reduce((sum, [at, value]) => sum + (at - zero - mx) * (value - my), 0) / samples.reduce((sum, [at]) => sum + (at - zero - mx) ** 2, 0);
    return { slope, at: (/** @type {number} */ time) => my + slope * (time - zero - mx) };
}

/**
 * The arithmetic, a sentence a step.
 * @returns {any[]}
 * @param {any} node
 * @param {[number, number][]} samples
 * @param {any} ex
 * @param {any} line
 * @param {number} start
 * @param {number} end
 * @param {string | undefined} answer
 */
function sentences(node, samples, ex, line, start, end, answer) {
    const name = node.func.name, out = [];
    const first = samples[0], last = samples[samples.length - 1];
    out.push(`${samples.length === 1 ? "1 sample" : `${samples.length} samples`} in ${duration(end - start)}${samples.length > 1 ? `, one every ${span((last[0] - first[0]) / (samples.length - 1))} on average` : ""}.`);
    if (ex) {
        const lost = ex.resets.reduce((/** @type {number} */ sum, /** @type {number} */ i) => sum + samples[i - 1][1], 0);
        out.push(`From the first (${plain(first[1], 12)}) to the last (${plain(last[1], 12)}) ${name === "delta" ? "it changed" : "it grew"} ${ex.resets.length ? `by ${plain(ex.raw, 12)}: the counter fell ${ex.resets.length === 1 ? "once" : `${ex.resets.length} times`}, and what it had before (${plain(lost, 12)}) is added` : `by ${plain(ex.raw, 12)}`}, over ${span(ex.sampled)}.`);
        const edge = (/** @type {string} */ side, /** @type {number} */ distance, /** @type {boolean} */ half, /** @type {number} */ added) => `${side} is ${span(distance)} away: ${half ? `further than 1.1 × the mean gap (${span(ex.threshold)}), so only half a gap (${span(added)}) is added` : `less than 1.1 × the mean gap (${span(ex.threshold)}), so the slope is carried on to it`}`;
        out.push(ex.zeroPoint ? `The start of the window is ${span(first[0] - start)} away, but going back by the slope the counter would be 0 after ${span(ex.before)}, so only that much is added.` : `${edge("The start of the window", first[0] - start, ex.halfBefore, ex.before)}.`);
        out.push(`${edge("The end", end - last[0], ex.halfAfter, ex.after)}.`);
        const covered = ex.sampled + ex.before + ex.after;
        out.push([`${plain(ex.raw, 8)} × ${plain(covered, 8)} s ÷ ${plain(ex.sampled, 8)} s${name === "rate" ? ` ÷ ${plain(end - start, 8)} s` : ""} = `, h("b", null, plain(ex.result, 8)), answer !== undefined && Math.abs(number(answer) - ex.result) > 1e-9 * Math.abs(ex.result) + 1e-12 ? ` (the server says ${answer})` : ""]);
    } else {
        if (samples.length < 2 && /^(rate|increase|delta|irate|idelta|deriv|predict_linear)$/.test(name)) out.push(`${name}() needs at least two samples, so this series answers nothing.`);
        if (line) out.push(`The straight line through them rises by ${plain(line.slope, 8)} a second.`);
        if (name === "irate" && samples.length > 1) { const [a, b] = samples.slice(-2); out.push(`Only the last two count: from ${plain(a[1], 12)} to ${plain(b[1], 12)} in ${span(b[0] - a[0])}.`); }
        if (answer !== undefined) out.push([`${name}() answers `, h("b", null, answer), "."]);
    }
    return out;
}
