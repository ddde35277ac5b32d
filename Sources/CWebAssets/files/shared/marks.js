// What happened in a scenario, as the bar of simulated time marks it. Pure.

/** @typedef {{time: number, kind: string, subject: string, text: string}} Mark */

/** Places for marks along the bar; what happened closer together shares one. */
export const PLACES = 400;
/** How many of the last ones are kept as they are: nobody reads more, and there may be millions. */
const KEPT = 30;
/** How something is drawn; where several things happened in one place: the one that comes first in ORDER. */
const LOOKS = /** @type {Record<string, string>} */ ({
    target: "bad",
    alert: "bad",
    notify: "bad",
    rule: "bad",
    event: "ember",
    stack: "ember",
    expect: "plain",
    batch: "accent",
    push: "accent",
});
const ORDER = ["bad", "ember", "good", "accent", "plain"];
/** What ends that way is good news. */
const GOOD = /^(is up|inactive|resolved)\b/;

/**
 * @param {Mark} mark
 * @returns {string | undefined} nothing where it is not drawn
 */
export const lookOf = (mark) => (LOOKS[mark.kind] === "bad" && GOOD.test(mark.text) ? "good" : LOOKS[mark.kind]);

/** @param {Mark} mark */
export const wordsOf = (mark) => [mark.subject, mark.text].filter(Boolean).join(" ");

export class Marks {
    /** How many there were. */
    count = 0;
    /** @type {Mark[]} the last ones */
    last = [];
    /** @type {Map<number, {look: string, count: number, first: string}>} by place */
    places = new Map();

    /** Forgets all: another run of the server begins anew. */
    clear() {
        this.count = 0;
        this.last = [];
        this.places.clear();
    }

    /**
     * More of them.
     * @param {Mark[]} more those after `count`, without those that the server has forgotten
     * @param {number} known how many there were at least when they were asked for
     * @param {{start?: number, end?: number}} span of the scenario
     */
    add(more, known, { start = 0, end = 0 }) {
        this.count = Math.max(known, this.count + more.length);
        this.last = [...this.last, ...more.slice(-KEPT)].slice(-KEPT);
        for (const mark of more) {
            const look = lookOf(mark);
            if (!look || end <= start) continue;
            const place = Math.min(PLACES - 1, Math.max(0, Math.floor(((mark.time - start) / (end - start)) * PLACES)));
            const known = this.places.get(place);
            if (!known) this.places.set(place, { look, count: 1, first: wordsOf(mark) });
            else {
                known.count++;
                if (ORDER.indexOf(look) < ORDER.indexOf(known.look)) [known.look, known.first] = [look, wordsOf(mark)];
            }
        }
    }
}
