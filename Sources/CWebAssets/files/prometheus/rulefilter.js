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
 * The rule as far as it fits: whole where its name, labels, group or file do, else with those of its alerts that do;
 * `null` for none of it.
 * @param {any} group
 * @param {any} rule
 * @param {string} wanted in lower case
 */
export function fitting(group, rule, wanted) {
    if (wanted === "") return rule;
    const own = [rule.name, group.name, group.file].join("\n").toLowerCase();
    if (own.includes(wanted) || text(rule.labels).includes(wanted)) return rule;
    const alerts = (rule.alerts ?? []).filter((/** @type {any} */ alert) => text(alert.labels).includes(wanted));
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
