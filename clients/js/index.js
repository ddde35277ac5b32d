// A whole local Prometheus stack for tests: `withStack` for each test, `startStack` for all of a file. No dependency.
import { execFile, execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The version of the server that this package belongs to; minor releases count. */
export const version = "0.1.0";

// Milliseconds until a server that does not answer is given up.
const patience = 60_000;
// Series of an answer that are shown where one was meant.
const shown = 10;

/** A server said no. The message is the server's own; `status` is the HTTP status. */
export class Refused extends Error {
  constructor(text, status) {
    super(text);
    this.name = "Refused";
    this.status = status;
  }
}

/** A condition does not hold. The message tells what was seen instead, and what is near. */
export class NotMet extends Error {
  constructor(text) {
    super(text);
    this.name = "NotMet";
  }
}

/** The stack's process is no more. The message tells how it ended, and what it logged. */
export class Ended extends Error {
  constructor(text) {
    super(text);
    this.name = "Ended";
  }
}

let found;

/** The path of the program: what PROMENADE_BIN names, else promenade-stack or promenade of PATH of this version. */
export function program() {
  if (found) return found;
  const complaints = [];
  const named = process.env.PROMENADE_BIN;
  for (const name of named ? [named] : ["promenade-stack", "promenade"]) {
    let text;
    try {
      // Another project has a program called promenade, too.
      const stdio = ["ignore", "pipe", "ignore"];
      text = execFileSync(name, ["--version"], { encoding: "utf8", stdio, timeout: 10_000 });
    } catch (error) {
      complaints.push(error.code === "ENOENT" ? `there is no ${name}` : error.message);
      continue;
    }
    const [, major, minor] = /^promenade (\d+)\.(\d+)/.exec(text) ?? [];
    if (`${major}.${minor}` === version.split(".").slice(0, 2).join(".")) return (found = name);
    complaints.push(`${name} --version says ${JSON.stringify(text.trim())}`);
  }
  throw new Error(`no promenade of version ${version} (PROMENADE_BIN may name it): ${complaints.join("; ")}`);
}

/** The answer of a server: status and text. */
function ask(method, url, body) {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, agent: false, timeout: patience }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode, text: Buffer.concat(parts).toString() }));
    });
    sent.on("timeout", () => sent.destroy(new Error(`${method} ${url}: no answer in ${patience / 1000} s`)));
    sent.on("error", reject);
    sent.end(body);
  });
}

/** A target that lives in the test: it exposes `body`, which the test changes as it likes. */
export class Target {
  constructor(address, body) {
    this.address = address;
    this.body = body;
  }

  static async serve(body) {
    const target = new Target("", body);
    target.server = createServer((_, response) => {
      response.writeHead(200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
      response.end(target.body);
    });
    // What waits to be scraped is no reason to go on.
    target.server.on("connection", (socket) => socket.unref()).unref();
    await new Promise((resolve, reject) => target.server.once("error", reject).listen(0, "127.0.0.1", resolve));
    target.address = `127.0.0.1:${target.server.address().port}`;
    return target;
  }

  /** Ends it; a scrape is refused from now on. */
  async close() {
    if (!this.server?.listening) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections?.();
    await closed;
  }
}

// A label of a grouping key as a part of the path; what a path cannot hold goes as base64.
function pathLabel(name, given) {
  if (typeof given !== "string" && typeof given !== "number") {
    throw new TypeError(`the label ${name} is ${given}; it has to be a text or a number`);
  }
  const value = String(given);
  if (value === "") return `/${name}@base64/=`;
  // A path with . and .. is another path.
  if (value.includes("/") || value === "." || value === "..") {
    return `/${name}@base64/${Buffer.from(value).toString("base64url")}`;
  }
  return `/${name}/${encodeURIComponent(value)}`;
}

// `host:port` of a target, which is one that was made, or a text.
function addressOf(target) {
  return typeof target === "string" ? target : target.address;
}

// A word that is meant for another language, or misspelt, would be passed over in silence.
function known(options, names, verb) {
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new TypeError(`${verb} has no option ${name}; it has ${names.join(", ")}`);
  }
}

function checkedText(what, value) {
  if (typeof value !== "string") throw new TypeError(`${what} is ${JSON.stringify(value)}; it has to be a text`);
  return value;
}

// A series as in a query, and its value.
function line({ labels: { __name__: name = "", ...labels }, value }) {
  const conditions = Object.keys(labels).sort().map((label) => `${label}=${JSON.stringify(labels[label])}`);
  const text = Math.abs(value) === Infinity ? (value > 0 ? "+Inf" : "-Inf") : String(value);
  const series = conditions.length > 0 || !name ? `${name}{${conditions.join(", ")}}` : name;
  return `${series} ${text}`;
}

function duration(time) {
  return typeof time === "string" ? time : `${Math.round(time * 1000)}ms`;
}

/** A running stack. */
export class Stack {
  #process;
  #program;
  #folder;
  #log = "";
  #targets = [];
  #pushes = 0;
  #notices = 0;
  #ended;

  /** See `startStack`. */
  static async start(options = {}) {
    known(options, ["config", "flags", "clock", "logLevel", "startTimeout"], "a stack");
    const { config, flags = [], clock = "manual", logLevel = "warn", startTimeout = patience / 1000 } = options;
    if (config !== undefined) checkedText("config", config);
    for (const flag of [flags].flat()) checkedText("a flag", flag);
    const stack = new Stack();
    stack.clock = clock;
    stack.#program = program();
    const words = ["run", "--test", `--clock=${clock}`, `--log.level=${logLevel}`];
    const stdio = ["pipe", "pipe", "pipe"];
    if (config !== undefined) {
      stack.#folder = mkdtempSync(join(tmpdir(), "promenade-"));
      let file = join(stack.#folder, "stack.yml");
      writeFileSync(file, config);
      if (existsSync("/proc/self/fd")) {
        // A file without a name leaves nothing behind, however the test ends.
        stdio.push(openSync(file, "r"));
        stack.#forget();
        file = "/proc/self/fd/3";
      }
      words.push(`--config.file=${file}`);
    }
    // What shapes other stacks of this machine is none of a test's.
    const { PROMENADE_RUN_FLAGS: _, ...env } = process.env;
    const child = spawn(stack.#program, [...words, ...[flags].flat()], { stdio, env });
    if (stdio.length > 3) closeSync(stdio[3]);
    stack.#process = child;
    stack.#ended = new Promise((resolve) => child.once("close", resolve));
    child.stderr.setEncoding("utf8").on("data", (text) => (stack.#log += text));
    child.stdin.on("error", () => {});
    let line = "";
    let late;
    try {
      await new Promise((resolve, reject) => {
        late = setTimeout(() => reject(stack.#giveUp(startTimeout)), startTimeout * 1000);
        child.once("error", reject);
        child.once("close", resolve);
        child.stdout.setEncoding("utf8").on("data", (text) => {
          line += text;
          if (line.includes("\n")) resolve();
        });
      });
      const urls = JSON.parse(line);
      stack.pid = urls.pid;
      stack.prometheus = urls.prometheus;
      stack.pushgateway = urls.pushgateway ?? "";
      stack.demo = urls.demo ?? "";
      stack.otlp = urls.otlp ?? "";
    } catch (error) {
      const isSyntax = error instanceof SyntaxError;
      await stack.close();
      if (!isSyntax) throw error;
      const text = (stack.log + line).trim() || `${stack.#program} ended with ${stack.#how()}, and said nothing`;
      throw new Error(`the stack did not start: ${text}`);
    } finally {
      clearTimeout(late);
    }
    // Without close(), the stack ends with this process; it is no reason for the process to go on.
    for (const part of [child, child.stdin, child.stdout, child.stderr]) part.unref();
    return stack;
  }

  /** Ends the stack and the targets that were made for it. */
  async close() {
    await Promise.all(this.#targets.splice(0).map((target) => target.close()));
    const child = this.#process;
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once("close", resolve));
      const late = setTimeout(() => child.kill("SIGKILL"), patience);
      for (const part of [child, child.stdout, child.stderr]) part.ref();
      child.stdin.end();
      await ended;
      clearTimeout(late);
    }
    this.#forget();
  }

  /** Ends a program that does not get ready. A child of it may hold its output open: nobody waits for that. */
  #giveUp(seconds) {
    this.#process.kill("SIGKILL");
    for (const part of [this.#process.stdout, this.#process.stderr]) part.destroy();
    const said = this.#log.trim() || "it said nothing";
    return new Error(`the stack did not start: ${this.#program} was not ready after ${seconds} s:\n${said}`);
  }

  #forget() {
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }

  #how() {
    const { signalCode, exitCode } = this.#process;
    return signalCode ? `signal ${signalCode}` : `exit code ${exitCode}`;
  }

  /** Where nobody answers: is there a process still? One that is killed may take a moment to be gone. */
  async #checkItLives() {
    let late;
    const isOver = await Promise.race([
      this.#ended.then(() => true),
      new Promise((resolve) => (late = setTimeout(resolve, 1000, false))),
    ]);
    clearTimeout(late);
    if (!isOver) return;
    throw new Ended(`the stack has ended with ${this.#how()}:\n${this.#log.trim() || "it logged nothing"}`);
  }

  async [Symbol.asyncDispose ?? Symbol("asyncDispose")]() {
    await this.close();
  }

  /** What the program has logged so far. */
  get log() {
    return this.#log;
  }

  /**
   * Pushes a group: replaces it (PUT), with `add` only the metrics of the same names (POST). The text may be bytes, as
   * client libraries make it.
   */
  async push(job, text, grouping = {}, options = {}) {
    known(options, ["add"], "push()");
    if (!(text instanceof Uint8Array)) checkedText("what is pushed", text);
    await this.request(options.add ? "POST" : "PUT", this.#group(job, grouping), text);
  }

  /** Deletes a group of the Pushgateway; one that is not there, too, as the Pushgateway does. */
  async delete(job, grouping = {}) {
    await this.request("DELETE", this.#group(job, grouping));
  }

  #group(job, grouping) {
    const labels = Object.entries(grouping).map(([name, value]) => pathLabel(name, value));
    return `${this.pushgateway}/metrics${pathLabel("job", job)}${labels.join("")}`;
  }

  /** Scrapes a job's targets now, all jobs' without a name; the samples can be queried when it is done. */
  async scrape(job = "") {
    await this.api("POST", "scrape", { job, wait: "true" });
  }

  /** What an expression answers now. */
  async query(expression) {
    const { resultType, result } = await this.api("POST", "query", { query: expression });
    if (resultType === "scalar") return [{ labels: {}, value: number(result[1]) }];
    if (resultType !== "vector") {
      throw new TypeError(`${expression} answers a ${resultType}; query() is for series with one value each`);
    }
    return result.map(({ metric, value }) => {
      if (value) return { labels: metric, value: number(value[1]) };
      const series = JSON.stringify(metric);
      throw new TypeError(`${expression}: ${series} is a native histogram; ask for histogram_count() and the like`);
    });
  }

  /** The value of an expression that answers one series. */
  async value(expression) {
    const samples = await this.query(expression);
    if (samples.length === 1) return samples[0].value;
    if (samples.length === 0) {
      throw new NotMet((await this.#complaint(0, [expression])) || `${expression} answers nothing`);
    }
    const lines = samples.slice(0, shown).map(line);
    if (samples.length > shown) lines.push(`… and ${samples.length - shown} more`);
    const series = lines.map((text) => `\n  ${text}`).join("");
    throw new NotMet(`${expression} answers ${samples.length} series; value() is for one:${series}`);
  }

  /**
   * Done when each condition held once; up to `within` seconds pass for it, on the manual clock without waiting.
   * `notified` (matchers of labels, or several) holds as soon as somebody was told that such an alert fires,
   * `resolved` that it is over.
   * `NotMet` where one does not hold, `Refused` where one is wrong in itself.
   */
  async expect(...conditions) {
    const options = typeof conditions.at(-1) === "object" ? conditions.pop() : {};
    known(options, ["within", "notified", "resolved"], "expect()");
    const notices = [...flags("--notified", options.notified), ...flags("--resolved", options.resolved)];
    if (conditions.length + notices.length === 0) throw new TypeError("expect() needs a condition");
    // What holds already needs no process that asks.
    const missing = await this.#notHolding(conditions);
    if (missing.length + notices.length === 0) return;
    const complaint = await this.#complaint(options.within ?? 0, missing, notices);
    if (complaint) throw new NotMet(complaint);
  }

  /** Adds a target to a job: a text that it exposes, or the `host:port` of a server. */
  async target(job, target, { labels = {}, ...config } = {}) {
    let made = target;
    if (!(target instanceof Target)) {
      checkedText("a target", target);
      if (!target.includes("\n") && (target === "" || /[\s{}"]/.test(target))) {
        const text = JSON.stringify(target);
        throw new TypeError(`${text} is no host:port; a text that a target exposes ends with a line break`);
      }
      made = target.includes("\n") ? await Target.serve(target) : new Target(target, "");
      this.#targets.push(made);
    }
    const body = { targets: [made.address], labels };
    if (Object.keys(config).length > 0) body.config = config;
    await this.api("POST", `targets/${encodeURIComponent(job)}`, {}, body);
    return made;
  }

  /**
   * Ends a job, or with a target (or its `host:port`) only that; its series are stale from the next moment on: on the
   * manual clock, after an `advance`.
   */
  async remove(job, target) {
    await this.api("DELETE", `targets/${encodeURIComponent(job)}`, target ? { target: addressOf(target) } : {});
  }

  /** Lets the scrapes of a job go wrong, or without a job pushes, until the function that it answers is called. */
  async fault(fault, { job = "", target, ...settings } = {}) {
    const path = job ? `faults/targets/${encodeURIComponent(job)}` : "faults/pushgateway";
    const parameters = target ? { target: addressOf(target) } : {};
    await this.api("PUT", path, parameters, { fault, ...settings });
    return async () => {
      await this.api("DELETE", path, parameters);
    };
  }

  /** Lets time pass (`30`, `"1m"`): every scrape and rule that falls due is done when it is. Answers the time. */
  async advance(time) {
    return (await this.api("POST", "clock", { advance: duration(time) })).now;
  }

  /** The stack's time, in seconds since 1970. */
  async now() {
    return (await this.api("GET", "clock")).now;
  }

  /** A test begins that shares the stack: refused pushes and notices of those before it are none of its business. */
  async begin() {
    const { notices } = await this.api("GET", "inbox");
    this.#notices = Math.max(0, ...notices.map((notice) => notice.number));
    if (!this.pushgateway) return;
    const { data } = JSON.parse(await this.request("GET", `${this.pushgateway}/api/v1/pushes`));
    this.#pushes = Math.max(0, ...data.map((push) => push.number));
  }

  /** The data of an answer of the Prometheus server's API. */
  async api(method, path, parameters = {}, body = undefined) {
    const query = new URLSearchParams(parameters).toString();
    const url = `${this.prometheus}/api/v1/${path}${query && "?"}${query}`;
    return JSON.parse(await this.request(method, url, body && JSON.stringify(body))).data;
  }

  /** The body of an answer; `Refused` with the server's own words where the status is not 2xx. */
  async request(method, url, body) {
    const { status, text } = await ask(method, url, body).catch(async (error) => {
      await this.#checkItLives();
      throw error;
    });
    if (status >= 200 && status < 300) return text;
    let words = text.trim();
    try {
      words = JSON.parse(text).error ?? words;
    } catch {
      // Not every refusal is JSON.
    }
    throw new Refused(`${method} ${url}: ${status}: ${words}`, status);
  }

  async #notHolding(conditions) {
    const missing = [];
    for (const condition of conditions) {
      let data;
      try {
        data = await this.api("POST", "query", { query: condition });
      } catch (error) {
        // That it cannot be evaluated now may pass; that it is wrong does not.
        if (!(error instanceof Refused) || error.status === 400) throw error;
        missing.push(condition);
        continue;
      }
      const scalar = data.resultType === "scalar" ? number(data.result[1]) : 0;
      const holds = data.resultType === "scalar" ? scalar !== 0 && !Number.isNaN(scalar) : data.result.length > 0;
      if (data.resultType === "string" || !holds) missing.push(condition);
    }
    return missing;
  }

  /** What the program says about conditions that do not hold; nothing where they do. */
  async #complaint(within, conditions, more = []) {
    const options = ["expect", "--within", duration(within), "--url", this.prometheus];
    options.push("--pushes-after", String(this.#pushes), "--notices-after", String(this.#notices), ...more);
    if (this.clock === "manual") options.push("--advance");
    if (this.pushgateway) options.push("--pushgateway", this.pushgateway);
    const { code, said } = await new Promise((resolve, reject) => {
      execFile(this.#program, [...options, "--", ...conditions], (error, output, errors) => {
        if (error && typeof error.code !== "number") reject(error);
        else resolve({ code: error?.code ?? 0, said: (output + errors).trim() });
      });
    });
    if (code === 0) return "";
    if (code === 2) throw new Refused(said, 400);
    if (code !== 1) await this.#checkItLives();
    return said || `${this.#program} expect ended with ${code}`;
  }
}

function flags(name, matchers = []) {
  return [matchers].flat().map((text) => `${name}=${text}`);
}

function number(text) {
  if (text === "+Inf") return Infinity;
  return text === "-Inf" ? -Infinity : Number(text);
}

/** Starts a stack. It ends with `close()`, and with this process. */
export async function startStack(options) {
  return Stack.start(options);
}

/** A test's function with a stack of its own: `test("…", withStack(async (stack, t) => { … }))`. */
export function withStack(options, body) {
  if (typeof options === "function") [options, body] = [{}, options];
  return async (t) => {
    const stack = await Stack.start(options);
    // A test that is given up (its timeout) needs no stack any more, and what it still asks for fails.
    const giveUp = () => void stack.close();
    t?.signal?.addEventListener("abort", giveUp, { once: true });
    try {
      return await body(stack, t);
    } catch (error) {
      if (stack.log.trim()) t?.diagnostic?.(`log of the stack:\n${stack.log.trim()}`);
      throw error;
    } finally {
      t?.signal?.removeEventListener("abort", giveUp);
      await stack.close();
    }
  };
}
