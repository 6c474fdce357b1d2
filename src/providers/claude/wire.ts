/**
 * The Claude Managed Agents wire, in both directions: its events in our words, our inputs in its words.
 *
 * Adding, never replacing: every event keeps the wire's own as `raw`, and what has no word of ours passes through.
 */

import { isObject } from "../../core/json.ts";
import type { HostEvent, HostInput } from "../../core/provider.ts";
import type { ContentBlock, Ending, MediaSource, Usage } from "../../core/results.ts";

/** An event of the wire: an object with a type. Everything else is read with care. */
export type WireEvent = Readonly<Record<string, unknown>> & { readonly type: string };

/** Narrows to an event of the wire. */
export function isWireEvent(value: unknown): value is WireEvent {
  return isObject(value) && typeof value["type"] === "string";
}

/**
 * What makes an event the same when it comes again: its id, and whether it has been processed, since a queued event is
 * told again once it is. Previews have no id and are never repeated.
 */
export function keyOf(event: WireEvent): string | undefined {
  const id = event["id"];
  return typeof id === "string" ? `${id}:${event["processed_at"] === null ? 0 : 1}` : undefined;
}

/** Our words for an event of the wire; several where it says several things. */
export function fromWire(event: WireEvent): HostEvent[] {
  const raw = event;
  const thread = text(event["session_thread_id"]);
  switch (event.type) {
    case "session.status_running":
      return [{ type: "turn.began", raw }];
    case "session.status_idle":
      return [readIdle(event)];
    case "session.status_terminated":
      return [{ type: "session.over", ending: "terminated", stopReason: event["stop_reason"] ?? null, raw }];
    case "session.deleted":
      return [{ type: "session.over", ending: "deleted", stopReason: null, raw }];
    case "agent.message":
      return [{ type: "message", text: textOf(event["content"]), raw, thread }];
    case "event_delta":
      return readDelta(event);
    case "agent.custom_tool_use":
      return [{ type: "call", ...callOf(event), raw, thread }];
    case "agent.tool_use":
    case "agent.mcp_tool_use": {
      const call = callOf(event);
      const called: HostEvent = { type: "server_tool.called", ...call, raw, thread };
      return mustAsk(event) ? [called, { type: "verdict.needed", ...call, raw, thread }] : [called];
    }
    case "agent.tool_result":
    case "agent.mcp_tool_result": {
      const id = text(event["tool_use_id"]) ?? text(event["mcp_tool_use_id"]) ?? "";
      return [{ type: "server_tool.finished", id, isError: event["is_error"] === true, raw, thread }];
    }
    case "user.custom_tool_result":
    case "user.tool_result":
    case "user.tool_confirmation": {
      const id = text(event["custom_tool_use_id"]) ?? text(event["tool_use_id"]);
      return id === undefined ? [{ type: "provider", raw }] : [{ type: "call.answered", id, raw }];
    }
    case "agent.thread_context_compacted":
      return [{ type: "context.compacted", raw, thread }];
    case "span.model_request_end":
      return [{ type: "usage", usage: usageOf(event["model_usage"] ?? event["usage"]), raw, thread }];
    default:
      return [{ type: "provider", raw, thread }];
  }
}

/** The wire's words for an input of ours. */
export function toWire(input: HostInput): unknown {
  switch (input.type) {
    case "message":
      return { type: "user.message", content: toWireContent(input.content) };
    case "tool_result":
      return {
        type: "user.custom_tool_result",
        custom_tool_use_id: input.callId,
        content: toWireContent(input.result.content),
        is_error: input.result.isError,
      };
    case "verdict": {
      const why = input.why === undefined ? {} : { deny_message: input.why };
      return {
        type: "user.tool_confirmation",
        tool_use_id: input.callId,
        ...(input.allow ? { result: "allow" } : { result: "deny", ...why }),
      };
    }
    case "interrupt":
      return { type: "user.interrupt" };
    case "outcome": {
      const { description, rubric, maxIterations } = input.outcome;
      const most = maxIterations === undefined ? {} : { max_iterations: maxIterations };
      return { type: "user.define_outcome", description, rubric: { type: "text", content: rubric }, ...most };
    }
    case "system":
      return { type: "system.message", content: [{ type: "text", text: input.text }] };
    case "raw":
      return input.event;
    case "continue":
      // The service runs by itself, so it never owes a reply nobody is at; and it has no word for this.
      return undefined;
  }
}

/** The wire's form of text, images and documents. */
export function toWireContent(content: readonly ContentBlock[]): unknown[] {
  return content.map(toWireBlock);
}

function toWireBlock(block: ContentBlock): unknown {
  if (block.type === "text") return { type: "text", text: block.text };
  if (block.type === "search_result") {
    const { type, source, title } = block;
    const content = [{ type: "text", text: block.text }];
    return { type, source, title, content, citations: { enabled: false } };
  }
  const title = block.type === "document" && block.title !== undefined ? { title: block.title } : {};
  return { type: block.type, source: toSource(block), ...title };
}

function toSource(media: MediaSource): unknown {
  if ("url" in media) return { type: "url", url: media.url };
  if ("fileId" in media) return { type: "file", file_id: media.fileId };
  const { mediaType, data } = media;
  return mediaType.startsWith("text/")
    ? { type: "text", media_type: "text/plain", data }
    : { type: "base64", media_type: mediaType, data };
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  end_turn: "completed",
  satisfied: "completed",
  max_iterations_reached: "completed",
  requires_action: "requires_action",
  retries_exhausted: "retries_exhausted",
  budget_reached: "budget_reached",
  refusal: "refusal",
};

/** An idle whose reason is missing or unknown has ended for a reason we cannot vouch for: terminated. */
function readIdle(event: WireEvent): HostEvent {
  const stopReason = event["stop_reason"] ?? null;
  const reason = isObject(stopReason) ? text(stopReason["type"]) : text(stopReason);
  const ending = ENDINGS[reason ?? ""] ?? "terminated";
  const needs =
    isObject(stopReason) && Array.isArray(stopReason["event_ids"])
      ? stopReason["event_ids"].filter((id) => typeof id === "string")
      : [];
  return { type: "turn.done", ending, stopReason, needs, raw: event };
}

function readDelta(event: WireEvent): HostEvent[] {
  const { delta } = event;
  const content = isObject(delta) ? delta["content"] : undefined;
  const piece = isObject(content) ? text(content["text"]) : undefined;
  return piece === undefined
    ? [{ type: "provider", raw: event }]
    : [{ type: "text.delta", text: piece, raw: event }];
}

/** Permissions we do not know are asked about: fail closed. A denied call is answered by the host itself. */
function mustAsk(event: WireEvent): boolean {
  const permission = event["evaluated_permission"];
  return permission !== undefined && permission !== null && permission !== "allow" && permission !== "deny";
}

function callOf(event: WireEvent): { id: string; name: string; input: unknown } {
  return { id: text(event["id"]) ?? "", name: text(event["name"]) ?? "", input: event["input"] ?? {} };
}

function usageOf(usage: unknown): Usage {
  const count = (name: string) => (isObject(usage) && typeof usage[name] === "number" ? usage[name] : 0);
  return {
    inputTokens: count("input_tokens"),
    outputTokens: count("output_tokens"),
    cacheReadTokens: count("cache_read_input_tokens"),
    cacheWriteTokens: count("cache_creation_input_tokens"),
  };
}

function textOf(content: unknown): string {
  if (!Array.isArray(content)) return "";
  return content
    .flatMap((block) => (isObject(block) && block["type"] === "text" ? (text(block["text"]) ?? []) : []))
    .join("");
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
