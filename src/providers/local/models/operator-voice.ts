/**
 * Operator instructions in mid-conversation, told apart from what users and tools say (prompt injection).
 *
 *   O1  inside user messages they are in tags, and nobody else can write those tags: in other text they are escaped
 */

import type { ContentBlock } from "../../../core/results.ts";
import { blockText } from "../../../core/results.ts";
import type { TranscriptMessage, UserMessage } from "../../../core/transcript.ts";

/** As messages of the role "system", or in marks among what the "user" says, for models that take no such role there. */
export type OperatorRole = "system" | "user";

/** The form a message takes for a model that hears the operator in this role. */
export function inVoice(message: TranscriptMessage, role: OperatorRole): TranscriptMessage {
  if (role === "system" || message.role === "assistant") return message;
  if (message.role === "tool") {
    const results = message.results.map((one) => ({
      ...one,
      result: { ...one.result, content: one.result.content.map(withoutMarks) },
    }));
    return { ...message, results };
  }
  const content = message.content.map(withoutMarks);
  if (message.from !== "operator") return { role: "user", content };
  const text = `<${MARK}>\n${operatorText({ ...message, content })}\n</${MARK}>`;
  return { role: "user", content: [{ type: "text", text }] };
}

/** What the operator says, in words: a system message has no place for anything else. */
export function operatorText({ content }: UserMessage): string {
  return content.flatMap((block) => blockText(block) ?? []).join("\n");
}

const MARK = "system_message";
const FORGED: RegExp = new RegExp(`<(?=[\\s/]{0,8}${MARK}\\b)`, "gi");

function withoutMarks(block: ContentBlock): ContentBlock {
  if (block.type === "text") return { ...block, text: harmless(block.text) };
  if (block.type === "search_result")
    return {
      ...block,
      source: harmless(block.source),
      title: harmless(block.title),
      text: harmless(block.text),
    };
  if (block.type !== "document") return block;
  const titled = block.title === undefined ? block : { ...block, title: harmless(block.title) };
  return "data" in titled ? { ...titled, data: harmless(titled.data) } : titled;
}

function harmless(text: string): string {
  return text.replace(FORGED, "&lt;");
}
