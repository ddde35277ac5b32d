// The Explain tab: draws what /api/v1/explain tells of an expression: its parts with what each answered, and for
// functions over a window a picture of the samples in it and of the arithmetic that leads to the number. All numbers
// are the engine's.

import { h, fill } from "../shared/dom.js";
import { duration, localTime, phrase, plain, precise, seriesName, span } from "../shared/format.js";
import { timeLabel, timeTicks, valueLabels, valueTicks } from "./axes.js";
import { explainWords } from "./explainwords.js";
import { inWords } from "./learnwords.js";
import { number } from "./results.js";
import { tokenize } from "./tokens.js";

/**
 * @typedef {Record<string, string>} LabelSet
 * @typedef {{metric: LabelSet, value?: string, histogram?: {count: string}}} Example
 * @typedef {Object} Matching how two sides found each other
 * @property {number} matchedLeft
 * @property {number} matchedRight
 * @property {LabelSet[]} unmatchedLeft
 * @property {LabelSet[]} unmatchedRight
 * @property {{labels: LabelSet, left: number, right: number}[]} groups
 * @typedef {Object} Change how rate, increase or delta came to its number; times in seconds
 * @property {string} first
 * @property {string} last
 * @property {string} lost
 * @property {string} change
 * @property {string} sampled
 * @property {string} averageGap
 * @property {string} threshold
 * @property {string} distanceToStart
 * @property {string} distanceToEnd
 * @property {string} toStart
 * @property {string} toEnd
 * @property {string} factor
 * @property {boolean} stopsAtZero
 * @property {string} [seconds]
 * @typedef {Object} Window what a function over a range saw of a series
 * @property {LabelSet} metric
 * @property {number} start
 * @property {number} end
 * @property {number} count
 * @property {number} histograms
 * @property {[number, string][]} values
 * @property {number[]} resets
 * @property {string} [result]
 * @property {Change} [change]
 * @property {{slope: string, atEnd: string}} [line]
 * @typedef {Object} ExplainedNode a part of the expression
 * @property {string} kind
 * @property {string} [function]
 * @property {string} text
 * @property {string} head
 * @property {string} type
 * @property {number} series
 * @property {number} samples
 * @property {number} samplesRead
 * @property {number} seconds
 * @property {{name: string, count: number, values: string[]}[]} labels
 * @property {string[]} gained
 * @property {string[]} lost
 * @property {Example[]} examples
 * @property {Matching} [matching]
 * @property {Window[]} [windows]
 * @property {string[]} [annotations]
 * @property {string} [error]
 * @property {ExplainedNode[]} children
 * @typedef {(name: string, ...parts: any[]) => any[]} Say words of the reader's language, with what belongs into them
 */

/**
 * Shows the tree of an explanation.
 * @param {HTMLElement} place
 * @param {{node: ExplainedNode, time: number, error?: string, store?: {url: string, pushedDown: string}}} explanation
 * @param {string} [language]
 */
export function explain(place, explanation, language = "en") {
    /** @type {Say} */
    const say = (name, ...parts) =>
        phrase(
            (explainWords[language] ?? explainWords.en)[name],
            parts.map((one) => (typeof one === "string" ? inWords(language, one) : one)),
        );
    const note = say("note", localTime(explanation.time, true));
    const tree = h("ul", { class: "tree plain" });
    const store = explanation.store;
    const pushed = store && say(store.pushedDown === "expression" ? "wholeElsewhere" : "samplesElsewhere", store.url);
    fill(place, h("p", { class: "muted small" }, note), pushed && h("p", { class: "note small" }, pushed), tree);
    showNode(say, tree, explanation.node);
}

/**
 * @param {Say} say
 * @param {Element} list
 * @param {ExplainedNode} node
 */
function showNode(say, list, node) {
    const more = h("div", { class: "node-more" });
    const below = node.children.length ? h("ul", { class: "plain" }) : null;
    const code = h(
        "code",
        null,
        tokenize(node.head.replace(/\s+/g, " ")).map((token) =>
            h("span", { class: token.kind === "error" ? "muted" : token.kind }, token.text),
        ),
    );
    const facts = h("div", { class: "node-facts row small" }, factsOf(say, node));
    list.append(h("li", null, h("div", { class: "node" }, h("div", { class: "row" }, code), facts, more), below));
    if (node.error) more.append(h("p", { class: "note bad small", lang: "en" }, node.error));
    for (const one of node.annotations ?? []) more.append(h("p", { class: "note warn small", lang: "en" }, one));
    if (node.matching) more.append(...matchingOf(say, node.matching));
    if (node.windows) windows(say, more, node);
    else if (node.examples.length && node.type === "vector") more.append(examplesOf(say, node));
    if (below) for (const child of node.children) showNode(say, below, child);
}

/** @param {Say} say @param {ExplainedNode} node */
function factsOf(say, node) {
    if (node.type === "string") return [h("span", { class: "muted" }, say("string"))];
    const value = node.examples[0]?.value;
    if (node.type === "scalar") return [h("span", { class: "muted" }, say("scalar", h("b", null, value ?? "")))];
    const out = [];
    if (!node.error) {
        const state = `state ${node.series ? "good" : "warn"}`;
        out.push(h("span", { class: state }, counted(say, node.series, "Series")));
    }
    if (node.series === 1 && value !== undefined && node.type === "vector")
        out.push(h("b", { class: "mono" }, `= ${precise(number(value))}`));
    if (node.type === "matrix") out.push(h("span", null, counted(say, node.samples, "Sample")));
    if (node.samplesRead && (node.type === "matrix" || node.children.length === 0))
        out.push(h("span", { class: "muted" }, say("read", node.samplesRead)));
    if (node.seconds) out.push(h("span", { class: "muted" }, span(node.seconds)));
    if (node.matching) {
        const { matchedLeft, matchedRight } = node.matching;
        const [left, right] = node.children;
        const all = matchedLeft === left.series && matchedRight === right.series;
        const said = say("partners", matchedLeft, left.series, matchedRight, right.series);
        out.push(h("span", { class: all ? "muted" : "state warn" }, said));
    }
    for (const label of node.labels) {
        const gained = node.gained.includes(label.name);
        const title = `${label.values.join(", ")}${label.count > label.values.length ? ", …" : ""}`;
        const times = label.count > 1 ? ` ×${label.count}` : "";
        const badge = { class: `badge ${gained ? "gained" : ""}`, title };
        out.push(h("span", badge, gained ? "+ " : "", h("b", null, label.name), times));
    }
    for (const name of node.lost)
        out.push(
            h(
                "span",
                { class: "badge lost" },
                h("span", { class: "visually-hidden" }, say("lost")),
                h("s", null, name === "__name__" ? say("metricName") : name),
            ),
        );
    return out;
}

/** @param {Say} say @param {number} count @param {"Series" | "Sample"} what */
function counted(say, count, what) {
    return say(`${count === 1 ? "one" : "many"}${what}`, count).join("");
}

/**
 * Series without a partner, and groups of several.
 * @param {Say} say
 * @param {Matching} matching
 */
function matchingOf(say, matching) {
    const lists = [
        { name: say("aloneLeft"), series: matching.unmatchedLeft },
        { name: say("aloneRight"), series: matching.unmatchedRight },
    ].filter((one) => one.series.length);
    const out = lists.map((one) =>
        h(
            "details",
            { class: "small" },
            h("summary", { class: "muted" }, one.name),
            h(
                "ul",
                { class: "plain" },
                one.series.map((labels) => h("li", { class: "mono" }, seriesName(labels) || "{}")),
            ),
        ),
    );
    if (matching.groups.length)
        out.push(
            h(
                "details",
                { class: "small" },
                h("summary", { class: "muted" }, say("groups")),
                h(
                    "ul",
                    { class: "plain" },
                    matching.groups.map((one) =>
                        h(
                            "li",
                            null,
                            h("span", { class: "mono" }, seriesName(one.labels) || "{}"),
                            " ",
                            say("sides", one.left, one.right),
                        ),
                    ),
                ),
            ),
        );
    return out;
}

/**
 * The first few series of an answer.
 * @param {Say} say
 * @param {ExplainedNode} node
 */
function examplesOf(say, node) {
    const value = (/** @type {Example} */ one) =>
        one.value ?? (one.histogram ? say("histogram", one.histogram.count) : "");
    const rest = node.series - node.examples.length;
    return h(
        "details",
        { class: "small" },
        h("summary", { class: "muted" }, say("list")),
        h(
            "table",
            null,
            h("caption", { class: "visually-hidden" }, say("listOf", node.text)),
            h(
                "tbody",
                null,
                node.examples.map((one) =>
                    h(
                        "tr",
                        null,
                        h("td", { class: "mono" }, seriesName(one.metric) || "{}"),
                        h("td", { class: "num mono" }, value(one)),
                    ),
                ),
            ),
        ),
        rest > 0 ? h("p", { class: "muted" }, say("more", rest)) : null,
    );
}

/**
 * @param {Say} say
 * @param {Element} place
 * @param {ExplainedNode} node
 */
function windows(say, place, node) {
    const all = node.windows ?? [];
    const drawn = all.filter((one) => one.values.length);
    const range = node.children.find((one) => one.type === "matrix");
    drawn.forEach((one, i) =>
        place.append(
            h(
                "details",
                { class: "small", open: i === 0 },
                h("summary", null, h("span", { class: "mono" }, seriesName(one.metric) || "{}")),
                picture(say, place.clientWidth, node, one),
            ),
        ),
    );
    const rest = (range?.series ?? 0) - all.length;
    const undrawn = all.length - drawn.length;
    if (undrawn > 0) place.append(h("p", { class: "muted small" }, say("undrawn", undrawn)));
    if (rest > 0) place.append(h("p", { class: "muted small" }, say("moreWindows", rest)));
}

/**
 * @param {Say} say
 * @param {number} width
 * @param {ExplainedNode} node
 * @param {Window} window
 */
function picture(say, width, node, window) {
    const { start, end, change, line, resets } = window;
    const samples = window.values.map(([at, value]) => /** @type {[number, number]} */ ([at, number(value)]));
    const last = samples.length - 1;
    /** @type {[number, number][]} as if the counter had not begun anew */
    const mended = [];
    let lift = 0;
    samples.forEach(([at, value], i) => {
        if (change && i > 0 && resets.includes(at)) lift += samples[i - 1][1];
        mended.push([at, value + lift]);
    });
    const slope = change ? number(change.change) / number(change.sampled) : 0;
    const ends = change
        ? [
              [samples[0][0] - number(change.toStart), samples[0][1] - slope * number(change.toStart)],
              [samples[last][0] + number(change.toEnd), mended[last][1] + slope * number(change.toEnd)],
          ]
        : [];
    const straight = line
        ? [
              [start, number(line.atEnd) - number(line.slope) * (end - start)],
              [end, number(line.atEnd)],
          ]
        : [];

    // Drawn at its own size, in the reader's font size.
    const em = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const W = Math.max(280 * em, Math.min(width || 720, 900 * em));
    const H = 230 * em;
    const left = 62 * em;
    const right = 14;
    const top = 22 * em;
    const foot = 30 * em;
    const shown = [...samples, ...mended, ...ends].map(([, value]) => value).filter(Number.isFinite);
    const axis = valueTicks(Math.min(...shown), Math.max(...shown), 4);
    const pad = (end - start) * 0.04;
    const x = (/** @type {number} */ at) => left + ((at - start + pad) / (end - start + 2 * pad)) * (W - left - right);
    const y = (/** @type {number} */ value) =>
        top + (1 - (value - axis.low) / (axis.high - axis.low || 1)) * (H - top - foot);
    const path = (/** @type {number[][]} */ points) =>
        points.map(([at, value], i) => `${i ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    const labels = valueLabels(axis.ticks);
    const times = timeTicks(start, end, Math.max(2, Math.floor(W / (100 * em))));
    const fallen = change ? samples.map(([at], i) => (resets.includes(at) ? i : -1)).filter((i) => i > 0) : [];
    const svg = h(
        "svg:svg",
        {
            viewBox: `0 0 ${W} ${H}`,
            width: W,
            height: H,
            class: "window",
            role: "img",
            "aria-label": say("picture", counted(say, window.count, "Sample"), duration(end - start)).join(""),
        },
        h("svg:rect", { x: x(start), y: top, width: x(end) - x(start), height: H - top - foot, class: "band" }),
        axis.ticks.map((tick, i) => [
            h("svg:line", { x1: left, x2: W - right, y1: y(tick), y2: y(tick), class: "gridline" }),
            h("svg:text", { x: left - 8, y: y(tick) + 4 * em, class: "end" }, labels[i]),
        ]),
        times.ticks.map((tick) =>
            h("svg:text", { x: x(tick), y: H - 10 * em, class: "middle" }, timeLabel(tick, times.step)),
        ),
        h("svg:text", { x: x(start) + 5, y: top - 7 * em }, say("starts")),
        h("svg:text", { x: x(end) - 5, y: top - 7 * em, class: "end" }, say("ends")),
        change
            ? h("svg:path", { d: path([ends[0], mended[0]]) + path([mended[last], ends[1]]), class: "reach" })
            : null,
        fallen.length ? h("svg:path", { d: path(mended), class: "mended" }) : null,
        segments(samples, fallen).map((part) => h("svg:path", { d: path(part), class: "curve" })),
        fallen.map((i) => h("svg:path", { d: path([samples[i - 1], samples[i]]), class: "fall" })),
        line ? h("svg:path", { d: path(straight), class: "reach" }) : null,
        samples.map(([at, value]) =>
            h(
                "svg:circle",
                { cx: x(at), cy: y(value), r: 4, class: "dot" },
                h("svg:title", null, `${localTime(at, true)}: ${plain(value)}`),
            ),
        ),
        ends.map(([at, value]) => h("svg:circle", { cx: x(at), cy: y(value), r: 4, class: "reached" })),
    );
    const sign = (/** @type {string} */ look, /** @type {string} */ name) =>
        h("span", null, h("i", { class: look }), say(name));
    return h(
        "div",
        { class: "picture stack" },
        svg,
        h(
            "p",
            { class: "key small muted", "aria-hidden": "true" },
            sign("sample", "sample"),
            change ? sign("reach", "reach") : null,
            line ? sign("reach", "line") : null,
            fallen.length ? [sign("fall", "fall"), sign("mended", "mended")] : null,
        ),
        h(
            "ol",
            { class: "steps" },
            sentences(say, node, window, samples).map((one) => h("li", null, one)),
        ),
    );
}

/**
 * Runs of samples between resets.
 * @param {[number, number][]} samples
 * @param {number[]} cuts
 */
function segments(samples, cuts) {
    const all = [0, ...cuts, samples.length];
    return all
        .slice(1)
        .map((cut, i) => samples.slice(all[i], cut))
        .filter((part) => part.length > 1);
}

/**
 * The arithmetic, a sentence a step.
 * @param {Say} say
 * @param {ExplainedNode} node
 * @param {Window} window
 * @param {[number, number][]} samples
 * @returns {any[][]}
 */
function sentences(say, node, window, samples) {
    const name = node.function ?? "";
    const { change, line, result } = window;
    const count = [counted(say, window.count, "Sample"), duration(window.end - window.start)];
    const gap = (samples[samples.length - 1][0] - samples[0][0]) / (window.count - 1);
    const out = [window.count > 1 ? say("countEvery", ...count, span(gap)) : say("count", ...count)];
    if (change) return [...out, ...changeSentences(say, name, window, change)];
    if (window.count < 2 && node.type === "vector" && result === undefined) out.push(say("tooFew", name));
    if (line) out.push(say("slope", precise(number(line.slope))));
    if (name === "irate" && samples.length > 1) {
        const [a, b] = samples.slice(-2);
        out.push(say("lastTwo", plain(a[1], 12), plain(b[1], 12), span(b[0] - a[0])));
    }
    if (result !== undefined) out.push(say("answer", name, h("b", null, plain(number(result), 12))));
    return out;
}

/**
 * @param {Say} say
 * @param {string} name
 * @param {Window} window
 * @param {Change} change
 */
function changeSentences(say, name, window, change) {
    const exact = (/** @type {string} */ text) => plain(number(text), 12);
    const long = (/** @type {string} */ text) => span(number(text));
    const falls = window.resets.length;
    const growth = falls === 0 ? "grew" : falls === 1 ? "grewAfterReset" : "grewAfterResets";
    const edge = (/** @type {string} */ side, /** @type {string} */ distance, /** @type {string} */ added) =>
        say(
            number(distance) >= number(change.threshold) ? "far" : "near",
            say(side).join(""),
            long(distance),
            long(change.threshold),
            long(added),
        );
    const covered = number(change.sampled) + number(change.toStart) + number(change.toEnd);
    const divided = change.seconds ? ` ÷ ${precise(number(change.seconds))} s` : "";
    const product =
        `${precise(number(change.change))} × ${precise(covered)} s ÷ ` +
        `${precise(number(change.sampled))} s${divided} = `;
    return [
        say(
            name === "delta" ? "changed" : growth,
            exact(change.first),
            exact(change.last),
            exact(change.change),
            long(change.sampled),
            exact(change.lost),
            falls,
        ),
        change.stopsAtZero
            ? say("stopsAtZero", long(change.distanceToStart), long(change.toStart))
            : edge("startEdge", change.distanceToStart, change.toStart),
        edge("endEdge", change.distanceToEnd, change.toEnd),
        [product, h("b", null, precise(number(window.result ?? "NaN")))],
    ];
}
