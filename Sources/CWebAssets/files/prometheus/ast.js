// The tree that /api/v1/parse_query answers: its text again, its children, its windows. Pure.

import { duration, quoted } from "../shared/format.js";

/** @typedef {Record<string, any>} Node_ a node of the tree */

/**
 * The children that are expressions of their own.
 * @param {Node_} node
 * @returns {Node_[]}
 */
export function children(node) {
    switch (node.type) {
        case "aggregation":
            return [node.param, node.expr].filter(Boolean);
        case "binaryExpr":
            return [node.lhs, node.rhs];
        case "call":
            return node.args;
        case "parenExpr":
        case "unaryExpr":
        case "subquery":
            return [node.expr];
        default:
            return [];
    }
}

/**
 * A node as PromQL.
 * @param {Node_} node
 * @returns {string}
 */
export function text(node) {
    switch (node.type) {
        case "numberLiteral":
            return node.duration ? duration(Number(node.val)) : node.val.replace(/^\+?Inf$/, "Inf");
        case "stringLiteral":
            return quoted(node.val);
        case "parenExpr":
            return `(${text(node.expr)})`;
        case "unaryExpr":
            return node.op + text(node.expr);
        case "call":
            return `${node.func.name}(${node.args.map(text).join(", ")})`;
        case "aggregation": {
            const list = grouping(node);
            return `${node.op}${list && `${list} `}(${node.param ? `${text(node.param)}, ` : ""}${text(node.expr)})`;
        }
        case "binaryExpr":
            return `${text(node.lhs)} ${operatorText(node)} ${text(node.rhs)}`;
        case "vectorSelector":
            return selector(node) + modifiers(node);
        case "matrixSelector":
            return `${selector(node)}[${length(node, "range")}]${modifiers(node)}`;
        case "subquery":
            return text(node.expr) + steps(node);
        case "durationExpr":
            return durationText(node);
        default:
            return "";
    }
}

/**
 * `[range:step]` and the modifiers of a subquery.
 * @param {Node_} node
 */
function steps(node) {
    const step = node.step || node.stepExpr ? length(node, "step") : "";
    return `[${length(node, "range")}:${step}]${modifiers(node)}`;
}

/** @param {Node_} node an aggregation */
function grouping(node) {
    if (!node.grouping.length && !node.without) return "";
    return ` ${node.without ? "without" : "by"} (${node.grouping.map(labelText).join(", ")})`;
}

/**
 * The head of a node's line in a tree, where its children follow below.
 * @param {Node_} node
 */
export function headline(node) {
    switch (node.type) {
        case "parenExpr":
            return "( … )";
        case "unaryExpr":
            return `${node.op} …`;
        case "call":
            return `${node.func.name}(…)`;
        case "aggregation":
            return `${node.op}${grouping(node)} (…)`;
        case "binaryExpr":
            return `… ${operatorText(node)} …`;
        case "subquery":
            return `…${steps(node)}`;
        default:
            return text(node);
    }
}

/** @param {Node_} node */
function operatorText(node) {
    let out = node.op + (node.bool ? " bool" : "");
    const matching = node.matching;
    if (
        matching &&
        (matching.labels.length ||
            matching.on ||
            matching.card.includes("one-to-many") ||
            matching.card.includes("many-to-one"))
    ) {
        out += ` ${matching.on ? "on" : "ignoring"} (${matching.labels.map(labelText).join(", ")})`;
        if (matching.card === "many-to-one") out += ` group_left (${matching.include.map(labelText).join(", ")})`;
        if (matching.card === "one-to-many") out += ` group_right (${matching.include.map(labelText).join(", ")})`;
    }
    return out;
}

/**
 * The matchers alone.
 * @param {Node_} node
 */
export function selector(node) {
    const plainName = /^[a-zA-Z_:][\w:]*$/.test(node.name ?? "");
    const rest = node.matchers.filter(
        (/** @type {any} */ one) =>
            !(one.name === "__name__" && one.type === "=" && plainName && one.value === node.name),
    );
    const list = rest.map(matcherText).join(", ");
    return (plainName ? node.name : "") + (list || !plainName ? `{${list}}` : "");
}

/** @param {{name: string, type: string, value: string}} matcher */
export function matcherText(matcher) {
    return `${labelText(matcher.name)}${matcher.type}${quoted(matcher.value)}`;
}

/** @param {string} name */
function labelText(name) {
    return /^[a-zA-Z_]\w*$/.test(name) ? name : quoted(name);
}

/** @param {Node_} node */
function modifiers(node) {
    let out = node.anchored ? " anchored" : node.smoothed ? " smoothed" : "";
    if (node.startOrEnd) out += ` @ ${node.startOrEnd}()`;
    else if (node.timestamp !== null && node.timestamp !== undefined) out += ` @ ${(node.timestamp / 1000).toFixed(3)}`;
    if (node.offsetExpr) out += ` offset ${durationText(node.offsetExpr)}`;
    else if (node.offset) out += ` offset ${duration(node.offset / 1000)}`;
    return out;
}

/**
 * @param {Node_} node
 * @param {"range" | "step"} which
 */
function length(node, which) {
    return node[`${which}Expr`] ? durationText(node[`${which}Expr`]) : duration(node[which] / 1000);
}

/**
 * @param {Node_} node
 * @returns {string}
 */
function durationText(node) {
    if (node.type === "numberLiteral") return node.duration ? duration(Number(node.val)) : node.val;
    if (node.type !== "durationExpr") return text(node);
    if (!node.lhs && !node.rhs) return `${node.op}()`;
    const inner =
        node.op.endsWith("_of") || node.op === "min" || node.op === "max"
            ? `${node.op}(${durationText(node.lhs)}, ${durationText(node.rhs)})`
            : node.lhs
              ? `${durationText(node.lhs)} ${node.op} ${durationText(node.rhs)}`
              : `${node.op}${durationText(node.rhs)}`;
    return node.wrapped || /^[-+*/%^]$/.test(node.op) ? `(${inner})` : inner;
}

/**
 * The window (start, end] that a range selector or subquery looks at, evaluated at `time`.
 * @param {Node_} node
 * @param {number} time seconds
 */
export function windowOf(node, time) {
    const at = node.timestamp !== null && node.timestamp !== undefined ? node.timestamp / 1000 : time;
    const end = at - (node.offset ?? 0) / 1000;
    return { start: end - (node.range ?? 0) / 1000, end };
}

/**
 * Every node below and with this one.
 * @param {Node_} node
 * @returns {Node_[]}
 */
export function every(node) {
    return [node, ...children(node).flatMap(every)];
}

/**
 * Does it answer a matrix?
 * @param {Node_} node
 */
export function isRange(node) {
    return node.type === "matrixSelector" || node.type === "subquery";
}
