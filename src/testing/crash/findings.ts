/** What was promised of tool calls, held against what the journal and the ledger say: a pure function. */

import type { Json } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";
import type { CrashEffect } from "./ledger.ts";

/** What a tool's `ifCrashed` says; "probe" for one that finds out. */
export type Policy = "fail" | "rerun" | "ask" | "probe";

/** What there is to compare. */
export interface Evidence {
  readonly journal: readonly Json[];
  readonly effects: readonly CrashEffect[];
  /** By tool. */
  readonly policies: Readonly<Record<string, Policy>>;
}

/** What the journal says of one call. */
interface CallHistory {
  name: string;
  starts: number;
  startsAfterResult: number;
  result: "none" | "success" | "error";
}

/** A sentence for each call that went against its promise. */
export function findBrokenPromises({ journal, effects, policies }: Evidence): readonly string[] {
  const calls = readCalls(journal);
  const unknown = new Set(effects.map(({ callId }) => callId)).difference(calls);
  // Tools that never write to the ledger have effects elsewhere, or none.
  const writers = new Set(effects.map(({ callId }) => calls.get(callId)?.name));
  return [
    ...[...unknown].map((id) => `${id} had an effect, and the journal does not know of it`),
    ...[...calls].flatMap(([id, call]) => {
      const times = effects.filter(({ callId }) => callId === id).length;
      const policy = policies[call.name] ?? "fail";
      const problems: string[] = [];
      if (call.startsAfterResult > 0) problems.push("ran again although its result was recorded");
      if (times > call.starts)
        problems.push(`had ${times} effects, but was recorded as started ${call.starts} times`);
      if (times > 1 && (policy === "fail" || policy === "probe"))
        problems.push(`had ${times} effects, against its policy "${policy}"`);
      if (call.result === "none") problems.push("was started and never came to a result");
      if (call.result === "success" && times === 0 && writers.has(call.name))
        problems.push("has a result, but never had an effect");
      return problems.map((problem) => `${call.name} ${id} ${problem}`);
    }),
  ];
}

/** The keys of calls that had more than one effect. */
export function findRepeated(effects: readonly CrashEffect[]): readonly string[] {
  const keys = effects.map(({ idempotencyKey }) => idempotencyKey);
  return [...new Set(keys.filter((key, index) => keys.indexOf(key) !== index))];
}

function readCalls(journal: readonly Json[]): Map<string, CallHistory> {
  const calls = new Map<string, CallHistory>();
  for (const entry of journal) {
    if (!isObject(entry)) continue;
    const { id, name } = entry;
    if (typeof id !== "string") continue;
    const call = calls.get(id) ?? { name: "", starts: 0, startsAfterResult: 0, result: "none" };
    if (entry["type"] === "call.started") {
      call.name = typeof name === "string" ? name : "";
      call.starts += 1;
      if (call.result !== "none") call.startsAfterResult += 1;
      calls.set(id, call);
    } else if (entry["type"] === "call.finished") {
      const { result } = entry;
      call.result = isObject(result) && result["isError"] === true ? "error" : "success";
    }
  }
  return calls;
}
