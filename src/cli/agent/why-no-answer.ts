/** Why a run that reached a terminal gave no answer, and the way out. */

import type { WaitingCall } from "../../core/events.ts";
import type { SessionResult } from "../../core/results.ts";
import { reveal } from "../screen/reveal.ts";
import type { StoredRun } from "./go-on.ts";

/** The calls a run stopped at; none when it did not stop for that. */
export function callsThatWait({ ending, events }: SessionResult): readonly WaitingCall[] {
  if (ending !== "requires_action") return [];
  return events.findLast((event) => event.type === "run.waiting")?.on ?? [];
}

/** Says why, in one line. A call that waits in a stored session can be decided later; in another it is lost. */
export function whyNoAnswer(
  { ending, stopReason }: Pick<SessionResult, "ending" | "stopReason">,
  waiting: readonly WaitingCall[],
  stored: StoredRun | undefined,
): string {
  if (waiting.length === 0)
    return `The run ended without an answer: ${ending} (stop reason ${JSON.stringify(stopReason)}).`;
  const calls = waiting.map(({ name, what }) => `${reveal(name)} for ${what}`);
  return `The run stopped at calls that wait: ${calls.join(", ")}. ${wayOut(waiting, stored)}`;
}

function wayOut(waiting: readonly WaitingCall[], stored: StoredRun | undefined): string {
  if (stored !== undefined) return "The commands that decide are above.";
  return waiting.some(({ what }) => what === "approval")
    ? "Run it in a terminal to be asked, or with --yes to allow all."
    : "It can be answered where the session is kept: pass --store <file>.";
}
