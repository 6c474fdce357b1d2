/** Sets up the observers that flags ask for, the same for every command that runs something. */

import { appendFileSync } from "node:fs";

import { LoophostError, messageOf } from "../core/errors.ts";
import type { Observer } from "../core/observer.ts";
import type { RequestLine } from "../server/options.ts";
import { printable } from "./screen/format.ts";

/** The flags, as `parseArgs` takes them. */
export const WATCH_OPTIONS = {
  otel: { type: "boolean" },
  log: { type: "string" },
  record: { type: "string" },
} as const;

/** The flags, as `parseArgs` gives them. */
export interface WatchFlags {
  readonly otel?: boolean | undefined;
  readonly log?: string | undefined;
  readonly record?: string | undefined;
}

/** The flags as `--help` shows them. */
export const WATCH_OPTIONS_HELP: string = `\
  --log <file>       append a JSON line for each fact, without what was said.
                     Default: LOOPHOST_LOG
  --record <folder>  record each session in a file, with all that was said, for loophost replay
  --otel             send traces and metrics by OpenTelemetry to where
                     OTEL_EXPORTER_OTLP_ENDPOINT says; needs @opentelemetry/sdk-node`;

/** The observers that flags asked for; disposing of them flushes and closes their outputs. */
export interface Watching extends AsyncDisposable {
  readonly observers: readonly Observer[];
  /** For a host: logs its requests; undefined without a log. */
  readonly onRequest: ((line: RequestLine) => void) | undefined;
}

/**
 * Starts what the flags name. Letting go of it sends what is left, for some seconds at most.
 *
 * @throws LoophostError `missing_dependency`
 */
export async function watchBy(flags: WatchFlags): Promise<Watching> {
  const observers: Observer[] = [];
  const log = flags.log ?? (process.env["LOOPHOST_LOG"] || undefined);
  const write = log === undefined ? undefined : intoLog(log);
  if (write !== undefined) {
    const { logTo } = await import("../observe/log.ts");
    observers.push(logTo(write));
  }
  if (flags.record !== undefined) {
    const { recordTo } = await import("../observe/record.ts");
    observers.push(recordTo(flags.record, { onError: sayNotRecorded }));
  }
  const stop = flags.otel === true ? await startSdk() : undefined;
  if (stop !== undefined) {
    const { openTelemetry } = await import("../observe/open-telemetry.ts");
    observers.push(await openTelemetry());
  }
  const onRequest = write && ((line: RequestLine) => write(requestLine(line)));
  return { observers, onRequest, [Symbol.asyncDispose]: async () => stop?.() };
}

/** Appends lines to a file that only this user may read; that it cannot be written is said once. */
function intoLog(file: string): (line: string) => void {
  let isBroken = false;
  return (line) => {
    if (isBroken) return;
    try {
      appendFileSync(file, `${line}\n`, { mode: 0o600 });
    } catch (thrown) {
      isBroken = true;
      say(`The log cannot be written: ${messageOf(thrown)}`);
    }
  };
}

function requestLine(line: RequestLine): string {
  const level = line.status >= 500 ? "error" : "info";
  return JSON.stringify({ time: new Date().toISOString(), level, msg: "request", ...line });
}

function sayNotRecorded(thrown: unknown, sessionId: string): void {
  say(`The recording of ${sessionId} stopped: ${messageOf(thrown)}`);
}

/** Milliseconds a collector that does not answer may delay the exit. */
const FLUSH_MS = 5_000;
const NO_ANSWER = `the collector took nothing within ${FLUSH_MS / 1000} s. Is OTEL_EXPORTER_OTLP_ENDPOINT its address?`;

async function startSdk(): Promise<() => Promise<void>> {
  const { NodeSDK } = await import("@opentelemetry/sdk-node").catch((cause: unknown) => {
    const wayOut = "Install it: npm install @opentelemetry/sdk-node";
    throw new LoophostError("missing_dependency", `--otel needs @opentelemetry/sdk-node. ${wayOut}`, {
      cause,
    });
  });
  const serviceName = process.env["OTEL_SERVICE_NAME"] || "loophost";
  const sdk = new NodeSDK({ serviceName });
  sdk.start();
  return async () => {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(NO_ANSWER)), FLUSH_MS).unref();
    await Promise.race([sdk.shutdown(), late]).catch(sayNotSent);
    clearTimeout(timer);
  };
}

function sayNotSent(thrown: unknown): void {
  say(`Traces or metrics could not be sent: ${messageOf(thrown)}`);
}

function say(text: string): void {
  process.stderr.write(`loophost: ${printable(text)}\n`);
}
