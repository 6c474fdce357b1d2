/** What we say, in the form the service takes: text, and nothing else. Empty text it refuses. */

import { LoophostError } from "../../../core/errors.ts";
import type { Json, JsonObject } from "../../../core/json.ts";
import type { ContentBlock, ToolResult } from "../../../core/results.ts";
import { blockText } from "../../../core/results.ts";
import type { Handoff } from "../stream/turn-reader.ts";
import { idOf } from "./call-ids.ts";

/** A message of the user's. */
export function toUserMessage(content: readonly ContentBlock[]): JsonObject {
  const blocks = content.map((block) => {
    const text = blockText(block);
    if (text !== undefined) return { text };
    throw new LoophostError(
      "invalid_options",
      `AgentCore takes messages of text; this one has ${block.type === "image" ? "an image" : "a document"}. Give its address in words, or let a tool read it.`,
    );
  });
  const said = blocks.filter(({ text }) => text !== "");
  if (said.length === 0)
    throw new LoophostError("invalid_options", "AgentCore takes no empty message: say something.");
  return { role: "user", content: said };
}

/** What answers the service: the message that called, and the results of some of its calls, in its order. */
export function toAnswer({ assistant, open }: Handoff, results: ReadonlyMap<string, ToolResult>): Json[] {
  const content = open.flatMap((use): JsonObject[] => {
    const { id } = use;
    const result = results.get(idOf(use));
    if (result === undefined) return [];
    const status = result.isError ? "error" : "success";
    return [{ toolResult: { toolUseId: id, status, content: [{ text: resultInWords(result) }] } }];
  });
  const replay = assistant.length === 0 ? [] : [{ role: "assistant", content: assistant }];
  return [...replay, { role: "user", content }];
}

/** A result as one text; what is no text is said to be there. */
function resultInWords({ content }: ToolResult): string {
  const words = content.map((block) => blockText(block) ?? describe(block)).join("\n");
  return words === "" ? "(no output)" : words;
}

function describe(block: ContentBlock): string {
  if (block.type === "text" || block.type === "search_result") return block.text;
  const title = block.type === "document" && block.title !== undefined ? ` "${block.title}"` : "";
  const where =
    "url" in block
      ? ` at ${block.url}`
      : "fileId" in block
        ? ` in file ${block.fileId}`
        : ` (${block.mediaType})`;
  // A document of a text type is text already.
  if ("data" in block && block.type === "document" && block.mediaType.startsWith("text/")) return block.data;
  return `[${block.type}${title}${where}: this host passes on text only]`;
}

/** What is said for the user, where nobody else says it. */
export const SAID = {
  stopped: "This call was stopped by the user before it had a result. Do not repeat it.",
  goOn: "The connection was interrupted. Continue where you left off; check before repeating anything.",
  stuck: "the session waited for a call that was lost, so its machine was stopped",
} as const;
