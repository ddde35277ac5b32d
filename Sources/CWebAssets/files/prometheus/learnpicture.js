// A lesson's picture: the ways of a number from where it arises to the answer of a query, one below the other on one
// axis of time: what happened, what the Pushgateway held, what the scraper saw, what a query answers. Drawn as SVG
// from what the lesson's session tells; nothing in it is invented.

import { h } from "../shared/dom.js";
import { curve } from "./learngraph.js";
import { number } from "./results.js";
import { axisStep, shortSpan, textWidth, word } from "./learnwords.js";

/** From which width on the lanes have their names beside them. */
const WIDE = 860;
const GUTTER = 232;
/** As many scrapes have marks of full size, and values beside them. */
const FEW = 45;

/**
 * Stretches in which a value stays the same, from what was held at moments.
 * @param {{at: number, series: [string, string][]}[]} held rising
 * @param {string} metric
 * @param {number} end
 * @returns {{name: string, value: string, from: number, to: number}[]}
 */
export function stretches(held, metric, end) {
    /** @type {Map<string, {name: string, value: string, from: number, to: number}>} */
    const open = new Map();
    const done = [];
    for (const { at, series } of held) {
        if (at > end) break;
        const now = new Map(series.filter(([name]) => name === metric || name.startsWith(`${metric}{`)));
        for (const [name, stretch] of open) {
            if (now.get(name) === stretch.value) continue;
            done.push({ ...stretch, to: at });
            open.delete(name);
        }
        for (const [name, value] of now) if (!open.has(name)) open.set(name, { name, value, from: at, to: end });
    }
    return [...done, ...open.values()].sort((a, b) => a.name.localeCompare(b.name) || a.from - b.from);
}

/**
 * When the instances of a service were alive.
 * @param {any[]} events
 * @param {string} service
 * @param {number} end
 * @returns {{name: string, from: number, to: number}[]}
 */
export function lives(events, service, end) {
    /** @type {Map<string, number>} */
    const open = new Map([[`${service}-1`, 0]]);
    const done = [];
    for (const { at, kind, subject, text } of events) {
        const name = text.split(" ")[0];
        if (kind !== "event" || at > end || !name.startsWith(`${service}-`)) continue;
        const since = open.get(name);
        if (["kill", "restart"].includes(subject) && since !== undefined) {
            done.push({ name, from: since, to: at });
            open.delete(name);
        }
        if (["start", "restart"].includes(subject)) open.set(name, at);
    }
    for (const [name, from] of open) done.push({ name, from, to: end });
    return done;
}

/**
 * The requests to a job's groups, or of a batch.
 * @param {any[]} events
 * @param {any} way
 * @returns {{at: number, method: string, path: string}[]}
 */
export function requestsOf(events, way) {
    return events.flatMap(({ at, kind, subject, text }) => {
        const match = /^(PUT|POST|DELETE) (\/metrics\/job\/([^/ ]+)\S*)/.exec(text);
        if (kind !== "push" || !match || / fails: | is refused /.test(text)) return [];
        const isOurs = way.origin === "batch" ? subject === way.name : match[3] === way.name;
        return isOurs ? [{ at, method: match[1], path: match[2] }] : [];
    });
}

/**
 * What each scrape of a way found: the value that was stored, nothing of it, or nobody.
 * @param {any} way
 * @param {any} state
 * @param {any} samples the stored samples, a range vector
 * @param {number} begin
 * @param {number} end
 * @returns {{at: number, values: string[] | null}[]} without values where nobody was there
 */
export function looksOf(way, state, samples, begin, end) {
    const values = new Map();
    for (const one of samples?.result ?? [])
        for (const [time, value] of one.values ?? []) {
            const at = Math.round(time * 1000 - state.start);
            values.set(at, [...(values.get(at) ?? []), value]);
        }
    return state.scrapes
        .filter((/** @type {any} */ one) => one.job === way.job && one.at >= begin && one.at <= end)
        .map((/** @type {any} */ one) => ({ at: one.at, values: one.good ? values.get(one.at) ?? [] : null }));
}

/**
 * What of a series' name tells it from others of its metric.
 * @param {string} name
 */
export function distinction(name) {
    const labels = /\{(.*)\}$/s.exec(name)?.[1] ?? "";
    return labels.replace(/(^|,)(job="[^"]*"|instance="")/g, "").replace(/^,/, "");
}

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
        if (!this.isWide) this.y += 17;
        const top = this.y;
        const place = this.isWide ? { x: 26, y: top + height / 2 + 4.5 } : { x: this.left, y: top - 5 };
        this.back.push(
            h("svg:rect", { x: this.left, y: top, width: this.right - this.left, height, class: "lane" }),
        );
        this.names.push(h("svg:text", { ...place, class: "lane-label" }, this.say(name)));
        this.y = top + height + (this.isWide ? 16 : 9);
        return top;
    }

    /** @param {any} way @param {any} found */
    way(way, found) {
        const { state } = /** @type {any} */ (this);
        const first = this.y;
        this.front.push(
            h(
                "svg:text",
                { x: this.isWide ? 26 : 24, y: first + 16, class: "way-name" },
                this.say(way.held ? "pushedWay" : "scrapedWay", way.name),
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
            this.say("toldWay", this.say(way.held ? "pushedWay" : "scrapedWay", way.name), origin.count,
                seen.found, seen.empty, seen.missed, last ?? this.say("nothing")),
        );
        this.y = answers + 50 + 26;
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
            const label = shortSpan((one.to ?? this.end) - one.from);
            this.front.push(
                h(
                    "svg:g",
                    null,
                    h("svg:title", null, title),
                    h("svg:rect", { x: from, y: top + 3, width: wide, height: 18, rx: 3, class: kind }),
                    one.to !== null && wide > textWidth(label) + 8
                        ? h("svg:text", { x: from + wide / 2, y: top + 16.5, class: "on-bar" }, label)
                        : null,
                ),
            );
        };
        if (way.origin === "batch")
            for (const run of state.runs.filter((/** @type {any} */ one) => one.batch === way.name))
                bar(
                    run,
                    run.good ? "run" : "run bad",
                    `${shortSpan(run.from)} – ${run.to === null ? "…" : shortSpan(run.to)}` +
                        (run.good ? "" : ` ${this.say("failed")}`),
                );
        else if (way.origin === "service")
            for (const life of lives(state.events, way.name, this.end))
                bar(life, "run life", `${life.name} ${shortSpan(life.from)} – ${shortSpan(life.to)}`);
        else {
            let free = -Infinity;
            const all = requestsOf(state.events, way).filter(({ at }) => this.inside(at));
            count = all.length;
            for (const at of new Set(all.map((one) => one.at))) {
                // Those of one moment stand behind one mark.
                const here = all.filter((one) => one.at === at);
                const title = `${shortSpan(at)} ${here.map((one) => `${one.method} ${one.path}`).join(", ")}`;
                const text = here.map((one) => one.method).join(", ");
                const place = this.x(at);
                const isAtEnd = place + textWidth(text) + 8 > this.right;
                const start = isAtEnd ? place - textWidth(text) - 6 : place + 5;
                this.front.push(
                    h(
                        "svg:g",
                        null,
                        h("svg:title", null, title),
                        h("svg:path", { d: `M${place} ${top + 2}v20`, class: "request" }),
                        start > free ? h("svg:text", { x: start, y: top + 16.5, class: "method" }, text) : null,
                    ),
                );
                if (start > free) free = start + textWidth(text);
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
        for (const { at } of requestsOf(state.events, way))
            if (this.inside(at)) this.front.push(this.arrow(this.x(at), from - 2, top + 2, "push-arrow"));
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
                        this.arrow(x, source.bottom, middle - 7, "pull"),
                        h("svg:circle", { cx: x, cy: middle, r: 5.5, class: "seen" }),
                    );
            }
            this.front.push(h("svg:g", null, marks));
            if (kind === "found" && value !== before) {
                const isAtEnd = x + textWidth(value) + 10 > this.right;
                const start = isAtEnd ? x - textWidth(value) - 9 : x + 8;
                if (start > free) {
                    labels.push(h("svg:text", { x: start, y: top + (isFew ? 15 : 13), class: "seen-value" }, value));
                    free = start + textWidth(value) + 6;
                }
                moments.push(at);
            }
            before = kind === "found" ? value : "";
        }
        this.front.push(labels);
        return { found, empty, missed, moments };
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
        this.front.push(shown.map((at) => this.arrow(x(at), from - 7, top + 1, "pull store")));
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
        const label = this.say("picture", shortSpan(this.end), this.told.join(" "));
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
