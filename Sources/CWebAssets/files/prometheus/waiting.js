// What was pushed and waits in the Pushgateway until a scrape takes it. Pure.

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

/** The groups whose last push no scrape has seen yet. */
export class Waiting {
    /** @type {Map<string, {at: number, key: string}>} by group */
    groups = new Map();

    get count() {
        return this.groups.size;
    }

    /**
     * @param {Event_} event a push
     * @param {string} key by which the push is found again
     */
    pushed(event, key) {
        if (event.status >= 300) return;
        const group = groupText(event.group);
        if (event.method === "DELETE") this.groups.delete(group);
        else this.groups.set(group, { at: event.time, key });
    }

    /**
     * A scrape of the Pushgateway that succeeded: what was pushed before it began waits no longer.
     * @param {number} began
     * @returns {{key: string, waited: number}[]} what it took, and for how many seconds that had waited
     */
    taken(began) {
        const taken = [];
        for (const [group, { at, key }] of this.groups) {
            if (at > began) continue;
            taken.push({ key, waited: began - at });
            this.groups.delete(group);
        }
        return taken;
    }
}
