// What happens in the stack, while it happens: server-sent events, and asking again and again where these do not come.

import { api } from "./api.js";
import { heardTime } from "./clock.js";
import { every } from "./dom.js";

/**
 * @typedef {"push" | "scrape" | "evaluation" | "alert" | "reload" | "demo" | "missed"} Kind
 * @typedef {{id: string, kind: Kind, time: number} & Record<string, any>} Event_
 */

/** @type {any} */
const miss = { kind: "missed" };

/**
 * Hears events until it is stopped. A page that is hidden hears nothing (browsers open few connections to one server,
 * and every tab would keep one), and catches up when it is seen again.
 * @param {(event: Event_, isPast: boolean) => void} hear `isPast` for those that happened before the page was there
 * @param {string[]} [kinds] all, unless some are named
 * @returns {{isLive: () => boolean, stop: () => void}}
 */
export function listen(hear, kinds = []) {
    /** @type {EventSource | null} */
    let source = null;
    let last = "";
    let isLive = false;
    let isStopped = false;
    let wait = 0;
    /**
     * Hears an event, unless it was heard already: a connection that comes back begins where it was cut.
     * @param {Event_} event
     * @param {boolean} isPast
     */
    const tell = (event, isPast) => {
        // How many were missed has neither a number nor a time.
        if (event.kind === "missed") return hear(event, isPast);
        const [run, number] = event.id.split("-");
        const [lastRun, lastNumber] = last.split("-");
        if (run === lastRun && Number(number) <= Number(lastNumber)) return;
        // Another run of the server does not know what the last one did at its end.
        if (last && run !== lastRun) hear({ ...miss, isAnew: true }, isPast);
        last = event.id;
        heardTime(event.time);
        hear(event, isPast);
    };
    const kind = kinds.map((one) => ["kind", one]);

    const close = () => {
        source?.close();
        source = null;
        isLive = false;
        clearTimeout(wait);
    };
    const open = () => {
        if (isStopped || source || document.hidden || !last || !window.EventSource) return;
        const opened = (source = new EventSource(
            `api/v1/events/live?${new URLSearchParams([...kind, ["since", last]])}`,
        ));
        opened.onopen = () => (isLive = true);
        opened.onerror = () => {
            isLive = false;
            // The browser tries again by itself, unless it was refused.
            if (opened.readyState !== EventSource.CLOSED) return;
            close();
            wait = window.setTimeout(open, 10_000);
        };
        opened.onmessage = (message) => {
            tell(JSON.parse(message.data), false);
        };
    };
    /** @param {AbortSignal} signal */
    const ask = async (signal) => {
        const answer = await api("events", last ? { since: last, kind: kinds } : { kind: kinds, limit: 200 }, signal);
        const isPast = !last;
        if (isLive) return;
        if (answer.missed > 0) hear(miss, isPast);
        for (const event of answer.events) tell(event, isPast);
        last = answer.last;
        open();
    };
    const stopAsking = every(2000, (signal) => (isLive ? undefined : ask(signal)));
    const look = () => (document.hidden ? close() : open());
    document.addEventListener("visibilitychange", look);
    window.addEventListener("pagehide", close);
    window.addEventListener("pageshow", open);
    return {
        isLive: () => isLive,
        stop: () => {
            isStopped = true;
            stopAsking();
            close();
            document.removeEventListener("visibilitychange", look);
            window.removeEventListener("pagehide", close);
            window.removeEventListener("pageshow", open);
        },
    };
}

/** So many of the last pushes are shown at once. */
const PUSHES = 3;

/**
 * Which of the events that came together are shown: a night of simulated time may come in seconds, and a page that was
 * hidden is told what it missed. Of the scrapes that came since the last push, the last one of each target.
 * @param {Event_[]} events
 * @param {(event: Event_) => string} targetOf
 * @returns {boolean[]}
 */
export function shownOf(events, targetOf) {
    const seen = new Set();
    let pushes = 0;
    return events
        .map((_, i) => events[events.length - 1 - i])
        .map((event) => {
            if (event.kind === "push") {
                seen.clear();
                return ++pushes <= PUSHES;
            }
            if (event.kind !== "scrape") return true;
            const target = targetOf(event);
            if (pushes > PUSHES || seen.has(target)) return false;
            seen.add(target);
            return true;
        })
        .reverse();
}

/**
 * Hears all that came since the last picture at once.
 * @param {(event: Event_, isPast: boolean, isShown: boolean, moment: number) => void} hear is told of each event,
 *     whether it is one of those that are shown, and when it came, in seconds of a clock that nobody sets
 * @param {(event: Event_) => string} targetOf
 * @returns {(event: Event_, isPast: boolean) => void}
 */
export function gathered(hear, targetOf) {
    /** @type {{event: Event_, isPast: boolean, moment: number}[]} */
    let heard = [];
    const show = () => {
        const list = heard;
        heard = [];
        const shown = shownOf(
            list.map(({ event }) => event),
            targetOf,
        );
        list.forEach(({ event, isPast, moment }, i) => hear(event, isPast, shown[i], moment));
    };
    return (event, isPast) => {
        if (heard.length === 0) requestAnimationFrame(show);
        heard.push({ event, isPast, moment: performance.now() / 1000 });
    };
}
