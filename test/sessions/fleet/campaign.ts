// One cell of the fleet campaign: sessions at work in worker processes to which something happens, and what is left of it.

import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

import type { Store } from "loophost";
import type { RestateEngineOptions } from "loophost/engines/restate";
import { restateEngine } from "loophost/engines/restate";
import type { SessionRef, Sessions } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { readLog } from "loophost/stores/sessions";

import type { RestateServer } from "../../engines/restate/server.ts";
import { freePorts } from "../../engines/restate/server.ts";
import { balancer } from "../../support/balancer.ts";
import { openStore } from "./store.ts";

/** What happens to the workers of a cell. */
export type Cell =
  | "killed"
  | "stopped"
  | "all killed"
  | "drained"
  | "cut off"
  | "engine killed"
  | "engine emptied";

/** How one run of a cell is made. */
export interface CellRun {
  readonly cell: Cell;
  /** Where the store is: the path of a file, or the address of a database. */
  readonly where: string;
  readonly ifCrashed: "answer" | "rerun";
  readonly sessions: number;
  readonly steps: number;
  /** Milliseconds of work before it happens. */
  readonly afterMs: number;
  /** The server that says who works; without one, each worker looks into the store. */
  readonly restate?: RestateServer | undefined;
}

/** What was left of it. */
export interface CellResult {
  /** Milliseconds until another worker wrote, for each session that was under way in the one it happened to. */
  readonly latencies: readonly number[];
  /** Recorded steps that were run again, messages that are lost or applied twice, results of a call beyond its first. */
  readonly repeated: number;
  readonly lost: number;
  /** Steps that were under way: run again, or told to the model as unknown. */
  readonly rerun: number;
  readonly unknown: number;
  readonly ms: number;
}

const DEADLINE_MS = 120_000;
const MESSAGES = 2;

/** Runs a cell once. */
export async function runCell(run: CellRun): Promise<CellResult> {
  const startedAt = performance.now();
  const ledger = join(mkdtempSync(join(tmpdir(), "loophost-fleet-")), "ledger");
  const store = openStore(run.where);
  const fleet = run.restate === undefined ? undefined : await restateFleet(run.restate);
  const app = sessions({ store, engine: fleet?.engine });
  const workers: ChildProcess[] = [];
  const begin = async () => {
    const args = [run.where, ledger, run.ifCrashed, ...(await (fleet?.newWorker() ?? []))];
    const worker = fork(new URL("worker.ts", import.meta.url), args);
    workers.push(worker);
    await new Promise((resolve) => worker.once("message", resolve));
    return worker;
  };
  try {
    const chats = await askAll(app, run);
    const victim = await begin();
    if (run.cell !== "all killed") await begin();
    await setTimeout(run.afterMs);
    const at = Date.now();
    if (run.cell === "engine killed" || run.cell === "engine emptied") {
      await run.restate?.kill();
      await setTimeout(500);
      await run.restate?.start({ isEmptied: run.cell === "engine emptied" });
    } else if (run.cell === "cut off") fleet?.cutOffFirst();
    else victim.kill(run.cell === "drained" ? "SIGTERM" : run.cell === "stopped" ? "SIGSTOP" : "SIGKILL");
    if (run.cell === "all killed") await begin();
    await allIdle(chats);
    if (run.cell === "stopped") victim.kill("SIGCONT");
    const entries = await Promise.all(chats.map(({ id }) => entriesOf(store, id)));
    const begun = readLedger(ledger);
    return {
      ...left(entries, begun),
      latencies: entries.flatMap((log, index) =>
        latencyOf(log, begun, chats[index]?.id ?? "", victim.pid, at),
      ),
      ms: Math.round(performance.now() - startedAt),
    };
  } finally {
    for (const worker of workers) worker.kill("SIGKILL");
    await app.close();
    await fleet?.close();
    await store.close();
  }
}

/** Workers behind a balancer, called by Restate. */
async function restateFleet({ ingress, admin }: RestateServer) {
  const workers = await balancer();
  const name = `fleet-${crypto.randomUUID()}`;
  const ports: number[] = [];
  return {
    engine: restateEngine({ ingress, name }),
    async newWorker(): Promise<readonly string[]> {
      const [port = 0] = await freePorts(1);
      ports.push(port);
      workers.add(port);
      const listen = { port, url: `http://127.0.0.1:${workers.port}` };
      return [JSON.stringify({ ingress, admin, name, listen } satisfies RestateEngineOptions)];
    },
    /** Cuts the first worker off from Restate: it goes on with what it has. */
    cutOffFirst: () => workers.remove(ports[0] ?? 0),
    close: () => workers[Symbol.asyncDispose](),
  };
}

async function askAll(app: Sessions, { sessions: count, steps }: CellRun): Promise<readonly SessionRef[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const chat = await app.create("stepper", { id: `s${index}` });
      for (let key = 1; key <= MESSAGES; key += 1) await chat.send(`go ${steps}`, { key: String(key) });
      return chat;
    }),
  );
}

async function allIdle(chats: readonly SessionRef[]): Promise<void> {
  const giveUpAt = performance.now() + DEADLINE_MS;
  for (const chat of chats)
    for (;;) {
      const summary = await chat.summary();
      if (summary?.status === "idle" && summary.runs === MESSAGES) break;
      if (performance.now() > giveUpAt)
        throw new Error(`session ${chat.id} did not come to its end: ${summary?.status}`);
      await setTimeout(20);
    }
}

interface Entry {
  readonly type: string;
  readonly at: number;
  readonly id?: string;
  readonly item?: number;
  readonly result?: unknown;
}

interface Begun {
  readonly sessionId: string;
  readonly callId: string;
  readonly pid: number;
  readonly at: number;
}

async function entriesOf(store: Store, id: string): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for await (const { entry } of readLog(store, id)) entries.push(entry as never);
  return entries;
}

function readLedger(path: string): readonly Begun[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Begun);
}

/** The first entry that anybody wrote after it happened, where the victim was at work then. */
function latencyOf(
  log: readonly Entry[],
  begun: readonly Begun[],
  id: string,
  victim: number | undefined,
  at: number,
): readonly number[] {
  const last = begun.findLast((one) => one.sessionId === id && one.at <= at);
  const isOpen = log.findLast((entry) => entry.at <= at)?.type !== "run.ended";
  const next = log.find((entry) => entry.at > at);
  return last?.pid === victim && isOpen && next !== undefined ? [next.at - at] : [];
}

function left(logs: readonly (readonly Entry[])[], begun: readonly Begun[]) {
  let [repeated, lost, unknown, rerun] = [0, 0, 0, 0];
  for (const [index, log] of logs.entries()) {
    const items = log.filter(({ type }) => type === "run.started").map(({ item }) => item);
    lost += MESSAGES - new Set(items).size;
    repeated += items.length - new Set(items).size;
    const finished = log.filter(({ type }) => type === "call.finished");
    repeated += finished.length - new Set(finished.map(({ id }) => id)).size;
    unknown += finished.filter(({ result }) => JSON.stringify(result).includes("may or may not")).length;
    for (const { id, at } of finished) {
      const times = begun.filter((one) => one.sessionId === `s${index}` && one.callId === id);
      repeated += times.filter((one) => one.at > at).length;
      rerun += Math.max(0, times.length - 1);
    }
  }
  return { repeated, lost, unknown, rerun };
}
