/** Deleting sessions that nobody has spoken to for long. */

import { hasCode } from "../../core/errors.ts";
import { deleteIf } from "../../stores/deletion.ts";
import { unfit } from "../../stores/names.ts";
import type { SessionSummary } from "../../stores/sessions.ts";
import { findSession } from "../../stores/sessions.ts";
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
 * is open in a process stays, and so does one whose id stores refuse.
 */
export async function* prune(kept: OpenStore, before: number, isDry: boolean): AsyncGenerator<string> {
  let gone = 0;
  let left = 0;
  for await (const summary of allSessions(kept.store)) {
    const { sessionId, agent, updatedAt } = summary;
    if (updatedAt >= before) continue;
    // The first id that stores refuse, in a file of other origin, would end it for all sessions behind.
    const mayGo = unfit(sessionId) === undefined && (await canGo(kept, summary, before));
    if (!mayGo || !(isDry || (await isDeleted(kept, sessionId, before)))) {
      left += 1;
      continue;
    }
    gone += 1;
    yield printable(`${sessionId}  ${agent}  ${formatTime(updatedAt)}`);
  }
  const stay =
    left === 0 ? "" : ` ${left} as old stay: they run, wait, are in use, or have ids that stores refuse.`;
  console.error(`${isDry ? "Would delete" : "Deleted"} ${gone} of before ${formatTime(before)}.${stay}`);
}

async function canGo(
  { store }: OpenStore,
  summary: SessionSummary | undefined,
  before: number,
): Promise<boolean> {
  if (summary === undefined || summary.updatedAt >= before) return false;
  const { sessionId, status } = summary;
  if (status === "running" || status === "waiting") return false;
  return (await store.inbox.read(sessionId, 1)).length === 0;
}

async function isDeleted(kept: OpenStore, sessionId: string, before: number): Promise<boolean> {
  const { store } = kept;
  // Looked at again: a list is out of date by the time its last session is reached.
  const mayGo = async () => canGo(kept, await findSession(store, sessionId), before);
  const hasGone = await deleteIf(store, sessionId, mayGo).catch((thrown: unknown) => {
    if (hasCode(thrown, "session_owned")) return false;
    throw thrown;
  });
  if (hasGone) await forgetAddress(store, sessionId);
  return hasGone;
}
