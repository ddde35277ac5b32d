// Which rules and alerts the filter of the pages Alerts and Rules lets through.

/**
 * Labels as they are shown and written in queries.
 * @param {Record<string, string>} labels
 */
function text(labels) {
    return Object.entries(labels ?? {})
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(", ")
        .toLowerCase();
}

/**
 * Whether labels hold what is wanted, be it with quotes or without.
 * @param {Record<string, string>} labels
 * @param {string} wanted in lower case
 */
function hold(labels, wanted) {
    const bare = Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`);
    return text(labels).includes(wanted) || bare.join(", ").toLowerCase().includes(wanted);
}

/**
 * The rule as far as it fits: whole where its name, labels, group or file do, else with those of its alerts that do;
 * `null` for none of it.
 * @param {any} group
 * @param {any} rule
 * @param {string} wanted in lower case
 */
export function fitting(group, rule, wanted) {
    if (wanted === "") return rule;
    const own = [rule.name, group.name, group.file].join("\n").toLowerCase();
    if (own.includes(wanted) || hold(rule.labels, wanted)) return rule;
    const alerts = (rule.alerts ?? []).filter((/** @type {any} */ alert) => hold(alert.labels, wanted));
    return alerts.length > 0 ? { ...rule, alerts } : null;
}

/**
 * How many alerts the filter could not look through, because the page did not ask for them.
 * @param {any[]} groups
 */
export function unseen(groups) {
    let count = 0;
    for (const group of groups) {
        for (const rule of group.rules) count += Math.max(0, (rule.alertCount ?? 0) - (rule.alerts ?? []).length);
    }
    return count;
}
