/** The version of the server that this package belongs to; minor releases count. */
export const version: string;

/** The path of the program. */
export function program(): string;

export class Refused extends Error {
  readonly status: number;
}

export class NotMet extends Error {}

/** The stack's process is no more. */
export class Ended extends Error {}

// As @types/node and lib.esnext.disposable have it; for those who have neither.
declare global {
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

/** Labels of a grouping key. */
export type Grouping = Record<string, string | number>;

/** What stands in a job of `scrape_configs`, besides labels. */
export interface TargetOptions {
  labels?: Record<string, string>;
  scrape_interval?: string;
  metrics_path?: string;
  [field: string]: unknown;
}

export interface StackOptions {
  /** The text of a configuration, a prometheus.yml. */
  config?: string;
  /** Flags of promenade run. */
  flags?: string[];
  /** `manual` (time passes only by `advance`) or `system`. */
  clock?: "manual" | "system";
  /** `warn` by default; with `debug`, the log has refused pushes and failed scrapes, too. */
  logLevel?: "debug" | "info" | "warn" | "error";
  /** Seconds until a program that is not ready is given up; 60 by default. */
  startTimeout?: number;
}

export interface Sample {
  labels: Record<string, string>;
  value: number;
}

export interface FaultOptions {
  job?: string;
  target?: Target | string;
  times?: number;
  [setting: string]: unknown;
}

export interface ExpectOptions {
  /** Seconds that may pass; on the manual clock nobody waits for them. */
  within?: number;
  /** Somebody has to be told of an alert with such labels: `alertname="Down", severity=~"page|warn"`. */
  notified?: string | string[];
  /** Somebody has to be told that it is over. */
  resolved?: string | string[];
}

export class Target {
  private constructor();
  readonly address: string;
  body: string;
  close(): Promise<void>;
}

export class Stack {
  private constructor();
  readonly prometheus: string;
  readonly pushgateway: string;
  readonly demo: string;
  /** Where OpenTelemetry's clients send metrics: a value of OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly otlp: string;
  /** The number of its process. */
  readonly pid: number;
  readonly clock: "manual" | "system";
  readonly log: string;
  push(job: string, text: string | Uint8Array, grouping?: Grouping, options?: { add?: boolean }): Promise<void>;
  delete(job: string, grouping?: Grouping): Promise<void>;
  scrape(job?: string): Promise<void>;
  query(expression: string): Promise<Sample[]>;
  value(expression: string): Promise<number>;
  expect(...conditions: [...string[], string | ExpectOptions]): Promise<void>;
  target(job: string, target: string | Target, options?: TargetOptions): Promise<Target>;
  remove(job: string, target?: Target | string): Promise<void>;
  fault(fault: string, options?: FaultOptions): Promise<() => Promise<void>>;
  advance(time: number | string): Promise<number>;
  now(): Promise<number>;
  begin(): Promise<void>;
  api(method: string, path: string, parameters?: Record<string, string>, body?: unknown): Promise<any>;
  request(method: string, url: string, body?: string | Uint8Array): Promise<string>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export function startStack(options?: StackOptions): Promise<Stack>;

/** A test's function with a stack of its own. `t` is the runner's context. */
export function withStack<Context>(
  body: (stack: Stack, t: Context) => unknown,
): (t: Context) => Promise<unknown>;
export function withStack<Context>(
  options: StackOptions,
  body: (stack: Stack, t: Context) => unknown,
): (t: Context) => Promise<unknown>;
