// The bar at the top of every page while time is simulated: what time it is, play and pause, how fast, one step, a
// jump, and marks where something happened.

import { api } from "./api.js";
import { askTime, clock, kind, momentOf, moveTime, now, ready } from "./clock.js";
import { every, fill, h, keyed, setText } from "./dom.js";
import { localTime, span } from "./format.js";

/** @typedef {{time: number, kind: string, subject: string, text: string}} Mark */

const SPEEDS = [1, 2, 5, 10, 30, 60, 300, 900, 3600];
/** By how much a clock that is moved by hand is moved: what the button says, and what is sent. */
const ADVANCES = [
    ["1 s", "1s"],
    ["15 s", "15s"],
    ["1 min", "1m"],
    ["5 min", "5m"],
    ["1 h", "1h"],
];
/** Places for marks along the bar; what happened closer together shares one. */
const PLACES = 400;
/** How many lines of what happened are shown. */
const LINES = 30;
/** What is said when all of it has passed. */
const OVER = "The end of the scenario";
/** What is drawn where several things happened in one place: the one that comes first here. */
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

/** @param {Mark} mark */
const lookOf = (mark) => (LOOKS[mark.kind] === "bad" && GOOD.test(mark.text) ? "good" : LOOKS[mark.kind]);

/** @param {Mark} mark */
const wordsOf = (mark) => [mark.subject, mark.text].filter(Boolean).join(" ");

class TimeBar extends HTMLElement {
    /** @type {Mark[]} */
    marks = [];
    /** @type {Map<number, {look: string, count: number, first: string}>} by place */
    places = new Map();
    isDragged = false;
    isMoving = false;
    /** How many jumps are under way, which can be stopped. */
    jumps = 0;
    isAsking = false;

    connectedCallback() {
        this.setAttribute("role", "region");
        this.setAttribute("aria-label", "Simulated time");
        this.time = h("output", { class: "clock-time" });
        this.told = h("span", { class: "clock-told muted small grow" });
        this.said = h("p", { class: "visually-hidden", role: "status" });
        ready.then(() => {
            fill(this, kind === "played" ? this.player() : this.hand(), this.said);
            this.show();
            document.addEventListener("clock", () => this.show());
            this.stop = every(500, async (signal) => {
                if (!this.isMoving) await askTime(signal, this.jumps > 0);
                await this.look(signal);
            });
            const tick = () => {
                if (!this.isConnected) return;
                this.tell();
                requestAnimationFrame(tick);
            };
            tick();
        });
    }

    disconnectedCallback() {
        this.stop?.();
    }

    /** @param {string} name @param {string} title @param {Record<string, any>} more */
    button(name, title, more) {
        return h("button", { class: "button small", type: "button", title, ...more }, name);
    }

    // A clock that is moved by hand.

    hand() {
        const moment = h("input", {
            class: "field clock-jump",
            placeholder: "10m",
            autocomplete: "off",
            "aria-label": "Move the time by",
        });
        const move = (/** @type {string} */ by) => this.move({ advance: by });
        return h(
            "div",
            { class: "clock-row" },
            h("strong", { class: "small" }, "Simulated time"),
            this.time,
            h(
                "span",
                { class: "group", role: "group", "aria-label": "Move the time" },
                ADVANCES.map(([name, by]) => this.button(`+${name}`, `Let ${name} pass`, { onclick: () => move(by) })),
            ),
            h(
                "form",
                {
                    class: "clock-form",
                    onsubmit: (/** @type {Event} */ event) => {
                        event.preventDefault();
                        if (moment.value.trim()) move(moment.value.trim().replace(/^\+/, ""));
                    },
                },
                moment,
                h("button", { class: "button small" }, "Move"),
            ),
            this.told,
        );
    }

    // A scenario that is played.

    player() {
        this.play = this.button("▶ Play", "Let time pass", {
            onclick: () => this.move({ action: clock()?.playing || this.jumps ? "pause" : "play" }),
        });
        this.step = this.button("Step", "To the next scrape, push or evaluation", {
            onclick: () => this.move({ action: "step" }),
        });
        this.speed = h("select", {
            class: "field small",
            "aria-label": "Speed",
            onchange: () => this.move({ speed: this.speed.value }),
        });
        const moment = (this.moment = h("input", {
            class: "field clock-jump",
            placeholder: "+5m or 09:30",
            title: "+5m from now, 5m from the start, 09:30, or a date and time",
            autocomplete: "off",
            "aria-label": "Jump to",
        }));
        this.slider = h("input", {
            type: "range",
            class: "clock-slider",
            "aria-label": "Time in the scenario",
            oninput: () => {
                this.isDragged = true;
                this.tell();
            },
            onchange: () => {
                const to = Number(this.slider.value);
                this.isDragged = false;
                this.jump(to);
            },
        });
        this.drawn = h("svg:svg", {
            class: "clock-marks",
            viewBox: `0 0 ${PLACES} 10`,
            preserveAspectRatio: "none",
            "aria-hidden": "true",
        });
        this.list = h("ol", { class: "plain clock-list" });
        this.count = h("summary", null, "What happened");
        this.fold = h(
            "details",
            { class: "clock-fold small", ontoggle: () => this.showList() },
            this.count,
            this.list,
        );
        return [
            h(
                "div",
                { class: "clock-row" },
                h("span", { class: "group" }, this.play, this.step),
                this.speed,
                this.time,
                this.told,
                h(
                    "form",
                    {
                        class: "clock-form",
                        onsubmit: (/** @type {Event} */ event) => {
                            event.preventDefault();
                            const at = clock();
                            const to = at && momentOf(moment.value, { ...at, now: now() });
                            if (!to) return this.say(`${moment.value || "Nothing"} is no moment: +5m, 5m, 09:30`, true);
                            moment.value = "";
                            this.jump(to);
                        },
                    },
                    moment,
                    h("button", { class: "button small" }, "Jump"),
                ),
            ),
            h("div", { class: "clock-track" }, this.drawn, this.slider),
            this.fold,
        ];
    }

    /** @param {number} to Unix seconds */
    jump(to) {
        const at = clock();
        if (!at) return;
        const end = at.end ?? Infinity;
        // The bar moves in whole steps; what is less than one back is where one is.
        if (to < at.now - 1) {
            this.show();
            return this.say(
                "Time does not go back: start the scenario again to see what was before. Queries look at any time.",
                true,
            );
        }
        this.move({ to: Math.min(to, end).toFixed(3) });
    }

    /**
     * Moves the time, and says where it is then.
     * @param {Record<string, string | number>} what
     */
    async move(what) {
        if (this.isMoving) return;
        const isJump = what.to !== undefined;
        if (isJump) this.jumps++;
        else this.isMoving = true;
        this.setAttribute("aria-busy", "true");
        this.show();
        try {
            const at = await moveTime(what);
            await this.look();
            if (what.action === "step") this.say(`${localTime(at.now, true).slice(11)}: ${at.last || "nothing"}`);
            else if (at.over) this.say(`The end, ${localTime(at.now)}`);
            else if (at.start === undefined || what.to) this.say(`It is ${localTime(at.now)}`);
            else if (what.speed) this.say(`${at.speed} times as fast`);
            else this.say(at.playing ? "Time passes" : `Time stands still at ${localTime(at.now)}`);
        } catch (error) {
            this.say(/** @type {Error} */ (error).message, true);
        } finally {
            if (isJump) this.jumps--;
            else this.isMoving = false;
            if (!this.isMoving && !this.jumps) this.removeAttribute("aria-busy");
            this.show();
        }
    }

    /**
     * @param {string} words
     * @param {boolean} [isBad]
     */
    say(words, isBad = false) {
        setText(this.said, words);
        this.write(words, words, isBad);
    }

    /**
     * What stands beside the time; not said aloud.
     * @param {string} text
     * @param {string} title
     * @param {boolean} [isBad]
     */
    write(text, title, isBad = false) {
        setText(this.told, text);
        this.told.title = title;
        this.told.classList.toggle("bad", isBad);
    }

    // What is shown.

    /** What changes all the time. */
    tell() {
        const at = clock();
        if (!at) return;
        const time = this.isDragged ? Number(this.slider.value) : now();
        setText(this.time, localTime(time));
        if (this.slider && !this.isDragged) this.slider.value = String(time);
    }

    /** What changes when somebody changes it. */
    show() {
        const at = clock();
        if (!at) return this.say("The server does not tell its time.", true);
        this.tell();
        if (!this.slider || at.start === undefined || at.end === undefined) return;
        const { play, step, slider, speed } = this;
        const goes = at.playing || this.jumps > 0;
        setText(play, goes ? "❚❚ Pause" : "▶ Play");
        play.setAttribute("aria-label", goes ? "Pause" : "Play");
        play.disabled = step.disabled = at.over;
        if (at.over && !this.told.textContent?.startsWith(OVER)) this.say(OVER);
        const length = at.end - at.start;
        if (Number(slider.max) !== at.end) {
            slider.min = String(at.start);
            slider.max = String(at.end);
            slider.step = length > 200 ? "1" : "any";
        }
        slider.setAttribute("aria-valuetext", `${localTime(at.now)}, ${span(at.now - at.start)} of ${span(length)}`);
        this.time.title = `${span(at.now - at.start)} of ${span(length)}`;
        this.showSpeed(at.speed ?? 1, speed);
    }

    /**
     * @param {number} now
     * @param {any} select
     */
    showSpeed(now, select) {
        const speeds = SPEEDS.includes(now) ? SPEEDS : [...SPEEDS, now].sort((a, b) => a - b);
        if (select.childElementCount !== speeds.length || !speeds.every((one, i) => +select[i].value === one))
            fill(
                select,
                speeds.map((one) => h("option", { value: one }, `×${one}`)),
            );
        if (document.activeElement !== select || Number(select.value) !== now) select.value = String(now);
    }

    /**
     * What happened since the last look.
     * @param {AbortSignal} [signal]
     */
    async look(signal) {
        const at = clock();
        if (!at || !this.drawn || this.isAsking || (at.marks ?? 0) === this.marks.length) return;
        this.isAsking = true;
        try {
            // Another run of the server has fewer.
            if ((at.marks ?? 0) < this.marks.length) [this.marks, this.places] = [[], new Map()];
            const more = await api("clock/marks", { from: this.marks.length }, signal);
            for (const mark of more) this.mark(mark, at);
            this.draw();
            setText(this.count, `What happened (${this.marks.length})`);
            const last = more.findLast(lookOf);
            if (last) this.write(`${localTime(last.time).slice(11)} ${wordsOf(last)}`, wordsOf(last));
            this.showList();
        } finally {
            this.isAsking = false;
        }
    }

    /**
     * @param {Mark} mark
     * @param {import("./clock.js").Status} at
     */
    mark(mark, at) {
        this.marks.push(mark);
        const look = lookOf(mark);
        if (!look || at.start === undefined || at.end === undefined) return;
        const place = Math.min(PLACES - 1, Math.floor(((mark.time - at.start) / (at.end - at.start)) * PLACES));
        const known = this.places.get(place);
        if (!known) this.places.set(place, { look, count: 1, first: wordsOf(mark) });
        else {
            known.count++;
            if (ORDER.indexOf(look) < ORDER.indexOf(known.look)) [known.look, known.first] = [look, wordsOf(mark)];
        }
    }

    draw() {
        fill(
            this.drawn,
            [...this.places].map(([place, { look, count, first }]) =>
                h(
                    "svg:rect",
                    {
                        x: place,
                        width: 1.6,
                        y: look === "accent" ? 5 : 0,
                        height: look === "accent" ? 5 : 10,
                        class: look,
                    },
                    h("svg:title", null, count > 1 ? `${first} and ${count - 1} more` : first),
                ),
            ),
        );
    }

    showList() {
        if (!this.fold?.open) return;
        keyed(
            this.list,
            this.marks.map((mark, number) => ({ mark, number })).slice(-LINES).reverse(),
            ({ number }) => String(number),
            ({ mark }) =>
                h(
                    "li",
                    null,
                    h("span", { class: "muted num" }, localTime(mark.time)),
                    h("span", { class: `badge ${LOOKS[mark.kind] === "accent" ? "accent" : ""}` }, mark.kind),
                    h("span", { class: "grow" }, wordsOf(mark)),
                ),
        );
    }
}

customElements.define("stack-clock", TimeBar);
