/** What a run is started with, as inputs for the host. */

import { LoophostError } from "../errors.ts";
import { isObject } from "../json.ts";
import type { HostInput } from "../provider.ts";
import { isContentBlock, NO_BLOCK } from "../results.ts";
import type { Prompt, RunOptions } from "../session.ts";

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
  if (isObject(prompt) && "outcome" in prompt) {
    const { outcome } = prompt;
    if (typeof outcome?.description === "string" && typeof outcome.rubric === "string")
      return { type: "outcome", outcome };
    throw refused("An outcome needs a description and a rubric.");
  }
  if (!Array.isArray(prompt) || prompt.length === 0)
    throw refused("A prompt is text, or a list of blocks, and not empty.");
  const bad = prompt.findIndex((block) => !isContentBlock(block));
  if (bad >= 0) throw refused(`The prompt's block ${bad} is ${NO_BLOCK}.`);
  // A copy: the caller may fill the list anew for the next message.
  return { type: "message", content: prompt.map((block) => ({ ...block })) };
}

function refused(message: string): LoophostError {
  return new LoophostError("invalid_options", message);
}
