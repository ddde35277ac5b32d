// PromQL cut into tokens, and what may be completed at a place. Forgiving: half-typed text is the normal case. Pure.

/**
 * The syntax tree that `parse_query` gives.
 * @typedef {{name: string, type: "=" | "!=" | "=~" | "!~", value: string}} Matcher
 * @typedef {{
 *     type: "vectorSelector" | "matrixSelector", name: string, matchers: Matcher[], offset: number,
 *     timestamp: number | null, startOrEnd: "start" | "end" | null, range?: number,
 * }} Selector
 * @typedef {{type: "numberLiteral" | "stringLiteral", val: string}} Literal
 * @typedef {{type: "parenExpr", expr: Expr}} Paren
 * @typedef {{type: "unaryExpr", op: string, expr: Expr}} Unary
 * @typedef {{type: "subquery", expr: Expr, range: number, step: number, offset: number}} Subquery
 * @typedef {{
 *     type: "aggregation", op: string, expr: Expr, param: Expr | null, grouping: string[], without: boolean,
 * }} Aggregation
 * @typedef {{type: "binaryExpr", op: string, lhs: Expr, rhs: Expr, bool: boolean}} Binary
 * @typedef {{type: "call", func: {name: string}, args: Expr[]}} Call
 * @typedef {Selector | Literal | Paren | Unary | Subquery | Aggregation | Binary | Call} Expr
 */

/**
 * @typedef {"space"|"comment"|"number"|"string"|"name"|"function"|"keyword"|"label"} Word
 * @typedef {Word|"operator"|"punctuation"|"error"} Kind
 */
/** @typedef {{kind: Kind, start: number, end: number, text: string}} Token */

export const AGGREGATORS = [
    "sum",
    "avg",
    "min",
    "max",
    "count",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "count_values",
    "quantile",
    "limitk",
    "limit_ratio",
];
/** Keywords that a list of labels follows. */
export const LABEL_LISTS = new Set(["by", "without", "on", "ignoring", "group_left", "group_right"]);
const KEYWORDS = new Set([
    ...AGGREGATORS,
    ...LABEL_LISTS,
    "fill",
    "fill_left",
    "fill_right",
    "offset",
    "bool",
    "and",
    "or",
    "unless",
    "atan2",
    "anchored",
    "smoothed",
    "inf",
    "nan",
]);

const RULES = /** @type {[Kind, RegExp][]} */ ([
    ["space", /\s+/y],
    ["comment", /#[^\n]*/y],
    ["string", /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/y],
    ["number", /0[xX][\da-fA-F_]+|(?:\d+(?:ms|[ywdhms]))+(?![\w.])|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y],
    ["name", /[a-zA-Z_:][\w:]*/y],
    ["operator", /=~|!~|!=|==|<=|>=|<\/|>\/|[-+*/%^<>=@]/y],
    ["punctuation", /[(){}[\],:]/y],
    ["error", /["'`][^\n]*|./sy],
]);

/**
 * @param {string} text
 * @returns {Token[]}
 */
export function tokenize(text) {
    /** @type {Token[]} */
    const tokens = [];
    /** @type {string[]} what is open: "{" labels, "[" durations, "l" a list of label names, "(" an expression */
    const open = [];
    let last = "";
    for (let at = 0; at < text.length; ) {
        for (const [rule, pattern] of RULES) {
            pattern.lastIndex = at;
            let found = pattern.exec(text)?.[0];
            if (!found) continue;
            /** @type {Kind} */
            let kind = rule;
            const inside = open[open.length - 1];
            // A subquery's colon is no beginning of a name.
            if (inside === "[" && found[0] === ":") {
                found = ":";
                kind = "punctuation";
            }
            if (kind === "name") {
                if (inside === "{" || inside === "l") kind = "label";
                else if (KEYWORDS.has(found.toLowerCase())) kind = "keyword";
                else if (/^\s*\(/.test(text.slice(at + found.length))) kind = "function";
            } else if (kind === "punctuation") {
                if (found === "(") open.push(LABEL_LISTS.has(last.toLowerCase()) ? "l" : "(");
                else if (found === "{" || found === "[") open.push(found);
                else if (found === ")" || found === "}" || found === "]") {
                    const opener = { ")": "(", "}": "{", "]": "[" }[found];
                    if (inside === opener || (inside === "l" && found === ")")) open.pop();
                    else kind = "error";
                }
            }
            tokens.push({ kind, start: at, end: at + found.length, text: found });
            if (kind !== "space" && kind !== "comment") last = found;
            at += found.length;
            break;
        }
    }
    return tokens;
}

/**
 * What could be typed at a place.
 * - `expression`: a metric, function, aggregator or keyword
 * - `label`: a label name, of `metric` where one is known; `used` are taken already
 * - `value`: the value of `label`; `quote` is the quote that is open
 * - `duration`: inside brackets
 * @typedef {{
 *     kind: "expression"|"label"|"value"|"duration"|"none", start: number, prefix: string, metric?: string,
 *     label?: string, quote?: string, matchers?: string[], used?: string[],
 * }} Place
 * @param {string} text
 * @param {number} caret
 * @returns {Place}
 */
export function placeAt(text, caret) {
    const before = text.slice(0, caret);
    const tokens = tokenize(before);
    const current = tokens[tokens.length - 1];
    const none = /** @type {Place} */ ({ kind: "none", start: caret, prefix: "" });
    if (current?.kind === "comment") return none;
    const solid = tokens.filter((token) => token.kind !== "space" && token.kind !== "comment");
    const touching = current && current.kind !== "space" ? current : undefined;

    // Where are we? Walk back to the innermost opener.
    let depth = 0,
        opener = -1;
    for (let i = solid.length - 1; i >= 0; i--) {
        const token = solid[i];
        if (token.kind !== "punctuation") continue;
        if (/[)}\]]/.test(token.text)) depth++;
        else if (/[({[]/.test(token.text) && depth-- === 0) {
            opener = i;
            break;
        }
    }
    const kind = opener < 0 ? "" : solid[opener].text;
    if (kind === "{") {
        const metric = solid[opener - 1]?.kind === "name" ? solid[opener - 1].text : undefined;
        const inner = solid.slice(opener + 1);
        const known = metric ?? nameMatcher(inner);
        if (touching?.kind === "error" && /^["'`]/.test(touching.text)) {
            const operator = inner[inner.length - 2],
                label = inner[inner.length - 3];
            if (operator?.kind !== "operator") return none;
            return {
                kind: "value",
                start: touching.start + 1,
                prefix: touching.text.slice(1),
                quote: touching.text[0],
                metric: known,
                label: unquoted(label?.text ?? ""),
                matchers: complete(inner.slice(0, -3)),
            };
        }
        const end = inner[inner.length - 1];
        if (touching && touching.kind !== "label" && touching.text !== "," && touching.text !== "{") return none;
        const previous = touching?.kind === "label" ? inner[inner.length - 2] : end;
        if (previous && previous.text !== ",") return none;
        const prefix = touching?.kind === "label" ? touching.text : "";
        return {
            kind: "label",
            start: caret - prefix.length,
            prefix,
            metric: known,
            used: inner.filter((token) => token.kind === "label" && token !== touching).map((token) => token.text),
        };
    }
    if (kind === "[") {
        const inner = solid.slice(opener + 1);
        const prefix = touching?.kind === "number" || touching?.kind === "name" ? touching.text : "";
        return inner.length <= 1 || inner[inner.length - 1].text === ":"
            ? { kind: "duration", start: caret - prefix.length, prefix }
            : none;
    }
    if (kind === "(" && LABEL_LISTS.has(solid[opener - 1]?.text.toLowerCase())) {
        const prefix = touching?.kind === "label" ? touching.text : "";
        const rest = tokenize(text.slice(caret));
        const metric = [...rest, ...solid].find((token) => token.kind === "name")?.text;
        return {
            kind: "label",
            start: caret - prefix.length,
            prefix,
            metric,
            used: solid
                .slice(opener + 1)
                .filter((token) => token.kind === "label" && token !== touching)
                .map((token) => token.text),
        };
    }
    if (touching && /^(name|function|keyword)$/.test(touching.kind)) {
        const previous = solid[solid.length - 2];
        if (previous?.kind === "number" && previous.end === touching.start) return none;
        return { kind: "expression", start: touching.start, prefix: touching.text };
    }
    if (touching && (touching.kind === "number" || touching.kind === "string" || touching.kind === "error"))
        return none;
    return { kind: "expression", start: caret, prefix: "" };
}

/** @param {Token[]} inner */
function nameMatcher(inner) {
    for (let i = 0; i + 2 < inner.length; i++) {
        if (inner[i].text === "__name__" && inner[i + 1].text === "=" && inner[i + 2].kind === "string")
            return unquoted(inner[i + 2].text);
    }
    return inner.find((token, i) => token.kind === "string" && inner[i - 1]?.kind !== "operator")
        ? unquoted(inner[0].text)
        : undefined;
}

/**
 * The matchers that are whole.
 * @param {Token[]} inner
 */
function complete(inner) {
    const found = [];
    for (let i = 0; i + 2 < inner.length; i++) {
        if (inner[i + 1].kind === "operator" && inner[i + 2].kind === "string")
            found.push(inner[i].text + inner[i + 1].text + inner[i + 2].text);
    }
    return found;
}

/** @param {string} text */
function unquoted(text) {
    return /^["'`]/.test(text) ? text.slice(1, -1).replace(/\\(.)/g, "$1") : text;
}

/**
 * Where a parser's message points: "…1:28: parse error: …" → offset and the rest.
 * @param {string} message
 * @param {string} text
 */
export function errorPlace(message, text) {
    const found = /(?:^|[^\d])(\d+):(\d+): (parse error: .*)$/s.exec(message);
    if (!found) return null;
    const lines = text.split("\n");
    const line = Number(found[1]) - 1;
    const offset = lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0) + Number(found[2]) - 1;
    return { offset: Math.min(Math.max(0, offset), text.length), message: found[3] };
}
