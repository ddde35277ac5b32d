// The servers of this stack as its pages see them: where each is, who scrapes whom. `api/v1/stack` is on all three
// servers.

import { api } from "./api.js";
import { heardTime } from "./clock.js";
import { quoted } from "./format.js";

/**
 * @typedef {{scheme: string, host: string, port: number, path: string, externalUrl: string}} Server
 * @typedef {{
 *     scrapePool: string, scrapeUrl: string, labels: Record<string, string>, honorLabels: boolean, health: string,
 *     interval: number, lastScrape: number | null, nextScrape: number | null,
 * }} Reader a target that is one of the stack's servers; times in Unix seconds
 * @typedef {{
 *     time: number, prometheus: Server | null,
 *     pushgateway: (Server & {groups: number, scrapedBy: Reader[], job: string}) | null,
 *     demo: (Server & {scrapedBy: Reader[]}) | null,
 *     reload: {failed: boolean, since: number | null, file?: string, errors?: string[]},
 * }} Survey
 */

/**
 * @param {AbortSignal} [signal]
 * @returns {Promise<Survey>}
 */
export async function survey(signal) {
    const found = await api("stack", {}, signal);
    heardTime(found.time);
    return found;
}

const LOOPBACK = new Set(["", "0.0.0.0", "::", "localhost", "127.0.0.1", "::1"]);

/**
 * Where a person opens a server, seen from the page: what listens on the loopback or everywhere is on the page's own
 * host.
 * @param {Server} server
 * @param {{hostname: string}} [here]
 */
export function urlOf(server, here = location) {
    if (server.externalUrl) return server.externalUrl;
    const other = server.host.includes(":") ? `[${server.host}]` : server.host;
    return `${server.scheme}://${LOOPBACK.has(server.host) ? here.hostname : other}:${server.port}${server.path}`;
}

/**
 * An address where a browser may be sent; null for any other: a discovery gives targets what scheme it likes, and a
 * link that carries out a script is none.
 * @param {string} text
 */
export function webURL(text) {
    try {
        const url = new URL(text);
        return /^https?:$/.test(url.protocol) ? url : null;
    } catch {
        return null;
    }
}

/**
 * The selector of a pushed group's series, as whoever scrapes the Pushgateway stores them: where labels are not
 * honoured, those that the target has too are renamed.
 * @param {[string, string][]} labels
 * @param {Pick<Reader, "honorLabels" | "labels"> | undefined} reader
 */
export function groupSelector(labels, reader) {
    const names = new Set(labels.map(([name]) => name));
    const matchers = labels.flatMap(([name, value]) => {
        const clashes = reader && !reader.honorLabels && reader.labels[name] !== undefined;
        // An empty value is none, so the target's stays.
        if (clashes && value === "") return [];
        let stored = name;
        if (clashes)
            do stored = `exported_${stored}`;
            while (names.has(stored));
        return [`${/^[a-zA-Z_]\w*$/.test(stored) ? stored : quoted(stored)}=${quoted(value)}`];
    });
    return `{${matchers.join(", ")}}`;
}

/**
 * "in 4 s", "now", for a time that is to come.
 * @param {number} seconds until then
 */
export function soon(seconds) {
    return seconds < 0.5 ? "now" : `in ${Math.ceil(seconds)} s`;
}
