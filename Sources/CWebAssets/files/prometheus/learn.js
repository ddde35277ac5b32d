// Lessons: the list, and one lesson gone through in a small simulated stack of its own. What a learner guessed and how
// far they are is kept in the browser; the session is the server's and may be forgotten: then another takes its place.

import { api, ApiError, envelope } from "../shared/api.js";
import { fill, h, memory } from "../shared/dom.js";
import { drawBlock } from "./learnblocks.js";
import { afterwards, CoursePage, kept, languages, withCode } from "./learncourse.js";
import { readings, show as showReading } from "./learnread.js";
import { sentences, spanWords, word } from "./learnwords.js";

/** Where the session of this window is kept, so that it gives its place back. */
const SESSION = "learn/session";
/** After so many milliseconds a reader for whom there was no place is tried again. */
const PATIENCE = 5000;
/** So often a session is asked for the same, and after so many milliseconds where it has too much to do. */
const TRIES = 5;
const PAUSE = 300;
/** So often where each time brings the lesson further. */
const LONG_TRIES = 20;
// So many pixels of what was in sight stay so where the space bar scrolls.
const KEPT = 48;

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
    const reading = asked.get("read") ?? "";
    if (readings.includes(reading)) return showReading(main, course, reading, language);
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
        this.isAnew = false;
        /** @type {number | undefined} for which width it is drawn */
        this.drawnWidth = undefined;
        this.drawings = 0;
        /** @type {number | undefined} how many requests there were before anything was tried */
        this.lived = undefined;
        this.body = h("div", { class: "stack" });
        this.told = h("p", { class: "visually-hidden", role: "status" });
        this.next = h("button", { class: "button primary", type: "button", onclick: () => this.forward() });
        this.link = h("a", { class: "small", onclick: (/** @type {Event} */ event) => this.copy(event) });
        this.back = h("button", { class: "button", type: "button", onclick: () => this.backward() });
        document.addEventListener("keydown", (event) => this.key(event));
        let timer = 0;
        window.addEventListener("resize", () => {
            clearTimeout(timer);
            // The bar of a telephone's browser that comes and goes changes the height alone.
            timer = window.setTimeout(() => {
                if (this.drawnWidth && this.body.clientWidth !== this.drawnWidth) this.drawStep();
            }, 150);
        });
    }

    /** @param {string} name @param {...(string | number)} parts */
    say(name, ...parts) {
        return word(this.language, name, ...parts);
    }

    async draw() {
        try {
            this.lesson = await api(`learn/lessons/${this.name}`, { language: this.language });
            if (!this.state) await this.open(this.wanted());
        } catch (error) {
            const status = error instanceof ApiError ? error.status : 0;
            const isFull = status === 503;
            const isKnown = this.course.lessons.some((/** @type {any} */ one) => one.name === this.name);
            const said = isFull
                ? this.say("full")
                : isKnown
                  ? this.say("lost", /** @type {Error} */ (error).message)
                  : this.say("unknown", this.name);
            this.main.lang = this.language;
            fill(
                this.main,
                h("p", { class: isFull ? "note warn" : "note bad", role: "status" }, said),
                h("p", null, h("a", { href: this.list }, this.say("all"))),
            );
            if (isFull) setTimeout(() => this.draw(), PATIENCE);
            return;
        }
        const { main, course, lesson, language } = this;
        main.lang = language;
        document.title = `${lesson.title} · Promenade`;
        const lang = lesson.language;
        this.body.lang = lang;
        fill(
            main,
            h(
                "div",
                { class: "headline" },
                h("h1", { class: "grow", lang }, lesson.title),
                h("a", { href: this.list }, this.say("all")),
                languages(course, language, (one) => {
                    this.language = one;
                    this.draw();
                }),
            ),
            h("p", { class: "muted", lang }, withCode(lesson.goal)),
            lang === language ? null : h("p", { class: "note warn" }, this.say("foreign")),
            this.body,
            this.told,
            h(
                "div",
                { class: "row lesson-way" },
                this.back,
                this.next,
                h("span", { class: "muted small grow lesson-keys" }, this.say("keys")),
                this.link,
            ),
        );
        await this.drawStep();
    }

    /** Where to begin: at the moment that the address names, or where the reader was; a lesson that was done, anew. */
    wanted() {
        const named = Number(new URLSearchParams(location.search).get("at") ?? NaN);
        const mine = kept.get(this.name);
        if (!Number.isInteger(named) && mine.done) kept.set(this.name, { ...mine, position: 0, guesses: {} });
        const { stops } = this.lesson;
        const position = Number.isInteger(named) ? named : kept.get(this.name).position;
        // A lesson waits at its stops only.
        return stops.find((/** @type {number} */ one) => one >= position) ?? stops.at(-1);
    }

    /** The address of the list, in the language of this page. */
    get list() {
        return `learn?lang=${this.language}`;
    }

    /** The lesson after this one; nothing after the last. */
    get following() {
        const { lessons } = this.course;
        return lessons[lessons.findIndex((/** @type {any} */ one) => one.name === this.name) + 1];
    }

    /** The address of what is shown: it leads whoever opens it to the same moment. */
    get permalink() {
        const asked = new URLSearchParams({ lesson: this.name, at: this.state.position, lang: this.language });
        return `learn?${asked}`;
    }

    /** @param {number} position */
    async open(position) {
        await this.begin();
        await this.go(Math.min(position, this.lesson.moves.length));
    }

    /** Another session, in the place of the last one of this window. */
    async begin() {
        const asked = { lesson: this.name, former: sessionStorage.getItem(SESSION) ?? "" };
        this.state = (await envelope("learn/sessions", asked, undefined, "POST")).data;
        sessionStorage.setItem(SESSION, this.state.id);
    }

    /**
     * Asks the session; opens another one where it was forgotten. What takes a busy machine longer than a request may
     * last goes on from where it was when it is asked for once more.
     * @param {string} path
     * @param {any} parameters
     */
    async ask(path, parameters) {
        for (let tries = 1; ; tries += 1) {
            try {
                return (await envelope(`learn/sessions/${this.state.id}/${path}`, parameters, undefined, "POST")).data;
            } catch (error) {
                const status = error instanceof ApiError ? error.status : 0;
                const isLong = status === 503 && path === "step";
                if (tries === (isLong ? LONG_TRIES : TRIES) || (status !== 404 && !isLong)) throw error;
                if (isLong) {
                    await new Promise((resolve) => setTimeout(resolve, PAUSE * tries));
                    continue;
                }
                await this.begin();
                if (path === "act") {
                    // What was tried before went with the session; this is tried where the lesson stands.
                    this.isAnew = true;
                    await this.go(kept.get(this.name).position);
                }
            }
        }
    }

    /** @param {number} position */
    async go(position) {
        this.state = await this.ask("step", { position });
        kept.set(this.name, { ...kept.get(this.name), position });
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
            const { following } = this;
            location.href = following ? `learn?lesson=${following.name}&lang=${this.language}` : this.list;
            return;
        }
        const { position } = this.state;
        const { stops, moves } = this.lesson;
        const next = stops.find((/** @type {number} */ one) => one > position) ?? moves.length;
        await this.work(async () => {
            await this.go(next);
            // Whoever was led to the end by an address has seen nothing of it.
            if (next >= moves.length) kept.set(this.name, { ...kept.get(this.name), done: true });
        });
    }

    /** @param {Event} event */
    async copy(event) {
        event.preventDefault();
        try {
            await navigator.clipboard.writeText(new URL(this.permalink, document.baseURI).href);
            this.link.textContent = this.told.textContent = this.say("copied");
        } catch {
            // The address bar has it.
        }
    }

    /** Where the lesson waited before; nothing at its beginning. */
    get former() {
        return this.lesson.stops.filter((/** @type {number} */ one) => one < this.state.position).at(-1);
    }

    async backward() {
        const { former } = this;
        if (former === undefined) return;
        await this.work(async () => {
            await this.go(former);
            // A question that is put again is answered again.
            const mine = kept.get(this.name);
            const guesses = { ...mine.guesses };
            for (const [index, [step, block, kind]] of this.lesson.moves.entries())
                if (kind === "ask" && index + 1 >= former) delete guesses[`${step}/${block}`];
            kept.set(this.name, { ...mine, guesses });
        });
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
        // A key that is held down does not run through the lesson.
        if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
        if (target.closest("input, textarea, select, summary")) return;
        const isSpace = event.key === " " && (target === this.next || !target.closest("button, a"));
        // Pages are read to their end first.
        const isRead = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
        const isDown = event.key === "PageDown" && isRead;
        const isUp = event.key === "PageUp" && scrollY <= 2;
        if (isSpace && !isRead) scrollBy(0, innerHeight - wayHeight() - KEPT);
        else if (isSpace || event.key === "ArrowRight" || isDown) this.forward();
        else if (event.key === "ArrowLeft" || isUp) this.backward();
        else return;
        event.preventDefault();
    }

    /**
     * Presses a button of those that are only tried.
     * @param {number} block
     * @param {number} act
     */
    tryOut(block, act) {
        return this.work(async () => {
            this.isAnew = false;
            this.state = await this.ask("act", { step: this.step, block, act });
            const { position } = kept.get(this.name);
            // Another session knows nothing of what was before.
            if (this.state.position !== position) await this.go(position);
        });
    }

    /**
     * What came of what was tried, in words.
     * @param {string} clock
     */
    outcome(clock) {
        const rows = [...this.body.querySelectorAll(".trying ~ .lesson-panels tbody tr")];
        const told = rows.map((row) => [...row.children].map((cell) => cell.textContent).join(" "));
        return sentences(this.language, [clock, ...told]);
    }

    // The step

    async drawStep() {
        if (!this.state) return;
        const { lesson, state, step } = this;
        const content = lesson.steps[step];
        const before = this.body.dataset.step;
        const held = /** @type {HTMLElement | null} */ (document.activeElement?.closest("button"));
        const hadFocus = held !== null && this.body.contains(held);
        if (!state.explored) this.lived = state.held.length;
        const truths = this.body.querySelectorAll(".predict.over").length;
        const known = this.body.querySelectorAll(".lesson-step > *").length;
        this.drawings += 1;
        const turn = this.drawings;
        // Within the card, whose padding is in the type's size.
        const type = parseFloat(getComputedStyle(document.documentElement).fontSize);
        const drawnWidth = this.body.clientWidth;
        const width = Math.max(260, drawnWidth - 3.1 * type);
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
            const requests = tries ? state.held : state.held.slice(0, this.lived);
            blocks.push(await drawBlock(this, { block, index, moves, at, width, requests }));
        }
        // Another drawing was begun meanwhile.
        if (turn !== this.drawings) return;
        this.drawnWidth = drawnWidth;
        const waits = this.waits;
        const isLast = waits === "end" && !this.following;
        const heading = h("h2", { tabindex: "-1" }, content.title);
        const clock = this.say("time", state.clock.slice(11, 19), spanWords(this.language, state.at));
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
                isLast ? afterwards(this.language, "over") : null,
            ),
        );
        this.body.dataset.step = String(step);
        this.body.dataset.position = String(state.position);
        const end = isLast ? "all" : "more";
        const labels = { answer: "guess", press: "do", step: "nextStep", next: "next", end };
        this.next.textContent = this.say(labels[waits]);
        this.back.textContent = this.say("back");
        this.link.textContent = this.say("permalink");
        this.back.disabled = this.former === undefined;
        const said = sentences(this.language, [content.title, clock]);
        this.told.textContent = tries && state.explored ? this.outcome(clock) : said;
        this.link.setAttribute("href", this.permalink);
        history.replaceState(history.state, "", this.permalink);
        if (hadFocus) {
            // What was pressed is pressed again, or it goes on.
            const same = [...this.body.querySelectorAll("button")].find((one) => one.textContent === held.textContent);
            (same && !same.disabled ? same : this.next).focus({ preventScroll: true });
        }
        if (before !== undefined && before !== String(step)) {
            heading.focus({ preventScroll: true });
            this.main.scrollIntoView({ block: "start" });
        } else if (before !== undefined) {
            // What became of a guess comes before what stands below it.
            const over = [...this.body.querySelectorAll(".predict.over")];
            const all = [...this.body.querySelectorAll(".lesson-step > *")];
            if (over.length > truths) over.at(-1)?.scrollIntoView({ block: "nearest" });
            else if (all.length > known) showAll(all[known], all[all.length - 1]);
            else all.at(-1)?.scrollIntoView({ block: "nearest" });
        }
    }
}

/**
 * Brings what is new into sight: to its end where there is room for all of it, else from its beginning on.
 * @param {Element} first
 * @param {Element} last
 */
function showAll(first, last) {
    const high = last.getBoundingClientRect().bottom - first.getBoundingClientRect().top;
    if (high < innerHeight - wayHeight() - 16) last.scrollIntoView({ block: "nearest" });
    else first.scrollIntoView({ block: "start" });
}

/** What the bar with the ways on hides of the window. */
const wayHeight = () => document.querySelector(".lesson-way")?.clientHeight ?? 0;
