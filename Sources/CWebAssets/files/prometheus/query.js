// The query page: panels, their order and the URL, refreshing.

import { h, every, fill, memory } from "../shared/dom.js";
import { metricNames } from "./catalog.js";
import { PanelView } from "./panel.js";
import { decode, encode, newPanel } from "./urlstate.js";

/** @param {HTMLElement} main */
export function show(main) {
    const list = h("div", { class: "stack panels" });
    const hints = h("div", { class: "row hints" });
    /** @type {PanelView[]} */
    let panels = [];
    let stop = () => {};

    const remember = () => {
        const url = `${location.pathname}?${encode(panels.map((one) => one.state))}`;
        if (url !== location.pathname + location.search) history.pushState(null, "", url);
        hints.hidden = panels.some((one) => one.state.expr !== "");
    };
    const add = (state = newPanel()) => {
        const panel = new PanelView(state, {
            changed: remember,
            remove: () => {
                panel.destroy();
                panels = panels.filter((one) => one !== panel);
                if (panels.length === 0) add();
                remember();
            },
        });
        panels.push(panel);
        list.append(panel.element);
        return panel;
    };
    const restore = () => {
        panels.forEach((one) => one.destroy());
        panels = [];
        const states = decode(location.search);
        const runs = (states.length ? states : [newPanel()]).map((state) => add(state).run());
        // What is below the first answer appears together with it (unless it takes long), so that nothing jumps.
        main.classList.toggle("waiting", states.length > 0);
        Promise.race([Promise.allSettled(runs), new Promise((done) => setTimeout(done, 600))]).then(() =>
            main.classList.remove("waiting"),
        );
        hints.hidden = panels.some((one) => one.state.expr !== "");
    };

    const refreshAll = () =>
        Promise.all(
            panels
                .filter((one) => one.state.end === null && one.state.tab !== "explain")
                .map((one) => one.run({ quiet: true })),
        );
    const refresh = h(
        "select",
        {
            class: "field",
            onchange: () => {
                stop();
                stop = () => {};
                const seconds = Number(refresh.value);
                memory.set("refresh", seconds || null);
                let first = true;
                if (seconds)
                    stop = every(seconds * 1000, async () => {
                        if (first) {
                            first = false;
                            return;
                        }
                        await refreshAll();
                    });
            },
        },
        [
            ["0", "off"],
            ["5", "5 s"],
            ["15", "15 s"],
            ["60", "1 min"],
            ["300", "5 min"],
        ].map(([value, name]) => h("option", { value }, name)),
    );

    fill(
        main,
        h(
            "div",
            { class: "headline" },
            h("h1", { class: "grow" }, "Query"),
            h("label", { class: "labelled" }, "Refresh", refresh),
            h(
                "button",
                { class: "button", type: "button", onclick: () => panels.forEach((one) => one.run()) },
                "Run all",
            ),
        ),
        list,
        h(
            "div",
            { class: "row foot" },
            h("button", { class: "button", type: "button", onclick: () => add().editor.input.focus() }, "+ Add panel"),
            hints,
        ),
    );
    restore();
    addEventListener("popstate", restore);
    // Simulated time that moves on is followed.
    let isFollowing = false;
    document.addEventListener("timechange", async () => {
        if (isFollowing) return;
        isFollowing = true;
        await refreshAll().catch(() => {});
        isFollowing = false;
    });
    refresh.value = String(memory.get("refresh", 0));
    if (refresh.value !== "0") refresh.onchange?.() ?? refresh.dispatchEvent(new Event("change"));
    if (panels[0].state.expr === "" && matchMedia("(pointer: fine)").matches)
        panels[0].editor.input.focus({ preventScroll: true });

    metricNames()
        .then((names) => {
            const has = (/** @type {string} */ name) => names.includes(name);
            const tries = [
                "up",
                has("request_count_total") && "rate(request_count_total[1m])",
                has("request_error_count_total") && "request_error_count_total / request_count_total",
                has("push_time_seconds") && "time() - push_time_seconds > 0",
                "scrape_duration_seconds",
            ];
            fill(
                hints,
                h("span", { class: "muted" }, "Try"),
                tries
                    .filter((one) => typeof one === "string")
                    .map((one) =>
                        h(
                            "button",
                            {
                                class: "button quiet mono",
                                type: "button",
                                onclick: () => {
                                    panels[0].editor.value = one;
                                    panels[0].run();
                                },
                            },
                            one,
                        ),
                    ),
            );
        })
        .catch(() => {});
}
