import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Ended, NotMet, program, Refused, startStack, withStack } from "promenadetest";

const shared = await startStack();
after(() => shared.close());

test("a push is scraped", withStack(async (stack) => {
  await stack.push("nightly", "rows_total 42\n", { db: "a/b" });
  await stack.scrape("pushgateway");
  assert.deepEqual(await stack.query("rows_total"), [
    { labels: { __name__: "rows_total", db: "a/b", job: "nightly" }, value: 42 },
  ]);
  assert.equal(await stack.value("rows_total * 2"), 84);
  assert.equal(await stack.value("scalar(rows_total) * Inf"), Infinity);
  await stack.expect('rows_total{job="nightly"} == 42', "scalar(rows_total) > bool 1");
  await stack.push("nightly", "other 1\n", { db: "a/b" }, { add: true });
  await stack.scrape();
  await stack.expect("rows_total == 42", "other == 1");
  await stack.delete("nightly", { db: "a/b" });
  await stack.scrape();
  assert.deepEqual(await stack.query("rows_total or other"), []);
}));

test("several series are shown where one was meant", withStack(async (stack) => {
  await stack.push("nightly", 'rows{x="é\\"a"} 1.5\nrows{x="b"} +Inf\n');
  await stack.scrape();
  await assert.rejects(stack.value("sort(rows)"), {
    name: "NotMet",
    message: "sort(rows) answers 2 series; value() is for one:\n" +
      '  rows{job="nightly", x="é\\"a"} 1.5\n  rows{job="nightly", x="b"} +Inf',
  });
  await stack.push("nightly", Array.from({ length: 12 }, (_, n) => `rows{x="${n}"} ${n}\n`).join(""));
  await stack.scrape();
  const twelve = "sort(sum by (x) (rows) * 2)";
  await assert.rejects(stack.value(twelve), /\n {2}\{x="9"\} 18\n {2}… and 2 more$/);
}));

test("what waits to be scraped is told", withStack(async (stack) => {
  await assert.rejects(stack.expect('up{job="demo"}'), /the job demo was not scraped yet: scrape\("demo"\)/);
  await stack.push("nightly", "rows_total 42\n");
  const waits = 'the Pushgateway has rows_total{job="nightly"} 42, pushed 2023-11-14T22:13:20Z ' +
    'and not scraped since: scrape("pushgateway")';
  for (const verb of [() => stack.expect("rows_total == 42"), () => stack.value("rows_total")]) {
    await assert.rejects(verb, (error) => error instanceof NotMet && error.message.includes(waits));
  }
  await stack.scrape("pushgateway");
  await stack.expect("rows_total == 42");
}));

test("the URL of OpenTelemetry", withStack(async (stack) => {
  await assert.rejects(stack.request("POST", `${stack.otlp}/v1/metrics`), /unsupported content type/);
}));

test("the log has refused pushes and failed scrapes", withStack({ logLevel: "debug" }, async (stack) => {
  await assert.rejects(stack.push("nightly", "rows many\n"), Refused);
  const clear = await stack.fault("refused", { job: "demo" });
  await stack.scrape("demo");
  await clear();
  await stack.close();
  assert.match(stack.log, /level=DEBUG msg="failed to parse text" err="text format parsing error in line 1: /);
  assert.match(stack.log, /msg="Scrape failed"/);
}));

test("what is no text is told", withStack(async (stack) => {
  // What client libraries make may be bytes.
  await stack.push("nightly", Buffer.from("rows 1\n"));
  for (const verb of [
    () => stack.push("nightly", { rows: 1 }),
    () => stack.push("nightly"),
    () => stack.target("app", Buffer.from("rows 1\n")),
    () => startStack({ config: { global: {} } }),
    () => startStack({ flags: [1] }),
  ]) {
    const message = /^(what is pushed|a target|config|a flag) is .*; it has to be a text$/;
    await assert.rejects(verb, { name: "TypeError", message });
  }
}));

test("somebody is told of an alert", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rules-"));
  const file = join(folder, "rules.yml");
  const expression = 'up{job="app"} == 0';
  writeFileSync(file, `groups: [{name: g, interval: 5s, rules: [{alert: Down, expr: '${expression}', for: 10s}]}]`);
  const stack = await startStack({ config: `global: {evaluation_interval: 5s}\nrule_files: [${file}]\n` });
  try {
    await stack.target("app", "rows 1\n", { scrape_interval: "5s" });
    const clear = await stack.fault("refused", { job: "app" });
    await assert.rejects(stack.expect({ notified: 'alertname="Up"', within: 60 }), /alertname="Up"/);
    await stack.expect(expression, { notified: ['alertname="Down"', 'job="app"'], within: 60 });
    await clear();
    const before = await stack.now();
    await stack.expect({ resolved: 'alertname="Down"', within: 60 });
    assert.ok((await stack.now()) > before);
    await stack.begin();
    await assert.rejects(stack.expect({ notified: 'alertname="Down"' }), /nobody was told/);
    await assert.rejects(stack.expect({ resolved: 'alertname="Down"' }), /nobody was told/);
  } finally {
    await stack.close();
    rmSync(folder, { recursive: true });
  }
});

test("time passes when it is told to", withStack(async (stack) => {
  const app = await stack.target("app", "jobs_total 5\n", { labels: { zone: "x" }, scrape_interval: "15s" });
  const start = await stack.advance(0);
  assert.equal(await stack.advance(30), start + 30);
  app.body = "jobs_total 8\n";
  await stack.expect('jobs_total{job="app",zone="x"} == 8', { within: 20 });
  await stack.expect("increase(jobs_total[1m]) > 3");
  await stack.remove("app");
  await stack.advance("1ms");
  assert.deepEqual(await stack.query("jobs_total"), []);
}));

test("faults come and go", withStack(async (stack) => {
  const app = await stack.target("app", "rows 1\n");
  let clear = await stack.fault("status", { job: "app", status: 503 });
  await stack.scrape("app");
  await assert.rejects(stack.expect("rows == 1"), /server returned HTTP status 503 Service Unavailable/);
  await clear();
  await stack.scrape("app");
  await stack.expect("rows == 1");
  await stack.fault("refused", { job: "app", target: app, times: 1 });
  await stack.scrape("app");
  await stack.expect('up{job="app"} == 0');
  clear = await stack.fault("status", { status: 500 });
  await assert.rejects(stack.push("nightly", "rows 1\n"), (error) => error instanceof Refused && error.status === 500);
  await clear();
  await stack.push("nightly", "rows 1\n");
}));

test("a refusal has the server's words", withStack(async (stack) => {
  await assert.rejects(stack.push("nightly", "rows_total many\n"), /expected float as value, got "many"/);
  await assert.rejects(stack.query("sum(up"), /unclosed left parenthesis/);
  // A wrong expression is no condition that does not hold.
  for (const options of [{}, { within: 5 }, { within: 5, notified: 'alertname="Down"' }]) {
    await assert.rejects(stack.expect("sum(up", options), (error) => {
      assert.ok(error instanceof Refused && error.status === 400, error);
      assert.match(error.message, /unclosed left parenthesis/);
      return true;
    });
  }
  await assert.rejects(stack.expect({ notified: "alertname=" }), Refused);
  await assert.rejects(stack.query("up[1m]"), { name: "TypeError", message: /answers a matrix/ });
  await assert.rejects(stack.value("rows_of_nobody"), (error) => {
    assert.ok(error instanceof NotMet);
    assert.match(error.message, /no metric is called rows_of_nobody/);
    assert.match(error.message, /push refused/);
    return true;
  });
  await assert.rejects(stack.expect(), TypeError);
  await assert.rejects(stack.fault("latancy", { job: "demo" }), /did you mean latency/);
}));

test("groupings of all kinds", withStack(async (stack) => {
  const odd = { add: "x", dots: "..", dot: ".", shard: 3, empty: "", path: "a/b", text: "é ?#%2F&=\n" };
  await stack.push("..", "rows 1\n", odd);
  await stack.push("nightly", "rows 2\n");
  await stack.scrape();
  const { empty: _, ...wanted } = { __name__: "rows", ...odd, job: "..", shard: "3" };
  assert.deepEqual(await stack.query("rows == 1"), [{ labels: wanted, value: 1 }]);
  await stack.delete("..", odd);
  await stack.scrape();
  assert.equal(await stack.value("rows"), 2);
  await assert.rejects(stack.push("n", "x 1\n", { db: undefined }), /the label db is undefined/);
}));

test("what is misspelt is told", withStack(async (stack) => {
  await assert.rejects(startStack({ clok: "system" }), /no option clok; it has config, .*startTimeout/);
  await assert.rejects(stack.push("n", "x 1\n", {}, { ad: true }), /push\(\) has no option ad/);
  await assert.rejects(stack.expect("up", { whithin: 3 }), /no option whithin/);
  for (const text of ["jobs_total 5", 'jobs_total{x="y"}', ""]) {
    await assert.rejects(stack.target("app", text), /line break/);
  }
}));

test("a target elsewhere goes by its address", withStack(async (stack) => {
  await stack.target("app", "127.0.0.1:1");
  await stack.target("app", "127.0.0.1:2");
  const clear = await stack.fault("status", { job: "app", target: "127.0.0.1:1", status: 503 });
  await clear();
  await stack.remove("app", "127.0.0.1:1");
  await stack.scrape("app");
  assert.deepEqual((await stack.query('up{job="app"}')).map(({ labels }) => labels.instance), ["127.0.0.1:2"]);
}));

test("the time that passed is told", withStack(async (stack) => {
  const start = await stack.now();
  await assert.rejects(stack.expect("rows_of_nobody", { within: 40 }), /after 40000 ms, 41 attempts/);
  assert.equal(await stack.now(), start + 40);
  // What cannot be evaluated yet is waited for.
  await stack.scrape();
  await assert.rejects(stack.expect("up * on() scrape_duration_seconds", { within: 1 }), /2 attempts/);
}));

test("a stack that has ended says so", withStack({ logLevel: "debug" }, async (stack) => {
  await assert.rejects(stack.push("n", "x many\n"), Refused);
  process.kill(stack.pid, "SIGKILL");
  for (const verb of [() => stack.scrape(), () => stack.push("n", "x 1\n"), () => stack.expect("up")]) {
    await assert.rejects(verb, (error) => {
      assert.ok(error instanceof Ended, error);
      assert.match(error.message, /the stack has ended with signal SIGKILL:\n.*level=/);
      return true;
    });
  }
}));

test("a test that is given up has no stack any more", async () => {
  const given = new AbortController();
  const body = withStack(async (stack) => {
    given.abort();
    let last;
    // It is on its way out for a moment.
    while (!(last instanceof Ended)) last = await stack.scrape().catch((error) => error);
    assert.match(last.message, /exit code 0/);
  });
  await body({ signal: given.signal });
});

const ends = { "that is not closed": "", "whose test is killed": 'process.kill(process.pid, "SIGKILL");' };

for (const [way, end] of Object.entries(ends)) {
  test(`a stack ${way} leaves nothing and holds nobody up`, () => {
    const folder = mkdtempSync(join(tmpdir(), "apart-"));
    try {
      const code = `
        import { startStack } from "promenadetest";
        const config = "global: {external_labels: {site: here}}";
        const stack = await startStack({ config, flags: ["--web.enable-lifecycle"] });
        await stack.target("app", "rows 1\\n");
        await stack.scrape();
        await stack.expect("rows == 1");
        await stack.request("POST", stack.prometheus + "/-/reload");
        const { yaml } = await stack.api("GET", "status/config");
        if (!yaml.includes("site: here")) throw new Error(yaml);
        console.log("done");
        ${end}`;
      const env = { ...process.env, TMPDIR: folder };
      const words = ["--input-type=module", "-e", code];
      const done = spawnSync(process.execPath, words, { encoding: "utf8", env, timeout: 20_000 });
      assert.equal(done.stdout, "done\n", done.stderr);
      assert.deepEqual([done.status, done.signal], end ? [null, "SIGKILL"] : [0, null]);
      assert.deepEqual(readdirSync(folder), []);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

const options = { config: "global: {}\n", flags: ["--no-demo.enabled"] };

test("options say how it is started", withStack(options, async (stack) => {
  assert.equal(stack.demo, "");
  await assert.rejects(startStack({ config: "global: {scrape_intervall: 5s}\n" }), /scrape_intervall/);
}));

test("in real time", withStack({ clock: "system" }, async (stack) => {
  await stack.push("nightly", "rows 1\n");
  await stack.scrape();
  await stack.expect("rows == 1", { within: 5 });
  await assert.rejects(stack.advance("1s"), /manual/);
}));

test("one for all", async () => {
  await assert.rejects(shared.push("before", "broken {\n"), Refused);
  await assert.rejects(shared.expect("rows_of_nobody"), /push refused/);
  await shared.begin();
  await assert.rejects(shared.expect("rows_of_nobody"), (error) => !error.message.includes("push refused"));
});

test("a program of that name that is another one is not taken", () => {
  const folder = mkdtempSync(join(tmpdir(), "other-"));
  try {
    writeFileSync(join(folder, "promenade"), "#!/bin/sh\necho something else 3.0\n", { mode: 0o755 });
    const code = 'import { program } from "promenadetest"; program();';
    const done = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      encoding: "utf8",
      env: { PATH: `${folder}:/usr/bin:/bin` },
    });
    assert.equal(done.status, 1);
    assert.match(done.stderr, /something else 3\.0/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a program that never speaks is given up", () => {
  const folder = mkdtempSync(join(tmpdir(), "silent-"));
  try {
    const silent = join(folder, "silent");
    // A child of it holds its output open.
    const script = `#!/bin/sh\n[ $1 = --version ] && exec ${program()} --version\necho waiting >&2\nsleep 20\n`;
    writeFileSync(silent, script, { mode: 0o755 });
    const code = 'import { startStack } from "promenadetest"; await startStack({ startTimeout: 0.5 });';
    const done = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      encoding: "utf8",
      env: { ...process.env, PROMENADE_BIN: silent },
      timeout: 15_000,
    });
    assert.equal(done.status, 1, done.error);
    assert.match(done.stderr, /the stack did not start: .*silent was not ready after 0.5 s:\nwaiting\n/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
