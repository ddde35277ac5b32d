// Building and refreshing the page. Text from data enters only as text nodes: nothing here parses HTML.

/**
 * An element with properties and children.
 * `class`, `role`, `aria-…` and other attributes go by name; `on…` functions are listeners; false, null and
 * undefined are left out.
 * @param {string} tag "div", or "svg:path" for SVG
 * @param {Record<string, any> | null} [props]
 * @param {...(Node | string | number | null | undefined | false | Array<any>)} children
 * @returns {any}
 */
export function h(tag, props, ...children) {
    /** @type {any} */
    const element = tag.startsWith("svg:")
        ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
        : document.createElement(tag);
    for (const [name, value] of Object.entries(props ?? {})) {
        if (value === false || value == null) continue;
        if (typeof value === "function" && name.startsWith("on")) element.addEventListener(name.slice(2), value);
        else if (name in element && typeof value === "object") element[name] = value;
        else element.setAttribute(name, value === true ? "" : String(value));
    }
    append(element, children);
    return element;
}

/**
 * @param {Node} parent
 * @param {any[]} children
 */
function append(parent, children) {
    for (const child of children) {
        if (child == null || child === false) continue;
        if (Array.isArray(child)) append(parent, child);
        else parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
    }
}

/**
 * Replaces what an element holds.
 * @param {Element} element
 * @param {...any} children
 */
export function fill(element, ...children) {
    element.replaceChildren();
    append(element, children);
    return element;
}

/**
 * Sets an element's text only where it changed (a live page that rewrites equal text disturbs selections and screen
 * readers).
 * @param {Element} element
 * @param {string | number} text
 */
export function setText(element, text) {
    const value = String(text);
    if (element.textContent !== value) element.textContent = value;
}

/**
 * The rows that `keyed` has made, by the element they are in.
 * @type {WeakMap<Element, Map<string, Element>>}
 */
const rowsOf = new WeakMap();

/**
 * Keeps the children of `parent` in step with `items`: rows are made once per key, updated in place, moved, and
 * removed.
 * @template T
 * @param {Element} parent
 * @param {T[]} items
 * @param {(item: T) => string} key
 * @param {(item: T) => Element} create
 * @param {(row: any, item: T) => void} [update]
 */
export function keyed(parent, items, key, create, update) {
    /** @type {Map<string, Element>} */
    const rows = rowsOf.get(parent) ?? new Map();
    rowsOf.set(parent, rows);
    const seen = new Set();
    let place = parent.firstElementChild;
    for (const item of items) {
        const name = key(item);
        if (seen.has(name)) continue;
        seen.add(name);
        let row = rows.get(name);
        if (!row) rows.set(name, (row = create(item)));
        update?.(row, item);
        if (row === place) place = place.nextElementSibling;
        else parent.insertBefore(row, place);
    }
    for (const [name, row] of rows) {
        if (seen.has(name)) continue;
        row.remove();
        rows.delete(name);
    }
}

/**
 * Brings what an element holds to what it should hold, in place: what stays alike is kept, with its focus, its
 * selection and what was opened, and only what differs is changed. Elements go together by their `key` attribute,
 * then by their order. Of listeners, those of the element that was there first remain.
 * @param {Element} element
 * @param {...any} children
 */
export function renew(element, ...children) {
    const wanted = document.createDocumentFragment();
    append(wanted, children);
    reconcile(element, wanted);
}

/**
 * @param {Node} holder
 * @param {Node} wanted
 */
function reconcile(holder, wanted) {
    const before = [...holder.childNodes];
    const partners = paired(before, [...wanted.childNodes]);
    const kept = new Set(partners.values());
    for (const node of before) if (!kept.has(node)) node.remove();
    let place = holder.firstChild;
    for (const [node, partner] of partners) {
        if (!partner) holder.insertBefore(node, place);
        else if (partner === place) place = place.nextSibling;
        else move(holder, partner, place);
        if (partner) adopt(partner, node);
    }
}

/**
 * Moves a child, with its focus where the browser can.
 * @param {any} holder
 * @param {Node} child
 * @param {Node | null} place
 */
function move(holder, child, place) {
    if ("moveBefore" in holder) holder.moveBefore(child, place);
    else holder.insertBefore(child, place);
}

/**
 * For each node that is wanted, in order, the one that becomes it.
 * @param {ChildNode[]} before
 * @param {ChildNode[]} after
 */
function paired(before, after) {
    /** @type {Map<ChildNode, ChildNode | undefined>} */
    const partners = new Map(after.map((node) => [node, undefined]));
    const keyed = new Map(before.filter(keyOf).map((node) => [keyOf(node), node]));
    const free = new Set(before);
    for (const node of after) {
        const partner = keyed.get(keyOf(node) ?? "");
        if (!partner || !free.has(partner) || partner.nodeName !== node.nodeName) continue;
        partners.set(node, partner);
        free.delete(partner);
    }
    for (const node of after) {
        if (partners.get(node)) continue;
        for (const partner of free) {
            if (partner.nodeName !== node.nodeName) continue;
            partners.set(node, partner);
            free.delete(partner);
            break;
        }
    }
    return partners;
}

/** @param {Node} node */
const keyOf = (node) => (node instanceof Element ? node.getAttribute("key") : null);

/**
 * Makes an element, or a text, what another one is. What a person opened stays open; what an element of our own draws
 * by itself is its own matter.
 * @param {any} node
 * @param {any} wanted
 */
function adopt(node, wanted) {
    if (!(node instanceof Element)) {
        if (node.data !== wanted.data) node.data = wanted.data;
        return;
    }
    if (node.localName === "stack-labels") {
        Object.assign(node, { labels: Reflect.get(wanted, "labels") });
        return;
    }
    const isOurs = node.localName.includes("-");
    for (const { name, value } of wanted.attributes)
        if (node.getAttribute(name) !== value && name !== "open") node.setAttribute(name, value);
    if (!isOurs)
        for (const { name } of [...node.attributes])
            if (!wanted.hasAttribute(name) && name !== "open") node.removeAttribute(name);
    if (wanted.hasChildNodes() || !isOurs) reconcile(node, wanted);
}

/**
 * Calls `work` now and then again and again, never twice at once, not while the page is hidden.
 * @param {number} milliseconds
 * @param {(signal: AbortSignal) => Promise<void> | void} work
 * @returns {() => void} stops it
 */
export function every(milliseconds, work) {
    const ending = new AbortController();
    let timer = 0;
    const round = async () => {
        clearTimeout(timer);
        if (!document.hidden) {
            try {
                await work(ending.signal);
            } catch (error) {
                if (!ending.signal.aborted) console.warn(error);
            }
        }
        clearTimeout(timer);
        if (!ending.signal.aborted) timer = window.setTimeout(round, milliseconds);
    };
    document.addEventListener(
        "visibilitychange",
        () => {
            if (!document.hidden) round();
        },
        { signal: ending.signal },
    );
    round();
    return () => {
        clearTimeout(timer);
        ending.abort();
    };
}

/** What is kept between visits (and nothing at all where storage is switched off). */
export const memory = {
    /**
     * @template T
     * @param {string} key
     * @param {T} otherwise
     * @returns {T}
     */
    get(key, otherwise) {
        try {
            return JSON.parse(localStorage.getItem(key) ?? "null") ?? otherwise;
        } catch {
            return otherwise;
        }
    },
    /**
     * @param {string} key
     * @param {any} value
     */
    set(key, value) {
        try {
            if (value == null) localStorage.removeItem(key);
            else localStorage.setItem(key, JSON.stringify(value));
        } catch {
            /* full or switched off */
        }
    },
};

/**
 * A table with a caption for screen readers.
 * @param {string} caption
 * @param {string[]} columns
 * @param {string[]} numbers which of the columns hold numbers
 * @param {HTMLElement[]} rows
 */
export function captioned(caption, columns, numbers, rows) {
    const heads = columns.map((name) => h("th", { scope: "col", class: numbers.includes(name) && "num" }, name));
    return h(
        "div",
        { class: "table-wrap" },
        h(
            "table",
            null,
            h("caption", { class: "visually-hidden" }, caption),
            h("thead", null, h("tr", null, heads)),
            h("tbody", null, rows),
        ),
    );
}

/**
 * A part of a page with a heading.
 * @param {string} title
 * @param {any[]} content
 */
export const card = (title, ...content) => h("section", { class: "card" }, h("h2", null, title), ...content);
