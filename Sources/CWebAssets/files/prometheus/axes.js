// Where an axis puts its ticks and what it writes there. Pure.

import { duration, plain, si } from "../shared/format.js";

/**
 * Round numbers (1, 2, 2.5, 5 × 10ⁿ; for lengths of time round minutes, hours and days) that cover a range.
 * @param {number} low
 * @param {number} high
 * @param {number} count about so many
 * @param {string} [unit]
 */
export function valueTicks(low, high, count, unit = "") {
    if (!(high > low)) {
        const pad = Math.abs(low) * 0.1 || 1;
        low -= pad;
        high += pad;
    }
    const rough = (high - low) / Math.max(1, count);
    const power = 10 ** Math.floor(Math.log10(rough));
    let step = power * ([1, 2, 2.5, 5].find((one) => one * power >= rough * 0.999) ?? 10);
    if (unit === "s" && rough >= 10) step = STEPS.find((one) => one >= rough * 0.999) ?? step;
    const first = Math.floor(low / step + 1e-9),
        last = Math.ceil(high / step - 1e-9);
    const ticks = [];
    for (let i = first; i <= last && ticks.length < 100; i++) ticks.push(Number((i * step).toPrecision(12)));
    return { ticks, step, low: ticks[0], high: ticks[ticks.length - 1] };
}

/**
 * All ticks of an axis share a prefix, and show as many digits as tell them apart.
 * @param {number[]} ticks
 * @param {string} [unit] "s", "B", "B/s" or none
 */
export function valueLabels(ticks, unit = "") {
    const largest = Math.max(...ticks.map(Math.abs));
    const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : largest;
    if (unit === "s" && step >= 10 && ticks.every((tick) => tick % 1 === 0))
        return ticks.map((tick) => (tick === 0 ? "0" : duration(tick)));
    const digits = Math.min(15, Math.max(1, Math.ceil(Math.log10(largest / step || 1) + 1e-9) + 2));
    const bare =
        (largest >= (unit ? 1 : 1e-3) && largest < 1000) || (largest !== 0 && (largest < 1e-12 || largest >= 1e27));
    return ticks.map((tick) => {
        const label = bare ? plain(tick, digits) : si(tick, digits, largest);
        return unit && tick !== 0 ? (/[a-zA-Zµ]$/.test(label) ? label + unit : `${label} ${unit}`) : label;
    });
}

/**
 * Round numbers on a logarithmic axis: a histogram's own bounds where they are few, else 1, 2 and 5 or powers of ten.
 * @param {number} low
 * @param {number} high both above 0
 * @param {number} count about so many
 * @param {number[]} bounds
 */
export function logTicks(low, high, count, bounds) {
    const within = (/** @type {number[]} */ all) =>
        all.filter((one) => one >= low * 0.999999 && one <= high * 1.000001);
    const own = within(bounds);
    // Labels must not touch: neighbours keep a fair part of the height between them.
    const apart = (/** @type {number[]} */ all) =>
        all.every((one, i) => i === 0 || Math.log(one / all[i - 1]) / Math.log(high / low) > 0.06);
    if (own.length > 1 && own.length <= count * 1.6 && apart(own)) return own;
    const powers = Array.from(
        { length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
        (_, i) => Math.floor(Math.log10(low)) + i,
    );
    for (const digits of [[1, 2, 5], [1, 3], [1]]) {
        const all = within(powers.flatMap((power) => digits.map((digit) => Number(`${digit}e${power}`))));
        if (all.length > 1 && all.length <= count * 1.6) return all;
    }
    const every = Math.ceil(powers.length / count),
        thin = within(powers.filter((_, i) => i % every === 0).map((power) => Number(`1e${power}`)));
    return thin.length > 1 ? thin : [low, high];
}

const STEPS = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
    10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000,
];

/**
 * Ticks at round times of the reader's clock.
 * @param {number} start
 * @param {number} end Unix seconds
 * @param {number} count at most about so many
 * @param {number} [zone] minutes east of UTC
 */
export function timeTicks(start, end, count, zone = -new Date(start * 1000).getTimezoneOffset()) {
    const step = STEPS.find((one) => (end - start) / one <= count) ?? STEPS[STEPS.length - 1];
    const shift = zone * 60;
    const ticks = [];
    for (let i = Math.ceil((start + shift) / step - 1e-9); i * step - shift <= end + 1e-9 && ticks.length < 200; i++)
        ticks.push(Math.round((i * step - shift) * 1000) / 1000);
    return { ticks, step };
}

/**
 * @param {number} seconds
 * @param {number} step between ticks
 * @param {number} [zone] minutes east of UTC
 */
export function timeLabel(seconds, step, zone = -new Date(seconds * 1000).getTimezoneOffset()) {
    const text = new Date((seconds + zone * 60) * 1000).toISOString();
    if (step >= 86400 * 28) return text.slice(0, 7);
    if (step >= 86400) return text.slice(5, 10);
    if (step >= 60) return text.slice(11, 16) === "00:00" ? text.slice(5, 10) : text.slice(11, 16);
    return step >= 1 ? text.slice(11, 19) : text.slice(14, 23);
}
