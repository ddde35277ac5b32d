// How targets are, in a word and a colour. Pure.

/**
 * @param {{health: string}[]} targets
 * @returns {{up: number, text: string, state: "" | "good" | "warn" | "bad"}} one that was not scraped yet is not down
 */
export function healthOf(targets) {
    const count = (/** @type {string} */ health) => targets.filter((one) => one.health === health).length;
    const [up, down, all] = [count("up"), count("down"), targets.length];
    const unknown = all - up - down;
    const text = `${up} of ${all} up`;
    if (unknown > 0 && unknown === all) return { up, text: "not scraped yet", state: "" };
    return {
        up,
        text: unknown > 0 ? `${text}, ${unknown} not scraped yet` : text,
        state: all === 0 ? "" : down === 0 ? "good" : down === all ? "bad" : "warn",
    };
}

/**
 * What is said of one target.
 * @param {{health: string}} target
 * @param {string} up where it is up
 */
export const healthWord = ({ health }, up = "up") =>
    health === "up" ? up : health === "down" ? "down" : "not scraped yet";
