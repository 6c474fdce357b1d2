/** A turn whose end nobody saw, and nobody will: the service has no log to read, and takes no answer twice. */

import { LoophostError } from "../../../core/errors.ts";

/** Whether the service does not want an answer, today or later: it has one, or waits for none. */
export function isRefusedAnswer({ hostCode }: LoophostError): boolean {
  return hostCode === "ValidationException";
}

/** Whether the agent may have run on what was sent, and nobody saw how that ended. */
export function mayHaveRun({ code, status }: LoophostError): boolean {
  return code === "host_protocol" || (code === "host_failed" && (status === undefined || status >= 500));
}

/** The end of a turn that is lost, where a run has failed for it already. */
export const LOST = { ending: "terminated", stopReason: "turn_lost" } as const;

/** The error of a run whose turn was lost; the session can be spoken to afterwards. */
export function lostTurn(sessionId: string, cause: LoophostError | undefined): LoophostError {
  const why =
    cause === undefined
      ? "this side stopped before its reply was read, and the service tells it only once"
      : `the answer to its call was refused: it was sent before, or the option handoff does not fit the service (${cause.message})`;
  return new LoophostError(
    "host_failed",
    `A turn of AgentCore session ${sessionId} was lost: ${why}. The agent may have done its work. Send a new message to go on.`,
    { cause, mayRetry: false, hostCode: "turn_lost", status: cause?.status, requestId: cause?.requestId },
  );
}
