/**
 * Proves that a session survives its process: runs it in a child process, kills that where it is told to, starts it
 * again until the session ends, and holds what the tools did against what was promised.
 *
 *   K1  whatever the outcome, no process and no file is left behind
 */

import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Names } from "../../core/check-options.ts";
import { checkNames } from "../../core/check-options.ts";
import { messageOf } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";
import { findBrokenPromises, findRepeated } from "./findings.ts";
import type { KillAt } from "./kill-point.ts";
import { describePlace, placesOf } from "./kill-point.ts";
import type { CrashEffect } from "./ledger.ts";
import { readLedger } from "./ledger.ts";
import type { CrashResult, LifeEnd, LifeNews, LifeOrder } from "./session.ts";
import { LEDGER_FILE } from "./session.ts";

/** How a session is crashed. */
export interface CrashTestOptions {
  /** The module that runs the session: it ends with `await crashSession(...)`. */
  readonly module: URL;
  /** Handed to that module. */
  readonly args?: Json | undefined;
  /** Where it is killed. Default: nowhere, which shows what the undisturbed session comes to. */
  readonly killAt?: KillAt | undefined;
  /** How often it is started again before it counts as never ending. Default 20. */
  readonly maxRestarts?: number | undefined;
  /** How long one life may last. Default 30 000. */
  readonly timeoutMs?: number | undefined;
  /** Arguments for node, before the module. Default: those this process has. */
  readonly execArgv?: readonly string[] | undefined;
}

const OPTIONS: Names<CrashTestOptions> = {
  module: 1,
  args: 1,
  killAt: 1,
  maxRestarts: 1,
  timeoutMs: 1,
  execArgv: 1,
};

/** What a crashed session came to. */
export interface CrashReport {
  /** Where it was killed, in words; a place that was never reached is not among them. */
  readonly deaths: readonly string[];
  readonly kills: number;
  readonly restarts: number;
  /** What the tools wrote to the ledger, in order. */
  readonly effects: readonly CrashEffect[];
  readonly executions: number;
  /** Idempotency keys with more than one effect; only where the tool's policy is "rerun", or "ask" and it was approved. */
  readonly repeated: readonly string[];
  /** The last life's: of the run it saw through, or of one that ended before and is heard now, when `isUnheard`. */
  readonly result: CrashResult;
  /** The run was over when its process was killed, and nobody had been told what it came to. */
  readonly isUnheard: boolean;
  readonly journal: readonly Json[];
}

/**
 * Runs a session through its kills and checks what its tools did.
 *
 * @throws Error with what was promised and not kept, where it was killed and the end of the journal; also when the
 * session fails or does not come to an end
 */
export async function crashTest(options: CrashTestOptions): Promise<CrashReport> {
  checkNames("crashTest()", options, OPTIONS);
  const places = placesOf(options.killAt ?? []);
  const maxRestarts = options.maxRestarts ?? 20;
  const folder = await mkdtemp(join(tmpdir(), "loophost-crash-"));
  const deaths: string[] = [];
  try {
    for (let life = 1; life <= maxRestarts + 1; life += 1) {
      const place = places[life - 1] ?? null;
      const order = { folder, life, args: options.args ?? null, place };
      const end = await liveOnce(options, order).catch((cause: unknown) => {
        throw new Error(`${messageOf(cause)} ${tellDeaths(deaths)}`, { cause });
      });
      if (end !== "killed") return reportOf(end, readLedger(join(folder, LEDGER_FILE)), deaths, life - 1);
      deaths.push(place === null ? "by somebody else" : describePlace(place));
    }
    throw new Error(`The session did not end in ${maxRestarts} restarts. ${tellDeaths(deaths)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lets one process live until it is killed or has an end to tell. */
async function liveOnce(options: CrashTestOptions, order: LifeOrder): Promise<LifeEnd | "killed"> {
  const child = fork(options.module, [JSON.stringify(order)], {
    execArgv: [...(options.execArgv ?? process.execArgv)],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const timeoutMs = options.timeoutMs ?? 30_000;
  const { place } = order;
  let isLate = false;
  const kill = () => void child.kill("SIGKILL");
  const deadline = setTimeout(() => {
    isLate = true;
    kill();
  }, timeoutMs);
  let planned: NodeJS.Timeout | undefined;
  // An orphan process would keep writing to a deleted folder.
  process.once("exit", kill);
  try {
    const { news, signal, errors } = await hear(child, () => {
      if (place !== null && "afterMs" in place) planned = setTimeout(kill, place.afterMs);
    });
    if (news?.type === "ended") return news;
    if (news?.type === "failed")
      throw new Error(`Life ${order.life} failed with ${news.code}: ${news.message}`);
    if (signal === "SIGKILL" && !isLate) return "killed";
    const how = isLate ? `was not over after ${timeoutMs} ms` : "ended without a word";
    throw new Error(`Life ${order.life} ${how}. ${errors.trim()}`.trim());
  } finally {
    clearTimeout(deadline);
    clearTimeout(planned);
    process.off("exit", kill);
    kill();
  }
}

interface Heard {
  readonly news: LifeNews | undefined;
  readonly signal: NodeJS.Signals | null;
  readonly errors: string;
}

const MAX_ERROR_CHARS = 10_000;

/** Listens to a process until it is gone. */
function hear(child: ChildProcess, onBegun: () => void): Promise<Heard> {
  let news: LifeNews | undefined;
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-MAX_ERROR_CHARS);
  });
  child.on("message", (message) => {
    if (!isNews(message)) return;
    if (message.type === "begun") onBegun();
    else news = message;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (_code, signal) => resolve({ news, signal, errors }));
  });
}

function isNews(message: unknown): message is LifeNews {
  return isObject(message) && ["begun", "failed", "ended"].includes(String(message["type"]));
}

function reportOf(
  { result, isUnheard, journal, policies }: LifeEnd,
  effects: readonly CrashEffect[],
  deaths: readonly string[],
  restarts: number,
): CrashReport {
  const broken = findBrokenPromises({ journal, effects, policies });
  if (broken.length > 0) throw new Error(describeBroken(broken, deaths, journal));
  return {
    deaths,
    kills: deaths.length,
    restarts,
    effects,
    executions: effects.length,
    repeated: findRepeated(effects),
    result,
    isUnheard,
    journal,
  };
}

const JOURNAL_TAIL = 40;

function describeBroken(
  broken: readonly string[],
  deaths: readonly string[],
  journal: readonly Json[],
): string {
  const tail = journal.slice(-JOURNAL_TAIL).map((entry) => JSON.stringify(entry).slice(0, 200));
  const list = broken.map((problem) => `- ${problem}`);
  return [
    "The session broke its promise:",
    ...list,
    tellDeaths(deaths),
    "The journal ends with:",
    ...tail,
  ].join("\n");
}

function tellDeaths(deaths: readonly string[]): string {
  return deaths.length === 0 ? "It was not killed." : `It was killed ${deaths.join(", then ")}.`;
}
