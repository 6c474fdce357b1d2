/** What the loop wants sent, sorted by what is done with it. */

import { LoophostError } from "../../../core/errors.ts";
import type { HostInput } from "../../../core/provider.ts";
import type { ContentBlock, ToolResult } from "../../../core/results.ts";

/** Inputs of one `send`. */
export interface SortedInputs {
  readonly does: "interrupt" | "answer" | "continue" | "say" | "nothing";
  readonly results: ReadonlyMap<string, ToolResult>;
  readonly content: readonly ContentBlock[];
}

/**
 * Sorts inputs.
 *
 * @throws LoophostError `invalid_options` for what the service has no use for
 */
export function readInputs(inputs: readonly HostInput[]): SortedInputs {
  const unfit = inputs.map(({ type }) => UNSUPPORTED.get(type)).find((what) => what !== undefined);
  if (unfit !== undefined) throw new LoophostError("invalid_options", `agentcore() takes no ${unfit}.`);
  const results = new Map(
    inputs.flatMap((input) => (input.type === "tool_result" ? [[input.callId, input.result] as const] : [])),
  );
  const content = inputs.flatMap((input) => (input.type === "message" ? input.content : []));
  const has = (type: HostInput["type"]) => inputs.some((input) => input.type === type);
  const does = has("interrupt")
    ? "interrupt"
    : results.size > 0
      ? "answer"
      : has("continue")
        ? "continue"
        : inputs.length > 0
          ? "say"
          : "nothing";
  return { does, results, content };
}

const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ["raw", "raw events"],
  ["verdict", "verdicts"],
  ["outcome", "outcomes: the service grades traces, outside of sessions"],
  ["system", "system messages: its system prompt is the option systemPrompt, or the agent's instructions"],
]);
