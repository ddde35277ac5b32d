// What a class does to the demo server: stop it, start it again with counters at 0, make it slow, let it fail.

import { api, envelope } from "./api.js";
import { kind } from "./clock.js";
import { toast } from "./components.js";
import { every, h, setText } from "./dom.js";
import { survey, urlOf } from "./stack.js";

/** @type {Record<string, [string, string]>} state → its colour and what it means */
const STATES = {
    serving: ["good", "answers"],
    slow: ["warn", "answers late"],
    failing: ["bad", "answers every request with an error, that for its metrics too"],
    erring: ["warn", "lets every request end in an error"],
    stopped: ["bad", "is stopped: nobody can connect"],
};
/** @type {[string, string, string][]} what to do, the button, what it does */
const ACTIONS = [
    ["stop", "Stop it", "Whoever connects is refused, the scraper too: up becomes 0"],
    ["restart", "Start it again", "Its counters begin at 0, as after a restart of the process"],
    ["slow", "Make it slow", "Every answer comes two seconds late, that to a scrape too"],
    ["fail", "Let it fail", "Every request is answered with status 503"],
    ["start", "Let it recover", "It answers as it should"],
];

/** A section with the state and the buttons; hidden once it is known that there is no demo server to control. */
export function demoControl() {
    const state = h("span", { class: "state" }, "…");
    const meaning = h("span", { class: "muted" });
    const buttons = new Map(
        ACTIONS.map(([action, name, title]) => [
            action,
            h("button", { class: "button small", type: "button", title, onclick: () => act(action) }, name),
        ]),
    );
    const section = h(
        "section",
        { class: "card democontrol", "aria-label": "Demo server" },
        h(
            "div",
            { class: "row" },
            h("h2", null, "Demo server"),
            state,
            h("span", { class: "grow", role: "status" }, meaning),
        ),
        h("div", { class: "row" }, [...buttons.values()]),
    );
    /** @param {{state: string}} now */
    const show = (now) => {
        const [look, text] = STATES[now.state] ?? ["warn", now.state];
        state.className = `state ${look}`;
        setText(state, now.state);
        setText(meaning, text);
        section.hidden = false;
        for (const [action, button] of buttons) {
            button.disabled = action === "start" ? now.state === "serving" || now.state === "stopped" : false;
            if (now.state === "stopped" && action !== "restart") button.disabled = true;
        }
    };
    /** @param {string} action */
    const act = async (action) => {
        try {
            const { data } = await envelope("demo", { do: action }, undefined, "POST");
            show(data);
        } catch (error) {
            // Stopped, the demo server cannot be asked itself: then the Prometheus server is.
            const isGone = !(/** @type {any} */ (error).status);
            if (isGone && prometheus && (await askThere(action))) return;
            toast(/** @type {Error} */ (error).message, "bad");
        }
    };
    let prometheus = "";
    survey().then(
        (stack) => (prometheus = stack.prometheus ? urlOf(stack.prometheus) : ""),
        () => {},
    );
    /**
     * Asks the Prometheus server, whose answer this page may not read, and waits for the demo server to be there.
     * @param {string} action
     */
    const askThere = async (action) => {
        await fetch(`${prometheus}api/v1/demo?do=${action}`, { method: "POST", mode: "no-cors" }).catch(() => {});
        for (let i = 0; i < 20; i++) {
            const now = await api("demo").catch(() => null);
            if (now) {
                show(now);
                return true;
            }
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
        return false;
    };
    const look = async () => {
        try {
            show(await api("demo"));
        } catch (error) {
            // Another program answers here, or this one not at all.
            if (/** @type {any} */ (error).status) section.hidden = true;
        }
    };
    // What happens in a scenario that is played, the scenario says.
    if (kind === "played") section.hidden = true;
    else {
        document.addEventListener("stackchange", look);
        every(5000, look);
    }
    return section;
}
