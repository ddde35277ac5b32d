// Why a query answered nothing, as /api/v1/explain tells it. Pure.

/**
 * @typedef {{label: string, query?: string, time?: number, now: boolean}} Suggestion
 * @typedef {{kind: string, title: string, details: string[], suggestions: Suggestion[], retry?: number}} Reason
 *     `retry`: in how many seconds it is worth another try
 */

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
