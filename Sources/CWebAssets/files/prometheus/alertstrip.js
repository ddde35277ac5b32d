// The last hour of an alert as a strip: inactive, pending, firing, one tile for each minute, in which each state has
// its share. What is known is kept as data, and drawn anew with the page that shows it.

import { api } from "../shared/api.js";
import { now } from "../shared/clock.js";
import { h } from "../shared/dom.js";
import { duration, quoted, span } from "../shared/format.js";

const TILES = 60;
const STEP = 60;
// What was asked is asked anew after so many milliseconds.
const FRESH = 30_000;
// So many alerts that are over are shown for a rule.
const MOST = 5;
// For so many milliseconds nobody asks again which alerts there were.
const TOGETHER = 5000;

/**
 * How much of a minute an alert was in each state, of 1; null where nothing is known, because nothing was evaluated.
 * @typedef {{pending: number, firing: number} | null} Tile
 */
/** @typedef {{labels: Record<string, string>, tiles: Tile[]}} Past */
/** @typedef {{interval: number, first: number}} Evaluations every so many seconds, since that Unix time */

/** @type {Map<string, {tiles: Tile[], state: string, at: number}>} */
const strips = new Map();
/** @type {Map<string, {alerts: Past[], at: number}>} */
const pasts = new Map();
/** @type {{names: Promise<Set<string>>, at: number} | null} */
let recent = null;

/**
 * The last hour of an active alert, minute by minute, as far as it is known; what is not is asked for.
 * @param {Record<string, string>} labels
 * @param {string} state what it is now
 * @param {Evaluations} evaluations
 * @param {() => void} learnt is called when more is known
 * @returns {Tile[]}
 */
export function lately(labels, state, evaluations, learnt) {
    const key = JSON.stringify(labels);
    const known = strips.get(key);
    if (known?.state === state && isFresh(known)) return known.tiles;
    if (strips.size > 1000) strips.clear();
    const asked = { tiles: known?.tiles ?? [], state, at: now() * 1000 };
    strips.set(key, asked);
    tilesOf(labels, state, evaluations).then((tiles) => {
        asked.tiles = tiles;
        learnt();
    }, ignore);
    return asked.tiles;
}

/**
 * The alerts of a rule that were active within the last hour and are over, the last one first, as far as they are
 * known; what is not is asked for.
 * @param {any} rule
 * @param {Evaluations} evaluations
 * @param {() => void} learnt is called when more is known
 * @returns {Past[]}
 */
export function over(rule, evaluations, learnt) {
    const key = JSON.stringify([rule.name, rule.query, rule.labels]);
    // While some are active the others are not shown, and what is known of those that are over is not all any more.
    if (rule.alerts.length > 0) {
        pasts.delete(key);
        return [];
    }
    const known = pasts.get(key);
    if (known && Math.abs(now() * 1000 - known.at) < (known.alerts.length ? FRESH : TOGETHER)) return known.alerts;
    if (pasts.size > 1000) pasts.clear();
    const asked = { alerts: known?.alerts ?? [], at: now() * 1000 };
    pasts.set(key, asked);
    pastOf(rule, evaluations).then((alerts) => {
        const isMore = alerts.length > 0 || asked.alerts.length > 0;
        asked.alerts = alerts;
        if (isMore) learnt();
    }, ignore);
    return asked.alerts;
}

/**
 * @param {Past[]} alerts
 * @returns {HTMLElement}
 */
export function overList(alerts) {
    const more = alerts.length - MOST;
    return h(
        "div",
        { class: "stack" },
        alerts.slice(0, MOST).map(({ labels, tiles }) =>
            h(
                "div",
                { class: "alert", key: JSON.stringify(labels) },
                h(
                    "div",
                    { class: "row" },
                    h("stack-labels", { labels }),
                    h(
                        "span",
                        { class: "muted small" },
                        tiles.some((tile) => (tile?.firing ?? 0) > 0) ? "over" : "was pending, did not fire",
                    ),
                ),
                strip(tiles),
            ),
        ),
        more > 0 ? h("p", { class: "muted small" }, `and ${more} more that are over`) : null,
    );
}

/** @param {{at: number}} known */
const isFresh = ({ at }) => Math.abs(now() * 1000 - at) < FRESH;

// Strips are an extra: without them the alerts are told all the same.
const ignore = () => {};

/**
 * @param {Record<string, string>} wanted
 * @param {string} state what it is now
 * @param {Evaluations} evaluations
 */
async function tilesOf(wanted, state, evaluations) {
    const matchers = Object.entries(wanted).map(([name, value]) => `${quoted(name)}=${quoted(value)}`);
    // Matchers also find alerts that have more labels.
    const { alerts, end } = await lastHour(matchers, evaluations, (labels) =>
        Object.keys(labels).every((name) => name === "alertname" || name in wanted),
    );
    const counts = alerts[0]?.counts ?? noCounts();
    // What the newest evaluation has found may not be there to be asked for yet.
    const last = counts[TILES - 1];
    if (state === "firing") last.firing ||= 1;
    else last.pending ||= 1;
    return tiles(counts, evaluations, end);
}

/**
 * @param {any} rule
 * @param {Evaluations} evaluations
 */
async function pastOf(rule, evaluations) {
    if (!(await recentNames()).has(rule.name)) return [];
    // Another rule may have the same name.
    const { alerts, end } = await lastHour([`alertname=${quoted(rule.name)}`], evaluations, (labels) =>
        Object.entries(rule.labels ?? {}).every(
            ([name, value]) => String(value).includes("{{") || (labels[name] ?? "") === value,
        ),
    );
    const last = (/** @type {Counts[]} */ counts) =>
        counts.reduce((found, { pending, firing }, index) => (pending + firing > 0 ? index : found), -1);
    return alerts
        .sort((a, b) => last(b.counts) - last(a.counts))
        .map(({ labels, counts }) => ({ labels, tiles: tiles(counts, evaluations, end) }));
}

/** @typedef {{pending: number, firing: number}} Counts how many evaluations of a minute found an alert so */

/**
 * In how many evaluations of each minute of the last hour alerts were pending and firing.
 * @param {string[]} matchers
 * @param {Evaluations} evaluations
 * @param {(labels: Record<string, string>) => boolean} isWanted
 * @returns {Promise<{alerts: {labels: Record<string, string>, counts: Counts[]}[], end: number}>}
 */
async function lastHour(matchers, { interval }, isWanted) {
    const end = Math.floor(now());
    const selector = `{${['__name__="ALERTS"', ...matchers].join(",")}}`;
    const { result } = await api("query_range", {
        query: `count_over_time(${selector}[${duration(Math.max(STEP, interval))}])`,
        start: String(end - (TILES - 1) * STEP),
        end: String(end),
        step: String(STEP),
    });
    /** @type {Map<string, {labels: Record<string, string>, counts: Counts[]}>} */
    const alerts = new Map();
    for (const { metric, values } of result) {
        const { __name__, alertstate, ...labels } = metric;
        if (!isWanted(labels)) continue;
        // An alert has a series for each state.
        const key = JSON.stringify(labels);
        const alert = alerts.get(key) ?? { labels, counts: noCounts() };
        alerts.set(key, alert);
        for (const [time, count] of values) {
            const counts = alert.counts[TILES - 1 - Math.round((end - time) / STEP)];
            if (counts && alertstate === "pending") counts.pending += Number(count);
            if (counts && alertstate === "firing") counts.firing += Number(count);
        }
    }
    return { alerts: [...alerts.values()], end };
}

const noCounts = () => Array.from({ length: TILES }, () => ({ pending: 0, firing: 0 }));

/**
 * Counts as shares of all evaluations of each minute.
 * @param {Counts[]} counts
 * @param {Evaluations} evaluations
 * @param {number} end of the last minute
 * @returns {Tile[]}
 */
export function tiles(counts, { interval, first }, end) {
    const length = Math.max(STEP, interval);
    return counts.map(({ pending, firing }, index) => {
        const to = end - (counts.length - 1 - index) * STEP;
        const found = pending + firing;
        if (found === 0 && to < first) return null;
        // The first two evaluations after a start write nothing. Before it another process evaluated as often.
        const from = to < first ? to - length : Math.max(to - length, Math.min(to, first + 2 * interval));
        // The newest evaluation may be under way, and a minute may have one less than others.
        const missed = (to - from) / interval - found - (to === end ? 1 : 0);
        const all = found === 0 || missed >= 1 ? found + Math.max(missed, 1) : found;
        return { pending: pending / all, firing: firing / all };
    });
}

/** Which alerts there were within the last hour: asked once for all rules, and not at each evaluation. */
function recentNames() {
    const asked = now() * 1000;
    if (!recent || Math.abs(asked - recent.at) >= TOGETHER) recent = { names: askNames(), at: asked };
    return recent.names;
}

async function askNames() {
    const { result } = await api("query", { query: "group by (alertname) (last_over_time(ALERTS[1h]))" });
    return new Set(result.map((/** @type {any} */ series) => series.metric.alertname));
}

/**
 * The states of a tile with their shares, the worst first.
 * @param {Tile} tile
 * @returns {[string, number][]}
 */
function shares(tile) {
    if (!tile) return [["not evaluated", 1]];
    const { firing, pending } = tile;
    const all = /** @type {[string, number][]} */ ([
        ["firing", firing],
        ["pending", pending],
        ["inactive", 1 - firing - pending],
    ]);
    return all.filter(([, share]) => share > 1e-9);
}

/**
 * A share in quarters: what is there is seen, and what is not all is not drawn as all.
 * @param {number} share
 */
const quarters = (share) => (share <= 0 ? 0 : share >= 1 ? 4 : Math.min(3, Math.max(1, Math.round(share * 4))));

/**
 * The look of a tile: its worst state, and the quarters that each state takes of it, the worst below.
 * @param {Tile} tile
 */
function look(tile) {
    if (!tile) return "unknown";
    const [[worst]] = shares(tile);
    const firing = quarters(tile.firing);
    const all = quarters(tile.firing + tile.pending);
    return `${worst} f${firing} p${tile.pending > 0 ? Math.max(all, Math.min(4, firing + 1)) : all}`;
}

/**
 * @param {Tile} tile
 * @param {number} minutes ago
 */
function title(tile, minutes) {
    const parts = shares(tile).map(([name, share], _, all) =>
        all.length > 1 ? `${name} ${Math.round(share * 100)} %` : name,
    );
    return `${minutes === 0 ? "the last minute" : `${minutes} min ago`}: ${parts.join(", ")}`;
}

/**
 * For how long an alert was in each state, for those who do not see the strip.
 * @param {Tile[]} all
 */
function summary(all) {
    /** @type {Map<string, number>} */
    const sums = new Map();
    for (const tile of all)
        for (const [name, share] of shares(tile)) sums.set(name, (sums.get(name) ?? 0) + share * STEP);
    return [...sums].map(([name, seconds]) => `${name} for ${span(Math.round(seconds))}`).join(", ");
}

/**
 * @param {Tile[]} all
 * @returns {HTMLElement}
 */
export function strip(all) {
    return h(
        "div",
        { class: "alert-hour small muted" },
        h("span", null, "1 h ago"),
        h(
            "div",
            { class: "alert-strip", role: "img", "aria-label": `The last hour of the alert: ${summary(all)}` },
            all.map((tile, index) => h("i", { class: look(tile), title: title(tile, TILES - 1 - index) })),
        ),
        h("span", null, "now"),
    );
}

/** What the strips show, in words. */
export function legend() {
    const one = (/** @type {string} */ look, /** @type {string} */ name) =>
        h("span", { class: "alert-key" }, h("i", { class: look }), name);
    return h(
        "p",
        { class: "alert-legend small muted" },
        "A strip is the last hour of an alert, a tile a minute, the newest at the right: ",
        one("firing f4 p4", "firing"),
        one("pending f0 p4", "pending"),
        one("inactive f0 p0", "inactive"),
        one("unknown", "before the first evaluation"),
        one("pending f0 p2", "for a part of the minute"),
    );
}
