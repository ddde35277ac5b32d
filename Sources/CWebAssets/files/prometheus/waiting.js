// What was pushed and waits in the Pushgateway until a scrape takes it, by what is heard and by what is there. Pure.

/** @typedef {import("../shared/events.js").Event_} Event_ */

/**
 * A group for people: the job, then the other labels.
 * @param {Record<string, string>} labels
 */
export function groupText(labels) {
    return Object.entries(labels)
        .filter(([name, value]) => name !== "__name__" && value !== "")
        .sort(([a], [b]) => (a === "job" ? -1 : b === "job" ? 1 : a < b ? -1 : 1))
        .map(([name, value]) => (name === "job" ? value : `${name}=${value}`))
        .join(" ");
}

/** What became of a push before a scrape took it, by what came after it to its group. */
const OVERTAKEN = /** @type {Record<string, string>} */ ({ PUT: "replaced", POST: "added to", DELETE: "deleted" });
/** By how many seconds the stack's time may go otherwise than the reader's, before somebody has set it. */
const SLACK = 5;

/**
 * @typedef {{key: string, at: number, isSure: boolean}} Push the last one of a group; whether all after it was heard
 * @typedef {{key: string, waited?: number, end: string}} Fate what became of a push: "taken" (after so many seconds,
 *     where that is known), "gone", what overtook it, or nothing where it is not known
 */

/** The groups whose last push no scrape has seen yet. */
export class Waiting {
    /** @type {Map<string, Push>} by group */
    groups = new Map();
    /** When the last event was told, by the stack's clock and by the reader's. */
    last = { time: NaN, moment: NaN };
    /** When the last scrape began that was heard of. */
    read = 0;
    /** @type {Map<string, number>} when each group was changed since it was last told what is there */
    changed = new Map();

    /** How many wait for sure. */
    get count() {
        return [...this.groups.values()].filter((push) => push.isSure).length;
    }

    /**
     * A push or a deletion.
     * @param {Event_} event
     * @param {string} key by which the push is found again
     * @returns {Fate[]}
     */
    pushed(event, key) {
        if (event.status >= 300) return [];
        const group = groupText(event.group);
        const before = this.groups.get(group);
        this.changed.set(group, event.time);
        this.groups.delete(group);
        if (event.method !== "DELETE") this.groups.set(group, { at: event.time, key, isSure: true });
        return before ? [{ key: before.key, end: before.isSure ? OVERTAKEN[event.method] ?? "replaced" : "" }] : [];
    }

    /**
     * A scrape of the Pushgateway that succeeded, as it was heard: what was pushed before it began waits no longer.
     * @param {number} began
     * @returns {Fate[]}
     */
    taken(began) {
        /** @type {Fate[]} */
        const taken = [];
        this.read = Math.max(this.read, began);
        for (const [group, { at, key, isSure }] of this.groups) {
            if (at > began) continue;
            taken.push({ key, end: "taken", ...(isSure ? { waited: began - at } : {}) });
            this.groups.delete(group);
        }
        return taken;
    }

    /** Something happened that nobody heard: what waited may have been taken. */
    missed() {
        for (const push of this.groups.values()) push.isSure = false;
    }

    /**
     * An event was told while it happened. Where the stack's clock was set, lengths over that moment are none.
     * @param {number} time by the stack's clock
     * @param {number} moment by one of the reader's that nobody sets, in seconds
     */
    heard(time, moment) {
        const { last } = this;
        if (Math.abs(time - last.time - (moment - last.moment)) > SLACK) {
            this.missed();
            this.read = Math.min(this.read, time);
            for (const push of this.groups.values()) push.at = Math.min(push.at, time);
        }
        this.last = { time, moment };
    }

    /**
     * What is there, as the stack has told it.
     * @param {{time: number, groups: {labels: Record<string, string>, pushed: number}[], count: number}} held what
     *     the Pushgateway held at some time, or after that: the groups that were pushed last, and how many there are
     * @param {{health: string, lastScrape: number | null}[]} readers
     * @returns {Fate[]}
     */
    settle(held, readers) {
        /** @type {Fate[]} */
        const fates = [];
        const isWhole = held.groups.length >= held.count;
        const there = new Map(held.groups.map((one) => [groupText(one.labels), one.pushed]));
        const isUp = readers.length > 0 && readers.every((one) => one.health === "up");
        const read = Math.max(this.read, ...readers.map((one) => one.lastScrape ?? 0));
        for (const [group, time] of this.changed) if (time <= held.time) this.changed.delete(group);
        for (const [group, { at, key, isSure }] of this.groups) {
            if (at > held.time) continue;
            const isGone = isWhole && !there.has(group);
            if (!isGone && !(isUp && !isSure && at <= read)) continue;
            fates.push({ key, end: isGone ? (isSure ? "gone" : "") : "taken" });
            this.groups.delete(group);
        }
        // What was pushed before anybody listened.
        if (isUp || readers.length === 0)
            for (const [group, pushed] of there)
                if (pushed > read && pushed <= held.time && !this.groups.has(group) && !this.changed.has(group))
                    this.groups.set(group, { at: pushed, key: "", isSure: true });
        return fates;
    }
}
