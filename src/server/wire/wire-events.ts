/** The events of the wire that this host emits, as data. */

import type { Json, JsonObject } from "../../core/json.ts";
import type { Usage } from "../../core/results.ts";
import { NO_USAGE } from "../../core/results.ts";
import { newId } from "../records/ids.ts";
import type { SessionRecord } from "../records/session-record.ts";
import { now } from "../records/time.ts";

/** An event of a session, as it is kept and shown. */
export type WireEvent = JsonObject & {
  readonly id: string;
  readonly type: string;
  /** Null only on an echo of something that still waits for its turn. */
  readonly processed_at: string | null;
};

/** A piece of an event that is still being made. Shown to the streams that asked, never kept. */
export type WirePreview =
  | {
      readonly type: "event_start";
      readonly event: { readonly type: "agent.message" | "agent.thinking"; readonly id: string };
    }
  | {
      readonly type: "event_delta";
      readonly event_id: string;
      readonly delta: {
        readonly type: "content_delta";
        readonly index: 0;
        readonly content: { readonly type: "text"; readonly text: string };
      };
    };

/** Makes an event of now. */
export function wireEvent(type: string, fields: JsonObject = {}, id: string = newId("sevt")): WireEvent {
  return { id, type, processed_at: now(), ...fields };
}

/** What a model request spent, in the words of the wire. */
export function spentOf({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }: Usage): JsonObject {
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cache_creation_input_tokens: cacheWriteTokens,
    cache_read_input_tokens: cacheReadTokens,
  };
}

/** What is said when a model request ends. */
export function requestEnded(span: string, isError: boolean, spent: Usage = NO_USAGE): WireEvent {
  return wireEvent("span.model_request_end", {
    model_request_start_id: span,
    is_error: isError,
    model_usage: spentOf(spent),
  });
}

/** Why a session stopped. */
export type StopReason =
  | { readonly type: "end_turn" | "retries_exhausted" | "budget_reached" }
  | { readonly type: "refusal"; readonly details: JsonObject }
  | { readonly type: "requires_action"; readonly event_ids: readonly string[] };

/** What is said when a turn begins. */
export function runningEvents(record: SessionRecord): readonly WireEvent[] {
  return [
    wireEvent("session.status_running"),
    wireEvent("session.thread_status_running", threadFields(record)),
  ];
}

/** What is said when a session stops: of its thread, what it spent, and of itself, in this order. */
export function idleEvents(record: SessionRecord, stopReason: StopReason): readonly WireEvent[] {
  const stop =
    stopReason.type === "refusal"
      ? { stop_reason: { type: stopReason.type }, stop_details: stopReason.details }
      : { stop_reason: stopReason, stop_details: null };
  return [
    wireEvent("session.thread_status_idle", { ...threadFields(record), ...stop }),
    wireEvent("session.usage", {
      usage: { ...record.usage, active_seconds: record.stats.active_seconds },
      budget: record.budget,
    }),
    wireEvent("session.status_idle", stop),
  ];
}

/** What is said when a session waits for a service to be well again. */
export function rescheduledEvents(record: SessionRecord): readonly WireEvent[] {
  return [
    wireEvent("session.thread_status_rescheduled", threadFields(record)),
    wireEvent("session.status_rescheduled"),
  ];
}

/** What is said when a session is over. */
export function terminatedEvents(record: SessionRecord): readonly WireEvent[] {
  return [
    wireEvent("session.thread_status_terminated", threadFields(record)),
    wireEvent("session.status_terminated"),
  ];
}

/** What is said of a failure; "retrying" while it is being mended. */
export function errorEvent(type: string, message: string, retry: "retrying" | "exhausted"): WireEvent {
  return wireEvent("session.error", { error: { type, message, retry_status: { type: retry } } });
}

/** What clients see of a call that an interrupt left without an answer. */
export const INTERRUPTED = "Tool execution was interrupted before completion. Please retry.";

/** The result of a call that nobody ran. */
export function hostToolResult(toolUseId: string, text: string): WireEvent {
  const content: Json = [{ type: "text", text }];
  return wireEvent("agent.tool_result", { tool_use_id: toolUseId, content, is_error: true });
}

function threadFields(record: SessionRecord): JsonObject {
  return { session_thread_id: record.thread_id, agent_name: record.agent.name };
}
