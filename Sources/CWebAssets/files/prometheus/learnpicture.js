// A lesson's picture: the ways of a number from where it arises to the answer of a query, one below the other on one
// axis of time: what happened, what the Pushgateway held, what the scraper saw, what a query answers. Drawn as SVG
// from what the lesson's session tells; nothing in it is invented.

import { h } from "../shared/dom.js";
import { curve, lineNames } from "./learngraph.js";
import { distinction, isOver, lives, looksOf, requestsOf, span, stretches } from "./learnfacts.js";
import { number } from "./results.js";
import { axisStep, shortSpan, spanWords, textWidth, word } from "./learnwords.js";

/** From which width on the lanes have their names beside them. */
const WIDE = 860;
const GUTTER = 232;
/** As many scrapes have marks of full size, and values beside them. */
const FEW = 45;
/** With so many, each has its arrow to what is stored; with more there is no room for them. */
const ROOMY = 20;
/** Above a lane with its name on it, arrows have so many pixels. */
const ARROW = 15;

/** Draws one picture. */
class Drawing {
    /**
     * @param {any} picture @param {any} state @param {number} end
     * @param {{answer: any, samples: any}[]} found @param {string} language @param {number} whole pixels
     */
    constructor(picture, state, end, found, language, whole) {
        Object.assign(this, { picture, state, end, found, language, whole });
        this.end = end;
        // Large type makes everything in the picture large, not the words alone.
        this.scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;
        const width = whole / this.scale;
        this.width = width;
        this.begin = Math.max(0, end - picture.range);
        this.isWide = width >= WIDE;
        this.left = this.isWide ? GUTTER : 24;
        this.right = width - 10;
        this.y = 2;
        /** @type {any[]} */
        this.back = [];
        /** @type {any[]} */
        this.front = [];
        /** @type {any[]} over the arrows */
        this.names = [];
        /** @type {string[]} */
        this.told = [];
        this.hasFew = true;
        this.hasStored = false;
    }

    /** @param {number} at */
    x(at) {
        const span = Math.max(1000, this.end - this.begin);
        return this.left + ((at - this.begin) / span) * (this.right - this.left);
    }

    /** @param {string} name @param {...(string | number)} parts */
    say(name, ...parts) {
        return word(/** @type {any} */ (this).language, name, ...parts);
    }

    /** @param {number} at */
    inside(at) {
        return at >= this.begin && at <= this.end;
    }

    /**
     * Makes place for a lane.
     * @param {string} name
     * @param {number} height
     * @returns {number} its upper edge
     */
    lane(name, height) {
        // The name stands above the arrows that lead into the lane.
        if (!this.isWide) this.y += 16 + ARROW;
        const top = this.y;
        const place = this.isWide ? { x: 26, y: top + height / 2 + 4.5 } : { x: this.left, y: top - ARROW - 4 };
        this.back.push(
            h("svg:rect", { x: this.left, y: top, width: this.right - this.left, height, class: "lane" }),
        );
        this.names.push(h("svg:text", { ...place, class: "lane-label" }, this.say(name)));
        this.y = top + height + (this.isWide ? 16 : 5);
        return top;
    }

    /**
     * Its heading: how the number is got at, and what it is called where that does not say the same.
     * @param {any} way
     */
    name(way) {
        const kind = way.held ? "pushedWay" : "scrapedWay";
        const plainly = this.say(kind, "").replace(/[:：]\s*$/, "");
        return plainly.toLowerCase() === way.name.toLowerCase() ? plainly : this.say(kind, way.name);
    }

    /** @param {any} way @param {any} found */
    way(way, found) {
        const { state } = /** @type {any} */ (this);
        const first = this.y;
        this.front.push(
            h(
                "svg:text",
                { x: this.isWide ? 26 : 24, y: first + 16, class: "way-name" },
                this.name(way),
            ),
            h("svg:text", { x: this.isWide ? this.left : 24, y: first + (this.isWide ? 16 : 34), class: "way-query" },
                way.query),
        );
        this.y = first + (this.isWide ? 28 : 42);
        const looks = looksOf(way, state, found.samples, this.begin, this.end);
        const isFew = looks.length <= FEW && (this.right - this.left) / Math.max(1, looks.length) > 11;
        const origin = this.origin(way);
        const held = way.held ? this.held(way, origin.bottom) : null;
        const scraper = this.lane("scrapes", 34);
        const seen = this.scrapes(looks, scraper, held ?? origin, isFew);
        const answers = this.lane("answers", 50);
        const last = this.answers(found.answer, answers, seen.moments, scraper + 34, isFew);
        this.back.unshift(
            h("svg:rect", {
                x: 8,
                y: first + 2,
                width: 6,
                height: answers + 50 - first - 2,
                rx: 3,
                class: way.held ? "way-bar pushed" : "way-bar",
            }),
        );
        this.told.push(
            this.say("toldWay", this.name(way), origin.count,
                seen.found, seen.empty, seen.missed, last ?? this.say("nothing")),
        );
        this.y = answers + 50;
        this.lines(lineNames(found.answer));
        this.y += 26;
    }

    /**
     * Which curve is which.
     * @param {string[]} names
     */
    lines(names) {
        let x = this.left + 4;
        if (names.length) this.y += 17;
        for (const [index, name] of names.entries()) {
            const wide = textWidth(name) + 42;
            if (x + wide > this.right && index) {
                x = this.left + 4;
                this.y += 17;
            }
            this.front.push(
                h("svg:g", { class: `curve series-${index}` }, h("svg:path", { d: `M${x} ${this.y - 4}h18` }),
                    h("svg:text", { x: x + 24, y: this.y }, name)),
            );
            x += wide;
        }
    }

    /** @param {any} way @returns {{count: number, bottom: number, top: number}} */
    origin(way) {
        const { state } = /** @type {any} */ (this);
        const top = this.lane(way.origin === "requests" ? "requested" : way.origin === "batch" ? "runs" : "lives", 24);
        let count = 0;
        const bar = (/** @type {any} */ one, /** @type {string} */ kind, /** @type {string} */ title) => {
            if (one.from > this.end || (one.to ?? this.end) < this.begin) return;
            count += 1;
            const from = this.x(Math.max(this.begin, one.from));
            const wide = Math.max(3, this.x(Math.min(this.end, one.to ?? this.end)) - from);
            const passed = shortSpan(Math.min(one.to ?? this.end, this.end) - one.from);
            const label = passed + (isOver(one, this.end) ? "" : "…");
            this.front.push(
                h(
                    "svg:g",
                    null,
                    h("svg:title", null, title),
                    h("svg:rect", { x: from, y: top + 3, width: wide, height: 18, rx: 3, class: kind }),
                    one.from < this.end && wide > textWidth(label) + 8
                        ? h("svg:text", { x: from + wide / 2, y: top + 16.5, class: "on-bar" }, label)
                        : null,
                ),
            );
        };
        if (way.origin === "batch")
            for (const run of state.runs.filter((/** @type {any} */ one) => one.batch === way.name)) {
                const hasFailed = !run.good && isOver(run, this.end);
                const title = span(run, this.end) + (hasFailed ? ` ${this.say("failed")}` : "");
                bar(run, hasFailed ? "run bad" : "run", title);
            }
        else if (way.origin === "service")
            for (const life of lives(state.lives, way.name, this.end))
                bar(life, "run life", `${life.name} ${span(life, this.end)}`);
        else {
            let free = -Infinity;
            const all = requestsOf(state.requests, way).filter(({ at }) => this.inside(at));
            count = all.length;
            for (const at of new Set(all.map((one) => one.at))) {
                // Those of one moment stand behind one mark.
                const here = all.filter((one) => one.at === at);
                const title = `${shortSpan(at)} ${here.map((one) => `${one.method} ${one.path}`).join(", ")}`;
                const place = this.x(at);
                const first = here[0].method;
                const whole = here.map((one) => one.method).join(", ");
                const forms = [whole, `${first} +${here.length - 1}`, `${here.length}×`];
                const starts = forms.map((one) => {
                    const wide = textWidth(one);
                    return place + wide + 8 > this.right ? place - wide - 8 : place + 5;
                });
                // The first that has room between its neighbours; where none has, the title tells it.
                const next = this.x(all.find((one) => one.at > at)?.at ?? Infinity);
                const fits = forms.findIndex(
                    (one, form) =>
                        starts[form] > free && (starts[form] < place || starts[form] + textWidth(one) < next),
                );
                const form = fits < 0 ? 0 : fits;
                const [text, start] = [forms[form], fits < 0 ? -Infinity : starts[form]];
                this.front.push(
                    h(
                        "svg:g",
                        null,
                        h("svg:title", null, title),
                        h("svg:path", { d: `M${place} ${top + 2}v20`, class: "request" }),
                        start > free ? h("svg:text", { x: start, y: top + 16.5, class: "method" }, text) : null,
                    ),
                );
                if (start > free) free = Math.max(place, start + textWidth(text)) + 4;
            }
        }
        return { count, top, bottom: top + 24 };
    }

    /** @param {any} way @param {number} from @returns {{bottom: number}} */
    held(way, from) {
        const { state } = /** @type {any} */ (this);
        const all = stretches(state.held, way.held, this.end).filter((one) => one.to >= this.begin);
        const names = [...new Set(all.map((one) => one.name))];
        const height = Math.max(1, names.length) * 24;
        const top = this.lane("held", height);
        for (const one of all) {
            const start = this.x(Math.max(this.begin, one.from));
            const wide = Math.max(2, this.x(one.to) - start);
            const row = top + names.indexOf(one.name) * 24;
            const label = [names.length > 1 ? distinction(one.name) : "", one.value].filter(Boolean).join(" ");
            const short = wide > textWidth(label) + 10 ? label : wide > textWidth(one.value) + 10 ? one.value : "";
            this.front.push(
                h(
                    "svg:g",
                    null,
                    h("svg:title", null, `${one.name} ${one.value}, ${shortSpan(one.from)} – ${shortSpan(one.to)}`),
                    h("svg:rect", { x: start, y: row + 3, width: wide, height: 18, rx: 3, class: "held" }),
                    short ? h("svg:text", { x: start + 6, y: row + 16.5, class: "held-value" }, short) : null,
                ),
            );
        }
        const start = this.isWide ? from - 2 : top - ARROW + 2;
        for (const { at } of requestsOf(state.requests, way))
            if (this.inside(at)) this.front.push(this.arrow(this.x(at), start, top + 2, "push-arrow"));
        return { bottom: top + height };
    }

    /** @param {number} x @param {number} from @param {number} to @param {string} kind */
    arrow(x, from, to, kind) {
        return h("svg:path", { d: `M${x} ${from}V${to}m-4 -6l4 6l4 -6`, class: kind });
    }

    /**
     * One of many scrapes: long where it found the value, short where it found others, broken where nobody was there.
     * @param {number} x @param {number} y @param {string} kind
     */
    look(x, y, kind) {
        return h("svg:path", { d: kind === "empty" ? `M${x} ${y}v7` : `M${x} ${y - 8}v15`, class: `look ${kind}` });
    }

    /** @param {any[]} looks @param {number} top @param {{bottom: number}} source @param {boolean} isFew */
    scrapes(looks, top, source, isFew) {
        const middle = top + 21;
        let [found, empty, missed] = [0, 0, 0];
        let before = "";
        let free = -Infinity;
        const moments = [];
        const labels = [];
        const isRoomy = looks.filter((one) => one.values?.length).length <= ROOMY;
        const start = this.isWide ? source.bottom : top - ARROW + 2;
        for (const { at, values } of looks) {
            const x = this.x(at);
            const value = values?.map((/** @type {string} */ one) => plain(one)).join(" · ") ?? "";
            const kind = values === null ? "missed" : values.length ? "found" : "empty";
            if (kind === "missed") missed += 1;
            else if (kind === "empty") empty += 1;
            else found += 1;
            const marks = [h("svg:title", null, `${shortSpan(at)}: ${this.say(kind)} ${value}`)];
            if (!isFew) marks.push(this.look(x, middle + 4, kind));
            else {
                if (kind === "missed")
                    marks.push(
                        h("svg:path", { d: `M${x} ${top}V${middle - 5}`, class: "pull none" }),
                        h("svg:path", { d: `M${x - 4} ${middle - 4}l8 8m0-8l-8 8`, class: "unseen" }),
                    );
                else if (kind === "empty")
                    marks.push(
                        h("svg:path", { d: `M${x} ${top}V${middle - 5}`, class: "pull none" }),
                        h("svg:circle", { cx: x, cy: middle, r: 4.5, class: "seen-empty" }),
                    );
                else
                    marks.push(
                        this.arrow(x, start, middle - 7, "pull"),
                        h("svg:circle", { cx: x, cy: middle, r: 5.5, class: "seen" }),
                    );
            }
            this.front.push(h("svg:g", null, marks));
            if (kind === "found" && isFew && isRoomy) moments.push(at);
            if (kind === "found" && value !== before && isFew) {
                const wide = textWidth(value);
                const place = x + wide + 10 > this.right ? x - wide - 9 : x + 8;
                // Beside its mark, and not on the arrow of the next one.
                const next = looks.find((one) => one.at > at && one.values?.length);
                const isSame = next?.values.map((/** @type {string} */ one) => plain(one)).join(" · ") === value;
                const hasRoom = place < x || place + wide < this.x(next?.at ?? Infinity) - 4;
                // Where there is no room, it is said over those that have the same.
                if (place > free && (hasRoom || isSame)) {
                    labels.push(h("svg:text", { x: place, y: top + 15, class: "seen-value" }, value));
                    free = place + wide + 6;
                }
            }
            before = kind === "found" ? value : "";
        }
        if (!isFew) labels.push(this.clusters(looks, top));
        this.front.push(labels);
        return { found, empty, missed, moments };
    }

    /**
     * Values of many scrapes: those that follow each other have one text over them, from the first to the last.
     * @param {any[]} looks @param {number} top
     */
    clusters(looks, top) {
        /** @type {{from: number, to: number, values: string[]}[]} */
        const found = [];
        let isOpen = false;
        for (const { at, values } of looks) {
            const value = values?.map((/** @type {string} */ one) => plain(one)).join(" · ") ?? "";
            const last = found.at(-1);
            if (value && isOpen && last) {
                last.to = at;
                if (last.values.at(-1) !== value) last.values.push(value);
            } else if (value) found.push({ from: at, to: at, values: [value] });
            isOpen = value !== "";
        }
        let free = -Infinity;
        return found.map(({ from, to, values }) => {
            const text = values.length > 1 ? `${values[0]}…${values.at(-1)}` : values[0];
            const wide = textWidth(text);
            const middle = (this.x(from) + this.x(to)) / 2;
            const start = Math.max(this.left + 2, Math.min(middle - wide / 2, this.right - wide - 2));
            if (start < free) return null;
            free = start + wide + 6;
            return h("svg:text", { x: start, y: top + 11, class: "seen-value" }, text);
        });
    }

    /**
     * @param {any} answer of the range query @param {number} top @param {number[]} moments at which something new was
     *     seen @param {number} from @param {boolean} isFew
     * @returns {string | null} the last answer
     */
    answers(answer, top, moments, from, isFew) {
        const { state, end } = /** @type {any} */ (this);
        this.hasStored ||= isFew && moments.length > 0;
        this.hasFew &&= isFew;
        const x = (/** @type {number} */ at) => this.x(at);
        const shown = isFew ? moments : [];
        const start = this.isWide ? from - 7 : top - ARROW + 2;
        this.front.push(shown.map((at) => this.arrow(x(at), start, top + 1, "pull store")));
        const times = (answer?.result ?? []).flatMap((/** @type {any} */ one) =>
            (one.values ?? []).map((/** @type {any} */ v) => Math.round(v[0] * 1000 - state.start)),
        );
        times.sort((/** @type {number} */ a, /** @type {number} */ b) => a - b);
        let since = this.begin;
        const step = answer?.step ?? 1000;
        for (const at of [...times, this.end + 1]) {
            if (at - since > step) {
                const isLast = at > this.end;
                const to = Math.min(at, this.end);
                const [a, b] = [this.x(since), this.x(to)];
                if (b - a > 2 && !(isLast && to - since < 1000))
                    this.back.push(
                        h("svg:rect", { x: a, y: top, width: b - a, height: 50, class: "silent" }),
                        b - a > textWidth(this.say("silent")) + 8
                            ? h("svg:text", { x: (a + b) / 2, y: top + 30, class: "silent-word" }, this.say("silent"))
                            : null,
                    );
            }
            since = at + step;
        }
        this.front.push(
            h("svg:g", { transform: `translate(0 ${top})` }, curve(answer, state, x, 50, 0, true, end)),
        );
        const ends = (answer?.result ?? []).flatMap((/** @type {any} */ one) => {
            const last = one.values?.at(-1);
            return last && last[0] * 1000 - state.start > this.end - step ? [plain(last[1])] : [];
        });
        return ends.length ? ends.join(" · ") : null;
    }

    axis() {
        const step = axisStep(this.end - this.begin, this.right - this.left);
        const bottom = this.y - 14;
        const lines = [];
        for (let at = Math.ceil(this.begin / step) * step; at <= this.end; at += step) {
            const x = this.x(at);
            const anchor = x < this.left + 20 ? "start" : x > this.right - 24 ? "end" : "middle";
            lines.push(
                h("svg:path", { d: `M${x} 4V${bottom}`, class: "grid-line" }),
                h("svg:text", { x, y: bottom + 16, class: "axis", "text-anchor": anchor }, shortSpan(at)),
            );
        }
        lines.push(h("svg:path", { d: `M${this.right} 4V${bottom + 4}`, class: "now-line" }));
        this.y = bottom + 36;
        return lines;
    }

    /** What the marks mean. */
    legend() {
        const { picture } = /** @type {any} */ (this);
        const mark = (/** @type {number} */ x, /** @type {number} */ y) => ({
            push: () => this.arrow(x, y - 8, y + 5, "push-arrow"),
            stored: () => this.arrow(x, y - 8, y + 5, "pull store"),
            ...(this.hasFew
                ? {
                      found: () => h("svg:circle", { cx: x, cy: y, r: 5.5, class: "seen" }),
                      empty: () => h("svg:circle", { cx: x, cy: y, r: 4.5, class: "seen-empty" }),
                      missed: () => h("svg:path", { d: `M${x - 4} ${y - 4}l8 8m0-8l-8 8`, class: "unseen" }),
                  }
                : {
                      found: () => this.look(x, y, "found"),
                      empty: () => this.look(x, y, "empty"),
                      missed: () => this.look(x, y, "missed"),
                  }),
        });
        /** @type {("push" | "found" | "empty" | "missed" | "stored")[]} */
        const kinds = ["found", "empty", "missed"];
        if (this.hasStored) kinds.push("stored");
        if (picture.ways.some((/** @type {any} */ one) => one.held)) kinds.unshift("push");
        const items = [];
        let x = this.left + 8;
        for (const kind of kinds) {
            const text = this.say(kind);
            const wide = textWidth(text) + 34;
            if (x + wide > this.right && x > this.left + 8) {
                x = this.left + 8;
                this.y += 20;
            }
            items.push(mark(x, this.y - 4)[kind](), h("svg:text", { x: x + 11, y: this.y, class: "axis" }, text));
            x += wide;
        }
        this.y += 10;
        return items;
    }

    draw() {
        const { picture, found } = /** @type {any} */ (this);
        picture.ways.forEach((/** @type {any} */ way, /** @type {number} */ index) => this.way(way, found[index]));
        const axis = this.axis();
        const legend = this.legend();
        const [width, height] = [this.width, this.y].map((one) => Math.round(one * this.scale));
        const size = { width, height, viewBox: `0 0 ${this.width} ${this.y}` };
        const label = this.say("picture", spanWords(/** @type {any} */ (this).language, this.end), this.told.join(" "));
        return h(
            "svg:svg",
            { class: "lesson-picture ways", role: "img", ...size, "aria-label": label },
            this.back,
            axis,
            this.front,
            this.names,
            legend,
        );
    }
}

/** @param {string} value */
function plain(value) {
    const found = number(value);
    return Number.isFinite(found) ? String(+found.toFixed(3)) : value;
}

/**
 * @param {any} picture the block of the lesson
 * @param {any} state the session's
 * @param {number} end milliseconds from the start
 * @param {{answer: any, samples: any}[]} found for each way: a range query's answers, and the samples that are stored
 * @param {string} language
 * @param {number} width pixels
 */
export function picture(picture, state, end, found, language, width) {
    return new Drawing(picture, state, end, found, language, width).draw();
}
