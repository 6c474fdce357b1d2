/** What a stop reason of the service's means: one that is not known here ends the turn as `terminated`, its word kept. */

import type { Ending, EndingDetails } from "../../../core/results.ts";

/** The stop reason of a turn that hands a call off, or ran tools of the host's. */
export const TOOL_USE = "tool_use";

const ENDINGS: ReadonlyMap<string, Ending> = new Map([
  ["end_turn", "completed"],
  ["stop_sequence", "completed"],
  ["max_tokens", "max_tokens"],
  ["max_output_tokens_exceeded", "max_tokens"],
  ["model_context_window_exceeded", "max_tokens"],
  ["max_iterations_exceeded", "budget_reached"],
  ["timeout_exceeded", "budget_reached"],
  ["content_filtered", "refusal"],
  ["guardrail_intervened", "refusal"],
]);

/** How a turn ended that hands nothing off; `denied` is the reason of the last hook that said no. */
export function endingOf(
  stopReason: string,
  denied: string | undefined,
): { readonly ending: Ending; readonly details: EndingDetails | undefined } {
  const ending = ENDINGS.get(stopReason) ?? "terminated";
  const message = stopReason === "hook_stopped" ? denied : undefined;
  return { ending, details: ending === "completed" ? undefined : { code: stopReason, message } };
}
