/** The past of a session that is taken up, as events: what is on record of it, since the service tells none. */

import type { HostEvent } from "../../../core/provider.ts";
import { NO_USAGE } from "../../../core/results.ts";
import type { Standing } from "./cursor.ts";

/** Tells how the last turn ended, that a call waits, or that a turn was lost sight of. */
export function tellPast(
  { prompts, turns, usage, text, handoff, isDropped, isLost, end }: Standing,
  emit: (event: HostEvent) => void,
  tellCalls: (handoff: NonNullable<Standing["handoff"]>) => void,
): void {
  emit({ type: "catchup.started" });
  for (let seen = 0; seen < prompts; seen += 1) emit({ type: "message.seen" });
  const waits = isDropped ? undefined : handoff;
  // Told as begun and not as ended, a turn that was lost would be waited for instead of asked about.
  const begun = waits === undefined && end === undefined ? 0 : turns;
  for (let turn = 0; turn < begun; turn += 1) emit({ type: "turn.began" });
  if (usage !== NO_USAGE) emit({ type: "usage", usage });
  if (text !== "") emit({ type: "message", text });
  if (waits !== undefined) tellCalls(waits);
  else if (end !== undefined) emit({ type: "turn.done", ...end });
  else if (isLost) emit({ type: "reply.owed" });
  emit({ type: "catchup.ended" });
}
