// Runtime and build, TSDB statistics, flags and configuration.

import { api } from "../shared/api.js";
import { captioned, card, fill, h } from "../shared/dom.js";
import { bytes, localTime, queryHref } from "../shared/format.js";
import { receivedMetrics } from "./received.js";
import { remoteQueues } from "./remotequeues.js";

const PAGES = [
    ["status", "Runtime & build"],
    ["tsdb-status", "TSDB"],
    ["flags", "Flags"],
    ["config", "Configuration"],
];

/**
 * @param {HTMLElement} main
 * @param {string} page
 */
export async function show(main, page) {
    const body = h("div", { class: "stack" });
    fill(
        main,
        h("h1", null, "Status"),
        h(
            "nav",
            { class: "tabs", "aria-label": "Status pages" },
            PAGES.map(([href, name]) => h("a", { href, "aria-current": href === page && "page" }, name)),
        ),
        body,
    );
    try {
        fill(body, await VIEWS[page]?.());
    } catch (error) {
        fill(body, h("p", { class: "note bad", role: "alert" }, /** @type {Error} */ (error).message));
    }
    // Simulated time that moves on is followed, unless somebody is at work here.
    document.addEventListener("timechange", async () => {
        const parts = body.contains(document.activeElement) ? null : await VIEWS[page]?.().catch(() => null);
        if (parts && !body.contains(document.activeElement)) fill(body, parts);
    });
}

/**
 * @param {string} title
 * @param {Record<string, any>} values
 * @param {Record<string, string>} names
 */
function facts(title, values, names) {
    const shown = Object.entries(values).filter(
        ([, value]) => value !== "" && value !== null && typeof value !== "object",
    );
    return card(
        title,
        h(
            "dl",
            { class: "facts" },
            shown.map(([name, value]) => [
                h("dt", null, names[name] ?? name),
                h("dd", { class: "mono" }, factText(name, value)),
            ]),
        ),
    );
}

/**
 * @param {string} name
 * @param {any} value
 */
function factText(name, value) {
    if (/Time$/.test(name) && typeof value === "string") return localTime(Date.parse(value) / 1000);
    if (name === "GOMEMLIMIT") return value > 2 ** 60 ? "none" : bytes(value);
    return String(value);
}

async function runtime() {
    const [run, build, walk, managers, queues, received] = await Promise.all([
        api("status/runtimeinfo"),
        api("status/buildinfo"),
        api("status/walreplay").catch(() => null),
        api("alertmanagers").catch(() => null),
        api("status/remote_write").catch(() => []),
        api("otlp/received").catch(() => []),
    ]);
    return [
        h(
            "div",
            { class: "grid" },
            facts("Runtime", run, {
                startTime: "Started",
                CWD: "Working directory",
                hostname: "Host",
                serverTime: "Server time",
                reloadConfigSuccess: "Last reload worked",
                lastConfigTime: "Last good reload",
                corruptionCount: "Corruptions",
                goroutineCount: "Tasks",
                GOMAXPROCS: "Processors used",
                GOMEMLIMIT: "Memory limit",
                GOGC: "GOGC",
                GODEBUG: "GODEBUG",
                storageRetention: "Retention",
            }),
            facts("Build", build, {
                version: "Version",
                revision: "Revision",
                branch: "Branch",
                buildUser: "Built by",
                buildDate: "Built on",
                goVersion: "Language",
            }),
        ),
        remoteQueues(queues),
        receivedMetrics(received),
        walk?.max ? facts("Journal replay", walk, { min: "First", max: "Last", current: "Now" }) : null,
        managers
            ? card(
                  "Alertmanagers",
                  managers.activeAlertmanagers.length
                      ? h(
                            "ul",
                            null,
                            managers.activeAlertmanagers.map((/** @type {any} */ one) =>
                                h("li", { class: "mono" }, one.url),
                            ),
                        )
                      : h("p", { class: "muted" }, "None."),
              )
            : null,
    ];
}

async function tsdb() {
    const data = await api("status/tsdb", { limit: 15 });
    const head = data.headStats;
    const table = (
        /** @type {string} */ title,
        /** @type {string} */ what,
        /** @type {{name: string, value: number}[]} */ rows,
        /** @type {(name: string) => string} */ expr,
    ) => {
        const most = Math.max(1, ...rows.map((one) => one.value));
        const row = (/** @type {{name: string, value: number}} */ one) => {
            const bar = h("i");
            bar.style.width = `${(one.value / most) * 100}%`;
            const query = expr(one.name);
            return h(
                "tr",
                null,
                h(
                    "td",
                    { class: "mono small named" },
                    query ? h("a", { href: queryHref(query, "table") }, one.name) : one.name,
                    h("span", { class: "meter", "aria-hidden": "true" }, bar),
                ),
                h("td", { class: "num" }, one.value.toLocaleString("en")),
            );
        };
        return card(
            title,
            rows.length === 0
                ? h("p", { class: "muted" }, "Nothing yet.")
                : captioned(title, ["Name", what], [what], rows.map(row)),
        );
    };
    const empty = head.minTime > head.maxTime || head.numSeries === 0;
    return [
        h(
            "section",
            { class: "card" },
            h(
                "dl",
                { class: "figures" },
                [
                    ["Series", head.numSeries.toLocaleString("en")],
                    ["Chunks", head.chunkCount.toLocaleString("en")],
                    ["Label pairs", head.numLabelPairs.toLocaleString("en")],
                    ["From", empty ? "–" : localTime(head.minTime / 1000)],
                    ["To", empty ? "–" : localTime(head.maxTime / 1000)],
                ].map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
            ),
        ),
        h(
            "div",
            { class: "grid pairs" },
            table(
                "Metrics with the most series",
                "Series",
                data.seriesCountByMetricName,
                (name) => `{__name__=${JSON.stringify(name)}}`,
            ),
            table("Label pairs on the most series", "Series", data.seriesCountByLabelValuePair, (pair) => {
                const at = pair.indexOf("=");
                return `count by (__name__) ({${pair.slice(0, at)}=${JSON.stringify(pair.slice(at + 1))}})`;
            }),
            table("Labels with the most values", "Values", data.labelValueCountByLabelName, (name) =>
                /^[a-zA-Z_]\w*$/.test(name) && name !== "__name__" ? `count by (${name}) ({${name}!=""})` : "",
            ),
            table("Labels that take the most memory", "Bytes", data.memoryInBytesByLabelName, () => ""),
        ),
    ];
}

async function flags() {
    const all = Object.entries(await api("status/flags")).sort();
    const rows = all.map(([name, value]) =>
        h(
            "tr",
            null,
            h("th", { scope: "row", class: "mono" }, `--${name}`),
            h("td", { class: "mono" }, value === "" ? h("span", { class: "muted" }, "(empty)") : value),
        ),
    );
    const search = h("input", {
        class: "field",
        type: "search",
        placeholder: "Filter flags",
        "aria-label": "Filter flags",
        oninput: () =>
            rows.forEach((row) => {
                row.hidden = !row.textContent.toLowerCase().includes(search.value.toLowerCase());
            }),
    });
    return [
        h("div", { class: "row" }, search),
        h(
            "section",
            { class: "card table-wrap" },
            h(
                "table",
                { class: "stacked" },
                h("caption", { class: "visually-hidden" }, "Flags"),
                h("thead", null, h("tr", null, h("th", { scope: "col" }, "Flag"), h("th", { scope: "col" }, "Value"))),
                h("tbody", null, rows),
            ),
        ),
    ];
}

async function config() {
    const { yaml } = await api("status/config");
    return h(
        "section",
        { class: "card" },
        h(
            "div",
            { class: "row" },
            h("h2", { class: "grow" }, "The configuration as loaded"),
            h(
                "button",
                {
                    class: "button small",
                    type: "button",
                    onclick: (/** @type {any} */ event) =>
                        navigator.clipboard?.writeText(yaml).then(() => {
                            event.target.textContent = "Copied";
                        }),
                },
                "Copy",
            ),
        ),
        h(
            "pre",
            { class: "yaml", tabindex: 0, "aria-label": "Configuration" },
            yaml.split("\n").map((/** @type {string} */ line) => {
                const found = /^(\s*(?:- )?)([\w.$-]+)(:)(.*)$/.exec(line);
                const row = h(
                    "span",
                    { class: "yaml-line" },
                    found
                        ? [
                              found[1],
                              h("span", { class: "name" }, found[2]),
                              found[3],
                              h("span", { class: "string" }, found[4]),
                          ]
                        : line,
                    "\n",
                );
                // What is too long goes on further in than it began.
                const deep = Math.min(/^[\s-]*/.exec(line)?.[0].length ?? 0, 12) + 2;
                row.style.paddingLeft = `${deep}ch`;
                row.style.textIndent = `-${deep}ch`;
                return row;
            }),
        ),
    );
}

const VIEWS = /** @type {Record<string, () => Promise<any>>} */ ({
    status: runtime,
    "tsdb-status": tsdb,
    flags,
    config,
});
