/** Whether a post fits what its session is doing. Pure: the events are gone through as they would be applied. */

import { invalid, notFound } from "./errors.ts";
import type { UserEvent } from "./user-events.ts";

/** What a session is doing, as far as it matters to a post. */
export interface Doing {
  /** The ids of the calls that wait for a result. */
  readonly openCalls: readonly string[];
  /** Whether the session has stopped to wait for them. */
  readonly isWaiting: boolean;
  /** How many messages wait for their turn. */
  readonly queued: number;
  readonly threadId: string;
}

const MAX_QUEUED = 1_000;

/**
 * Checks a post as a whole.
 *
 * @throws Refusal when one of its events does not fit; then none may be applied
 */
export function checkPost(events: readonly UserEvent[], doing: Doing): void {
  const open = new Set(doing.openCalls);
  let { isWaiting, queued } = doing;
  for (const event of events) {
    switch (event.type) {
      case "user.message":
        if (isWaiting)
          throw invalid(
            `The session waits for the results of ${[...open].join(", ")}. Send them, or a user.interrupt, first.`,
          );
        queued += 1;
        if (queued > MAX_QUEUED)
          throw invalid(`${MAX_QUEUED} messages wait already; let some be taken first.`);
        break;
      case "user.custom_tool_result":
        if (!open.delete(event.toolUseId)) {
          throw invalid(
            `No call ${event.toolUseId} waits for a result: it is unknown, or was answered already. Waiting: ${[...open].join(", ") || "none"}.`,
          );
        }
        isWaiting &&= open.size > 0;
        break;
      case "user.interrupt":
        if (event.threadId !== null && event.threadId !== doing.threadId)
          throw notFound(`Thread ${event.threadId}`);
        open.clear();
        isWaiting = false;
        break;
      case "user.tool_confirmation":
        break;
    }
  }
}
