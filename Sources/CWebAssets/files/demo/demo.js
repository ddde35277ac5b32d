// The demo server's page: asks the server as any client would, and shows its answer and its counters.

import "../shared/banner.js";
import "../shared/components.js";
import { demoControl } from "../shared/democontrol.js";
import { h, every, fill, keyed, setText } from "../shared/dom.js";

const KINDS = /** @type {Record<string, string>} */ ({ OK: "good", Normal: "", Error: "bad" });
const COUNTERS = [
    ["request_count_total", "requests, every one of them"],
    ["request_error_count_total", "of them ended in an error"],
];

const word = h("output", { class: "word", "aria-live": "polite" }, " ");
const strip = h("ul", { class: "plain strip", "aria-label": "The last answers" });
const figures = new Map(COUNTERS.map(([name]) => [name, h("div", { class: "figure" }, "–")]));
/** @type {{key: string, answer: string}[]} */
let answers = [];
let count = 0;

async function ask() {
    const answer = await fetch("./", { headers: { Accept: "text/plain" }, cache: "no-store" }).then(
        async (response) => (await response.text()).trim() || `status ${response.status}`,
        () => "no answer",
    );
    setText(word, answer);
    word.className = `word ${KINDS[answer] ?? "bad"}`;
    answers = [{ key: String(++count), answer }, ...answers].slice(0, 24);
    keyed(
        strip,
        answers,
        (one) => one.key,
        (one) => h("li", { class: `state ${KINDS[one.answer] ?? "bad"}` }, one.answer),
    );
}

/**
 * The counters as the scraper will read them.
 * @param {AbortSignal} [signal]
 */
async function counters(signal) {
    const text = await fetch("metrics", { headers: { Accept: "text/plain" }, signal }).then(
        (response) => (response.ok ? response.text() : ""),
        () => "",
    );
    for (const [name, figure] of figures) {
        const value = new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1];
        setText(figure, value === undefined ? "–" : Number(value).toLocaleString("en"));
    }
}

/** @param {number} times */
async function askOften(times) {
    for (let i = 0; i < times; i++) await ask();
    await counters();
}

const button = (/** @type {string} */ name, /** @type {number} */ times, look = "") =>
    h("button", { class: `button ${look}`, type: "button", onclick: () => askOften(times) }, name);
fill(
    /** @type {Element} */ (document.querySelector("main")),
    h("h1", null, "A server to watch"),
    h(
        "p",
        { class: "muted" },
        "Every request is answered at random: OK, Normal or Error. The server counts its answers, ",
        "and the scraper reads the counts from ",
        h("a", { href: "metrics" }, "/metrics"),
        " every few seconds.",
    ),
    h(
        "section",
        { class: "card result", "aria-label": "The answer" },
        word,
        strip,
        h(
            "div",
            { class: "row" },
            button("Ask again", 1, "primary"),
            button("Ask 10 times", 10),
            button("Ask 100 times", 100),
        ),
    ),
    demoControl(),
    h(
        "section",
        { class: "counters", "aria-label": "Counters" },
        COUNTERS.map(([name, what]) =>
            h(
                "div",
                { class: "card" },
                h("code", { class: "name" }, name),
                figures.get(name),
                h("p", { class: "muted" }, what),
            ),
        ),
    ),
);
ask();
every(1000, counters);
performance.mark("ready");
document.documentElement.dataset.ready = "true";
