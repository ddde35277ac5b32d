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
