// What pages know of what happens, and of what they are not told. Run: node --test Tests/Browser/
import assert from "node:assert/strict";
import { test } from "node:test";

const load = (path) => import(new URL(`../../Sources/CWebAssets/files/${path}`, import.meta.url));
const { Waiting, groupText } = await load("prometheus/waiting.js");
const { shownOf } = await load("shared/events.js");
const { Passing } = await load("shared/passing.js");
const { Presence } = await load("shared/presence.js");
const { Marks } = await load("shared/marks.js");
const { healthOf, healthWord } = await load("prometheus/health.js");
const { shortTime } = await load("shared/format.js");

const push = (method, time, job, status = 200) => ({ kind: "push", method, time, group: { job }, status });
const scrape = (began, target = "t", job = "j") => ({ kind: "scrape", began, time: began, target, job });

test("what was pushed waits for the first scrape that begins later", () => {
    const waiting = new Waiting();
    waiting.pushed(push("PUT", 10, "a"), "1");
    waiting.pushed({ ...push("POST", 12, "b"), group: { job: "b", db: "x" } }, "2");
    waiting.pushed(push("PUT", 13, "c", 400), "3");
    assert.equal(waiting.count, 2);
    assert.deepEqual(waiting.taken(9), []);
    assert.deepEqual(waiting.taken(11), [{ key: "1", end: "taken", waited: 1 }]);
    assert.deepEqual(waiting.taken(13), [{ key: "2", end: "taken", waited: 1 }]);
    assert.equal(waiting.count, 0);
    assert.equal(groupText({ instance: "", db: "x", job: "b", a: "1" }), "b a=1 db=x");
});

test("a push that is overtaken before a scrape came does not go on waiting", () => {
    for (const [method, end, left] of [["PUT", "replaced", 1], ["POST", "added to", 1], ["DELETE", "deleted", 0]]) {
        const waiting = new Waiting();
        assert.deepEqual(waiting.pushed(push("PUT", 10, "a"), "1"), []);
        assert.deepEqual(waiting.pushed(push(method, 12, "a"), "2"), [{ key: "1", end }], method);
        assert.equal(waiting.count, left, method);
    }
});

test("where something was not heard, no length of a wait is told", () => {
    const waiting = new Waiting();
    waiting.pushed(push("PUT", 10, "a"), "1");
    waiting.missed();
    assert.equal(waiting.count, 0, "it may have been taken");
    waiting.pushed(push("PUT", 5000, "b"), "2");
    assert.deepEqual(waiting.taken(5010), [{ key: "1", end: "taken" }, { key: "2", end: "taken", waited: 10 }]);
    // What became of it before it was replaced is not known either.
    waiting.pushed(push("PUT", 6000, "a"), "3");
    waiting.missed();
    assert.deepEqual(waiting.pushed(push("PUT", 7000, "a"), "4"), [{ key: "3", end: "" }]);
});

test("a stack's clock that is set makes no wait longer or shorter", () => {
    for (const [after, before] of [[3613, 12], [-3590, 12]]) {
        const waiting = new Waiting();
        waiting.heard(10, 100);
        waiting.pushed(push("PUT", 10, "a"), "1");
        waiting.heard(before, 102);
        waiting.heard(after, 103);
        assert.deepEqual(waiting.taken(after + 1), [{ key: "1", end: "taken" }], `${after}`);
        // Afterwards all is as before.
        waiting.pushed(push("PUT", after + 4, "a"), "2");
        waiting.heard(after + 6, 109);
        assert.deepEqual(waiting.taken(after + 6), [{ key: "2", end: "taken", waited: 2 }]);
    }
});

test("what the stack tells is there is the truth", () => {
    const reader = (lastScrape, health = "up") => [{ health, lastScrape }];
    const held = (time, ...groups) => ({ time, count: groups.length, groups: groups.map(([job, pushed]) => ({ labels: { job }, pushed })) });
    let waiting = new Waiting();
    // Pushed before the page was there.
    assert.deepEqual(waiting.settle(held(20, ["a", 12], ["b", 8]), reader(10)), []);
    assert.equal(waiting.count, 1);
    assert.deepEqual(waiting.taken(15), [{ key: "", end: "taken", waited: 3 }]);
    // An older answer does not bring back what was taken, or deleted.
    waiting.settle(held(16, ["a", 12]), reader(10));
    waiting.pushed(push("DELETE", 17, "c"), "1");
    waiting.settle(held(16.5, ["c", 16]), reader(15));
    assert.equal(waiting.count, 0);
    // The Pushgateway was restarted without its data, or wiped.
    waiting.pushed(push("PUT", 20, "a"), "2");
    waiting.pushed(push("PUT", 22, "b"), "3");
    assert.deepEqual(waiting.settle(held(21, ["x", 1]), reader(15)), [{ key: "2", end: "gone" }]);
    assert.equal(waiting.count, 1, "what came after the answer is not judged by it");
    // Not all groups were told.
    assert.deepEqual(waiting.settle({ ...held(30, ["x", 1]), count: 2 }, reader(15)), []);
    // A scrape that nobody heard of took it; one that failed took nothing.
    waiting.missed();
    assert.deepEqual(waiting.settle(held(40, ["b", 22]), reader(35, "down")), []);
    assert.deepEqual(waiting.settle(held(40, ["b", 22]), reader(35)), [{ key: "3", end: "taken" }]);
    // Nobody scrapes it.
    waiting = new Waiting();
    waiting.settle(held(20, ["a", 12]), []);
    assert.equal(waiting.count, 1);
});

test("of what came at once so much is shown as a person can follow", () => {
    const shown = (...events) => shownOf(events, (one) => `${one.job}${one.target}`).map(Number).join("");
    assert.equal(shown(scrape(1), scrape(2), scrape(3)), "001");
    assert.equal(shown(scrape(1), push("PUT", 2, "a"), scrape(3)), "111");
    assert.equal(shown(scrape(1, "a"), scrape(2, "b"), scrape(3, "a")), "011");
    assert.equal(shown(scrape(0), ...[1, 2, 3, 4, 5].map((time) => push("PUT", time, "a"))), "000111");
    assert.equal(shown({ kind: "reload" }, { kind: "missed" }), "11");
});

test("simulated time is never ahead of what was told, goes smoothly, and is there within half a second", () => {
    const passing = new Passing();
    passing.set(1000, 0);
    // Asked for is ×3600; the world keeps up at some times and not at others.
    let [server, shown] = [1000, 1000];
    for (let moment = 0; moment < 20; moment += 0.05) {
        server += (Math.floor(moment) % 3 === 0 ? 3600 : 200) * 0.05;
        if (Math.round(moment * 20) % 10 === 0) passing.hear(server, moment);
        const now = passing.at(moment);
        assert.ok(now <= server, `${moment}: ${now} > ${server}`);
        assert.ok(now >= shown, `${moment}: back from ${shown} to ${now}`);
        assert.ok(now - shown <= 3600 * 0.06, `${moment}: a leap of ${now - shown}`);
        assert.ok(server - now <= 3600 * 1.01, `${moment}: more than two answers behind`);
        shown = now;
    }
    assert.equal(passing.at(21), passing.to);
    // Events correct it between two answers; an answer that was long on its way does not take it back.
    passing.hear(server + 500, 21);
    passing.hear(server + 10, 21.1);
    assert.equal(passing.at(21.5), server + 500);
    // Who looks again after a while is there at once; who stands still, too; and a new run begins anew.
    passing.hear(server + 9000, 60);
    assert.equal(passing.at(60), server + 9000);
    passing.set(1000, 61);
    assert.equal(passing.at(61), 1000);
});

test("whether the server is there: what was answered last, what it says, and what says nothing about it", () => {
    const refusal = (errorType, error) => JSON.stringify({ status: "error", errorType, error });
    const presence = new Presence(100);
    assert.equal(presence.judge(101, 200, "{}", false), false);
    assert.equal(presence.judge(102, 404, "404 page not found", false), false);
    // A query that takes too long, and a store elsewhere that does not answer, are answers.
    assert.equal(presence.judge(103, 503, refusal("timeout", "query timed out"), false), false);
    assert.equal(presence.judge(104, 502, refusal("unavailable", "the store"), false), false);
    assert.equal(presence.failed(), true);
    assert.deepEqual(presence.away, { since: 104, words: "", isGone: true });
    assert.equal(presence.failed(), false);
    assert.equal(presence.answered(110), true);
    assert.equal(presence.away, null);
    // Down in a scenario: the time, and lessons, go on, and do not make it be there.
    const words = "the Prometheus server is down since 2026-01-05T09:10:00Z";
    assert.equal(presence.judge(120, 503, refusal("unavailable", words), false), true);
    assert.deepEqual(presence.away, { since: 110, words: words.replace("the", "The"), isGone: false });
    assert.equal(presence.judge(121, 200, "{}", true), false);
    assert.ok(presence.away);
    assert.equal(presence.failed(), true, "then the program ends");
    assert.equal(presence.judge(122, 200, "{}", true), true, "and is there again");
    assert.equal(presence.away, null);
    for (const [status, text, isGone] of [[503, "Service Unavailable", false], [502, "<html>", true], [504, "", true]]) {
        const other = new Presence(1);
        other.judge(2, status, text, false);
        assert.equal(other.away?.isGone, isGone, `${status}`);
    }
});

test("what happened: the last of it, where it stands on the bar, and how many, though the server forgets the first", () => {
    const span = { start: 0, end: 400 };
    const mark = (time, kind = "push", text = "") => ({ time, kind, subject: "s", text });
    const marks = new Marks();
    marks.add([mark(1), mark(1.5, "target", "is down"), mark(2, "scrape"), mark(400, "target", "is up")], 4, span);
    assert.deepEqual([...marks.places], [[1, { look: "bad", count: 2, first: "s is down" }], [399, { look: "good", count: 1, first: "s is up" }]]);
    assert.equal(marks.count, 4);
    // Asked for from 4 on, and the first 100 are gone.
    marks.add(Array.from({ length: 50 }, (_, i) => mark(i)), 150, span);
    assert.equal(marks.count, 150);
    assert.deepEqual([marks.last.length, marks.last.at(-1).time], [30, 49]);
    // More happened between the two questions.
    marks.add([mark(60), mark(61)], 151, span);
    assert.equal(marks.count, 152);
    marks.clear();
    assert.deepEqual([marks.count, marks.last.length, marks.places.size], [0, 0, 0]);
});

test("what was not scraped yet is not down", () => {
    const told = (...states) => {
        const { text, state } = healthOf(states.map((health) => ({ health })));
        return `${text} ${state}`;
    };
    assert.equal(told(), "0 of 0 up ");
    assert.equal(told("unknown", "unknown"), "not scraped yet ");
    assert.equal(told("up", "unknown"), "1 of 2 up, 1 not scraped yet good");
    assert.equal(told("down", "unknown"), "0 of 2 up, 1 not scraped yet warn");
    assert.equal(told("up", "down"), "1 of 2 up warn");
    assert.equal(told("down", "down"), "0 of 2 up bad");
    assert.equal(told("up", "up"), "2 of 2 up good");
    assert.deepEqual(["up", "down", "unknown"].map((health) => healthWord({ health }, "7 requests")), ["7 requests", "down", "not scraped yet"]);
});

test("a moment without the day where that is the same", () => {
    const noon = new Date(2026, 0, 5, 12, 0, 1).getTime() / 1000;
    assert.equal(shortTime(noon, noon + 60), "12:00:01");
    assert.equal(shortTime(noon, noon + 86400), "2026-01-05 12:00:01");
});
