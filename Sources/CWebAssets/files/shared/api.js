// Prometheus's envelope: {status, data} or {status, errorType, error}. URLs are relative, so any route prefix works.

import { ask } from "./presence.js";

/** What a server of a scenario also answers while it is down there: the time, what happened, lessons. */
const APART = /^(clock|events|learn)\b/;

/** A refusal by the server, with its kind (`bad_data`, `execution`, …) and HTTP status. */
export class ApiError extends Error {
    /**
     * @param {string} message
     * @param {string} kind
     * @param {number} status
     */
    constructor(message, kind, status) {
        super(message);
        this.kind = kind;
        this.status = status;
    }
}

/**
 * Asks `api/v1/PATH` and gives back the whole envelope.
 * @param {string} path
 * @param {Record<string, any>} [params] lists repeat their name
 * @param {AbortSignal} [signal]
 * @param {"GET" | "POST"} [method] GET, unless the parameters are long or it is said
 * @returns {Promise<{data: any, warnings?: string[], infos?: string[]}>}
 */
export async function envelope(path, params = {}, signal, method = "GET") {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(params)) {
        for (const one of Array.isArray(value) ? value : [value])
            if (one !== undefined && one !== null) query.append(name, one);
    }
    const text = query.toString();
    const long = method === "POST" || text.length > 4000;
    const { response, text: said } = await ask(
        `api/v1/${path}${text && !long ? `?${text}` : ""}`,
        long ? { method: "POST", body: query, signal } : { signal },
        APART.test(path),
    );
    let body;
    try {
        body = JSON.parse(said);
    } catch {
        throw new ApiError(`the server answered ${response.status} ${response.statusText}`, "http", response.status);
    }
    if (body.status !== "success")
        throw new ApiError(body.error ?? "no reason given", body.errorType ?? "http", response.status);
    return body;
}

/**
 * As `envelope`, only the data.
 * @param {string} path
 * @param {Record<string, any>} [params]
 * @param {AbortSignal} [signal]
 */
export async function api(path, params, signal) {
    return (await envelope(path, params, signal)).data;
}
