// Which series of two vectors find each other, and the label names of a result. Pure.

/** @typedef {Record<string, string>} LabelSet */

/**
 * The labels that count when two sides are matched.
 * @param {LabelSet} labels
 * @param {any} matching of a binaryExpr
 */
export function signature(labels, matching) {
    const listed = new Set(matching?.labels ?? []);
    return JSON.stringify(Object.entries(labels).filter(([name, value]) => value !== "" && (matching?.on ? listed.has(name) : name !== "__name__" && !listed.has(name))).sort());
}

/**
 * @param {LabelSet[]} left
 * @param {LabelSet[]} right
 * @param {any} matching
 */
export function matched(left, right, matching) {
    const onLeft = new Set(left.map((one) => signature(one, matching))), onRight = new Set(right.map((one) => signature(one, matching)));
    return {
        left: left.filter((one) => onRight.has(signature(one, matching))).length,
        right: right.filter((one) => onLeft.has(signature(one, matching))).length,
    };
}

/**
 * Label name → how many values it has among these series.
 * @param {LabelSet[]} all
 * @returns {Map<string, number>}
 */
export function labelCounts(all) {
    /** @type {Map<string, Set<string>>} */
    const found = new Map();
    for (const labels of all) for (const [name, value] of Object.entries(labels)) found.set(name, (found.get(name) ?? new Set()).add(value));
    return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, values]) => [name, values.size]));
}

/**
 * Why nothing matches: labels that only one side has, and labels whose values have nothing in common.
 * @param {LabelSet[]} left
 * @param {LabelSet[]} right
 * @param {any} matching
 */
export function mismatch(left, right, matching) {
    const compared = (/** @type {LabelSet[]} */ all) => {
        const names = new Set(all.flatMap(Object.keys));
        names.delete("__name__");
        return [...names].filter((name) => (matching?.on ? matching.labels.includes(name) : !matching?.labels?.includes(name))).sort();
    };
    const onLeft = compared(left), onRight = compared(right);
    const common = onLeft.filter((name) => onRight.includes(name));
    const values = (/** @type {LabelSet[]} */ all, /** @type {string} */ name) => new Set(all.map((one) => one[name] ?? ""));
    const apart = common.filter((name) => { const there = values(right, name); return ![...values(left, name)].some((value) => there.has(value)); });
    return {
        onlyLeft: onLeft.filter((name) => !onRight.includes(name)),
        onlyRight: onRight.filter((name) => !onLeft.includes(name)),
        apart,
        shared: common.filter((name) => !apart.includes(name)),
    };
}
