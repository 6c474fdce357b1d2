/**
 * The replies of a script as bytes, made once: Anthropic Messages, as an event stream and as one JSON document.
 * A reply is cut where its ids go, so that serving it is writing what is there.
 */

import type { Script } from "./script.ts";
import { filler } from "./script.ts";

/** A reply as pieces of bytes; between each two comes the id of this very reply. */
export type Template = readonly Buffer[];

/** Everything a script can answer with. */
export interface Replies {
  readonly toolTurn: { readonly stream: Template; readonly json: Template };
  readonly closing: {
    readonly stream: Template;
    /** What comes of the stream after the hold; empty when nothing is held back. */
    readonly held: Buffer;
    readonly json: Template;
  };
}

/** Makes the replies of a script. */
export function makeReplies(script: Script): Replies {
  const call = toolTurn(script);
  const closing: Message = { content: [{ type: "text", text: filler(script.text) }], stopReason: "end_turn" };
  const events = toEvents(closing, script.delta);
  // In front of the pieces are message_start and content_block_start.
  const cut = script.holdAfter > 0 ? 2 + script.holdAfter : events.length;
  return {
    toolTurn: { stream: toTemplate(toEvents(call, script.delta).join("")), json: toTemplate(toJson(call)) },
    closing: {
      stream: toTemplate(events.slice(0, cut).join("")),
      held: Buffer.from(events.slice(cut).join("")),
      json: toTemplate(toJson(closing)),
    },
  };
}

/** Stands for the id while a reply is put together; nothing else in a reply looks like it. */
const ID = "\u0001ID\u0001";
const ESCAPED_ID: string = JSON.stringify(ID).slice(1, -1);

type Block =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; readonly input: object };

interface Message {
  readonly content: readonly Block[];
  readonly stopReason: "tool_use" | "end_turn";
}

function toolTurn({ preface, args }: Script): Message {
  const frame = JSON.stringify({ query: "" }).length;
  // No escapes in here: the arguments are to have the length that was asked for.
  const input = { query: "x".repeat(Math.max(0, args - frame)) };
  const text: Block[] = preface > 0 ? [{ type: "text", text: filler(preface) }] : [];
  return {
    content: [...text, { type: "tool_use", id: `toolu_${ID}`, name: "look_up", input }],
    stopReason: "tool_use",
  };
}

function toEvents({ content, stopReason }: Message, delta: number): string[] {
  const events: object[] = [{ type: "message_start", message: head([], null) }];
  content.forEach((block, index) => {
    const whole = block.type === "text" ? block.text : JSON.stringify(block.input);
    const empty = block.type === "text" ? { ...block, text: "" } : { ...block, input: {} };
    events.push({ type: "content_block_start", index, content_block: empty });
    for (let at = 0; at < whole.length; at += delta) {
      const piece = whole.slice(at, at + delta);
      const part =
        block.type === "text"
          ? { type: "text_delta", text: piece }
          : { type: "input_json_delta", partial_json: piece };
      events.push({ type: "content_block_delta", index, delta: part });
    }
    events.push({ type: "content_block_stop", index });
  });
  events.push({
    type: "message_delta",
    delta: { stop_reason: stopReason, stop_sequence: null },
    usage: { output_tokens: 50 },
  });
  events.push({ type: "message_stop" });
  return events.map(
    (event) => `event: ${"type" in event ? String(event.type) : ""}\ndata: ${JSON.stringify(event)}\n\n`,
  );
}

function toJson({ content, stopReason }: Message): string {
  return JSON.stringify(head(content, stopReason));
}

function head(content: readonly Block[], stopReason: string | null): object {
  return {
    id: `msg_${ID}`,
    type: "message",
    role: "assistant",
    model: "scripted",
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    usage: { input_tokens: 100, output_tokens: stopReason === null ? 1 : 50 },
  };
}

function toTemplate(text: string): Template {
  return text.split(ESCAPED_ID).map((piece) => Buffer.from(piece));
}
