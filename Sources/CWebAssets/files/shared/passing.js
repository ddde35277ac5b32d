// How a simulated time passes between the moments at which a page is told it. Pure.

/** For how long a page goes on to what it was told last, in seconds: as long as it was not told, in these bounds. */
const GLIDE = [0.05, 0.5];
/** After so many seconds without a word it is there at once. */
const TRUST = 2;

/**
 * What time it is, smoothly, and never later than somebody said: who goes on by himself at the speed that was asked for
 * is ahead of a world that cannot keep up, and tells of what has not happened.
 */
export class Passing {
    /** What was shown when it was told last, and what was told; simulated. */
    from = NaN;
    to = NaN;
    /** When it was told, in the reader's seconds. */
    told = -Infinity;
    /** For how long it goes on from one to the other, in seconds. */
    way = 0;

    /**
     * It is so late, and nothing moves; or it went on without anybody's looking.
     * @param {number} time
     * @param {number} at the reader's seconds
     */
    set(time, at) {
        [this.from, this.to, this.told, this.way] = [time, time, at, GLIDE[0]];
    }

    /**
     * It passes, and is so late by now; what is earlier than what is known was on its way for longer.
     * @param {number} time
     * @param {number} at the reader's seconds
     */
    hear(time, at) {
        if (!(time > this.to)) {
            if (Number.isNaN(this.to)) this.set(time, at);
            return;
        }
        if (at - this.told > TRUST) return this.set(time, at);
        this.way = Math.min(GLIDE[1], Math.max(GLIDE[0], at - this.told));
        [this.from, this.to, this.told] = [this.at(at), time, at];
    }

    /** @param {number} moment the reader's seconds */
    at(moment) {
        const share = Math.min(1, Math.max(0, (moment - this.told) / this.way));
        return share === 1 ? this.to : this.from + (this.to - this.from) * share;
    }
}
