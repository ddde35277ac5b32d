// The stack as a living picture: who pushes and who is scraped, where the samples go, and each scrape and push while it
// happens. What was pushed waits visibly in the Pushgateway until a scrape takes it.

import { api } from "../shared/api.js";
import { clock, kind, now, slowness } from "../shared/clock.js";
import { h, every, fill, setText } from "../shared/dom.js";
import { gathered, listen } from "../shared/events.js";
import { ago, localized, plain, queryHref, seriesName, shortTime, si, span } from "../shared/format.js";
import { away } from "../shared/presence.js";
import { soon, survey, urlOf, webURL } from "../shared/stack.js";
import { demoControl } from "../shared/democontrol.js";
import { Feed } from "./feed.js";
import { healthOf, healthWord } from "./health.js";
import { figures, increase } from "./figures.js";
import { NODES, Picture } from "./picture.js";
import { unread } from "./pushed.js";
import { Waiting, groupText } from "./waiting.js";

const INCREASE = "increase(request_count_total[30s])";
/** @type {[string, string, string][]} question, expression, tab */
const QUESTIONS = [
    ["Who is up?", "up", "table"],
    ["How many requests come in a second?", "rate(request_count_total[1m])", "graph"],
    ["What share of them fails?", "rate(request_error_count_total[5m]) / rate(request_count_total[5m])", "graph"],
    ["How long ago did each job push?", "time() - push_time_seconds", "table"],
    ["How much does a counter grow, and why is that no whole number?", INCREASE, "explain"],
];

/** @param {HTMLElement} main */
export function show(main) {
    const feed = new Feed(h("ol", { class: "plain feed", "aria-live": "off" }));
    const place = h("div", { class: "picture-place" });
    const summary = h("p", { class: "muted", role: "status", id: "summary" });
    const note = h("div", { role: "status" });
    const headings = [h("h1", { class: "grow" }, "The stack, right now"), h("h2", null, "What just happened")];
    const links = QUESTIONS.map(([question, expr, tab]) => h("a", { href: queryHref(expr, tab, "15m") }, question));
    fill(
        main,
        h("div", { class: "headline" }, headings[0], summary),
        note,
        h("section", { class: "card flush", "aria-label": "The stack as a picture" }, place),
        demoControl(),
        h(
            "div",
            { class: "grid" },
            h("section", { class: "card" }, headings[1], feed.list, feed.rest),
            h(
                "section",
                { class: "card" },
                h("h2", null, "Questions to ask it"),
                h(
                    "ul",
                    { class: "plain questions" },
                    links.map((link, i) => h("li", null, link, h("code", { class: "muted small" }, QUESTIONS[i][1]))),
                ),
            ),
        ),
    );
    const narrow = matchMedia("(max-width: 46rem)");
    const form = () => {
        const shape = narrow.matches ? "tall" : "wide";
        return document.documentElement.dataset.size === "large" ? /** @type {const} */ (`${shape}-large`) : shape;
    };
    const picture = new Picture(place, form());
    const renew = () => picture.form !== form() && picture.build(form());
    narrow.addEventListener("change", renew);
    document.addEventListener("themechange", renew);
    const live = new Live(picture, feed, { summary, note, increase: links[links.length - 1] });
    if (kind) document.addEventListener("clock", () => live.moved());
    document.addEventListener("presence", () => {
        setText(headings[0], away() ? "The stack, as it was" : "The stack, right now");
        setText(headings[1], away() ? "What happened last" : "What just happened");
    });
    /** @type {ReturnType<typeof listen> | null} */
    let events = null;
    // Events tell what happens; what is there is asked for, more often where events do not come.
    every(1000, async (signal) => {
        if (!events?.isLive() || live.isOld || ++live.rounds % 5 === 1) await live.look(signal);
        // Only who knows what the targets are can tell what a scrape of one means.
        events ??= listen(
            gathered(
                (event, isPast, isShown, moment) => {
                    // What a simulated clock passes over it passes over in no time.
                    if (!kind && !isPast && event.time) live.waiting.heard(event.time, moment);
                    live.hear(event, isPast, isShown);
                },
                (event) => keyOf(/** @type {any} */ (event)),
            ),
        );
        live.countdown();
    });
    every(5000, (signal) => live.numbers(signal));
}

/** @typedef {{scrapePool: string, labels: Record<string, string>}} Scraped */

/**
 * A target, whichever answer it is from.
 * @param {Scraped} target
 */
const keyOf = (target) => `${target.scrapePool} ${seriesName(target.labels)}`;

/** @param {import("../shared/events.js").Event_} event a push: what it did to its group */
function deed({ method, wasThere }) {
    if (method === "DELETE") return wasThere ? "deleted" : "found nothing to delete in";
    if (!wasThere) return "made the group";
    return method === "PUT" ? "replaced" : "added to";
}

/** Whether time stands still, and nobody visits. */
const isStill = () => kind !== "" && !clock()?.playing;

/** @param {string} error a scrape's: what was asked for is said already */
const reason = (error) => error.replace(/^.*: (?=[^:]+: [^:]+$)/, "");

class Live {
    /**
     * @param {Picture} picture
     * @param {Feed} feed
     * @param {{summary: Element, note: Element, increase: Element}} places
     */
    constructor(picture, feed, places) {
        this.picture = picture;
        this.feed = feed;
        this.places = places;
        this.rounds = 0;
        /** Whether something has happened since what is there was asked for. */
        this.isOld = false;
        /** @type {Map<string, number>} when each target was scraped last, in milliseconds */
        this.scraped = new Map();
        /** @type {Map<string, boolean>} whether the last scrape of each target that was told of went well */
        this.health = new Map();
        /** What a simulated clock said last. */
        this.time = clock()?.now;
        this.waiting = new Waiting();
        /** @type {import("../shared/stack.js").Survey | null} */
        this.survey = null;
        /** Whether the server answers, so that it is known how its targets are. */
        this.isKnown = true;
        /** @type {Map<string, string>} what the stack's own targets are */
        this.roles = new Map();
        /** @type {{at: number, group: string} | null} */
        this.lastPush = null;
        this.requests = "";
        this.begin();
    }

    /** What each node says until it is known what is there. */
    begin() {
        const { picture } = this;
        for (const name of Object.keys(NODES)) picture.say(name, { lines: ["…"] });
        picture.say("visitors", { lines: ["ask, and sometimes fail"] });
        picture.say("batch", { lines: ["finish, and say so"] });
        picture.say("query", { lines: ["PromQL: table, graph,", "explanation"], href: "query", state: "good" });
    }

    /** @param {Scraped} target */
    roleOf(target) {
        return this.roles.get(keyOf(target)) ?? "others";
    }

    /** A simulated clock was asked: where it has moved, other things are there. */
    moved() {
        const time = clock()?.now;
        if (time !== this.time) this.isOld = true;
        this.time = time;
        if (isStill()) this.picture.cancel("visitors-demo");
    }

    /**
     * Something happened.
     * @param {import("../shared/events.js").Event_} event
     * @param {boolean} isPast
     * @param {boolean} isShown whether it is one of those that a person can follow
     */
    hear(event, isPast, isShown) {
        switch (event.kind) {
            case "push":
                return this.push(event, isPast, isShown);
            case "scrape":
                return this.scraping(event, isPast, isShown);
            case "reload":
            case "demo":
                if (!isPast) document.dispatchEvent(new CustomEvent("stackchange", { detail: event.kind }));
                return;
            case "missed":
                // A scenario that is played again has another past.
                if (event.isAnew && kind === "played") this.forget();
                this.waiting.missed();
                this.isOld = true;
                return this.countdown();
            case "evaluation":
            case "alert":
                return;
        }
    }

    /** Nothing that was heard has happened. */
    forget() {
        this.feed.forget(null);
        this.waiting = new Waiting();
        this.scraped.clear();
        this.lastPush = null;
    }

    /**
     * @param {import("../shared/events.js").Event_} event
     * @param {boolean} isPast
     * @param {boolean} isShown
     */
    push(event, isPast, isShown) {
        const group = groupText(event.group) || "no group";
        const isGood = event.status < 300;
        const key = `push ${event.id}`;
        this.tellFates(this.waiting.pushed(event, key));
        if (isGood && event.method !== "DELETE") this.lastPush = { at: event.time, group };
        if (!isPast) this.isOld = true;
        if (!isShown) return;
        if (!isPast) this.picture.pulse("batch-gateway", isGood ? "push" : "failure");
        this.feed.tell({
            key,
            kind: isGood ? "push" : "refused",
            at: event.time,
            text: `${event.method} ${isGood ? deed(event) : "was refused for"} ${group}`,
            more: event.error,
        });
        if (isPast) return;
        // The dot lies down when it has arrived.
        setTimeout(() => this.countdown(), 700 * slowness());
        document.dispatchEvent(new CustomEvent("stackchange", { detail: "push" }));
    }

    /**
     * A scrape has ended, as it was heard.
     * @param {import("../shared/events.js").Event_ & any} event
     * @param {boolean} isPast
     * @param {boolean} isShown
     */
    scraping(event, isPast, isShown) {
        const health = this.health.get(keyOf(event));
        // Of a target that is not known yet, and may be the Pushgateway, nobody knows what it took.
        const port = health === undefined ? (webURL(event.scrapeUrl)?.port ?? "") : "";
        if (port && this.survey?.pushgateway?.job.includes(`:${port}"`)) this.waiting.missed();
        if (!isPast && health !== !event.error) this.isOld = true;
        if (!event.error && this.roleOf(event) === "gateway") {
            const fates = this.waiting.taken(event.began);
            this.tellFates(fates);
            if (fates.length) setTimeout(() => this.countdown(), isPast ? 0 : 600 * slowness());
        }
        if (isShown) this.scrape(event, event.began, event.error, event.duration, !isPast);
    }

    /** @param {import("./waiting.js").Fate[]} fates */
    tellFates(fates) {
        for (const { key, waited, end } of fates) {
            const time = waited !== undefined && span(Math.round(waited * 10) / 10);
            const taken = time ? `waited ${time} in the Pushgateway, then a scrape took it` : "a scrape took it";
            this.feed.add(key, end === "taken" ? taken : end && `was ${end} before a scrape took it`);
        }
    }

    /**
     * A scrape has ended, as an event or an answer tells.
     * @param {Scraped} target
     * @param {number} began
     * @param {string} error
     * @param {number} duration
     * @param {boolean} isNew
     */
    scrape(target, began, error, duration, isNew) {
        const key = keyOf(target);
        const at = Math.round(began * 1000);
        const role = this.roleOf(target);
        const slow = slowness();
        if (began === 0 || (this.scraped.get(key) ?? 0) >= at) return;
        this.scraped.set(key, at);
        if (isNew) {
            this.picture.pulse(`${role}-scraper`, "ask", 0, true);
            this.picture.pulse(`${role}-scraper`, error ? "failure" : "answer", 600 * slow);
            if (!error) this.picture.pulse("scraper-store", "answer", 1250 * slow);
        }
        this.feed.tell({
            key,
            kind: error ? "bad" : "good",
            at: began,
            text: `${error ? "Could not scrape" : "Scraped"} ${target.labels.job} at ${target.labels.instance}`,
            more: error ? reason(error) : `in ${span(duration)}`,
        });
    }

    /**
     * What is there: targets, servers, who scrapes them.
     * @param {AbortSignal} signal
     */
    async look(signal) {
        const { summary } = this.places;
        this.isOld = false;
        let active;
        try {
            const asked = [survey(signal), api("targets", { state: "active" }, signal)];
            const [stack, targets] = await Promise.all(asked);
            this.survey = stack;
            active = targets.activeTargets;
            if (stack.pushgateway) await this.settle(signal, stack);
        } catch (error) {
            if (!signal.aborted) this.unknown();
            throw error;
        }
        if (!this.isKnown) this.begin();
        this.isKnown = true;
        const { pushgateway, demo } = /** @type {import("../shared/stack.js").Survey} */ (this.survey);
        this.roles.clear();
        for (const one of pushgateway?.scrapedBy ?? []) this.roles.set(keyOf(one), "gateway");
        for (const one of demo?.scrapedBy ?? []) this.roles.set(keyOf(one), "demo");
        const keys = new Set(active.map(keyOf));
        const isFirst = this.scraped.size === 0;
        this.feed.forget(keys);
        this.health = new Map(active.map((/** @type {any} */ one) => [keyOf(one), one.health === "up"]));
        for (const key of this.scraped.keys()) if (!keys.has(key)) this.scraped.delete(key);
        /** @type {Record<string, any[]>} */
        const roles = { demo: [], gateway: [], others: [] };
        for (const one of active) {
            roles[this.roleOf(one)].push(one);
            const began = one.lastScrape.startsWith("0001") ? 0 : Date.parse(one.lastScrape) / 1000;
            this.scrape(one, began, one.lastError, one.lastScrapeDuration, !isFirst);
        }
        for (const [role, list] of Object.entries(roles)) this.node(role, list);
        const { up, state } = healthOf(active);
        const every = [...new Set(active.map((/** @type {any} */ one) => one.scrapeInterval))];
        const rhythm = every.length > 1 ? `every ${every[0]} and others` : every.map((one) => `every ${one}`)[0];
        this.picture.say("scraper", {
            lines: active.length ? [`${up} of ${active.length} targets up`, rhythm] : ["no targets", "nothing to ask"],
            href: "targets",
            state: state === "bad" ? "warn" : state,
        });
        const none = "No targets: add a job under scrape_configs";
        setText(summary, active.length ? `${up} of ${active.length} targets up` : none);
        unread(this.places.note, /** @type {import("../shared/stack.js").Survey} */ (this.survey));
    }

    /**
     * What the Pushgateway holds: of what was pushed before anybody listened, or came and went unheard.
     * @param {AbortSignal} signal
     * @param {import("../shared/stack.js").Survey} stack
     */
    async settle(signal, { time, pushgateway }) {
        const held = await api("stack/pushed", { metric: "push_time_seconds" }, signal);
        this.tellFates(this.waiting.settle({ time, ...held }, pushgateway?.scrapedBy ?? []));
        const [newest] = held.groups;
        if (newest?.pushed > (this.lastPush?.at ?? 0))
            this.lastPush = { at: newest.pushed, group: groupText(newest.labels) };
    }

    /** The server does not answer: how its targets are, and what it has stored, is not known, and nothing moves. */
    unknown() {
        const gone = away();
        this.isKnown = false;
        const since = gone?.isGone ? `since ${shortTime(gone.since, Date.now() / 1000)}` : "";
        this.picture.still();
        for (const name of Object.keys(NODES))
            this.picture.say(name, { lines: ["not known", ""], href: this.picture.said[name]?.href });
        const { lastPush: push } = this;
        if (push) this.picture.say("batch", { lines: [`pushed at ${shortTime(push.at, now())}`, push.group] });
        this.picture.say("scraper", { lines: ["does not answer", since], state: "bad" });
        this.picture.say("query", { lines: ["cannot be asked", since], href: "query" });
        for (const { key } of this.waiting.groups.values())
            this.feed.add(key, "waited in the Pushgateway when that was last heard of");
        const words = gone?.words ? localized(gone.words) : `The server does not answer ${since}`;
        setText(this.places.summary, words.trim());
    }

    /**
     * @param {string} role
     * @param {any[]} list
     */
    node(role, list) {
        const { text, state } = healthOf(list);
        if (role === "others") {
            const names = [...new Set(list.map((one) => one.labels.job))];
            const first = list.length ? text : "none";
            const some = names.length > 3 ? [...names.slice(0, 2), `${names.length - 2} more`] : names;
            return this.picture.say("others", { lines: [first, some.join(", ")], href: "targets", state });
        }
        const [target] = list;
        const server = role === "demo" ? this.survey?.demo : this.survey?.pushgateway;
        const scraped = target && webURL(target.scrapeUrl);
        const href = server ? urlOf(server) : scraped && new URL("./", scraped).href;
        if (role === "gateway") {
            this.gateway = { target, href, state };
            return this.countdown();
        }
        const lines = [
            target ? healthWord(target, this.requests || "up") : "not among the targets",
            target?.labels.instance ?? "",
        ];
        this.picture.say(role, { lines, href, state });
    }

    /** What waits in the Pushgateway, and until when. */
    countdown() {
        if (!this.isKnown) return;
        const { target, href, state = "" } = this.gateway ?? {};
        const { pushgateway } = this.survey ?? {};
        const { count } = this.waiting;
        const groups = pushgateway?.groups === 1 ? "1 group" : `${pushgateway?.groups ?? 0} groups`;
        const readers = pushgateway?.scrapedBy ?? [];
        const next = Math.min(...readers.map((one) => one.nextScrape ?? Infinity));
        const left = next - now();
        const until = Number.isFinite(left) && left > -1 ? `scraped ${soon(left)}` : "until the next scrape";
        const lines = !pushgateway
            ? [target ? healthWord(target) : "not in this stack", target?.labels.instance ?? ""]
            : readers.length === 0
              ? [`${groups}, not read`, "no job scrapes it"]
              : target?.health === "down"
                ? ["down", target.labels.instance]
                : count
                  ? [count === 1 ? "1 push waits here" : `${count} pushes wait here`, until]
                  : [groups, target?.labels.instance ?? ""];
        this.picture.say("gateway", {
            lines,
            href,
            state: readers.length === 0 && pushgateway?.groups ? "warn" : state,
        });
        this.picture.park("gateway", count);
        const waits = readers.length ? `waits in the Pushgateway, ${until}` : "waits: no job scrapes the Pushgateway";
        for (const { key, isSure } of this.waiting.groups.values()) this.feed.add(key, isSure ? waits : "");
        const push = this.lastPush;
        const past = push && ago(Math.max(0, now() - push.at)).replace(/^(\d+ \S+) .* ago$/, "$1 ago");
        this.picture.say("batch", {
            lines: push ? [`last push ${past}`, push.group] : ["no push yet", "promenade batch add"],
            href,
            state: push ? "good" : "",
        });
    }

    /** @param {AbortSignal} signal */
    async numbers(signal) {
        const { series, speed, demo } = await figures(signal);
        this.picture.say("store", {
            lines: [
                Number.isFinite(series) ? `${series.toLocaleString("en")} series` : "",
                speed ? `${speed < 1 ? speed.toFixed(2) : si(speed, 3)} samples/s` : "",
            ],
            href: "tsdb-status",
            state: "good",
        });
        if (!this.lastPush) {
            // Groups that were there before this run have no event.
            const [newest] = (await api("query", { query: "topk(1, push_time_seconds)" }, signal)).result;
            const at = Number(newest?.value[1] ?? 0);
            if (at) this.lastPush = { at, group: groupText(newest.metric) };
        }
        if (!demo) return;
        this.requests = `${demo.total.toLocaleString("en")} requests`;
        const { rate } = demo;
        this.picture.say("visitors", {
            lines: [
                rate ? `${plain(rate, 3)} requests/s` : "nobody right now",
                rate ? `${plain(demo.failing * 100, 2)} % are errors` : "",
            ],
            href: this.picture.said.demo.href,
            state: rate ? "good" : "",
        });
        const most = Math.max(...demo.all.filter(Number.isFinite), 0);
        if (most > 0) {
            const lines = ["the last five minutes of", "requests and errors"];
            this.picture.say("query", { lines, href: "query", state: "good" });
        }
        this.picture.spark("query", demo.all, demo.bad, ["requests", "errors", `≤ ${si(most, 2)}/s`]);
        const dots = rate && !isStill() ? Math.min(12, Math.max(1, rate * 5)) : 0;
        for (let i = 0; i < dots; i++) this.picture.pulse("visitors-demo", "ask", (i * 5000) / dots);
        await this.question(signal);
    }

    /**
     * The question about increase(), with the numbers that it is about.
     * @param {AbortSignal} signal
     */
    async question(signal) {
        const time = Math.floor(now());
        const found = await increase(time, signal);
        const link = this.places.increase;
        if (!found || document.activeElement === link || Math.abs(found.says - found.counted) < 0.05) return;
        const says = plain(found.says, 4);
        setText(link, `Why does increase() say ${says}, and the counter only grew by ${plain(found.counted)}?`);
        link.setAttribute("href", queryHref(INCREASE, "explain", "15m", time));
    }
}
