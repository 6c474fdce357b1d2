/** Deleting sessions that nobody has spoken to for long. */

import { hasCode } from "../../core/errors.ts";
import type { SessionSummary } from "../../stores/sessions.ts";
import { deleteSession } from "../../stores/sessions.ts";
import { misuse } from "../command.ts";
import { formatTime, printable } from "../screen/format.ts";
import type { OpenStore } from "../stored/open-store.ts";
import { forgetAddress } from "../stored/session-address.ts";
import { allSessions } from "./list.ts";

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/**
 * A span such as 30d, 12h or 90m, in milliseconds.
 *
 * @throws LoophostError `invalid_options` for anything else
 */
export function readAge(text: string | undefined): number {
  const [, number, unit = ""] = /^(\d{1,6})([smhdw])$/.exec(text ?? "") ?? [];
  const ms = Object.entries(UNITS_MS).find(([name]) => name === unit)?.[1];
  if (number !== undefined && ms !== undefined) return Number(number) * ms;
  const got = text === undefined ? "" : `; got ${text}`;
  throw misuse("loophost sessions", `prune needs --older-than with a span such as 30d, 12h or 90m${got}`);
}

/**
 * Deletes those not written to since a moment, and reports each. One that runs or waits, has something in its inbox, or
 * is open in a process stays.
 */
export async function* prune(kept: OpenStore, before: number, isDry: boolean): AsyncGenerator<string> {
  let gone = 0;
  let left = 0;
  for await (const summary of allSessions(kept.store)) {
    if (summary.updatedAt >= before) continue;
    if (!(await canGo(kept, summary)) || !(isDry || (await isDeleted(kept, summary.sessionId)))) {
      left += 1;
      continue;
    }
    gone += 1;
    yield printable(`${summary.sessionId}  ${summary.agent}  ${formatTime(summary.updatedAt)}`);
  }
  const stay = left === 0 ? "" : ` ${left} as old stay: they run, wait, or are in use.`;
  console.error(`${isDry ? "Would delete" : "Deleted"} ${gone} of before ${formatTime(before)}.${stay}`);
}

async function canGo({ store }: OpenStore, { sessionId, status }: SessionSummary): Promise<boolean> {
  if (status === "running" || status === "waiting") return false;
  return (await store.inbox.read(sessionId, 1)).length === 0;
}

async function isDeleted({ store }: OpenStore, sessionId: string): Promise<boolean> {
  try {
    await deleteSession(store, sessionId);
  } catch (thrown) {
    if (hasCode(thrown, "session_owned")) return false;
    throw thrown;
  }
  await forgetAddress(store, sessionId);
  return true;
}
