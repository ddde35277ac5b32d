// How rate(), increase() and delta() come to their number: the same arithmetic as the engine's, step by step. Pure.

/**
 * @typedef {Object} Extrapolation
 * @property {number} result what the function answers
 * @property {number} raw last minus first, resets mended
 * @property {number[]} resets places (indexes) of the samples that are lower than the one before
 * @property {number} sampled seconds between the first and the last sample
 * @property {number} gap mean seconds between samples
 * @property {number} threshold an edge further away than this is not reached: half a gap is added instead
 * @property {number} before seconds added before the first sample
 * @property {number} after seconds added after the last one
 * @property {boolean} halfBefore the start of the window was too far away
 * @property {boolean} halfAfter
 * @property {boolean} zeroPoint the counter would have been below zero before: extrapolated only to zero
 * @property {number} factor
 */

/**
 * @param {[number, number][]} samples time in seconds, value
 * @param {number} start
 * @param {number} end the window
 * @param {"rate"|"increase"|"delta"} name
 * @returns {Extrapolation | null} null: fewer than two samples
 */
export function extrapolate(samples, start, end, name) {
    const count = samples.length;
    if (count < 2) return null;
    const counter = name !== "delta";
    const [first, firstValue] = samples[0];
    const [last, lastValue] = samples[count - 1];
    let raw = lastValue - firstValue;
    const resets = [];
    for (let i = 1; counter && i < count; i++) {
        if (samples[i][1] < samples[i - 1][1]) { resets.push(i); raw += samples[i - 1][1]; }
    }
    // Differences of times are exact to the millisecond, which the times themselves, as numbers of seconds, are not quite.
    const apart = (/** @type {number} */ from, /** @type {number} */ to) => Math.round((to - from) * 1000) / 1000;
    const sampled = apart(first, last);
    const gap = sampled / (count - 1);
    const threshold = gap * 1.1;
    let before = apart(start, first), after = apart(last, end);
    const halfBefore = before >= threshold, halfAfter = after >= threshold;
    if (halfBefore) before = gap / 2;
    let zeroPoint = false;
    if (counter && raw > 0 && firstValue >= 0) {
        const toZero = sampled * (firstValue / raw);
        if (toZero < before) { before = toZero; zeroPoint = true; }
    }
    if (halfAfter) after = gap / 2;
    const factor = (sampled + before + after) / sampled / (name === "rate" ? apart(start, end) : 1);
    return { result: raw * factor, raw, resets, sampled, gap, threshold, before, after, halfBefore, halfAfter, zeroPoint, factor };
}
