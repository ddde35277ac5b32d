// The time by which a page lives: its reader's, or that of a stack whose time is simulated (`<html data-clock>`, which
// the server says). What a page calls "now" and "3 s ago" is asked of here.

import { api, envelope } from "./api.js";
import { parseDuration } from "./format.js";
import { Passing } from "./passing.js";

/**
 * @typedef {{
 *     now: number, manual: boolean, start?: number, end?: number, playing?: boolean, over?: boolean, speed?: number,
 *     marks?: number, last?: string,
 * }} Status times in Unix seconds; only a scenario that is played has more than the first two
 */

/** "played" for a scenario's time, "manual" for one that is moved by hand, "" for the reader's own. */
export const kind = globalThis.document?.documentElement.dataset.clock ?? "";

/** @type {Status | null} */
let status = null;
const passing = new Passing();
/** What passed for the reader, in seconds. */
const moment = () => performance.now() / 1000;

/** What is known of a simulated clock. */
export const clock = () => status;

/** What time it is, in Unix seconds; of a simulated time never more than the server has told. */
export const now = () => (status ? passing.at(moment()) : Date.now() / 1000);

/**
 * Something happened at that time, or was answered then: so late it is.
 * @param {number} time Unix seconds
 */
export function heardTime(time) {
    if (status) passing.hear(time, moment());
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
 * @param {boolean} isPassing whether it is on its way to where pages shall look again
 * @param {boolean} isMoved whether somebody moved it, so that it is there at once
 */
function learn(answer, isPassing, isMoved) {
    const before = seen;
    // Time goes back where the program was started again.
    const isPlayed = answer.playing && status?.playing && answer.now >= status.now;
    if (isPlayed && !isPassing && !isMoved) passing.hear(answer.now, moment());
    else passing.set(answer.now, moment());
    status = answer;
    if (!isPassing) seen = answer.now;
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
export const askTime = async (signal, isPassing = false) => learn(await api("clock", {}, signal), isPassing, false);

/**
 * Does something to the time, and comes back when it is done.
 * @param {Record<string, string | number>} what `action`, `speed`, `to`, or `advance`
 */
export const moveTime = async (what) => learn((await envelope("clock", what, undefined, "POST")).data, false, true);

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
 * @param {{now: number, start?: number, end?: number}} at
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
        const today = day.getTime() / 1000;
        if (today >= at.now) return today;
        day.setDate(day.getDate() + 1);
        const tomorrow = day.getTime() / 1000;
        // Where there is no tomorrow the one that is over is meant, and refused.
        return tomorrow > (at.end ?? Infinity) ? today : tomorrow;
    }
    if (!/^\d{4}-\d{2}-\d{2}/.test(trimmed)) return undefined;
    const time = new Date(trimmed.replace(" ", "T")).getTime() / 1000;
    return Number.isFinite(time) ? time : undefined;
}
