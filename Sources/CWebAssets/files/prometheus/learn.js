// Lessons: the list, and one lesson gone through in a small simulated stack of its own. What a learner guessed and how
// far they are is kept in the browser; the session is the server's and may be forgotten: then another takes its place.

import { api, ApiError, envelope } from "../shared/api.js";
import { fill, h, memory } from "../shared/dom.js";
import { queryHref, seriesName } from "../shared/format.js";
import { CoursePage, kept, languages, line, plainLine, table } from "./learncourse.js";
import { graph, picture } from "./learnpicture.js";
import { shortSpan, word } from "./learnwords.js";

/** @param {HTMLElement} main */
export async function show(main) {
    const style = h("link", { rel: "stylesheet", href: "assets/prometheus/learn.css" });
    const loaded = new Promise((resolve) => {
        style.addEventListener("load", resolve);
        style.addEventListener("error", resolve);
    });
    document.head.append(style);
    const course = await api("learn/course");
    await loaded;
    const asked = new URLSearchParams(location.search);
    const name = asked.get("lesson");
    let language = asked.get("lang") ?? memory.get("learn/language", "");
    if (!course.languages.includes(language)) {
        const wanted = navigator.languages.map((one) => one.slice(0, 2));
        language = wanted.find((one) => course.languages.includes(one)) ?? course.languages[0] ?? "en";
    }
    const page = name ? new LessonPage(main, course, name, language) : new CoursePage(main, course, language);
    await page.draw();
}

/** One lesson. */
class LessonPage {
    /** @param {HTMLElement} main @param {any} course @param {string} name @param {string} language */
    constructor(main, course, name, language) {
        this.main = main;
        this.course = course;
        this.name = name;
        this.language = language;
        /** @type {any} */ this.lesson = null;
        /** @type {any} */ this.state = null;
        this.isBusy = false;
        this.body = h("div", { class: "stack" });
        this.told = h("p", { class: "visually-hidden", role: "status" });
        this.next = h("button", { class: "button primary", type: "button", onclick: () => this.forward() });
        this.back = h("button", { class: "button", type: "button", onclick: () => this.backward() });
        document.addEventListener("keydown", (event) => this.key(event));
        let timer = 0;
        window.addEventListener("resize", () => {
            clearTimeout(timer);
            timer = window.setTimeout(() => this.drawStep(), 150);
        });
    }

    /** @param {string} name @param {...(string | number)} parts */
    say(name, ...parts) {
        return word(this.language, name, ...parts);
    }

    async draw() {
        try {
            this.lesson = await api(`learn/lessons/${this.name}`, { language: this.language });
            if (!this.state) await this.open(Math.max(kept.get(this.name).position, this.lesson.stops[0]));
        } catch (error) {
            fill(this.main, h("p", { class: "note bad" }, this.say("lost", /** @type {Error} */ (error).message)));
            return;
        }
        const { main, course, lesson, language } = this;
        main.lang = language;
        document.title = `${lesson.title} · Promenade`;
        fill(
            main,
            h(
                "div",
                { class: "headline" },
                h("h1", { class: "grow" }, lesson.title),
                h("a", { href: "learn" }, this.say("all")),
                languages(course, language, (one) => {
                    this.language = one;
                    this.draw();
                }),
            ),
            h("p", { class: "muted" }, lesson.goal),
            this.body,
            this.told,
            h(
                "div",
                { class: "row lesson-way" },
                this.back,
                this.next,
                h("span", { class: "muted small" }, this.say("keys")),
            ),
        );
        await this.drawStep();
    }

    /** @param {number} position */
    async open(position) {
        this.state = (await envelope("learn/sessions", { lesson: this.name }, undefined, "POST")).data;
        await this.go(Math.min(position, this.lesson.moves.length));
    }

    /**
     * Asks the session; opens another one where it was forgotten.
     * @param {string} path
     * @param {any} parameters
     */
    async ask(path, parameters) {
        try {
            return (await envelope(`learn/sessions/${this.state.id}/${path}`, parameters, undefined, "POST")).data;
        } catch (error) {
            if (!(error instanceof ApiError) || error.status !== 404) throw error;
            this.state = (await envelope("learn/sessions", { lesson: this.name }, undefined, "POST")).data;
            return (await envelope(`learn/sessions/${this.state.id}/${path}`, parameters, undefined, "POST")).data;
        }
    }

    /** @param {number} position */
    async go(position) {
        this.state = await this.ask("step", { position });
        const mine = kept.get(this.name);
        const isDone = mine.done || position >= this.lesson.moves.length;
        kept.set(this.name, { ...mine, position, done: isDone });
    }

    /** The step that is shown. */
    get step() {
        return this.lesson.moves[Math.max(0, this.state.position - 1)][0];
    }

    /** What the lesson waits for: an answer, a button, or to go on. */
    get waits() {
        const { moves } = this.lesson;
        const [step, block, kind] = moves[Math.max(0, this.state.position - 1)];
        if (kind === "ask" && kept.get(this.name).guesses[`${step}/${block}`] === undefined) return "answer";
        const next = moves[this.state.position];
        if (!next) return "end";
        return next[2] === "press" && next[0] === step ? "press" : kind === "close" ? "step" : "next";
    }

    /** @returns {Promise<void>} */
    async forward() {
        if (this.isBusy) return;
        if (this.waits === "answer") {
            const choice = /** @type {any} */ (this.body.querySelector(".predict:not(.over) button"));
            choice?.focus();
            return;
        }
        if (this.waits === "end") {
            const { lessons } = this.course;
            const index = lessons.findIndex((/** @type {any} */ one) => one.name === this.name);
            location.href = lessons[index + 1] ? `learn?lesson=${lessons[index + 1].name}` : "learn";
            return;
        }
        const { position } = this.state;
        const { stops, moves } = this.lesson;
        await this.work(() => this.go(stops.find((/** @type {number} */ one) => one > position) ?? moves.length));
    }

    async backward() {
        const { moves, stops } = this.lesson;
        const wanted = Math.max(0, this.step - 1);
        const begin = moves.findIndex((/** @type {any} */ one) => one[0] === wanted);
        await this.work(() => this.go(stops.find((/** @type {number} */ one) => one > begin)));
    }

    /** @param {() => Promise<void>} what */
    async work(what) {
        if (this.isBusy) return;
        this.isBusy = true;
        this.main.setAttribute("aria-busy", "true");
        try {
            await what();
            await this.drawStep();
        } catch (error) {
            this.body.append(h("p", { class: "note bad" }, this.say("lost", /** @type {Error} */ (error).message)));
        } finally {
            this.isBusy = false;
            this.main.removeAttribute("aria-busy");
        }
    }

    /** @param {KeyboardEvent} event */
    key(event) {
        const target = /** @type {HTMLElement} */ (event.target);
        if (event.ctrlKey || event.altKey || event.metaKey) return;
        if (target.closest("input, textarea, select, summary")) return;
        const isSpace = event.key === " " && !target.closest("button, a");
        if (isSpace || event.key === "ArrowRight" || event.key === "PageDown") this.forward();
        else if (event.key === "ArrowLeft" || event.key === "PageUp") this.backward();
        else return;
        event.preventDefault();
    }

    // The step

    async drawStep() {
        if (!this.state) return;
        const { lesson, state, step } = this;
        const content = lesson.steps[step];
        const before = this.body.dataset.step;
        const width = Math.max(260, Math.min(this.main.clientWidth - 60, 1400));
        const blocks = [];
        let tries = false;
        for (const [index, block] of content.blocks.entries()) {
            const moves = lesson.moves
                .map((/** @type {any} */ move, /** @type {number} */ place) => [...move, place])
                .filter((/** @type {any} */ move) => move[0] === step && move[1] === index);
            const first = moves[0][3];
            const isWaiting = block.kind === "act" && first === state.position;
            if (first >= state.position && !isWaiting) break;
            if (block.kind === "try") tries = true;
            const at = tries && state.explored ? state.at : state.moments[first] ?? state.at;
            blocks.push(await this.block(block, index, moves, at, width));
        }
        const heading = h("h2", { tabindex: "-1" }, content.title);
        const clock = this.say("time", state.clock.slice(11, 19), shortSpan(state.at));
        fill(
            this.body,
            h(
                "section",
                { class: "card lesson-step" },
                h(
                    "p",
                    { class: "row small muted" },
                    h("span", { class: "badge accent" }, this.say("step", step + 1, lesson.steps.length)),
                    h("span", null, clock),
                ),
                heading,
                blocks,
            ),
        );
        this.body.dataset.step = String(step);
        this.body.dataset.position = String(state.position);
        const waits = this.waits;
        const labels = { answer: "guess", press: "do", step: "nextStep", next: "next", end: "more" };
        this.next.textContent = this.say(labels[waits]);
        this.back.textContent = this.say("back");
        this.back.disabled = step === 0;
        this.told.textContent = `${content.title}. ${clock}`;
        if (before !== undefined && before !== String(step)) {
            heading.focus({ preventScroll: true });
            this.main.scrollIntoView({ block: "start" });
        } else if (before !== undefined) {
            this.body.querySelector(".lesson-step > :last-child")?.scrollIntoView({ block: "nearest" });
        }
    }

    /**
     * @param {any} block
     * @param {number} index
     * @param {any[]} moves
     * @param {number} at
     * @param {number} width
     */
    async block(block, index, moves, at, width) {
        switch (block.kind) {
            case "paragraph":
                return h("p", null, line(block.line));
            case "list":
                return h("ul", null, block.lines.map((/** @type {any} */ one) => h("li", null, line(one))));
            case "table":
                return table(block.rows);
            case "code":
                return h("pre", { class: "paste", tabindex: "0" }, block.code);
            case "predict":
                return this.predict(block, index);
            case "act":
                return this.act(block, moves);
            case "try":
                return this.trying(block, index);
            case "panel":
                return h("div", { class: "lesson-panels" }, await this.panels(block.panels, at, width));
            case "claim":
                return h(
                    "details",
                    { class: "small" },
                    h("summary", null, this.say("claims")),
                    h(
                        "ul",
                        { class: "plain" },
                        block.queries.map((/** @type {string} */ one) => h("li", { class: "mono" }, one)),
                    ),
                );
            case "picture":
                return h("div", { class: "table-wrap" }, await this.picture(block, at, width));
            default:
                return null;
        }
    }

    /** @param {any} block @param {number} index */
    predict(block, index) {
        const key = `${this.step}/${index}`;
        const guess = kept.get(this.name).guesses[key];
        const truth = this.state.truths.find(
            (/** @type {number[]} */ one) => one[0] === this.step && one[1] === index,
        )?.[2];
        const isOver = truth !== undefined;
        const choices = block.choices.map((/** @type {any} */ choice, /** @type {number} */ place) =>
            h(
                "li",
                null,
                h(
                    "button",
                    {
                        class: "button choice",
                        type: "button",
                        disabled: isOver || guess !== undefined,
                        "aria-pressed": String(guess === place),
                        onclick: () => {
                            const mine = kept.get(this.name);
                            kept.set(this.name, { ...mine, guesses: { ...mine.guesses, [key]: place } });
                            this.forward();
                        },
                    },
                    h("span", null, line(choice.text)),
                ),
                isOver && truth === place ? h("span", { class: "state good" }, this.say("truth")) : null,
                guess === place ? h("span", { class: "state" }, this.say("yours")) : null,
            ),
        );
        const verdict = !isOver
            ? guess === undefined
                ? h("p", { class: "muted small" }, this.say("answer"))
                : null
            : h(
                  "p",
                  { class: guess === truth || guess === undefined ? "note good" : "note warn", role: "status" },
                  guess === undefined
                      ? null
                      : h(
                            "strong",
                            null,
                            guess === truth
                                ? this.say("right")
                                : this.say("wrong", plainLine(block.choices[truth].text)),
                            " ",
                        ),
                  line(block.why),
              );
        return h(
            "fieldset",
            { class: isOver ? "predict over" : "predict" },
            h("legend", null, line(block.question)),
            h("ul", { class: "plain choices" }, choices),
            verdict,
        );
    }

    /** @param {any} block @param {any[]} moves */
    act(block, moves) {
        return h(
            "div",
            { class: "row" },
            block.labels.map((/** @type {string} */ label, /** @type {number} */ place) => {
                const isDone = moves[place][3] < this.state.position;
                const isNext = moves[place][3] === this.state.position;
                return h(
                    "button",
                    {
                        class: isNext ? "button primary" : "button",
                        type: "button",
                        disabled: !isNext,
                        onclick: () => this.forward(),
                    },
                    isDone ? `✓ ${label}` : label,
                );
            }),
        );
    }

    /** @param {any} block @param {number} index */
    trying(block, index) {
        return h(
            "div",
            { class: "trying" },
            h("h3", null, this.say("try")),
            h(
                "div",
                { class: "row" },
                block.labels.map((/** @type {string} */ label, /** @type {number} */ act) =>
                    h(
                        "button",
                        {
                            class: "button",
                            type: "button",
                            onclick: () =>
                                this.work(async () => {
                                    this.state = await this.ask("act", { step: this.step, block: index, act });
                                    const { position } = kept.get(this.name);
                                    // Another session knows nothing of what was before.
                                    if (this.state.position !== position) await this.go(position);
                                }),
                        },
                        label,
                    ),
                ),
            ),
            h("p", { class: "muted small" }, this.say("undone")),
        );
    }

    /** @param {string} query @param {number} at @param {number} [range] */
    async question(query, at, range) {
        const parameters = range ? { query, at, range: `${range}ms` } : { query, at };
        try {
            const data = await api(`learn/sessions/${this.state.id}/query`, parameters);
            const length = Math.min(range ?? 0, at);
            return { ...data, step: Math.max(1000, Math.ceil(length / 600000) * 1000) };
        } catch (error) {
            return { error: /** @type {Error} */ (error).message };
        }
    }

    /** @param {any[]} panels @param {number} at @param {number} width */
    panels(panels, at, width) {
        const isNarrow = panels.length === 1;
        const each = isNarrow ? width : Math.min(width, Math.max(260, width / 2 - 30));
        return Promise.all(
            panels.map(async (panel) => {
                const result = await this.question(panel.query, at, panel.range ?? undefined);
                return h(
                    "section",
                    { class: "lesson-panel" },
                    panel.title ? h("h3", null, panel.title) : null,
                    h("p", { class: "mono small" }, panel.query),
                    result.error
                        ? h("p", { class: "note bad" }, result.error)
                        : panel.range
                          ? graph(result, this.state, at, panel.range, each)
                          : this.values(result),
                    h(
                        "a",
                        { class: "small", href: queryHref(panel.query, panel.range ? "graph" : "table") },
                        this.say("real"),
                    ),
                );
            }),
        );
    }

    /** @param {any} result */
    values(result) {
        const rows = result.resultType === "scalar" ? [{ metric: {}, value: result.result }] : result.result;
        if (rows.length === 0) return h("p", { class: "badge" }, this.say("nothing"));
        return h(
            "div",
            { class: "table-wrap" },
            h(
                "table",
                null,
                h(
                    "thead",
                    null,
                    h("tr", null, h("th", null, this.say("series")), h("th", { class: "num" }, this.say("value"))),
                ),
                h(
                    "tbody",
                    null,
                    rows.slice(0, 20).map((/** @type {any} */ row) =>
                        h(
                            "tr",
                            null,
                            h("td", { class: "mono" }, seriesName(row.metric) || "{}"),
                            h("td", { class: "num" }, row.value ? row.value[1] : row.histogram?.[1].count),
                        ),
                    ),
                ),
            ),
        );
    }

    /** @param {any} block @param {number} at @param {number} width */
    async picture(block, at, width) {
        const answers = await Promise.all(
            block.queries.map(async (/** @type {string} */ query) => ({
                query,
                result: await this.question(query, at, block.range),
            })),
        );
        return picture(block, this.state, at, answers, this.language, width);
    }
}
