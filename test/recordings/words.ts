// The phrases logs are made of, so that a recording shows what is particular about it.

import type { Posted, Step, Told } from "./recording.ts";

const MAIN = "sthr_main";

/** The client sends a message. */
export function ask(id: string, text: string): Posted {
  return { post: { type: "user.message", content: [{ type: "text", text }] }, id };
}

/** The client interrupts. */
export function interrupts(id: string): Posted {
  return { post: { type: "user.interrupt" }, id };
}

/** What the client posted, told again: with `processed_at` null while it is queued. */
export function echo({ post, id }: Posted, queued = false): Told {
  return { ...post, id, ...(queued && { processed_at: null }) };
}

/** The session begins to work. */
export function running(): Told[] {
  return [
    { type: "session.status_running" },
    { type: "session.thread_status_running", session_thread_id: MAIN, agent_name: "helper" },
  ];
}

/** The session takes up a message and asks the model. */
export function begins(message: Posted): Told[] {
  return [...running(), echo(message), asksModel()];
}

/** The session goes on after answers, and asks the model. */
export function goesOn(): Told[] {
  return [...running(), asksModel()];
}

/** The model is asked. */
export function asksModel(): Told {
  return { type: "span.model_request_start" };
}

/** The model has replied. */
export function replied(): Told {
  const model_usage = {
    input_tokens: 10,
    output_tokens: 5,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  };
  return { type: "span.model_request_end", is_error: false, model_usage };
}

/** The agent says something. */
export function says(text: string, fields: object = {}): Told {
  return { type: "agent.message", content: [{ type: "text", text }], ...fields };
}

/** The agent calls a tool of the client's. */
export function calls(id: string, name: string, input: object = {}, thread: string | null = null): Told {
  return { type: "agent.custom_tool_use", id, name, input, session_thread_id: thread };
}

/** The agent calls a tool of the host's. */
export function uses(id: string, name: string, permission: string): Told {
  const fields = { name, input: {}, evaluated_permission: permission, session_thread_id: null };
  return { type: "agent.tool_use", id, ...fields };
}

/** The host's own result of a call. */
export function hostResult(toolUseId: string, text: string, isError = false): Told {
  return {
    type: "agent.tool_result",
    tool_use_id: toolUseId,
    content: [{ type: "text", text }],
    is_error: isError,
  };
}

/** The client answers a call, and the host says that it has the answer. */
export function answered(callId: string, text: string): Step[] {
  const content = [{ type: "text", text }];
  const post = { type: "user.custom_tool_result", custom_tool_use_id: callId, content, is_error: false };
  const posted = { post, id: `${callId}_answer` };
  return [posted, echo(posted)];
}

/** The client decides about a call of the host's: no, with a reason, or yes. */
export function decided(callId: string, denial?: string): Step[] {
  const verdict = denial === undefined ? { result: "allow" } : { result: "deny", deny_message: denial };
  const post = { type: "user.tool_confirmation", tool_use_id: callId, ...verdict };
  const posted = { post, id: `${callId}_verdict` };
  return [posted, echo(posted)];
}

/** The session rests: its thread first, then what it has cost, then the session. */
export function rests(reason: object, details: object | null = null): Told[] {
  const stop = { stop_reason: reason, stop_details: details };
  return [
    { type: "session.thread_status_idle", session_thread_id: MAIN, agent_name: "helper", ...stop },
    { type: "session.usage", usage: { input_tokens: 10, output_tokens: 5 }, budget: null },
    { type: "session.status_idle", ...stop },
  ];
}

/** The turn is over. */
export function done(): Told[] {
  return rests({ type: "end_turn" });
}

/** The session waits for answers to calls. */
export function blockedOn(...callIds: readonly string[]): Told[] {
  return rests({ type: "requires_action", event_ids: callIds });
}

/** A model request failed. */
export function fails(type: string, message: string, retry: "retrying" | "exhausted" | "terminal"): Told {
  return { type: "session.error", error: { type, message, retry_status: { type: retry } } };
}

/** What happens to a thread beside the main one. */
export function threadIs(id: string, what: "created" | "running" | "idle", fields: object = {}): Told {
  const type = what === "created" ? "session.thread_created" : `session.thread_status_${what}`;
  return { type, session_thread_id: id, agent_name: "scout", ...fields };
}
