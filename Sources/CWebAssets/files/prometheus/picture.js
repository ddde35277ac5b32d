// The stack as a picture: boxes for its parts, arrows for the ways between them, and what moves along them.

import { slowness } from "../shared/clock.js";
import { fill, h, setText } from "../shared/dom.js";

/**
 * Nodes: their left upper corner in the wide and in the narrow picture.
 * @type {Record<string, {wide: [number, number], tall: [number, number], title: string, icon: string}>}
 */
export const NODES = {
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

export class Picture {
    /**
     * @param {Element} place
     * @param {"wide" | "tall"} form
     */
    constructor(place, form) {
        this.place = place;
        /**
         * How much waits in which node; kept over a rebuild, too.
         * @type {Record<string, number> | undefined}
         */
        this.parked = undefined;
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
            // A graph of the last minutes with its key, where a node is given one.
            const sparks = ["veil", "", "bad"].map((look) => h("svg:path", { class: `spark ${look}` }));
            const key = h("svg:g", { class: "key", transform: `translate(16 ${hh - 12})` });
            // What lies in it and waits.
            const waiting = h("svg:g", { class: "parked" });
            link.append(...sparks, key, waiting);
            this.nodes[name] = { link, texts, dot, sparks, key, waiting };
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
        for (const [name, count] of Object.entries(this.parked ?? {})) this.park(name, count);
        if (this.sparked) this.spark(...this.sparked);
    }

    /**
     * Draws two curves in a node, instead of its lines: all, and what of them was bad.
     * @param {string} name
     * @param {number[]} all NaN where there is none
     * @param {number[]} bad
     * @param {string[]} key what the curves are, and how high the frame is
     */
    spark(name, all, bad, key) {
        /** @type {[string, number[], number[], string[]] | undefined} */
        this.sparked = [name, all, bad, key];
        const {
            link,
            sparks: [veil, ...curves],
            key: place,
        } = this.nodes[name];
        const known = all.filter(Number.isFinite),
            most = Math.max(...known, 0);
        const isDrawn = known.length > 1 && most > 0;
        link.classList.toggle("drawn", isDrawn);
        if (!isDrawn) return;
        const form = /** @type {"wide" | "tall"} */ (this.form);
        const [w, hh] = SIZE[form],
            foot = hh - 30,
            top = 46;
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
        fill(
            place,
            h("svg:path", { class: "spark", d: "M0 -4h14" }),
            h("svg:text", { x: 18 }, key[0]),
            h("svg:path", { class: "spark bad", d: "M82 -4h14" }),
            h("svg:text", { x: 100 }, key[1]),
            form === "wide" ? h("svg:text", { x: w - 32, "text-anchor": "end" }, key[2]) : null,
        );
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
     * Shows that something lies in a node and waits: at most six dots.
     * @param {string} name
     * @param {number} count
     */
    park(name, count) {
        this.parked = { ...this.parked, [name]: count };
        const [w, hh] = SIZE[/** @type {"wide"} */ (this.form)];
        const dots = Array.from({ length: Math.min(count, 6) }, (_, i) =>
            h("svg:circle", { cx: w - 18 - i * 15, cy: hh - 14, r: 5.5 }),
        );
        const place = this.nodes[name].waiting;
        if (place.childElementCount !== dots.length) fill(place, dots);
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
            { duration: 700 * slowness(), delay, easing: "ease-in-out", fill: "both" },
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
