// The stack as a living picture: who pushes and who is scraped, where the samples go, and each scrape and push as it
// happens.

import { api } from "../shared/api.js";
import { h, every, fill, keyed, setText } from "../shared/dom.js";
import { parseDuration, plain, queryHref, si, span } from "../shared/format.js";

/**
 * Nodes: their left upper corner in the wide and in the narrow picture.
 * @type {Record<string, {wide: [number, number], tall: [number, number], title: string, icon: string}>}
 */
const NODES = {
    visitors: {
        wide: [10, 40],
        tall: [5, 10],
        title: "Visitors",
        icon: "M8 8a4 4 0 1 1 .01 0M1 20c0-5 3-8 7-8s7 3 7 8M16 9a3 3 0 1 0-1-5M17 12c3 0 5 3 5 7",
    },
    batch: { wide: [10, 360], tall: [207, 10], title: "Batch jobs", icon: "M3 5h18M3 12h18M3 19h12M18 16l4 3-4 3z" },
    demo: { wide: [320, 40], tall: [5, 165], title: "Demo server", icon: "M3 4h18v6H3zM3 14h18v6H3zM7 7h.01M7 17h.01" },
    gateway: { wide: [320, 360], tall: [207, 165], title: "Pushgateway", icon: "M12 3v12M7 10l5 5 5-5M3 17v4h18v-4" },
    others: {
        wide: [320, 200],
        tall: [5, 320],
        title: "Other targets",
        icon: "M12 3a9 9 0 1 0 .01 0M12 8a4 4 0 1 0 .01 0",
    },
    scraper: { wide: [650, 200], tall: [207, 320], title: "Scraper", icon: "M20 12a8 8 0 1 1-3-6.2M20 2v5h-5" },
    store: {
        wide: [960, 200],
        tall: [207, 475],
        title: "Store",
        icon: "M4 6c0-4 16-4 16 0v12c0 4-16 4-16 0zM4 6c0 4 16 4 16 0M4 12c0 4 16 4 16 0",
    },
    query: { wide: [960, 360], tall: [5, 475], title: "Query", icon: "M3 3v18h18M6 16l4-5 4 3 6-8" },
};
const SIZE = /** @type {const} */ ({ wide: [230, 110], tall: [188, 104] });
const BOX = { wide: "0 20 1200 470", tall: "0 0 400 590" };
/**
 * From, to, and the text on the way.
 * @type {[string, string, string][]}
 */
const ARROWS = [
    ["visitors", "demo", "requests"],
    ["batch", "gateway", "push"],
    ["demo", "scraper", ""],
    ["others", "scraper", "scrape"],
    ["gateway", "scraper", ""],
    ["scraper", "store", "samples"],
    ["store", "query", ""],
];

/** @param {HTMLElement} main */
export function show(main) {
    const feed = h("ol", { class: "plain feed", "aria-live": "off" });
    const place = h("div", { class: "picture-place" });
    fill(
        main,
        h(
            "div",
            { class: "headline" },
            h("h1", { class: "grow" }, "The stack, right now"),
            h("p", { class: "muted", role: "status", id: "summary" }),
        ),
        h("section", { class: "card flush", "aria-label": "The stack as a picture" }, place),
        h(
            "div",
            { class: "grid" },
            h("section", { class: "card" }, h("h2", null, "What just happened"), feed),
            h(
                "section",
                { class: "card" },
                h("h2", null, "Questions to ask it"),
                h(
                    "ul",
                    { class: "plain questions" },
                    [
                        ["Who is up?", "up", "table"],
                        ["How many requests come in a second?", "rate(request_count_total[1m])", "graph"],
                        [
                            "What share of them fails?",
                            "rate(request_error_count_total[5m]) / rate(request_count_total[5m])",
                            "graph",
                        ],
                        ["How long ago did each job push?", "time() - push_time_seconds", "table"],
                        ["Why does increase() say 5.9 and not 6?", "increase(request_count_total[30s])", "explain"],
                    ].map(([question, expr, tab]) =>
                        h(
                            "li",
                            null,
                            h("a", { href: queryHref(expr, tab, "15m") }, question),
                            h("code", { class: "muted small" }, expr),
                        ),
                    ),
                ),
            ),
        ),
    );
    const narrow = matchMedia("(max-width: 46rem)");
    const picture = new Picture(place, narrow.matches ? "tall" : "wide");
    narrow.addEventListener("change", () => picture.build(narrow.matches ? "tall" : "wide"));
    const live = new Live(picture, feed, /** @type {Element} */ (main.querySelector("#summary")));
    every(1000, (signal) => live.targets(signal));
    every(2000, (signal) => live.pushes(signal));
    every(5000, (signal) => live.numbers(signal));
}

class Picture {
    /**
     * @param {Element} place
     * @param {"wide" | "tall"} form
     */
    constructor(place, form) {
        this.place = place;
        /**
         * What each node says; kept over a rebuild.
         * @type {Record<string, {lines: string[], href?: string, state?: string}>}
         */
        this.said = {};
        this.build(form);
    }

    /** @param {"wide" | "tall"} form */
    build(form) {
        this.form = form;
        const [w, hh] = SIZE[form];
        /** @type {Record<string, any>} */
        this.nodes = {};
        /** @type {Record<string, {path: string, line: any}>} */
        this.arrows = {};
        const marks = h("svg:g", { class: "pulses" });
        this.pulses = marks;
        const lines = ARROWS.map(([from, to, label]) => {
            const { path, middle } = this.way(from, to);
            const line = h("svg:path", { d: path, class: "way", "marker-end": "url(#tip)" });
            this.arrows[`${from}-${to}`] = { path, line };
            return [
                line,
                label && form === "wide"
                    ? h("svg:text", { x: middle[0], y: middle[1] - 9, class: "way-label" }, label)
                    : null,
            ];
        });
        const boxes = Object.entries(NODES).map(([name, node]) => {
            const [x, y] = node[form];
            const texts = [0, 1].map((i) => h("svg:text", { x: 16, y: 68 + i * 22, class: "line" }));
            const dot = h("svg:circle", {
                cx: w - (form === "tall" ? 12 : 18),
                cy: form === "tall" ? 12 : 27,
                r: 5.5,
                class: "dot",
            });
            const link = h(
                "svg:a",
                { class: `place ${name}` },
                h("svg:rect", { width: w, height: hh, rx: 12 }),
                h(
                    "svg:svg",
                    { x: 13, y: 14, width: 26, height: 26, viewBox: "0 0 24 24", class: "icon" },
                    h("svg:path", { d: node.icon }),
                ),
                h("svg:text", { x: form === "tall" ? 46 : 50, y: 34, class: "title" }, node.title),
                texts,
                dot,
            );
            // A graph of the last minutes, where a node is given one.
            const sparks = ["veil", "", "bad"].map((look) => h("svg:path", { class: `spark ${look}` }));
            link.append(...sparks);
            this.nodes[name] = { link, texts, dot, sparks };
            return h("svg:g", { transform: `translate(${x} ${y})` }, link);
        });
        fill(
            this.place,
            h(
                "svg:svg",
                {
                    viewBox: BOX[form],
                    class: `living ${form}`,
                    role: "group",
                    "aria-label":
                        "Batch jobs push to the Pushgateway; the scraper reads the demo server, the Pushgateway and " +
                        "other targets, and writes into the store; queries read it.",
                },
                h(
                    "svg:defs",
                    null,
                    h(
                        "svg:marker",
                        {
                            id: "tip",
                            viewBox: "0 0 10 10",
                            refX: 9,
                            refY: 5,
                            markerWidth: 7,
                            markerHeight: 7,
                            orient: "auto-start-reverse",
                        },
                        h("svg:path", { d: "M1 1l8 4-8 4", class: "tip-shape" }),
                    ),
                ),
                lines,
                boxes,
                marks,
            ),
        );
        for (const [name, said] of Object.entries(this.said)) this.say(name, said);
        if (this.sparked) this.spark(...this.sparked);
    }

    /**
     * Draws two curves in a node, instead of its lines: all, and what of them was bad.
     * @param {string} name
     * @param {number[]} all NaN where there is none
     * @param {number[]} bad
     */
    spark(name, all, bad) {
        /** @type {[string, number[], number[]] | undefined} */
        this.sparked = [name, all, bad];
        const {
            link,
            sparks: [veil, ...curves],
        } = this.nodes[name];
        const known = all.filter(Number.isFinite),
            most = Math.max(...known, 0);
        const isDrawn = known.length > 1 && most > 0;
        link.classList.toggle("drawn", isDrawn);
        if (!isDrawn) return;
        const [w, hh] = SIZE[/** @type {"wide"} */ (this.form)],
            foot = hh - 14,
            top = 52;
        const way = (/** @type {number[]} */ values) =>
            values.flatMap((value, i) =>
                Number.isFinite(value)
                    ? [
                          [16 + (i / (values.length - 1)) * (w - 32), foot - (value / most) * (foot - top)]
                              .map((one) => one.toFixed(1))
                              .join(" "),
                      ]
                    : [],
            );
        const points = way(all);
        [all, bad].forEach((values, i) =>
            curves[i].setAttribute("d", values.some(Number.isFinite) ? `M${way(values).join("L")}` : ""),
        );
        const x = (/** @type {string} */ point) => point.split(" ")[0];
        veil.setAttribute("d", `M${x(points[0])} ${foot}L${points.join("L")}L${x(points[points.length - 1])} ${foot}Z`);
    }

    /**
     * The way between two nodes' nearest sides.
     * @param {string} from
     * @param {string} to
     */
    way(from, to) {
        const form = /** @type {"wide" | "tall"} */ (this.form),
            [w, hh] = SIZE[form];
        const [ax, ay] = NODES[from][form],
            [bx, by] = NODES[to][form];
        /** @type {number[]} */
        let points;
        if (Math.abs(bx - ax) < 20)
            points = [ax + w / 2, by > ay ? ay + hh : ay, bx + w / 2, by > ay ? by - 3 : by + hh + 3];
        else if (form === "tall" && by !== ay)
            points = [ax + w * (bx > ax ? 0.8 : 0.2), ay + hh, bx + w * (bx > ax ? 0.2 : 0.8), by - 3];
        else points = [bx > ax ? ax + w : ax, ay + hh / 2, bx > ax ? bx - 3 : bx + w + 3, by + hh / 2];
        // Several ways into one side spread over it.
        if (form === "wide" && to === "scraper") points[3] += from === "demo" ? -24 : from === "gateway" ? 24 : 0;
        const [x1, y1, x2, y2] = points;
        const vertical = Math.abs(bx - ax) < 20 || (form === "tall" && by !== ay);
        const bend = vertical
            ? `${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2}`
            : `${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2}`;
        return { path: `M${x1} ${y1}C${bend} ${x2} ${y2}`, middle: [(x1 + x2) / 2, (y1 + y2) / 2] };
    }

    /**
     * @param {string} name
     * @param {{lines: string[], href?: string, state?: string}} said
     */
    say(name, said) {
        this.said[name] = said;
        const node = this.nodes[name];
        said.lines.forEach((line, i) => fit(node.texts[i], line, SIZE[/** @type {"wide"} */ (this.form)][0] - 28));
        node.dot.setAttribute("class", `dot ${said.state ?? ""}`);
        if (said.href) node.link.setAttribute("href", said.href);
        node.link.setAttribute("aria-label", `${NODES[name].title}: ${said.lines.filter(Boolean).join(", ")}`);
    }

    /**
     * Something moves along an arrow.
     * @param {string} name
     * @param {string} kind
     * @param {number} [delay]
     * @param {boolean} [backwards]
     */
    pulse(name, kind, delay = 0, backwards = false) {
        const arrow = this.arrows[name];
        if (!arrow || matchMedia("(prefers-reduced-motion: reduce)").matches || this.pulses.childElementCount > 60)
            return;
        const dot = h("svg:circle", { r: backwards ? 4.5 : 7, class: `pulse ${kind}` });
        dot.style.offsetPath = `path("${arrow.path}")`;
        this.pulses.append(dot);
        const ends = ["0%", "100%"];
        if (backwards) ends.reverse();
        const moving = dot.animate(
            [
                { offsetDistance: ends[0], opacity: 0 },
                { opacity: 1, offset: 0.08 },
                { opacity: 1, offset: 0.92 },
                { offsetDistance: ends[1], opacity: 0 },
            ],
            { duration: 700, delay, easing: "ease-in-out", fill: "both" },
        );
        moving.onfinish = moving.oncancel = () => dot.remove();
    }
}

/**
 * Puts a line into a box, cut where it is too long.
 * @param {any} element
 * @param {string} line
 * @param {number} room
 */
function fit(element, line, room) {
    if (element.line === line) return;
    element.line = line;
    setText(element, line);
    for (let cut = line.length - 1; cut > 0 && element.getComputedTextLength() > room; cut--)
        setText(element, `${line.slice(0, cut).trimEnd()}…`);
}

/** @typedef {{key: string, kind: "good" | "bad" | "push", at: number, text: string, more: string}} Happening */

class Live {
    /**
     * @param {Picture} picture
     * @param {HTMLElement} feed
     * @param {Element} summary
     */
    constructor(picture, feed, summary) {
        this.picture = picture;
        this.feed = feed;
        this.summary = summary;
        /** @type {Map<string, string>} */
        this.scraped = new Map();
        /** @type {Map<string, number>} */
        this.pushed = new Map();
        /** @type {Map<string, Happening>} */
        this.events = new Map();
        this.demo = "";
        /** @type {Record<string, string>} what a node has to say while it is up */
        this.figures = {};
        for (const name of Object.keys(NODES)) picture.say(name, { lines: ["…"] });
        picture.say("visitors", { lines: ["ask, and sometimes fail"] });
        picture.say("batch", { lines: ["finish, and say so"] });
        picture.say("query", { lines: ["PromQL: table, graph,", "explanation"], href: "query", state: "good" });
    }

    /** @param {any} target */
    roleOf(target) {
        if (/push/i.test(target.scrapePool)) return "gateway";
        if (target.labels.instance === this.demo || (!this.demo && /demo|tutorial/i.test(target.scrapePool)))
            return "demo";
        return "others";
    }

    /** @param {AbortSignal} signal */
    async targets(signal) {
        let active;
        try {
            active = (await api("targets", { state: "active" }, signal)).activeTargets;
        } catch (error) {
            this.picture.say("scraper", { lines: ["does not answer", ""], state: "bad" });
            setText(this.summary, "The server does not answer.");
            throw error;
        }
        /** @type {Record<string, any[]>} */
        const roles = { demo: [], gateway: [], others: [] };
        for (const target of active) roles[this.roleOf(target)].push(target);
        const known = this.scraped.size > 0;
        this.forget(new Set(active.map((/** @type {any} */ one) => `${one.scrapePool} ${one.scrapeUrl}`)));
        let any = false;
        for (const target of active) {
            const key = `${target.scrapePool} ${target.scrapeUrl}`;
            if (this.scraped.get(key) === target.lastScrape || target.lastScrape.startsWith("0001")) continue;
            this.scraped.set(key, target.lastScrape);
            const way = `${this.roleOf(target)}-scraper`;
            if (known) {
                this.picture.pulse(way, "ask", 0, true);
                this.picture.pulse(way, target.health === "up" ? "answer" : "failure", 600);
                any ||= target.health === "up";
            }
            this.tell({
                key,
                kind: target.health === "up" ? "good" : "bad",
                at: Date.parse(target.lastScrape) / 1000,
                text:
                    (target.health === "up" ? "Scraped " : "Could not scrape ") +
                    `${target.labels.job} at ${target.labels.instance}`,
                more:
                    target.health === "up"
                        ? `in ${span(target.lastScrapeDuration)}`
                        : target.lastError.replace(/^.*: (?=[^:]+: [^:]+$)/, ""),
            });
        }
        if (any) this.picture.pulse("scraper-store", "answer", 1250);
        for (const [role, list] of Object.entries(roles)) this.node(role, list);
        const up = active.filter((/** @type {any} */ one) => one.health === "up").length;
        const every = [...new Set(active.map((/** @type {any} */ one) => one.scrapeInterval))];
        this.picture.say("scraper", {
            lines: [
                `${up} of ${active.length} targets up`,
                every.length === 1
                    ? `every ${every[0]}`
                    : every.length
                      ? `every ${every[0]} and others`
                      : "nothing to scrape",
            ],
            href: "targets",
            state: up === active.length ? "good" : "warn",
        });
        setText(this.summary, `${up} of ${active.length} targets up`);
        this.gatewayHref = href(roles.gateway[0]);
    }

    /**
     * @param {string} role
     * @param {any[]} list
     */
    node(role, list) {
        const up = list.filter((one) => one.health === "up");
        const state = list.length === 0 ? "" : up.length === list.length ? "good" : up.length ? "warn" : "bad";
        if (role === "others") {
            const names = [...new Set(list.map((one) => one.labels.job))];
            this.picture.say("others", {
                lines: [list.length ? `${up.length} of ${list.length} up` : "none", names.join(", ")],
                href: "targets",
                state,
            });
            return;
        }
        const target = list[0];
        const figure = this.figures[role] ?? "";
        this.picture.say(role, {
            lines: target
                ? [target.health === "down" ? "down" : figure || "up", target.labels.instance]
                : ["not among the targets", ""],
            href: href(target),
            state,
        });
    }

    /** @param {AbortSignal} signal */
    async pushes(signal) {
        const { result } = await api("query", { query: "push_time_seconds" }, signal);
        const known = this.pushed.size > 0 || this.asked;
        this.asked = true;
        let newest = 0,
            latest = "";
        for (const { metric, value } of result) {
            const at = Number(value[1]);
            const group = Object.entries(metric)
                .filter(([name, text]) => name !== "__name__" && text !== "")
                .sort(([a], [b]) => (a === "job" ? -1 : b === "job" ? 1 : 0))
                .map(([name, text]) => (name === "job" ? text : `${name}=${text}`))
                .join(" ");
            if (at > newest) {
                newest = at;
                latest = group;
            }
            if (this.pushed.get(group) === at || at === 0) continue;
            this.pushed.set(group, at);
            if (known) this.picture.pulse("batch-gateway", "push");
            this.tell({ key: `push ${group} ${at}`, kind: "push", at, text: `Pushed ${group}`, more: "" });
        }
        this.picture.say("batch", {
            lines: [
                newest
                    ? `last push ${span(Math.max(0, Math.floor(Date.now() / 1000 - newest)))
                          .split(" ", 2)
                          .join(" ")} ago`
                    : "no push yet",
                latest || "promenade batch add",
            ],
            href: this.gatewayHref,
            state: newest ? "good" : "",
        });
        this.figures.gateway = result.length === 1 ? "1 group" : `${result.length} groups`;
    }

    /** @param {AbortSignal} signal */
    async numbers(signal) {
        const first = async (/** @type {string} */ query) => (await api("query", { query }, signal)).result;
        const [tsdb, counts, rates, failures, scraped] = await Promise.all([
            api("status/tsdb", { limit: 1 }, signal).catch(() => null),
            first("request_count_total"),
            first("sum(rate(request_count_total[30s]))"),
            first("sum(rate(request_error_count_total[30s]))"),
            first("scrape_samples_scraped"),
        ]);
        const intervals = new Map(
            [...(await api("targets", { state: "active" }, signal)).activeTargets].map((one) => [
                one.labels.instance,
                parseDuration(one.scrapeInterval) ?? 15,
            ]),
        );
        const speed = scraped.reduce(
            (/** @type {number} */ sum, /** @type {any} */ one) =>
                sum + Number(one.value[1]) / (intervals.get(one.metric.instance) ?? 15),
            0,
        );
        this.picture.say("store", {
            lines: [
                tsdb ? `${tsdb.headStats.numSeries.toLocaleString("en")} series` : "",
                speed ? `${si(speed, 3)} samples/s` : "",
            ],
            href: "tsdb-status",
            state: "good",
        });
        if (counts.length) {
            this.demo = counts[0].metric.instance;
            const total = counts.reduce(
                (/** @type {number} */ sum, /** @type {any} */ one) => sum + Number(one.value[1]),
                0,
            );
            this.figures.demo = `${total.toLocaleString("en")} requests`;
            const rate = Number(rates[0]?.value[1] ?? 0);
            this.picture.say("visitors", {
                lines: [
                    rate ? `${plain(rate, 3)} requests/s` : "nobody right now",
                    rate ? `${plain((Number(failures[0]?.value[1] ?? 0) / rate) * 100, 2)} % are errors` : "",
                ],
                href: this.picture.said.demo.href,
                state: rate ? "good" : "",
            });
            const end = Math.floor(Date.now() / 5000) * 5;
            const [all, bad] = await Promise.all(
                ["request_count_total", "request_error_count_total"].map(async (name) => {
                    const [past] = (
                        await api(
                            "query_range",
                            { query: `sum(rate(${name}[30s]))`, start: end - 300, end, step: 5 },
                            signal,
                        )
                    ).result;
                    const values = new Array(61).fill(NaN);
                    for (const [time, value] of past?.values ?? [])
                        values[Math.round((time - end + 300) / 5)] = Number(value);
                    return values;
                }),
            );
            this.picture.say("query", {
                lines: ["the last five minutes of", "requests and errors"],
                href: "query",
                state: "good",
            });
            this.picture.spark("query", all, bad);
            if (rate)
                for (let i = 0; i < Math.min(12, Math.max(1, rate * 5)); i++)
                    this.picture.pulse("visitors-demo", "ask", (i * 5000) / Math.min(12, Math.max(1, rate * 5)));
        }
    }

    /**
     * Pushes are rare and scrapes are not: the last three pushes stay on top, and each target has one line, what fails
     * first, in an order that does not change while one reads it.
     * @param {Happening} event
     */
    tell(event) {
        this.events.set(event.key, event);
        const rank = (/** @type {Happening} */ one) => ["push", "bad", "good"].indexOf(one.kind);
        const all = [...this.events.values()].sort(
            (a, b) => rank(a) - rank(b) || (a.kind === "push" ? b.at - a.at : a.key < b.key ? -1 : 1),
        );
        const pushes = all.filter((one) => one.kind === "push");
        for (const old of pushes.slice(3)) this.events.delete(old.key);
        keyed(
            this.feed,
            [...pushes.slice(0, 3), ...all.slice(pushes.length)].slice(0, 8),
            (one) => one.key,
            () => {
                const mark = h("span", { "aria-hidden": "true" }),
                    text = h("span"),
                    more = h("span", { class: "muted" }),
                    time = h("stack-time", { class: "muted small" });
                return Object.assign(h("li", null, mark, h("span", { class: "grow" }, text, " ", more), time), {
                    mark,
                    text,
                    more,
                    time,
                });
            },
            (row, one) => {
                row.mark.className = `mark ${one.kind}`;
                setText(row.mark, { push: "↑", good: "↓", bad: "!" }[/** @type {Happening} */ (one).kind]);
                setText(row.text, one.text);
                setText(row.more, one.more);
                if (row.time.getAttribute("at") !== String(one.at)) row.time.setAttribute("at", String(one.at));
            },
        );
    }

    /**
     * Lines of targets that are gone go.
     * @param {Set<string>} keys of the targets that are there
     */
    forget(keys) {
        for (const [key, one] of this.events) if (one.kind !== "push" && !keys.has(key)) this.events.delete(key);
        for (const key of this.scraped.keys()) if (!keys.has(key)) this.scraped.delete(key);
    }
}

/**
 * Where a person would open a target: a loopback address is this page's own host.
 * @param {any} target
 */
function href(target) {
    if (!target) return undefined;
    const url = new URL("./", target.scrapeUrl);
    url.search = "";
    if (/^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)) url.hostname = location.hostname;
    // For the way back.
    url.hash = new URLSearchParams({ stack: new URL("./", location.href).href }).toString();
    return url.href;
}
