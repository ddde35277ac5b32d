// What happens in the stack, while it happens: server-sent events, and asking again and again where these do not come.

import { api } from "./api.js";
import { every } from "./dom.js";

/**
 * @typedef {"push" | "scrape" | "evaluation" | "alert" | "reload" | "demo" | "missed"} Kind
 * @typedef {{id: string, kind: Kind, time: number} & Record<string, any>} Event_
 */

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
        const [run, number] = (event.id ?? "").split("-");
        const [lastRun, lastNumber] = last.split("-");
        if (event.id && run === lastRun && Number(number) <= Number(lastNumber)) return;
        last = event.id ?? last;
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
