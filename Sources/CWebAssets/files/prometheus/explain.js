// The Explain tab: draws what /api/v1/explain tells of an expression: its parts with what each answered, and for
// functions over a window a picture of the samples in it and of the arithmetic that leads to the number. All numbers
// are the engine's.

import { h, fill } from "../shared/dom.js";
import { duration, localTime, plain, seriesName, span } from "../shared/format.js";
import { timeLabel, timeTicks, valueLabels, valueTicks } from "./axes.js";
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
 */

/**
 * Shows the tree of an explanation.
 * @param {HTMLElement} place
 * @param {{node: ExplainedNode, time: number, error?: string, store?: {url: string, pushedDown: string}}} explanation
 */
export function explain(place, explanation) {
    const note = `Every part of the expression, as it was evaluated at ${localTime(explanation.time, true)}.`;
    const tree = h("ul", { class: "tree plain" });
    const store = explanation.store;
    const pushed =
        store &&
        (store.pushedDown === "expression"
            ? `${store.url} answers the whole expression; the parts below were evaluated here, over its samples.`
            : `${store.url} is asked for the samples of each selector; all else is evaluated here.`);
    fill(place, h("p", { class: "muted small" }, note), pushed && h("p", { class: "note small" }, pushed), tree);
    showNode(tree, explanation.node);
}

/**
 * @param {Element} list
 * @param {ExplainedNode} node
 */
function showNode(list, node) {
    const more = h("div", { class: "node-more" });
    const below = node.children.length ? h("ul", { class: "plain" }) : null;
    const code = h(
        "code",
        null,
        tokenize(node.head.replace(/\s+/g, " ")).map((token) =>
            h("span", { class: token.kind === "error" ? "muted" : token.kind }, token.text),
        ),
    );
    const facts = h("div", { class: "node-facts row small" }, factsOf(node));
    list.append(h("li", null, h("div", { class: "node" }, h("div", { class: "row" }, code), facts, more), below));
    if (node.error) more.append(h("p", { class: "note bad small" }, node.error));
    for (const one of node.annotations ?? []) more.append(h("p", { class: "note warn small" }, one));
    if (node.matching) more.append(...matchingOf(node.matching));
    if (node.windows) windows(more, node);
    else if (node.examples.length && node.type === "vector") more.append(examplesOf(node));
    if (below) for (const child of node.children) showNode(below, child);
}

/** @param {ExplainedNode} node */
function factsOf(node) {
    if (node.type === "string") return [h("span", { class: "muted" }, "a string")];
    const value = node.examples[0]?.value;
    if (node.type === "scalar") return [h("span", { class: "muted" }, "a scalar: "), h("b", null, value ?? "")];
    const out = [];
    if (!node.error) {
        const state = `state ${node.series ? "good" : "warn"}`;
        out.push(h("span", { class: state }, counted(node.series, "series", "series")));
    }
    if (node.series === 1 && value !== undefined && node.type === "vector")
        out.push(h("b", { class: "mono" }, `= ${plain(number(value), 8)}`));
    if (node.type === "matrix") out.push(h("span", null, counted(node.samples, "sample", "samples")));
    if (node.samplesRead && (node.type === "matrix" || node.children.length === 0))
        out.push(h("span", { class: "muted" }, `${node.samplesRead} read`));
    if (node.seconds) out.push(h("span", { class: "muted" }, span(node.seconds)));
    if (node.matching) {
        const { matchedLeft, matchedRight } = node.matching;
        const [left, right] = node.children;
        const all = matchedLeft === left.series && matchedRight === right.series;
        const said =
            `${matchedLeft} of ${left.series} on the left and ` +
            `${matchedRight} of ${right.series} on the right have a partner`;
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
                h("span", { class: "visually-hidden" }, "lost: "),
                h("s", null, name === "__name__" ? "metric name" : name),
            ),
        );
    return out;
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
function counted(count, one, many) {
    return `${count} ${count === 1 ? one : many}`;
}

/**
 * Series without a partner, and groups of several.
 * @param {Matching} matching
 */
function matchingOf(matching) {
    const lists = [
        { name: "On the left without a partner", series: matching.unmatchedLeft },
        { name: "On the right without a partner", series: matching.unmatchedRight },
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
                h("summary", { class: "muted" }, "Several series with the same compared labels"),
                h(
                    "ul",
                    { class: "plain" },
                    matching.groups.map((one) =>
                        h(
                            "li",
                            null,
                            h("span", { class: "mono" }, seriesName(one.labels) || "{}"),
                            ` ${one.left} on the left, ${one.right} on the right`,
                        ),
                    ),
                ),
            ),
        );
    return out;
}

/**
 * The first few series of an answer.
 * @param {ExplainedNode} node
 */
function examplesOf(node) {
    const value = (/** @type {Example} */ one) => one.value ?? (one.histogram ? `count ${one.histogram.count}` : "");
    const rest = node.series - node.examples.length;
    return h(
        "details",
        { class: "small" },
        h("summary", { class: "muted" }, "Series"),
        h(
            "table",
            null,
            h("caption", { class: "visually-hidden" }, `Series of ${node.text}`),
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
        rest > 0 ? h("p", { class: "muted" }, `and ${rest} more`) : null,
    );
}

/**
 * @param {Element} place
 * @param {ExplainedNode} node
 */
function windows(place, node) {
    const all = node.windows ?? [];
    const drawn = all.filter((one) => one.values.length);
    const range = node.children.find((one) => one.type === "matrix");
    drawn.forEach((one, i) =>
        place.append(
            h(
                "details",
                { class: "small", open: i === 0 },
                h("summary", null, h("span", { class: "mono" }, seriesName(one.metric) || "{}")),
                picture(place.clientWidth, node, one),
            ),
        ),
    );
    const rest = (range?.series ?? 0) - all.length;
    if (rest > 0)
        place.append(h("p", { class: "muted small" }, `and ${rest} more series with a window of their own`));
    if (all.length > drawn.length)
        place.append(
            h(
                "p",
                { class: "muted small" },
                `${all.length - drawn.length} series hold native histograms; their windows are not drawn.`,
            ),
        );
}

/**
 * @param {number} width
 * @param {ExplainedNode} node
 * @param {Window} window
 */
function picture(width, node, window) {
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
            "aria-label": `${window.count} samples in the window of ${duration(end - start)}`,
        },
        h("svg:rect", { x: x(start), y: top, width: x(end) - x(start), height: H - top - foot, class: "band" }),
        axis.ticks.map((tick, i) => [
            h("svg:line", { x1: left, x2: W - right, y1: y(tick), y2: y(tick), class: "gridline" }),
            h("svg:text", { x: left - 8, y: y(tick) + 4 * em, class: "end" }, labels[i]),
        ]),
        times.ticks.map((tick) =>
            h("svg:text", { x: x(tick), y: H - 10 * em, class: "middle" }, timeLabel(tick, times.step)),
        ),
        h("svg:text", { x: x(start) + 5, y: top - 7 * em }, "window starts"),
        h("svg:text", { x: x(end) - 5, y: top - 7 * em, class: "end" }, "ends"),
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
        h("span", null, h("i", { class: look }), name);
    return h(
        "div",
        { class: "picture stack" },
        svg,
        h(
            "p",
            { class: "key small muted", "aria-hidden": "true" },
            sign("sample", "sample"),
            change ? sign("reach", "carried on to the edges") : null,
            line ? sign("reach", "the straight line that fits best") : null,
            fallen.length ? [sign("fall", "reset"), sign("mended", "as if it had not been reset")] : null,
        ),
        h(
            "ol",
            { class: "steps" },
            sentences(node, window, samples).map((one) => h("li", null, one)),
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
 * @param {ExplainedNode} node
 * @param {Window} window
 * @param {[number, number][]} samples
 * @returns {any[]}
 */
function sentences(node, window, samples) {
    const name = node.function ?? "";
    const out = [];
    const { change, line, result } = window;
    const length = window.end - window.start;
    const gap =
        window.count > 1
            ? `, one every ${span((samples[samples.length - 1][0] - samples[0][0]) / (window.count - 1))} on average`
            : "";
    out.push(`${counted(window.count, "sample", "samples")} in ${duration(length)}${gap}.`);
    if (change) return [...out, ...changeSentences(name, window, change)];
    if (window.count < 2 && node.type === "vector" && result === undefined)
        out.push(`${name}() needs more samples, so this series answers nothing.`);
    if (line) out.push(`The straight line through them rises by ${plain(number(line.slope), 8)} a second.`);
    if (name === "irate" && samples.length > 1) {
        const [a, b] = samples.slice(-2);
        const from = `from ${plain(a[1], 12)} to ${plain(b[1], 12)}`;
        out.push(`Only the last two count: ${from} in ${span(b[0] - a[0])}.`);
    }
    if (result !== undefined) out.push([`${name}() answers `, h("b", null, plain(number(result), 12)), "."]);
    return out;
}

/**
 * @param {string} name
 * @param {Window} window
 * @param {Change} change
 */
function changeSentences(name, window, change) {
    const of = (/** @type {string} */ text) => number(text);
    const falls = window.resets.length;
    const grown = plain(of(change.change), 12);
    const why = falls
        ? `: the counter fell ${falls === 1 ? "once" : `${falls} times`}, and what it had before ` +
          `(${plain(of(change.lost), 12)}) is added`
        : "";
    const from = `From the first (${plain(of(change.first), 12)}) to the last (${plain(of(change.last), 12)})`;
    const verb = name === "delta" ? "it changed" : "it grew";
    const edge = (/** @type {string} */ side, /** @type {string} */ distance, /** @type {string} */ added) => {
        const limit = `1.1 × the mean gap (${span(of(change.threshold))})`;
        return of(distance) >= of(change.threshold)
            ? `${side} is ${span(of(distance))} away: further than ${limit}, ` +
                  `so only half a gap (${span(of(added))}) is added.`
            : `${side} is ${span(of(distance))} away: less than ${limit}, so the slope is carried on to it.`;
    };
    const start = change.stopsAtZero
        ? `The start of the window is ${span(of(change.distanceToStart))} away, but going back by the slope the ` +
          `counter would be 0 after ${span(of(change.toStart))}, so only that much is added.`
        : edge("The start of the window", change.distanceToStart, change.toStart);
    const covered = of(change.sampled) + of(change.toStart) + of(change.toEnd);
    const divided = change.seconds ? ` ÷ ${plain(of(change.seconds), 8)} s` : "";
    const product =
        `${plain(of(change.change), 8)} × ${plain(covered, 8)} s ÷ ` +
        `${plain(of(change.sampled), 8)} s${divided} = `;
    return [
        `${from} ${verb} by ${grown}${why}, over ${span(of(change.sampled))}.`,
        start,
        edge("The end", change.distanceToEnd, change.toEnd),
        [product, h("b", null, plain(number(window.result ?? "NaN"), 8))],
    ];
}
