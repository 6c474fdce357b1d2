/** The calls of a stored session that wait for somebody, whole, read from its log without opening it. */

import type { WaitingCall } from "../../core/events.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";
import type { Store } from "../../core/store.ts";
import { readLog } from "../../stores/sessions.ts";

/** What the log says of each call that waits; none where its run is told to be waiting only by the loop host. */
export async function readWaitingCalls(store: Store, sessionId: string): Promise<readonly WaitingCall[]> {
  let waiting: readonly WaitingCall[] = [];
  for await (const { entry } of readLog(store, sessionId)) waiting = waitingAfter(waiting, entry);
  return waiting;
}

/** Takes an entry of the log in. */
export function waitingAfter(waiting: readonly WaitingCall[], entry: Json): readonly WaitingCall[] {
  if (!isObject(entry)) return waiting;
  if (isStop(entry)) return [];
  const { type, on, id } = entry;
  if (type === "run.waiting" && Array.isArray(on)) return on.flatMap((call) => toCall(call) ?? []);
  const isOver = type === "call.finished" || type === "decided";
  return isOver ? waiting.filter((call) => call.id !== id) : waiting;
}

/** Whether an entry ends a run that was interrupted: its calls are stopped, and nobody can decide about them any more. */
function isStop(entry: JsonObject): boolean {
  return entry["type"] === "run.ended" && entry["ending"] === "interrupted";
}

function toCall(call: unknown): WaitingCall | undefined {
  if (!isObject(call) || typeof call["id"] !== "string") return undefined;
  const { id, what, name, input } = call;
  return {
    id,
    what: what === "answer" ? what : "approval",
    name: typeof name === "string" ? name : "a call",
    input,
  };
}
