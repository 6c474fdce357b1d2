/** Why a run that reached a terminal gave no answer, and the way out, in one line. */

import type { SessionResult } from "../../core/results.ts";
import type { StoredRun } from "./go-on.ts";
import { approveLine } from "./go-on.ts";

/** Says why. A call that waits in a stored session can be decided later; in another it is lost. */
export function whyNoAnswer(result: SessionResult, stored: StoredRun | undefined): string {
  const { ending, stopReason, events, toolCalls } = result;
  const waiting = events.findLast((event) => event.type === "run.waiting")?.on ?? [];
  if (ending !== "requires_action" || waiting.length === 0)
    return `The run ended without an answer: ${ending} (stop reason ${JSON.stringify(stopReason)}).`;
  const calls = waiting.map(
    ({ id, what }) => `${toolCalls.find((use) => use.id === id)?.name ?? id} for ${what}`,
  );
  const asked = waiting.find(({ what }) => what === "approval");
  return `The run stopped at calls that wait: ${calls.join(", ")}. ${wayOut(asked?.id, stored)}`;
}

function wayOut(asked: string | undefined, stored: StoredRun | undefined): string {
  if (asked === undefined) return "The command line cannot answer for a tool without execute.";
  if (stored === undefined) return "Run it in a terminal to be asked, or with --yes to allow all.";
  return `To allow it: ${approveLine(stored, asked)}`;
}
