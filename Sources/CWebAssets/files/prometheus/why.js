// Why a query answered nothing, as /api/v1/explain tells it. Pure.

import { localTime } from "../shared/format.js";

/**
 * @typedef {{label: string, query?: string, time?: number, now: boolean}} Suggestion
 * @typedef {{kind: string, title: string, details: string[], suggestions: Suggestion[], retry?: number}} Reason
 *     `retry`: in how many seconds it is worth another try
 */

/**
 * A text with its times as people here write them.
 * @param {string} text
 */
export function localized(text) {
    return text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (time) => localTime(Date.parse(time) / 1000));
}

/**
 * Where there is an answer now, or none that can be explained.
 * @type {Reason}
 */
export const unknown = {
    kind: "unknown",
    title: "The expression answered no series.",
    details: ["Open Explain to see what each part of it answers."],
    suggestions: [],
};
