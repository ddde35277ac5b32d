// The numbers of the home page, by PromQL, as anybody could ask for them.

import { api } from "../shared/api.js";
import { now } from "../shared/clock.js";
import { parseDuration } from "../shared/format.js";

/** For how long the curves go back, and their step, in seconds. */
const PAST = 300;
const STEP = 5;

/**
 * @param {AbortSignal} signal
 * @returns {Promise<{
 *     series: number, speed: number,
 *     demo: null | {instance: string, total: number, rate: number, failing: number, all: number[], bad: number[]},
 * }>} `failing` is a share, `all` and `bad` are requests a second, NaN where there are none
 */
export async function figures(signal) {
    const first = async (/** @type {string} */ query) => (await api("query", { query }, signal)).result;
    const [tsdb, counts, rates, failures, scraped, targets] = await Promise.all([
        api("status/tsdb", { limit: 1 }, signal).catch(() => null),
        first("request_count_total"),
        first("sum(rate(request_count_total[30s]))"),
        first("sum(rate(request_error_count_total[30s]))"),
        first("scrape_samples_scraped"),
        api("targets", { state: "active" }, signal),
    ]);
    /** @type {Map<string, number>} */
    const intervals = new Map();
    for (const one of targets.activeTargets) {
        intervals.set(one.labels.instance, parseDuration(one.scrapeInterval) ?? 15);
    }
    let speed = 0;
    for (const { metric, value } of scraped) speed += Number(value[1]) / (intervals.get(metric.instance) ?? 15);
    /** @type {Awaited<ReturnType<typeof figures>>} */
    const answer = { series: tsdb?.headStats.numSeries ?? NaN, speed, demo: null };
    if (!counts.length) return answer;
    let total = 0;
    for (const one of counts) total += Number(one.value[1]);
    const rate = Number(rates[0]?.value[1] ?? 0);
    const failing = rate ? Number(failures[0]?.value[1] ?? 0) / rate : 0;
    const [all, bad] = await Promise.all(["request_count_total", "request_error_count_total"].map(past));
    return { ...answer, demo: { instance: counts[0].metric.instance, total, rate, failing, all, bad } };

    /** @param {string} name */
    async function past(name) {
        const end = Math.floor(now() / STEP) * STEP;
        const query = `sum(rate(${name}[30s]))`;
        const [found] = (await api("query_range", { query, start: end - PAST, end, step: STEP }, signal)).result;
        /** @type {number[]} */
        const values = new Array(PAST / STEP + 1).fill(NaN);
        for (const [time, value] of found?.values ?? []) values[Math.round((time - end + PAST) / STEP)] = Number(value);
        return values;
    }
}

/**
 * What `increase()` says of the demo server's counter, and what its first and last sample differ by.
 * @param {number} time
 * @param {AbortSignal} signal
 * @returns {Promise<{says: number, counted: number} | null>} null where that is no lesson
 */
export async function increase(time, signal) {
    const range = "request_count_total[30s]";
    const [said, samples] = await Promise.all(
        [`increase(${range})`, range].map(async (query) => (await api("query", { query, time }, signal)).result[0]),
    );
    const values = (samples?.values ?? []).map((/** @type {[number, string]} */ one) => Number(one[1]));
    const isReset = values.some((/** @type {number} */ value, /** @type {number} */ i) => value < values[i - 1]);
    if (!said || values.length < 2 || isReset) return null;
    return { says: Number(said.value[1]), counted: values[values.length - 1] - values[0] };
}
