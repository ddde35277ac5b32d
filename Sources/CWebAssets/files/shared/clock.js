// The time by which a page lives: its reader's, or that of a stack whose time is simulated (`<html data-clock>`, which
// the server says). What a page calls "now" and "3 s ago" is asked of here.

import { api, envelope } from "./api.js";
import { parseDuration } from "./format.js";

/**
 * @typedef {{
 *     now: number, manual: boolean, start?: number, end?: number, playing?: boolean, over?: boolean, speed?: number,
 *     marks?: number, last?: string,
 * }} Status times in Unix seconds; only a scenario that is played has more than the first two
 */

/** "played" for a scenario's time, "manual" for one that is moved by hand, "" for the reader's own. */
export const kind = globalThis.document?.documentElement.dataset.clock ?? "";

/** For how long a page goes on by itself until it hears again where the clock is, in seconds. */
const TRUST = 1.5;

/** @type {Status | null} */
let status = null;
let heard = 0;
/** How many seconds pass in one: what was asked for, or less where the machine does not keep up. */
let pace = 1;

/** What is known of a simulated clock. */
export const clock = () => status;

/** What time it is, in Unix seconds. */
export function now() {
    if (!status) return Date.now() / 1000;
    const passed = status.playing ? Math.min(TRUST, (performance.now() - heard) / 1000) * pace : 0;
    return Math.min(status.now + passed, status.end ?? Infinity);
}

/**
 * How slowly things move in pictures: one scrape that is stepped to passes slowly, a night quickly.
 * @param {Status | null} [at]
 */
export function slowness(at = status) {
    if (!at || at.start === undefined) return 1;
    if (!at.playing) return 3;
    return (at.speed ?? 1) > 30 ? 0.5 : 1;
}

/** @type {number | undefined} the time at which pages looked last */
let seen;

/**
 * @param {Status} answer
 * @param {boolean} [isPassing] whether it is on its way to where pages shall look again
 */
function learn(answer, isPassing = false) {
    const before = seen;
    const passed = (performance.now() - heard) / 1000;
    const goesOn = status?.playing && answer.playing && status.speed === answer.speed && passed > 0.2;
    pace = answer.speed ?? 1;
    if (goesOn && status) pace = Math.min(pace, Math.max(0, answer.now - status.now) / passed);
    status = answer;
    if (!isPassing) seen = answer.now;
    heard = performance.now();
    document.dispatchEvent(new CustomEvent("clock"));
    if (!isPassing && before !== undefined && answer.now !== before) moved(answer.playing ? 1000 : 0);
    return answer;
}

let told = 0;

/**
 * Pages look again when the time has moved, at most so often while it moves by itself. What is looked at `every` so
 * often is looked at once more where a page comes into view, and that is what this amounts to.
 * @param {number} least
 */
function moved(least) {
    if (performance.now() - told < least) return;
    told = performance.now();
    document.dispatchEvent(new Event("visibilitychange"));
    document.dispatchEvent(new CustomEvent("timechange"));
}

/**
 * Asks for the time.
 * @param {AbortSignal} [signal]
 * @param {boolean} [isPassing] whether a jump is under way, at whose end pages look again
 */
export const askTime = async (signal, isPassing) => learn(await api("clock", {}, signal), isPassing);

/**
 * Does something to the time, and comes back when it is done.
 * @param {Record<string, string | number>} what `action`, `speed`, `to`, or `advance`
 */
export const moveTime = async (what) => learn((await envelope("clock", what, undefined, "POST")).data);

/** What time it is is known; at once where it is the reader's. */
export const ready = kind
    ? askTime().then(
          () => true,
          () => false,
      )
    : Promise.resolve(true);

/**
 * The moment that a person means: "+30s" from now, "5m" from the start, "09:30" of the day or the next, or a date and
 * time in the reader's zone; undefined where it is none of them.
 * @param {string} text
 * @param {{now: number, start?: number}} at
 * @returns {number | undefined} Unix seconds
 */
export function momentOf(text, at) {
    const trimmed = text.trim();
    const isAhead = trimmed.startsWith("+");
    const length = parseDuration(isAhead ? trimmed.slice(1).trim() : trimmed);
    if (length !== null) return (isAhead ? at.now : (at.start ?? at.now)) + length;
    const hours = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(trimmed);
    if (hours) {
        const [hour, minute, second] = [Number(hours[1]), Number(hours[2]), Number(hours[3] ?? 0)];
        if (hour > 23 || minute > 59 || second > 59) return undefined;
        const day = new Date(at.now * 1000);
        day.setHours(hour, minute, second, 0);
        if (day.getTime() / 1000 < at.now) day.setDate(day.getDate() + 1);
        return day.getTime() / 1000;
    }
    if (!/^\d{4}-\d{2}-\d{2}/.test(trimmed)) return undefined;
    const time = new Date(trimmed.replace(" ", "T")).getTime() / 1000;
    return Number.isFinite(time) ? time : undefined;
}
