// What is left of a run of a cell: by the logs of its sessions, and by the ledger in which tools noted that they began.

import { existsSync, readFileSync } from "node:fs";

import type { SessionRef } from "loophost/sessions";
import { readLog } from "loophost/stores/sessions";

import type { Fleet } from "./fleet.ts";

/** What was left of a run of a cell. */
export interface Outcome {
  /** Milliseconds until somebody wrote again, for each session that was under way in the worker it happened to. */
  readonly latencies: readonly number[];
  /** Recorded steps that were run again, items applied twice, results of a call beyond its first. */
  readonly repeated: number;
  /** Items that led to nothing. */
  readonly lost: number;
  /** Calls that were under way: run again, or told to the model as unknown. */
  readonly rerun: number;
  readonly unknown: number;
  /** Runs that are not as they would be had nothing happened. */
  readonly disturbed: readonly string[];
  /** What else is not as it should be. */
  readonly wrong: readonly string[];
}

/** An entry of a log, as it is looked at here. */
export interface Entry {
  readonly type: string;
  readonly at: number;
  readonly id?: string;
  readonly item?: number;
  readonly result?: unknown;
  readonly ending?: string;
  readonly runId?: string;
  readonly input?: unknown;
  readonly code?: string;
  readonly allow?: boolean;
  readonly events?: readonly { readonly type: string; readonly text?: string }[];
}

/** A tool that began. */
interface Begun {
  readonly name: string;
  readonly sessionId: string;
  readonly callId: string;
  readonly pid: number;
  readonly at: number;
}

/** The log of a session. */
export async function entriesOf({ store }: Fleet, { id }: SessionRef): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for await (const { entry } of readLog(store, id)) entries.push(entry as never);
  return entries;
}

/** The tools that began, in order. */
export function begunIn({ ledger }: Fleet): readonly Begun[] {
  if (!existsSync(ledger)) return [];
  // The last line may be half written.
  const lines = readFileSync(ledger, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Begun);
}

/**
 * What is left of sessions.
 *
 * @param messages how many messages each was sent
 * @param event what happened, to which worker: for the latencies
 */
export async function judge(
  fleet: Fleet,
  chats: readonly SessionRef[],
  messages: number,
  event?: { readonly at: number; readonly pid: number },
): Promise<Outcome> {
  const logs = await Promise.all(chats.map((chat) => entriesOf(fleet, chat)));
  const begun = Map.groupBy(begunIn(fleet), ({ sessionId }) => sessionId);
  const total = { repeated: 0, lost: 0, rerun: 0, unknown: 0 };
  const latencies: number[] = [];
  for (const [index, log] of logs.entries()) {
    const own = begun.get(chats[index]?.id ?? "") ?? [];
    const runs = log.filter(({ type }) => type === "run.started").map(({ item }) => item);
    const items = log.flatMap(({ item }) => item ?? []);
    total.lost += messages - new Set(runs).size;
    total.repeated += items.length - new Set(items).size;
    const finished = log.filter(({ type }) => type === "call.finished");
    total.repeated += finished.length - new Set(finished.map(({ id }) => id)).size;
    total.unknown += finished.filter(({ result }) => isUnknown(result)).length;
    for (const { id, at } of finished) {
      const times = own.filter(({ callId }) => callId === id);
      total.repeated += times.filter((one) => one.at > at).length;
      total.rerun += Math.max(0, times.length - 1);
    }
    if (event !== undefined) latencies.push(...latencyOf(log, own, event));
  }
  return { ...total, latencies, disturbed: logs.flatMap(disturbedIn), wrong: [] };
}

/** Two outcomes as one; the latencies are those of the first. */
export function together(one: Outcome, other: Outcome): Outcome {
  return {
    ...one,
    repeated: one.repeated + other.repeated,
    lost: one.lost + other.lost,
    rerun: one.rerun + other.rerun,
    unknown: one.unknown + other.unknown,
    disturbed: [...one.disturbed, ...other.disturbed],
  };
}

/** Runs that are unlike one to which nothing happens: in their end, their calls, or what their reader is told, once. */
function disturbedIn(log: readonly Entry[]): readonly string[] {
  const wrong: string[] = [];
  let [asked, calls, said]: [string, number, string[]] = ["", 0, []];
  for (const { type, input, events = [], ending, code, allow } of log) {
    if (type === "run.started") [asked, calls, said] = [textOf(input), 0, []];
    if (type === "call.finished" || allow === false) calls += 1;
    for (const event of events) if (event.type === "message") said.push(event.text ?? "");
    const isDone = type === "run.ended" && ending !== "interrupted";
    const isFailed = type === "run.failed" && code !== "worker_lost";
    const is = `${ending ?? code} after ${calls} calls, saying ${said.join(" | ").slice(0, 200)}`;
    const expected = `completed after ${callsOf(asked)} calls, saying ${answerTo(asked, said)}`;
    if ((isDone || isFailed) && is !== expected) wrong.push(`"${asked}" ended ${is}`);
  }
  return wrong;
}

function textOf(input: unknown): string {
  return /"text":"((?:[^"\\]|\\.)*)"/.exec(JSON.stringify(input))?.[1]?.replaceAll('\\"', '"') ?? "";
}

function callsOf(asked: string): number {
  const [verb, what] = asked.split(" ");
  return verb === "go" ? Number(what) : Number(verb === "call");
}

/** What the model of the campaign says to it in the end: with many words, as it said them. */
function answerTo(asked: string, said: readonly string[]): string {
  if (asked.startsWith("long ")) return (said.length === 1 ? (said[0] ?? "") : "").slice(0, 200);
  return asked.startsWith("say ") ? asked.slice(4) : `done ${asked}`;
}

/** Whether a result says that its call may have taken effect. */
function isUnknown(result: unknown): boolean {
  return JSON.stringify(result).includes("may or may not");
}

/** The first entry that anybody wrote after it happened, where the victim was at work then. */
function latencyOf(
  log: readonly Entry[],
  begun: readonly Begun[],
  { at, pid }: { readonly at: number; readonly pid: number },
): readonly number[] {
  const last = begun.findLast((one) => one.at <= at);
  const before = log.findLast((entry) => entry.at <= at)?.type;
  const next = log.find((entry) => entry.at > at);
  const isOpen = before !== "run.ended" && before !== "session.created";
  return last?.pid === pid && isOpen && next !== undefined ? [next.at - at] : [];
}
