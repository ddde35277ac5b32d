// All groups: folded lines with label badges, unfolded their families, unfolded their metrics.

import { every, fill, h, keyed, setText } from "../shared/dom.js";
import { envelope } from "../shared/api.js";
import { toggleButton, unfolder } from "../shared/components.js";
import { queryHref } from "../shared/format.js";
import { ask } from "../shared/presence.js";
import { groupSelector, survey, urlOf } from "../shared/stack.js";
import { badges, text } from "./labels.js";
import { refreshFamilies } from "./families.js";

/**
 * @typedef {{path: string, labels: [string, string][], last_push_successful: boolean, push_time_seconds: number,
 *   push_failure_time_seconds: number, error: string, expires: string, families: string[], order?: string}} Group
 */

/** Which groups and families are unfolded; kept for the tab, also over a reload. */
const open = {
    /** @type {Set<string>} */
    keys: new Set(),
    read() {
        try {
            this.keys = new Set(JSON.parse(sessionStorage.getItem("open") ?? "[]"));
        } catch {
            this.keys = new Set();
        }
    },
    /**
     * @param {string} key
     * @param {boolean} isOpen
     */
    set(key, isOpen) {
        if (isOpen) this.keys.add(key);
        else this.keys.delete(key);
        try {
            sessionStorage.setItem("open", JSON.stringify([...this.keys]));
        } catch {
            /* switched off */
        }
    },
};

let counter = 0;

/**
 * @param {HTMLElement} place
 * @param {any} page
 */
export function groupsView(place, page) {
    open.read();
    /** @type {Map<string, Group>} */
    const groups = new Map();
    let sequence = 0;
    let filter = "";
    let onlyFailed = false;
    const isAdmin = page.status.flags["web.enable-admin-api"] === "true";

    const count = h("p", { class: "muted", role: "status" });
    const list = h("div", { class: "groups", role: "list" });
    const empty = h("div", { class: "card empty", hidden: true });
    const search = h("input", {
        class: "field grow",
        type: "search",
        placeholder: "Search labels and metric names",
        "aria-label": "Search groups",
        oninput: () => {
            filter = search.value.trim().toLowerCase();
            render();
        },
    });
    const failed = toggleButton("Failed only", (isOn) => {
        onlyFailed = isOn;
        render();
    });
    const unfold = h(
        "button",
        {
            class: "button",
            type: "button",
            onclick: () => {
                for (const row of list.children)
                    if (open.keys.has(/** @type {any} */ (row).path)) /** @type {any} */ (row).toggle(false);
            },
        },
        "Fold all",
    );
    const deleteAll = h(
        "button",
        { class: "button danger", type: "button", hidden: !isAdmin, onclick: removeAll },
        "Delete all groups",
    );
    fill(
        place,
        h("div", { class: "headline" }, h("h1", null, "Groups"), count),
        h("div", { class: "toolbar row", role: "search" }, search, failed, unfold, deleteAll),
        list,
        empty,
    );

    /** @type {import("../shared/stack.js").Survey | null} */
    let stack = null;

    function shown() {
        const result = [];
        for (const group of groups.values()) {
            if (onlyFailed && group.last_push_successful) continue;
            if (filter && !haystack(group).includes(filter)) continue;
            result.push(group);
        }
        return result.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
    }

    function render() {
        const items = shown();
        list.classList.toggle("many", items.length > 100);
        keyed(list, items, (group) => group.path, create, update);
        const all = groups.size === 1 ? "1 group" : `${groups.size} groups`;
        setText(count, items.length === groups.size ? all : `${items.length} of ${all}`);
        deleteAll.disabled = groups.size === 0;
        empty.hidden = items.length > 0;
        if (items.length === 0) {
            if (groups.size > 0) fill(empty, h("p", null, "No group fits."));
            else
                fill(
                    empty,
                    h("p", null, "Nothing was pushed yet."),
                    h("p", null, "Push something from a shell:"),
                    h(
                        "pre",
                        null,
                        "echo 'some_metric 3.14' | curl --data-binary @- " +
                            new URL("metrics/job/some_job", document.baseURI),
                    ),
                );
        }
    }

    /** @param {Group} group */
    function create(group) {
        const id = `group-${++counter}`;
        const families = h("div", { class: "families", id, hidden: true });
        const button = unfolder(id, (isOpen) => row.toggle(isOpen), badges(group.labels));
        const state = h("span", { class: "state" });
        const time = h("stack-time");
        const expiry = h("span", { class: "small muted" });
        // Where its series are asked for, once it is known where the Prometheus server is.
        const query = h(
            "a",
            { class: "button", hidden: true, "aria-label": `Query group ${text(group.labels)}` },
            "Query",
        );
        const note = h("p", { class: "note bad", hidden: true });
        const row = h(
            "section",
            { class: "card flush push-group", role: "listitem", "aria-label": text(group.labels) },
            h(
                "div",
                { class: "head" },
                h("h2", null, button),
                state,
                h("span", { class: "small muted" }, "last push ", time),
                expiry,
                query,
                h(
                    "button",
                    {
                        class: "button danger",
                        type: "button",
                        "aria-label": `Delete group ${text(group.labels)}`,
                        onclick: () => remove(group.path),
                    },
                    "Delete group",
                ),
            ),
            note,
            families,
        );
        Object.assign(row, { path: group.path, query, state, time, note, expiry, families, shownSequence: -1 });
        /** @param {boolean} isOpen */
        row.toggle = (isOpen) => {
            button.setAttribute("aria-expanded", String(isOpen));
            families.hidden = !isOpen;
            open.set(group.path, isOpen);
            if (isOpen) load(row);
        };
        row.load = () => load(row);
        if (open.keys.has(group.path)) row.toggle(true);
        return row;
    }

    /**
     * @param {any} row
     * @param {Group} group
     */
    function update(row, group) {
        const server = stack?.prometheus;
        row.query.hidden = !server;
        if (server) {
            const selector = groupSelector(group.labels, stack?.pushgateway?.scrapedBy[0]);
            row.query.href = urlOf(server) + queryHref(selector, "table");
        }
        if (row.shown === group) return;
        row.shown = group;
        row.state.className = group.last_push_successful ? "state good" : "state bad";
        setText(row.state, group.last_push_successful ? "OK" : "Last push failed!");
        row.time.setAttribute("at", String(Math.max(group.push_time_seconds, group.push_failure_time_seconds)));
        setText(row.expiry, group.expires ? `expires ${new Date(group.expires).toLocaleString()}` : "");
        row.note.hidden = group.last_push_successful || !group.error;
        setText(row.note, group.error);
        if (!row.families.hidden) load(row);
    }

    /** @param {any} row */
    async function load(row) {
        if (row.isLoading) {
            row.isStale = true;
            return;
        }
        row.isLoading = true;
        try {
            const { data } = await envelope(`groups/${row.path}`);
            refreshFamilies(row.families, data, row.path, open);
        } catch (error) {
            if (groups.has(row.path))
                fill(row.families, h("p", { class: "note bad" }, /** @type {Error} */ (error).message));
        }
        row.isLoading = false;
        if (row.isStale) {
            row.isStale = false;
            load(row);
        }
    }

    /** @param {string} path */
    async function remove(path) {
        const group = groups.get(path);
        if (!group) return;
        const yes = await page.confirmation({
            title: "Delete group",
            text: `Do you really want to delete all metrics of group ${text(group.labels)}?`,
            action: "Delete",
        });
        if (!yes) return;
        try {
            const { response, text: said } = await ask(path, { method: "DELETE" });
            if (!response.ok) throw new Error(said.trim() || response.statusText);
            groups.delete(path);
            render();
            search.focus();
        } catch (error) {
            page.toast(`Deleting the group failed: ${/** @type {Error} */ (error).message}`, "bad");
        }
    }

    async function removeAll() {
        const yes = await page.confirmation({
            title: "Delete all groups",
            text: `Do you really want to delete all metrics of all ${groups.size} groups?`,
            action: "Delete all",
        });
        if (!yes) return;
        try {
            const { response, text: said } = await ask("api/v1/admin/wipe", { method: "PUT" });
            if (!response.ok) throw new Error(said.trim() || response.statusText);
            groups.clear();
            render();
        } catch (error) {
            page.toast(`Deleting all groups failed: ${/** @type {Error} */ (error).message}`, "bad");
        }
    }

    let isBroken = false;
    survey().then(
        (found) => {
            stack = found;
            render();
        },
        () => {},
    );
    return every(2000, async (signal) => {
        try {
            const { data } = await envelope("groups", { since: sequence }, signal);
            const changed =
                data.complete || data.groups.length > 0 || data.removed.length > 0 || sequence === 0 || isBroken;
            if (data.complete) groups.clear();
            for (const path of data.removed) groups.delete(path);
            for (const group of data.groups)
                groups.set(group.path, Object.assign(group, { order: text(group.labels) }));
            sequence = data.sequence;
            isBroken = false;
            if (changed) render();
        } catch (error) {
            if (signal.aborted) return;
            isBroken = true;
            setText(count, /** @type {Error} */ (error).message);
        }
    });
}

/** @param {any} group */
function haystack(group) {
    return (group.haystack ??= [text(group.labels), ...group.labels.flat(), ...group.families, group.error]
        .join(" ")
        .toLowerCase());
}
