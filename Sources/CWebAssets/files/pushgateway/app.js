// The Pushgateway's page: groups with their metrics, the last pushes, a place to try one, and the status. Live without
// reloading: every two seconds the server tells what changed since the change that the page knows.

import "../shared/banner.js";
import "../shared/components.js";
import { confirmation, toast } from "../shared/components.js";
import { fill, h } from "../shared/dom.js";
import { envelope } from "../shared/api.js";
import { ready } from "../shared/clock.js";
import { localized } from "../shared/format.js";
import { groupsView } from "./groups.js";
import { pushesView } from "./pushes.js";
import { tryView } from "./try.js";
import { statusView } from "./status.js";

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const views = { groups: groupsView, pushes: pushesView, try: tryView, status: statusView };

/** What all views share. */
const page = {
    /** @type {any} flags, build information, start time */
    status: null,
    confirmation,
    toast,
};

/** @type {(() => void) | undefined} */
let leave;

function wanted() {
    if (location.pathname.endsWith("/status")) return "status";
    const name = location.hash.slice(1);
    return Object.hasOwn(views, name) ? name : "groups";
}

function show() {
    const name = wanted();
    leave?.();
    for (const link of document.querySelectorAll("nav a[data-view]")) {
        if (link.getAttribute("data-view") === name) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
    }
    const place = h("div", { class: "stack" });
    fill(main, place);
    leave = views[/** @type {keyof typeof views} */ (name)](place, page);
}

async function begin() {
    try {
        await ready;
        page.status = (await envelope("status")).data;
    } catch (error) {
        fill(
            main,
            h(
                "p",
                { class: "note bad", role: "alert" },
                `The server cannot be asked: ${localized(/** @type {Error} */ (error).message)}`,
            ),
        );
        setTimeout(begin, 3000);
        return;
    }
    show();
}

window.addEventListener("hashchange", show);
// A link to the place where one already is does nothing otherwise: #pushes to ./ keeps the path and drops the hash.
for (const link of document.querySelectorAll("nav a[data-view], .brand")) {
    link.addEventListener("click", (event) => {
        const target = new URL(/** @type {HTMLAnchorElement} */ (link).href);
        const mouse = /** @type {MouseEvent} */ (event);
        if (
            target.pathname !== location.pathname ||
            mouse.ctrlKey ||
            mouse.metaKey ||
            mouse.shiftKey ||
            mouse.button !== 0
        )
            return;
        event.preventDefault();
        if (target.href !== location.href) history.pushState(null, "", target.href);
        show();
        main.focus();
    });
}
window.addEventListener("popstate", show);
begin();
