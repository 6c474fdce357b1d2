/** The calls of a stored session that wait for somebody, whole, read from its log without opening it. */

import type { WaitingCall } from "../../core/events.ts";
import type { Json } from "../../core/json.ts";
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
  const { type, on, id } = entry;
  if (type === "run.waiting" && Array.isArray(on)) return on.flatMap((call) => toCall(call) ?? []);
  const isOver = type === "call.finished" || type === "decided";
  return isOver ? waiting.filter((call) => call.id !== id) : waiting;
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
