// The list of lessons, what is kept of a learner's way, and how texts are drawn.

import { fill, h, memory } from "../shared/dom.js";
import { word, words } from "./learnwords.js";

/**
 * Buttons that choose the language.
 * @param {any} course
 * @param {string} language
 * @param {(language: string) => void} choose
 */
export function languages(course, language, choose) {
    return h(
        "span",
        { class: "group", role: "group", "aria-label": word(language, "choose") },
        course.languages.map((/** @type {string} */ one) =>
            h(
                "button",
                {
                    class: "button small",
                    type: "button",
                    lang: one,
                    "aria-pressed": String(one === language),
                    onclick: () => {
                        memory.set("learn/language", one);
                        choose(one);
                    },
                },
                words[one]?.language ?? one,
            ),
        ),
    );
}

/** What is kept of a lesson: how far it is, whether it was at its end, what was guessed. */
export const kept = {
    /** @param {string} name @returns {{position: number, done: boolean, guesses: Record<string, number>}} */
    get: (name) => memory.get(`learn/${name}`, { position: 0, done: false, guesses: {} }),
    /** @param {string} name @param {any} value */
    set: (name, value) => memory.set(`learn/${name}`, value),
};

/** The list of lessons. */
export class CoursePage {
    /** @param {HTMLElement} main @param {any} course @param {string} language */
    constructor(main, course, language) {
        Object.assign(this, { main, course, language });
    }

    async draw() {
        const { main, course, language } = /** @type {any} */ (this);
        const say = (/** @type {string} */ name) => word(language, name);
        main.lang = language;
        document.title = `${say("learn")} · Promenade`;
        fill(
            main,
            h(
                "div",
                { class: "headline" },
                h("h1", { class: "grow" }, say("learn")),
                languages(course, language, (one) => {
                    /** @type {any} */ (this).language = one;
                    history.replaceState(history.state, "", `learn?lang=${one}`);
                    this.draw();
                }),
            ),
            h("p", { class: "muted" }, say("intro")),
            h(
                "ol",
                { class: "plain lessons" },
                course.lessons.map((/** @type {any} */ lesson) => {
                    const text = lesson.texts[language] ?? lesson.texts.en ?? Object.values(lesson.texts)[0];
                    const { position, done } = kept.get(lesson.name);
                    return h(
                        "li",
                        { class: "card" },
                        h("span", { class: "lesson-number", "aria-hidden": "true" }, lesson.name.slice(0, 2)),
                        h(
                            "div",
                            { class: "grow" },
                            h("h2", null, h("a", { href: `learn?lesson=${lesson.name}&lang=${language}` }, text.title)),
                            h("p", { class: "muted" }, withCode(text.goal)),
                        ),
                        done
                            ? h("span", { class: "state good" }, say("done"))
                            : position > 0
                              ? h("span", { class: "state" }, say("begun"))
                              : null,
                    );
                }),
            ),
            afterwards(language, "after"),
        );
    }
}

/**
 * Where it goes on after the last lesson.
 * @param {string} language
 * @param {string} name of the words before the links
 */
export function afterwards(language, name) {
    const say = (/** @type {string} */ one) => word(language, one);
    const place = (/** @type {string} */ one) => `learn?read=${one}&lang=${language}`;
    return h(
        "p",
        { class: "muted" },
        say(name),
        " ",
        h("a", { href: place("learn-check") }, say("check")),
        " · ",
        h("a", { href: place("tutorial") }, say("byHand")),
    );
}

/**
 * A plain text with code between backquotes.
 * @param {string} text
 */
export function withCode(text) {
    return text.split("`").map((part, index) => (index % 2 ? h("code", null, part) : part));
}

/** @param {any[]} spans */
export function line(spans) {
    return spans.map((span) => {
        if (typeof span === "string") return span;
        if (span.code !== undefined) return h("code", null, span.code);
        if (span.strong !== undefined) return h("strong", null, span.strong);
        return h("b", { class: "named", title: span.query }, span.number);
    });
}

/** @param {any[]} spans */
export function plainLine(spans) {
    return spans.map((span) => (typeof span === "string" ? span : span.code ?? span.strong ?? span.number)).join("");
}

/** @param {any[][][]} rows */
export function table(rows) {
    const [head, ...others] = rows;
    return h(
        "div",
        { class: "table-wrap" },
        h(
            "table",
            { class: "lesson-table" },
            h("thead", null, h("tr", null, head.map((cell) => h("th", { scope: "col" }, line(cell))))),
            h(
                "tbody",
                null,
                others.map((row) => h("tr", null, row.map((cell) => h("td", null, line(cell))))),
            ),
        ),
    );
}
