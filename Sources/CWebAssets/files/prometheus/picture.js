// The stack as a picture: boxes for its parts, arrows for the ways between them, and what moves along them.

import { slowness } from "../shared/clock.js";
import { fill, h, setText } from "../shared/dom.js";

/**
 * Nodes: their column and row in the wide and in the narrow picture.
 * @type {Record<string, {wide: [number, number], tall: [number, number], title: string, icon: string}>}
 */
export const NODES = {
    visitors: {
        wide: [0, 0],
        tall: [0, 0],
        title: "Visitors",
        icon: "M8 8a4 4 0 1 1 .01 0M1 20c0-5 3-8 7-8s7 3 7 8M16 9a3 3 0 1 0-1-5M17 12c3 0 5 3 5 7",
    },
    batch: { wide: [0, 2], tall: [1, 0], title: "Batch jobs", icon: "M3 5h18M3 12h18M3 19h12M18 16l4 3-4 3z" },
    demo: { wide: [1, 0], tall: [0, 1], title: "Demo server", icon: "M3 4h18v6H3zM3 14h18v6H3zM7 7h.01M7 17h.01" },
    gateway: { wide: [1, 2], tall: [1, 1], title: "Pushgateway", icon: "M12 3v12M7 10l5 5 5-5M3 17v4h18v-4" },
    others: {
        wide: [1, 1],
        tall: [0, 2],
        title: "Other targets",
        icon: "M12 3a9 9 0 1 0 .01 0M12 8a4 4 0 1 0 .01 0",
    },
    scraper: { wide: [2, 1], tall: [1, 2], title: "Scraper", icon: "M20 12a8 8 0 1 1-3-6.2M20 2v5h-5" },
    store: {
        wide: [3, 1],
        tall: [1, 3],
        title: "Store",
        icon: "M4 6c0-4 16-4 16 0v12c0 4-16 4-16 0zM4 6c0 4 16 4 16 0M4 12c0 4 16 4 16 0",
    },
    query: { wide: [3, 2], tall: [0, 3], title: "Query", icon: "M3 3v18h18M6 16l4-5 4 3 6-8" },
};
/**
 * @typedef {"wide" | "tall" | "wide-large" | "tall-large"} Form
 * @typedef {{
 *     isTall: boolean, columns: number[], rows: number[], size: [number, number], box: string, few: number[],
 *     many: number[], second: number, top: number,
 * }} Layout where columns and rows begin, how large a box is, the base lines of a box's text where it has two lines and
 *     where it needs more, where the second word of a curve's key begins, and how high a curve may rise
 */

/** @type {Record<Form, Layout>} */
const LAYOUTS = {
    wide: {
        isTall: false,
        columns: [10, 320, 650, 960],
        rows: [40, 200, 360],
        size: [230, 110],
        box: "0 20 1200 470",
        few: [68, 90],
        many: [60, 79, 98],
        second: 82,
        top: 46,
    },
    tall: {
        isTall: true,
        columns: [5, 207],
        rows: [10, 165, 320, 475],
        size: [188, 104],
        box: "0 0 400 590",
        few: [68, 90],
        many: [58, 76, 94],
        second: 82,
        top: 46,
    },
    "wide-large": {
        isTall: false,
        columns: [4, 318, 632, 946],
        rows: [14, 194, 374],
        size: [250, 150],
        box: "0 0 1200 536",
        few: [82, 116],
        many: [74, 103, 132],
        second: 112,
        top: 78,
    },
    "tall-large": {
        isTall: true,
        columns: [3, 205],
        rows: [8, 186, 364, 542],
        size: [192, 140],
        box: "0 0 400 690",
        few: [74, 104],
        many: [61, 83, 105, 127],
        second: 92,
        top: 64,
    },
};
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
     * @param {Form} form
     */
    constructor(place, form) {
        this.place = place;
        this.form = form;
        this.layout = LAYOUTS[form];
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

    /** @param {Form} form */
    build(form) {
        this.form = form;
        const { isTall, size, box, many } = (this.layout = LAYOUTS[form]);
        const [w, hh] = size;
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
            const [x, y] = this.corner(name);
            const texts = many.map((y) => h("svg:text", { x: 16, y, class: "line" }));
            const dot = h("svg:circle", {
                cx: w - (form === "wide" ? 18 : 12),
                cy: form === "wide" ? 27 : 12,
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
                h("svg:text", { x: isTall ? 46 : 50, y: 34, class: "title" }, node.title),
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
                    viewBox: box,
                    class: `living ${isTall ? "tall" : "wide"} ${form}`,
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
        const { size, second, top } = this.layout;
        const [w, hh] = size,
            foot = hh - 30;
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
            h("svg:path", { class: "spark bad", d: `M${second} -4h14` }),
            h("svg:text", { x: second + 18 }, key[1]),
            // Beside the others where there is room, else above the curves.
            h("svg:text", { x: w - 32, y: this.form === "wide" ? 0 : top - hh + 8, "text-anchor": "end" }, key[2]),
        );
        veil.setAttribute("d", `M${x(points[0])} ${foot}L${points.join("L")}L${x(points[points.length - 1])} ${foot}Z`);
    }

    /**
     * Where a node's box begins.
     * @param {string} name
     * @returns {[number, number]}
     */
    corner(name) {
        const { isTall, columns, rows } = this.layout;
        const [column, row] = NODES[name][isTall ? "tall" : "wide"];
        return [columns[column], rows[row]];
    }

    /**
     * The way between two nodes' nearest sides.
     * @param {string} from
     * @param {string} to
     */
    way(from, to) {
        const { isTall, size } = this.layout,
            [w, hh] = size;
        const [ax, ay] = this.corner(from),
            [bx, by] = this.corner(to);
        /** @type {number[]} */
        let points;
        if (Math.abs(bx - ax) < 20)
            points = [ax + w / 2, by > ay ? ay + hh : ay, bx + w / 2, by > ay ? by - 3 : by + hh + 3];
        else if (isTall && by !== ay)
            points = [ax + w * (bx > ax ? 0.8 : 0.2), ay + hh, bx + w * (bx > ax ? 0.2 : 0.8), by - 3];
        else points = [bx > ax ? ax + w : ax, ay + hh / 2, bx > ax ? bx - 3 : bx + w + 3, by + hh / 2];
        // Several ways into one side spread over it.
        if (!isTall && to === "scraper") points[3] += from === "demo" ? -24 : from === "gateway" ? 24 : 0;
        const [x1, y1, x2, y2] = points;
        const vertical = Math.abs(bx - ax) < 20 || (isTall && by !== ay);
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
        const { size, few, many } = this.layout;
        write(node.texts, said.lines, size[0] - 28, { few, many });
        node.dot.setAttribute("class", `dot ${said.state ?? ""}`);
        if (said.href) node.link.setAttribute("href", said.href);
        node.link.setAttribute("aria-label", `${NODES[name].title}: ${said.lines.filter(Boolean).join(", ")}`);
    }

    /**
     * What moves along an arrow, or is to, is there no more.
     * @param {string} name
     */
    cancel(name) {
        for (const dot of [...this.pulses.children]) if (dot.getAttribute("data-way") === name) dot.remove();
    }

    /** Nothing moves, nothing waits, no curve is drawn: nobody knows. */
    still() {
        this.pulses.replaceChildren();
        for (const name of Object.keys(this.parked ?? {})) this.park(name, 0);
        for (const { link } of Object.values(this.nodes)) link.classList.remove("drawn");
        this.sparked = undefined;
    }

    /**
     * Shows that something lies in a node and waits: at most six dots.
     * @param {string} name
     * @param {number} count
     */
    park(name, count) {
        this.parked = { ...this.parked, [name]: count };
        const [w, hh] = this.layout.size;
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
        const dot = h("svg:circle", { r: backwards ? 4.5 : 7, class: `pulse ${kind}`, "data-way": name });
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
 * Puts lines into a box: one that is too long goes on in the next row, as long as there are rows, and is cut at last.
 * @param {any[]} texts the rows
 * @param {string[]} lines
 * @param {number} room how long a row may be
 * @param {{few: number[], many: number[]}} places where the rows stand
 */
function write(texts, lines, room, { few, many }) {
    const said = JSON.stringify(lines);
    const [ruler] = texts;
    if (ruler.said === said) return;
    ruler.said = said;
    const fits = (/** @type {string} */ text) => {
        setText(ruler, text);
        return ruler.getComputedTextLength() <= room;
    };
    /** @type {string[]} */
    const rows = [];
    lines.forEach((line, i) => {
        // Each line that is still to come has a row.
        const last = many.length - (lines.length - i);
        let row = "";
        for (const word of line.split(" ")) {
            const longer = row ? `${row} ${word}` : word;
            if (row && rows.length < last && !fits(longer)) {
                rows.push(row);
                row = word;
            } else row = longer;
        }
        rows.push(row);
    });
    const cut = rows.map((row) => {
        let shown = row;
        for (let end = row.length - 1; end > 0 && !fits(shown); end--) shown = `${row.slice(0, end).trimEnd()}…`;
        return shown;
    });
    const places = rows.length > few.length ? many : few;
    texts.forEach((text, i) => {
        setText(text, cut[i] ?? "");
        text.setAttribute("y", places[i] ?? 0);
    });
}
