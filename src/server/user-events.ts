/** The events clients may post, checked one by one. Whether they fit the session now is the session's to say. */

import type { JsonObject } from "../core/json.ts";
import type { ContentBlock, ToolResult } from "../core/results.ts";
import { textResult } from "../core/results.ts";
import { readContent } from "./content.ts";
import { invalid } from "./errors.ts";
import { objectList, optionalString, requiredString, typeOf } from "./fields.ts";

/** An event a client posted: what it means, and the fields its echo repeats. */
export type UserEvent =
  | { readonly type: "user.message"; readonly blocks: readonly ContentBlock[]; readonly echo: JsonObject }
  | { readonly type: "user.interrupt"; readonly threadId: string | null; readonly echo: JsonObject }
  | { readonly type: "user.tool_confirmation"; readonly toolUseId: string; readonly echo: JsonObject }
  | {
      readonly type: "user.custom_tool_result";
      readonly toolUseId: string;
      readonly result: ToolResult;
      readonly echo: JsonObject;
    };

const MAX_EVENTS = 1_000;
const MAX_INITIAL_EVENTS = 50;

/** Reads the events of a post. One that is refused refuses them all. */
export function readEvents(body: JsonObject): readonly UserEvent[] {
  const events = objectList(body, "events", MAX_EVENTS);
  if (events.length === 0) throw invalid("events must hold at least one event.");
  return events.map(readEvent);
}

/** Reads the events a session is created with; only messages may be among them. */
export function readInitialEvents(body: JsonObject): readonly UserEvent[] {
  return objectList(body, "initial_events", MAX_INITIAL_EVENTS).map((event, index) => {
    const read = readEvent(event, index);
    if (read.type !== "user.message")
      throw invalid(`initial_events[${index}]: only user.message may start a session.`);
    return read;
  });
}

function readEvent(event: JsonObject, index: number): UserEvent {
  const owner = `events[${index}].`;
  const type = typeOf(event);
  switch (type) {
    case "user.message": {
      const { content } = event;
      const blocks = readContent(content, `${owner}content`);
      if (blocks.length === 0) throw invalid(`${owner}content must hold at least one block.`);
      return { type, blocks, echo: { content } };
    }
    case "user.interrupt": {
      const threadId = optionalString(event, "session_thread_id", 256) ?? null;
      return { type, threadId, echo: { session_thread_id: null } };
    }
    case "user.tool_confirmation": {
      const { result } = event;
      if (result !== "allow" && result !== "deny") throw invalid(`${owner}result must be "allow" or "deny".`);
      const toolUseId = requiredString(event, "tool_use_id", 256, owner);
      const message = optionalString(event, "deny_message", 10_000) ?? null;
      const echo = { tool_use_id: toolUseId, result, deny_message: message, session_thread_id: null };
      return { type, toolUseId, echo };
    }
    case "user.custom_tool_result": {
      const toolUseId = requiredString(event, "custom_tool_use_id", 256, owner);
      const content = event["content"] ?? [];
      const isError = event["is_error"] === true;
      const blocks = readContent(content, `${owner}content`);
      // Models take no empty result.
      const result = blocks.length === 0 ? textResult("(no output)", isError) : { content: blocks, isError };
      const echo = { custom_tool_use_id: toolUseId, content, is_error: isError, session_thread_id: null };
      return { type, toolUseId, result, echo };
    }
    case "user.tool_result":
      throw invalid(`${owner}type: this host has no built-in tools, so there is no call this could answer.`);
    case "user.define_outcome":
    case "system.message":
      throw invalid(`${owner}type: ${type} is not there yet in this host.`);
    default:
      throw invalid(`${owner}type: ${JSON.stringify(type)} is not an event a client can send.`);
  }
}
