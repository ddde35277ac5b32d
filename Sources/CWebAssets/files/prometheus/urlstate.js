// The panels of the query page as a URL and back. Reads what Prometheus 2
// (`/graph?g0.tab=1&g0.stacked=0&g0.step_input=…`) and 3 (`/query?g0.tab=table&g0.display_mode=…&g0.res_type=…`)
// write, and writes what 3 reads. Pure.

import { duration, parseDuration } from "../shared/format.js";

/**
 * @typedef {Object} Panel
 * @property {string} expr
 * @property {"table"|"graph"|"explain"} tab
 * @property {number} range seconds
 * @property {number | null} end Unix seconds; null is now
 * @property {"lines"|"stacked"|"heatmap"} mode
 * @property {"low"|"medium"|"high"|number} resolution points by density, or a step in seconds
 * @property {boolean} exemplars
 * @property {number | null} least where the value axis begins; null is where the values do
 */

/** @returns {Panel} */
export function newPanel(expr = "") {
    return {
        expr,
        tab: "table",
        range: 3600,
        end: null,
        mode: "lines",
        resolution: "medium",
        exemplars: false,
        least: null,
    };
}

/**
 * @param {string} query the query string
 * @returns {Panel[]}
 */
export function decode(query) {
    const params = new URLSearchParams(query);
    const panels = [];
    for (let i = 0; params.has(`g${i}.expr`); i++) {
        const get = (/** @type {string} */ name) => params.get(`g${i}.${name}`);
        const panel = newPanel(get("expr") ?? "");
        const tab = get("tab");
        if (tab === "0" || tab === "graph") panel.tab = "graph";
        else if (tab === "explain") panel.tab = "explain";
        const range = parseDuration(get("range_input") ?? "");
        if (range) panel.range = range;
        const end = parseTime(get("moment_input") || get("end_input") || "");
        if (end !== null) panel.end = end;
        const mode = get("display_mode") ?? (get("stacked") === "1" ? "stacked" : "lines");
        if (mode === "stacked" || mode === "heatmap") panel.mode = mode;
        panel.exemplars = get("show_exemplars") === "1";
        const least = parseFloat(get("y_axis_min") ?? "");
        if (Number.isFinite(least)) panel.least = least;
        const step =
            get("res_type") === "fixed" || get("res_type") === "custom"
                ? Number(get("res_step"))
                : get("res_type")
                  ? 0
                  : Number(get("step_input"));
        if (step > 0) panel.resolution = step;
        const density = get("res_type") === "auto" ? get("res_density") : null;
        if (density === "low" || density === "medium" || density === "high") panel.resolution = density;
        panels.push(panel);
    }
    return panels;
}

/** @param {Panel[]} panels */
export function encode(panels) {
    const params = new URLSearchParams();
    panels.forEach((panel, i) => {
        const add = (/** @type {string} */ name, /** @type {string} */ value) => params.append(`g${i}.${name}`, value);
        add("expr", panel.expr);
        add("tab", panel.tab);
        if (panel.end !== null) {
            add("end_input", formatTime(panel.end));
            add("moment_input", formatTime(panel.end));
        }
        add("range_input", duration(panel.range));
        if (typeof panel.resolution === "number") {
            add("res_type", "custom");
            add("res_step", String(panel.resolution));
        } else {
            add("res_type", "auto");
            add("res_density", panel.resolution);
        }
        add("display_mode", panel.mode);
        if (panel.least !== null) add("y_axis_min", String(panel.least));
        add("show_exemplars", panel.exemplars ? "1" : "0");
    });
    return params.toString();
}

/**
 * The step of a panel's graph.
 * @param {Panel} panel
 */
export function stepOf(panel) {
    if (typeof panel.resolution === "number") return Math.max(panel.resolution, panel.range / 11000);
    const points = { low: 100, medium: 250, high: 1000 }[panel.resolution];
    const step = panel.range / points;
    // Below a second only where that is all there is to see: targets are seldom scraped more often.
    return step >= 1 ? Math.round(step) : panel.range >= 60 ? 1 : Math.max(0.05, Math.round(step * 20) / 20);
}

/**
 * UTC, as Prometheus writes it in URLs.
 * @param {number} seconds
 */
export function formatTime(seconds) {
    return new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
}

/**
 * "2026-01-31 12:00[:05]" (UTC), an RFC 3339 time or Unix seconds → Unix seconds.
 * @param {string} text
 */
export function parseTime(text) {
    if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
    const found = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text.trim());
    if (!found) return null;
    const time = Date.parse(`${found[1]}T${found[2]}${found[3] ?? ":00"}${found[4] ?? "Z"}`);
    return Number.isNaN(time) ? null : time / 1000;
}
