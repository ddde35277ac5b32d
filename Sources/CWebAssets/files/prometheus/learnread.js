// What goes with the lessons to be read: the ten questions and the tutorial, as they stand in docs/. Not all of
// Markdown, but what these texts have in them. Links lead to what this server has; what it has not is named without
// one.

import { fill, h } from "../shared/dom.js";
import { languages } from "./learncourse.js";
import { word } from "./learnwords.js";

/** The texts by the names under which they can be read. */
export const readings = ["learn-check", "tutorial"];

/**
 * Where a link of a text leads here.
 * @param {string} target
 * @returns {string | undefined} nothing where this server does not have it
 */
export function linkHere(target) {
    const lesson = /^\.\.\/lessons\/([\w-]+)\/lesson\.(\w+)\.md$/.exec(target);
    if (lesson) return `learn?lesson=${lesson[1]}&lang=${lesson[2]}`;
    const text = /^([\w-]+?)(?:\.(\w\w))?\.md$/.exec(target);
    if (text && readings.includes(text[1])) return `learn?read=${text[1]}&lang=${text[2] ?? "en"}`;
    return /^https?:/.test(target) ? target : undefined;
}

const PARTS = /`([^`]+)`|\*\*(.+?)\*\*|!\[([^\]]*)\]\([^)]*\)|\[([^\][]+)\]\(([^)]*)\)|<(https?:[^>]+)>/g;

/**
 * A line with `code`, **weight** and links.
 * @param {string} text
 * @returns {any[]}
 */
export function inline(text) {
    const out = [];
    let from = 0;
    for (const match of text.matchAll(PARTS)) {
        out.push(text.slice(from, match.index));
        from = match.index + match[0].length;
        const [, code, strong, image, name, target, address] = match;
        if (code !== undefined) out.push(h("code", null, code));
        else if (strong !== undefined) out.push(h("strong", null, inline(strong)));
        else if (image !== undefined) out.push(h("em", { class: "muted" }, image));
        else if (address) out.push(h("a", { href: address }, address));
        else {
            const href = linkHere(target);
            out.push(href ? h("a", { href }, inline(name)) : h("span", null, inline(name)));
        }
    }
    out.push(text.slice(from));
    return out.filter((one) => one !== "");
}

/**
 * The elements of a text.
 * @param {string[]} lines
 */
export function read(lines) {
    /** @type {any[][]} the elements of what is open, the innermost last */
    const open = [[]];
    const add = (/** @type {any} */ one) => open[open.length - 1].push(one);
    /** @type {string[]} */
    let words = [];
    /** @type {string[][]} the items of a list, each with its lines */
    let items = [];
    const flush = () => {
        if (words.length) add(h("p", null, inline(joined(words))));
        if (items.length) add(h("ul", null, items.map((item) => h("li", null, inline(joined(item))))));
        words = [];
        items = [];
    };
    for (let at = 0; at < lines.length; at += 1) {
        const line = lines[at];
        const heading = /^(#{1,3}) (.*)/.exec(line);
        const summary = /^<details><summary>(.*)<\/summary>$/.exec(line);
        const isMark = /^(<!--.*-->)?$/.test(line);
        if (heading || summary || isMark || line === "</details>" || line.startsWith("```")) flush();
        if (isMark) continue;
        if (heading) add(h(`h${heading[1].length}`, null, inline(heading[2])));
        else if (summary) {
            open.push([h("summary", null, summary[1])]);
        } else if (line === "</details>" && open.length > 1) {
            const inner = open.pop();
            add(h("details", { class: "stack" }, inner));
        } else if (line.startsWith("```")) {
            const found = lines.indexOf("```", at + 1);
            // A block without an end goes to the end of the text.
            const end = found < 0 ? lines.length : found;
            add(h("pre", { class: "paste", tabindex: "0" }, lines.slice(at + 1, end).join("\n")));
            at = end;
        } else if (line.startsWith("- ")) {
            if (words.length) flush();
            items.push([line.slice(2)]);
        } else if (items.length && line.startsWith("  ")) items[items.length - 1].push(line.trim());
        else {
            if (items.length) flush();
            words.push(line);
        }
    }
    flush();
    return open[0];
}

/**
 * A break between lines is a space, but not in a script without spaces.
 * @param {string[]} lines
 */
function joined(lines) {
    return lines.reduce((text, line) => {
        const isWide = /[\u3000-\uffef]$/.test(text) || /^[\u3000-\uffef]/.test(line);
        return isWide || !text ? text + line : `${text} ${line}`;
    }, "");
}

/**
 * @param {HTMLElement} main @param {any} course @param {string} name @param {string} language
 */
export async function show(main, course, name, language) {
    const own = language === "ja" ? "ja" : "en";
    const answer = await fetch(`assets/docs/${name}${own === "ja" ? ".ja" : ""}.md`);
    if (!answer.ok) throw new Error(word(language, "lost", `${answer.status}`));
    const lines = (await answer.text()).split("\n");
    const title = lines.findIndex((line) => line.startsWith("# "));
    // The line that leads to the other language stands here as buttons.
    const other = /^\[[^\]]*\]\((learn-check|tutorial)(\.ja)?\.md\)$/;
    const rest = lines.slice(title + 1).filter((line) => !other.test(line));
    main.lang = own;
    document.title = `${lines[title].slice(2)} · Promenade`;
    history.replaceState(history.state, "", `learn?read=${name}&lang=${language}`);
    fill(
        main,
        h(
            "div",
            { class: "headline" },
            h("h1", { class: "grow" }, inline(lines[title].slice(2))),
            h("a", { href: `learn?lang=${language}` }, word(language, "all")),
            languages(course, language, (one) => show(main, course, name, one)),
        ),
        h("section", { class: "card lesson-step stack" }, read(rest)),
    );
}
