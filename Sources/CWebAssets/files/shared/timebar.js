// The bar at the top of every page while time is simulated: what time it is, play and pause, how fast, one step, a
// jump, and marks where something happened.

import { api } from "./api.js";
import { askTime, clock, kind, momentOf, moveTime, now, ready } from "./clock.js";
import { every, fill, h, keyed, setText } from "./dom.js";
import { localTime, span } from "./format.js";
import { away } from "./presence.js";
import { lookOf, Marks, PLACES, wordsOf } from "./marks.js";

const SPEEDS = [1, 2, 5, 10, 30, 60, 300, 900, 3600];
/** By how much a clock that is moved by hand is moved: what the button says, and what is sent. */
const ADVANCES = [
    ["1 s", "1s"],
    ["15 s", "15s"],
    ["1 min", "1m"],
    ["5 min", "5m"],
    ["1 h", "1h"],
];
/** What is said when all of it has passed. */
const OVER = "The end of the scenario";
class TimeBar extends HTMLElement {
    marks = new Marks();
    isDragged = false;
    isMoving = false;
    /** How many jumps are under way, which can be stopped, and to where. */
    jumps = 0;
    wanted = 0;
    isAsking = false;

    connectedCallback() {
        this.setAttribute("role", "region");
        this.setAttribute("aria-label", "Simulated time");
        // Nobody is told aloud what changes all the time.
        this.time = h("span", { class: "clock-time", role: "timer" });
        this.told = h("span", { class: "clock-told muted small grow" });
        this.said = h("p", { class: "visually-hidden", role: "status" });
        ready.then(() => {
            fill(this, kind === "played" ? this.player() : this.hand(), this.said);
            this.show();
            document.addEventListener("clock", () => this.show());
            document.addEventListener("presence", () => {
                const words = away()?.isGone ? "The server does not answer." : "";
                this.write(words, words, true);
            });
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
        if (to < now() - 1) {
            this.show();
            return this.say(
                "Time does not go back: start the scenario again to see what was before. Queries look at any time.",
                true,
            );
        }
        // Where one is already nothing is asked for.
        if (to <= now()) {
            this.show();
            return this.say(`It is ${localTime(now())}`);
        }
        this.wanted = to;
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
        // While it goes somewhere it is there on the bar, so that several keys lead further than one.
        const place = this.jumps > 0 ? Math.max(time, this.wanted) : time;
        if (this.slider && !this.isDragged) this.slider.value = String(place);
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
        play.disabled = step.disabled = speed.disabled = at.over;
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
        const { marks } = this;
        if (!at || !this.drawn || this.isAsking || (at.marks ?? 0) === marks.count) return;
        this.isAsking = true;
        try {
            // Another run of the server has fewer.
            if ((at.marks ?? 0) < marks.count) marks.clear();
            const more = await api("clock/marks", { from: marks.count }, signal);
            marks.add(more, at.marks ?? 0, at);
            this.draw();
            setText(this.count, `What happened (${marks.count})`);
            const last = more.findLast(lookOf);
            if (last) this.write(`${localTime(last.time).slice(11)} ${wordsOf(last)}`, wordsOf(last));
            this.showList();
        } finally {
            this.isAsking = false;
        }
    }

    draw() {
        fill(
            this.drawn,
            [...this.marks.places].map(([place, { look, count, first }]) =>
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
        const { last, count } = this.marks;
        keyed(
            this.list,
            last.map((mark, i) => ({ mark, number: count - last.length + i })).reverse(),
            ({ number }) => String(number),
            ({ mark }) =>
                h(
                    "li",
                    null,
                    h("span", { class: "muted num" }, localTime(mark.time)),
                    h("span", { class: `badge ${lookOf(mark) === "accent" ? "accent" : ""}` }, mark.kind),
                    h("span", { class: "grow" }, wordsOf(mark)),
                ),
        );
    }
}

customElements.define("stack-clock", TimeBar);
