/** What a run is started with, as inputs for the host. */

import { LoophostError } from "./errors.ts";
import { isObject } from "./json.ts";
import type { HostInput } from "./provider.ts";
import type { Prompt, RunOptions } from "./session.ts";

/**
 * The inputs a prompt makes.
 *
 * @throws LoophostError `invalid_options` when there is nothing to send, or an outcome lacks a part
 */
export function toInputs(prompt: Prompt, { system }: RunOptions): readonly HostInput[] {
  return [toInput(prompt), ...(system === undefined ? [] : [{ type: "system" as const, text: system }])];
}

function toInput(prompt: Prompt): HostInput {
  if (typeof prompt === "string" && prompt !== "")
    return { type: "message", content: [{ type: "text", text: prompt }] };
  if (typeof prompt === "object" && "outcome" in prompt) {
    const { outcome } = prompt;
    if (isObject(outcome) && typeof outcome.description === "string" && typeof outcome.rubric === "string")
      return { type: "outcome", outcome };
    throw new LoophostError("invalid_options", "An outcome needs a description and a rubric, both strings.");
  }
  if (typeof prompt === "object" && prompt.length > 0) return { type: "message", content: prompt };
  throw new LoophostError("invalid_options", "The prompt is empty; there is nothing to send.");
}
