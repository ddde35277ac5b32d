// Words that are close to a mistyped one. Pure.

/**
 * How many single edits lie between two words (given up above `limit`).
 * @param {string} a
 * @param {string} b
 * @param {number} limit
 */
export function distance(a, b, limit) {
    if (Math.abs(a.length - b.length) > limit) return limit + 1;
    let row = Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
        const next = [i];
        for (let j = 1; j <= b.length; j++)
            next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
        if (Math.min(...next) > limit) return limit + 1;
        row = next;
    }
    return row[b.length];
}

/**
 * The words nearest to a mistyped one, best first.
 * @param {string} word
 * @param {string[]} words
 * @param {number} [count]
 */
export function nearest(word, words, count = 3) {
    const limit = Math.max(2, Math.floor(word.length / 4));
    const low = word.toLowerCase();
    const bare = (/** @type {string} */ text) => text.replace(/_(total|bucket|count|sum|info)$/, "");
    const score = (/** @type {string} */ text) => {
        const whole = Math.min(distance(low, text, limit), distance(bare(low), bare(text), limit) + 0.5);
        const [short, long] = text.length < low.length ? [text, low] : [low, text];
        return short.length >= 3 && short.length * 3 > long.length && long.includes(short)
            ? Math.min(whole, 1.5)
            : whole;
    };
    return words
        .map((other) => ({ other, score: score(other.toLowerCase()) }))
        .filter((one) => one.score <= limit)
        .sort((a, b) => a.score - b.score || a.other.length - b.other.length || (a.other < b.other ? -1 : 1))
        .slice(0, count)
        .map(({ other }) => other);
}
