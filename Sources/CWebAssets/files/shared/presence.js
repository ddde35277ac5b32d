// Whether the server that a page is from answers. While it does not, what the page shows is old: every page says so
// (banner.js), and `<html data-away>` takes from it what looks live.

/**
 * @typedef {{since: number, words: string, isGone: boolean}} Away when it answered last (the reader's Unix seconds),
 *     what it says itself (a sentence without its full stop), and whether nobody answers at all: the pages of one that
 *     is down in a scenario go on
 */

export class Presence {
    /** @type {Away | null} */
    away = null;

    /** @param {number} now the reader's Unix seconds */
    constructor(now) {
        this.heard = now;
    }

    /**
     * It answered.
     * @param {number} now
     * @param {boolean} [isApart] what it also answers while it is down in a scenario
     * @returns {boolean} whether something is other than before
     */
    answered(now, isApart = false) {
        if (isApart && this.away && !this.away.isGone) return false;
        if (!isApart || this.away) this.heard = now;
        const isNew = this.away !== null;
        this.away = null;
        return isNew;
    }

    /**
     * It did not, or says that it cannot.
     * @param {string} [words] what it says; nobody answers without them
     * @returns {boolean} whether something is other than before
     */
    failed(words = "") {
        const before = this.away;
        const told = words && `${words[0].toUpperCase()}${words.slice(1)}`;
        if (before && before.words === told) return false;
        this.away = { since: before?.since ?? this.heard, words: told, isGone: words === "" };
        return true;
    }

    /**
     * What an answer says of it.
     * @param {number} now
     * @param {number} status HTTP's
     * @param {string} text
     * @param {boolean} isApart
     */
    judge(now, status, text, isApart) {
        if (![502, 503, 504].includes(status)) return this.answered(now, isApart);
        const refusal = envelopeOf(text);
        if (status === 503 && refusal?.errorType === "unavailable") return this.failed(refusal.error);
        if (refusal) return this.answered(now, isApart);
        // Others are from what is between the page and its server.
        return this.failed(status === 503 ? "the server is starting or ending" : "");
    }
}

/**
 * @param {string} text
 * @returns {any} undefined where it is no JSON
 */
function envelopeOf(text) {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

const seconds = () => Date.now() / 1000;
const presence = new Presence(seconds());

/** Since when and why the server is away; null while it answers. */
export const away = () => presence.away;

/** @param {boolean} isNew */
function tell(isNew) {
    if (!isNew) return;
    const now = presence.away;
    const { dataset } = document.documentElement;
    if (now) dataset.away = now.isGone ? "gone" : "closed";
    else delete dataset.away;
    document.dispatchEvent(new CustomEvent("presence"));
    // What is looked at again and again (`every`) is looked at once more: it is there again.
    if (!now) document.dispatchEvent(new Event("visibilitychange"));
}

/** Nobody answers. */
export const missed = () => tell(presence.failed());

/**
 * Asks the server, and remembers whether it is there.
 * @param {string} url
 * @param {RequestInit} [options]
 * @param {boolean} [isApart]
 * @returns {Promise<{response: Response, text: string}>} the answer, and what it holds
 */
export async function ask(url, options = {}, isApart = false) {
    let response, text;
    try {
        response = await fetch(url, options);
        text = await response.text();
    } catch (error) {
        if (options.signal?.aborted) throw error;
        missed();
        throw new Error("The server does not answer.");
    }
    tell(presence.judge(seconds(), response.status, text, isApart));
    return { response, text };
}
