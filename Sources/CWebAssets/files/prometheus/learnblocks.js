// The blocks of a lesson's step as they stand on the page. What they show was true at the moment of the lesson at which
// they stand, also where the reader has gone on since.

import { api } from "../shared/api.js";
import { h } from "../shared/dom.js";
import { precise, queryHref, seriesName } from "../shared/format.js";
import { tokenize } from "./tokens.js";
import { changesTable } from "./learnchanges.js";
import { kept, line, plainLine, table } from "./learncourse.js";
import { graph } from "./learngraph.js";
import { number } from "./results.js";
import { picture } from "./learnpicture.js";
import { spanWords } from "./learnwords.js";

/**
 * @typedef {Object} Place a block and where it stands
 * @property {any} block
 * @property {number} index
 * @property {any[]} moves
 * @property {number} at milliseconds from the start
 * @property {number} width
 * @property {any[]} requests what the Pushgateway held after each of those that count here
 */

/**
 * @param {any} page
 * @param {Place} place
 * @returns {Promise<any>}
 */
export async function drawBlock(page, place) {
    const { block } = place;
    switch (block.kind) {
        case "paragraph":
            return h("p", null, line(block.line));
        case "list":
            return h("ul", null, block.lines.map((/** @type {any} */ one) => h("li", null, line(one))));
        case "table":
            return table(block.rows);
        case "code":
            return h("pre", { class: "paste", tabindex: "0" }, block.code);
        case "predict":
            return predict(page, place);
        case "act":
            return act(page, place);
        case "try":
            return trying(page, place);
        case "panel":
            return h("div", { class: "lesson-panels" }, await panels(page, place));
        case "claim":
            return h(
                "details",
                { class: "small" },
                h("summary", null, page.say("claims")),
                h(
                    "ul",
                    { class: "plain" },
                    block.queries.map((/** @type {string} */ one) => h("li", { class: "mono" }, one)),
                ),
            );
        case "changes":
            return changesTable(page, place.requests, block.job, place.at);
        case "picture":
            return h("div", { class: "table-wrap" }, await drawPicture(page, place));
        default:
            return null;
    }
}

/** @param {any} page @param {Place} place */
function predict(page, { block, index }) {
    const key = `${page.step}/${index}`;
    const guess = kept.get(page.name).guesses[key];
    const truth = page.state.truths.find(
        (/** @type {number[]} */ one) => one[0] === page.step && one[1] === index,
    )?.[2];
    const isOver = truth !== undefined;
    const choices = block.choices.map((/** @type {any} */ choice, /** @type {number} */ place) =>
        h(
            "li",
            null,
            h(
                "button",
                {
                    class: "button choice",
                    type: "button",
                    disabled: isOver || guess !== undefined,
                    "aria-pressed": String(guess === place),
                    onclick: () => {
                        const mine = kept.get(page.name);
                        kept.set(page.name, { ...mine, guesses: { ...mine.guesses, [key]: place } });
                        page.forward();
                    },
                },
                h("span", null, line(choice.text)),
            ),
            isOver && truth === place ? h("span", { class: "state good" }, page.say("truth")) : null,
            guess === place ? h("span", { class: "state" }, page.say("yours")) : null,
        ),
    );
    return h(
        "fieldset",
        { class: isOver ? "predict over" : "predict" },
        h("legend", null, line(block.question)),
        h("ul", { class: "plain guesses" }, choices),
        isOver ? verdict(page, block, guess, truth) : null,
        !isOver && guess === undefined ? h("p", { class: "muted small" }, page.say("answer")) : null,
    );
}

/** @param {any} page @param {any} block @param {number | undefined} guess @param {number} truth */
function verdict(page, block, guess, truth) {
    const isRight = guess === truth;
    const words = isRight ? page.say("right") : page.say("wrong", plainLine(block.choices[truth].text));
    return h(
        "p",
        { class: isRight || guess === undefined ? "note good" : "note warn", role: "status" },
        guess === undefined ? null : h("strong", null, words, " "),
        line(block.why),
    );
}

/** @param {any} page @param {Place} place */
function act(page, { block, moves }) {
    return h(
        "div",
        { class: "row" },
        block.labels.map((/** @type {string} */ label, /** @type {number} */ place) => {
            const isDone = moves[place][3] < page.state.position;
            const isNext = moves[place][3] === page.state.position;
            return h(
                "button",
                {
                    class: isNext ? "button primary" : "button",
                    type: "button",
                    disabled: !isNext,
                    onclick: () => page.forward(),
                },
                isDone ? `✓ ${label}` : label,
            );
        }),
    );
}

/** @param {any} page @param {Place} place */
function trying(page, { block, index }) {
    return h(
        "div",
        { class: "trying" },
        h("h3", null, page.say("try")),
        h(
            "div",
            { class: "row" },
            block.labels.map((/** @type {string} */ label, /** @type {number} */ act) =>
                h("button", { class: "button", type: "button", onclick: () => page.tryOut(index, act) }, label),
            ),
        ),
        page.isAnew ? h("p", { class: "note warn" }, page.say("anew")) : null,
        page.state.ended
            ? h("p", { class: "note warn" }, page.say("ended", spanWords(page.language, page.state.at)))
            : null,
        h("p", { class: "muted small" }, page.say("undone")),
    );
}

/**
 * Asks the lesson's server.
 * @param {any} page @param {string} query @param {number} at @param {number} [range]
 */
async function question(page, query, at, range) {
    const parameters = range ? { query, at, range: `${range}ms` } : { query, at };
    try {
        const data = await api(`learn/sessions/${page.state.id}/query`, parameters);
        const length = Math.min(range ?? 0, at);
        return { ...data, step: Math.max(1000, Math.ceil(length / 600000) * 1000) };
    } catch (error) {
        return { error: /** @type {Error} */ (error).message };
    }
}

/**
 * How wide a panel is within, as the style sheet arranges them: as many beside each other as have 24 em each.
 * @param {number} count @param {number} width
 */
function panelWidth(count, width) {
    const em = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const columns = Math.max(1, Math.min(count, Math.floor((width + em) / (25 * em))));
    return Math.floor((width - (columns - 1) * em) / columns - 1.5 * em);
}

/** @type {Promise<Set<string>> | undefined} */
let names;

/**
 * Whether the running stack has what an expression asks for: whoever is led there is to find an answer.
 * @param {string} query
 */
async function isReal(query) {
    names ??= api("label/__name__/values").then((found) => new Set(found), () => new Set());
    const known = await names;
    const asked = tokenize(query).filter((token) => token.kind === "name");
    return asked.length > 0 && asked.every((token) => known.has(token.text));
}

/** @param {any} page @param {Place} place */
function panels(page, { block, at, width }) {
    const each = panelWidth(block.panels.length, width);
    return Promise.all(
        block.panels.map(async (/** @type {any} */ panel) => {
            const [result, hasReal] = await Promise.all([
                question(page, panel.query, at, panel.range ?? undefined),
                isReal(panel.query),
            ]);
            return h(
                "section",
                { class: "lesson-panel" },
                panel.title ? h("h3", null, panel.title) : null,
                h("p", { class: "mono small" }, panel.query),
                result.error
                    ? h("p", { class: "note bad" }, result.error)
                    : panel.range
                      ? graph(result, page.state, at, panel.range, each)
                      : values(page, result),
                explained(page, panel.query, at),
                hasReal &&
                    h(
                        "a",
                        { class: "small", href: queryHref(panel.query, panel.range ? "graph" : "table") },
                        page.say("real"),
                    ),
            );
        }),
    );
}

/**
 * How an answer came about, once somebody wants to know.
 * @param {any} page @param {string} query @param {number} at
 */
function explained(page, query, at) {
    const place = h("div", { class: "lesson-explain" });
    return h(
        "details",
        {
            class: "small",
            ontoggle: async (/** @type {any} */ event) => {
                if (!event.target.open || place.firstChild) return;
                try {
                    const [{ explain }, explanation] = await Promise.all([
                        import("./explain.js"),
                        api(`learn/sessions/${page.state.id}/explain`, { query, at }),
                    ]);
                    explain(place, explanation, page.language);
                    place.firstChild.textContent = page.say("explainNote", spanWords(page.language, at));
                } catch (error) {
                    place.append(h("p", { class: "note bad" }, /** @type {Error} */ (error).message));
                }
            },
        },
        h("summary", null, page.say("explain")),
        place,
    );
}

/**
 * The name of a series, which may be broken between its labels.
 * @param {string} name
 */
function breakable(name) {
    return name.split(/(?<=[{,])/).flatMap((part) => [part, h("wbr")]);
}

/**
 * A value with as many digits as one reads; all of them stand in its title.
 * @param {string} text
 */
function rounded(text) {
    const value = number(text);
    if (!Number.isFinite(value) || Number.isInteger(value)) return [text];
    return [h("span", { title: text }, precise(value, 6))];
}

/** @param {any} page @param {any} result */
function values(page, result) {
    const rows = result.resultType === "scalar" ? [{ metric: {}, value: result.result }] : result.result;
    if (rows.length === 0) return h("p", { class: "badge" }, page.say("nothing"));
    return h(
        "div",
        { class: "table-wrap" },
        h(
            "table",
            null,
            h(
                "thead",
                null,
                h("tr", null, h("th", null, page.say("series")), h("th", { class: "num" }, page.say("value"))),
            ),
            h(
                "tbody",
                null,
                rows.slice(0, 20).map((/** @type {any} */ row) =>
                    h(
                        "tr",
                        null,
                        h("td", { class: "mono" }, breakable(seriesName(row.metric) || "{}")),
                        h("td", { class: "num" }, ...rounded(row.value ? row.value[1] : row.histogram?.[1].count)),
                    ),
                ),
            ),
        ),
    );
}

/** @param {any} page @param {Place} place */
async function drawPicture(page, { block, at, width }) {
    const found = await Promise.all(
        block.ways.map(async (/** @type {any} */ way) => {
            // A window is open on its left.
            const window = `${Math.ceil(Math.min(block.range, at) / 1000) + 1}s`;
            const [answer, samples] = await Promise.all([
                question(page, way.query, at, block.range),
                question(page, `${way.query}[${window}]`, at),
            ]);
            return { answer, samples };
        }),
    );
    return picture(block, page.state, at, found, page.language, width);
}
