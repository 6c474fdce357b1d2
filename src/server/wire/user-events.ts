/** The events clients may post, checked one by one. Whether they fit the session now is the session's to say. */

import type { JsonObject } from "../../core/json.ts";
import { invalid } from "../http/errors.ts";
import { objectList, optionalString, requiredString, typeOf } from "../http/fields.ts";
import { newId } from "../records/ids.ts";
import { filesIn, readContent, readResult, readRubric } from "./content.ts";

/** An event a client posted: the fields its echo repeats, and what a session must know to take it. */
export type UserEvent = { readonly echo: JsonObject } & (
  | { readonly type: "user.message" | "user.define_outcome"; readonly files: readonly string[] }
  | { readonly type: "system.message" }
  | { readonly type: "user.interrupt"; readonly threadId: string | null }
  | {
      readonly type: "user.tool_confirmation";
      readonly toolUseId: string;
      readonly allow: boolean;
      readonly why: string | null;
    }
  | {
      readonly type: "user.custom_tool_result" | "user.tool_result";
      readonly toolUseId: string;
      readonly files: readonly string[];
    }
);

const MAX_EVENTS = 1_000;
const MAX_INITIAL_EVENTS = 50;
const DEFAULT_ITERATIONS = 3;
const MAX_ITERATIONS = 20;

/** Reads the events of a post. One that is refused refuses them all. */
export function readEvents(body: JsonObject): readonly UserEvent[] {
  const events = objectList(body, "events", MAX_EVENTS);
  if (events.length === 0) throw invalid("events must hold at least one event.");
  return events.map((event, index) => readEvent(event, `events[${index}].`));
}

/** Reads the events a session is created with; only what begins work may be among them. */
export function readInitialEvents(body: JsonObject): readonly UserEvent[] {
  return objectList(body, "initial_events", MAX_INITIAL_EVENTS).map((event, index) => {
    const owner = `initial_events[${index}].`;
    const read = readEvent(event, owner);
    if (read.type !== "user.message" && read.type !== "user.define_outcome")
      throw invalid(`${owner}type: only user.message and user.define_outcome may start a session.`);
    return read;
  });
}

/** The files some events speak of. */
export function filesOf(events: readonly UserEvent[]): readonly string[] {
  return events.flatMap((event) => ("files" in event ? event.files : []));
}

function readEvent(event: JsonObject, owner: string): UserEvent {
  const type = typeOf(event);
  switch (type) {
    case "user.message": {
      const { content } = event;
      const blocks = readContent(content, `${owner}content`);
      if (blocks.length === 0) throw invalid(`${owner}content must hold at least one block.`);
      return { type, files: filesIn(blocks), echo: { content } };
    }
    case "system.message":
      return { type, echo: { content: readSystem(event, owner) } };
    case "user.define_outcome":
      return readOutcome(event, owner);
    case "user.interrupt": {
      const threadId = optionalString(event, "session_thread_id", 256) ?? null;
      return { type, threadId, echo: { session_thread_id: null } };
    }
    case "user.tool_confirmation": {
      const { result } = event;
      if (result !== "allow" && result !== "deny") throw invalid(`${owner}result must be "allow" or "deny".`);
      const toolUseId = requiredString(event, "tool_use_id", 256, owner);
      const why = optionalString(event, "deny_message", 10_000) ?? null;
      const echo = { tool_use_id: toolUseId, result, deny_message: why, session_thread_id: null };
      return { type, toolUseId, allow: result === "allow", why, echo };
    }
    case "user.custom_tool_result":
      return { type, ...readToolResult(event, "custom_tool_use_id", owner) };
    case "user.tool_result":
      return { type, ...readToolResult(event, "tool_use_id", owner) };
    default:
      throw invalid(`${owner}type: ${JSON.stringify(type)} is not an event a client can send.`);
  }
}

function readToolResult(
  event: JsonObject,
  idField: string,
  owner: string,
): { toolUseId: string; files: readonly string[]; echo: JsonObject } {
  const toolUseId = requiredString(event, idField, 256, owner);
  const { content } = readResult(event, `${owner}content`);
  const echo = {
    [idField]: toolUseId,
    content: event["content"] ?? [],
    is_error: event["is_error"] === true,
    session_thread_id: null,
  };
  return { toolUseId, files: filesIn(content), echo };
}

function readSystem(event: JsonObject, owner: string): readonly JsonObject[] {
  const content = objectList(event, "content", 1_000);
  if (content.length === 0 || !content.every(isText))
    throw invalid(`${owner}content must hold from 1 to 1000 text blocks, and nothing else.`);
  return content;
}

function isText(block: JsonObject): boolean {
  return block["type"] === "text" && typeof block["text"] === "string";
}

function readOutcome(event: JsonObject, owner: string): UserEvent {
  const description = requiredString(event, "description", 100_000, owner);
  const rubric = readRubric(event["rubric"], `${owner}rubric`);
  const { max_iterations: iterations = DEFAULT_ITERATIONS } = event;
  if (
    typeof iterations !== "number" ||
    !Number.isInteger(iterations) ||
    iterations < 1 ||
    iterations > MAX_ITERATIONS
  )
    throw invalid(`${owner}max_iterations must be a whole number from 1 to ${MAX_ITERATIONS}.`);
  const echo = {
    outcome_id: newId("outc"),
    description,
    rubric: event["rubric"] ?? null,
    max_iterations: iterations,
  };
  return { type: "user.define_outcome", files: filesIn([rubric]), echo };
}
