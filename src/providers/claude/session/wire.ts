/**
 * The Claude Managed Agents wire, translated in both directions.
 *
 * Adding, never replacing: every event keeps the wire's own as `raw`, and an unknown one passes through.
 */

import { LoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import { checkOutcome } from "../../../core/outcome.ts";
import type { HostEvent, HostInput } from "../../../core/provider.ts";
import type { ContentBlock, MediaSource, Money, OutcomeVerdict, Usage } from "../../../core/results.ts";
import { NO_USAGE } from "../../../core/results.ts";

/** An event of the wire: an object with a type. Everything else is read with care. */
export type ClaudeWireEvent = Readonly<Record<string, unknown>> & { readonly type: string };

/** Narrows to an event of the wire. */
export function isWireEvent(value: unknown): value is ClaudeWireEvent {
  return isObject(value) && typeof value["type"] === "string";
}

/**
 * An event as a list holds it: some servers wrap each in an object of the list's own.
 *
 * @throws LoophostError `host_protocol` for an item that is no event, or has no id to know it by
 */
export function listedEvent(item: unknown): ClaudeWireEvent {
  const event = [item, field(item, "event"), field(item, "data")].find(
    (one): one is ClaudeWireEvent => isWireEvent(one) && idOf(one) !== undefined,
  );
  if (event !== undefined) return event;
  throw new LoophostError(
    "host_protocol",
    `The host lists something that is no event with a type and an id: ${shown(item)}`,
  );
}

/** A field of what may be an object. */
export function field(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

/**
 * The key by which a repeated event is dropped (deduplication): its id, and whether it is only queued, since a queued
 * event is sent again once it is processed. Previews have no id and are never repeated.
 */
export function keyOf(event: ClaudeWireEvent): string | undefined {
  const id = idOf(event);
  return id !== undefined && event["processed_at"] === null ? `${id}:queued` : id;
}

/** Our words for an event of the wire that means the same whatever came before it; all others pass through. */
export function fromWire(event: ClaudeWireEvent, thread: string | undefined): HostEvent {
  const raw = event;
  switch (event.type) {
    case "agent.message":
      return { type: "message", text: textOf(event["content"]), id: text(event["id"]), raw, thread };
    case "agent.thread_context_compacted":
      return { type: "context.compacted", raw, thread };
    case "span.model_request_start":
      return { type: "model.asked", raw, thread };
    case "span.model_request_end": {
      const usage = readUsage(event["model_usage"] ?? event["usage"]);
      return { type: "usage", usage, isError: event["is_error"] === true, raw, thread };
    }
    case "session.usage": {
      // Its tokens are the sum of what the requests have told; what they cost is told here alone.
      const cost = readMoney(isObject(event["usage"]) ? event["usage"]["list_cost"] : undefined);
      return cost === undefined ? { type: "provider", raw } : { type: "usage", usage: NO_USAGE, cost, raw };
    }
    case "span.outcome_evaluation_end":
      return { type: "outcome.evaluated", ...readVerdict(event), raw, thread };
    default:
      return { type: "provider", raw, thread };
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
      checkOutcome(input.outcome);
      const { description, rubric, maxIterations } = input.outcome;
      const most = maxIterations === undefined ? {} : { max_iterations: maxIterations };
      return { type: "user.define_outcome", description, rubric: { type: "text", content: rubric }, ...most };
    }
    case "system":
      return { type: "system.message", content: [{ type: "text", text: input.text }] };
    case "raw":
      return input.event;
    case "continue":
      // This service runs by itself, so `continue` is never needed, and the wire has no form for it.
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

/** A piece of a message. */
export function readDelta(event: ClaudeWireEvent): HostEvent {
  const { content, index } = isObject(event["delta"]) ? event["delta"] : {};
  const piece = isObject(content) ? text(content["text"]) : undefined;
  if (piece === undefined) return { type: "provider", raw: event };
  const at = typeof index === "number" ? index : undefined;
  return { type: "text.delta", text: piece, messageId: text(event["event_id"]), index: at, raw: event };
}

/**
 * What a call says of itself.
 *
 * @throws LoophostError `host_protocol` for one without an id: its tool would take effect, and nobody could be told of it
 */
export function callOf(event: ClaudeWireEvent): { id: string; name: string; input: unknown } {
  const id = idOf(event);
  if (id === undefined)
    throw new LoophostError("host_protocol", `The host told of a call without an id: ${shown(event)}`);
  return { id, name: text(event["name"]) ?? "", input: event["input"] ?? {} };
}

function idOf(event: ClaudeWireEvent): string | undefined {
  const id = text(event["id"]);
  return id === "" ? undefined : id;
}

/** The beginning of something odd. */
function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 120) ?? "nothing";
}

/** Amounts are integers in strings on the wire. */
export function readMoney(value: unknown): Money | undefined {
  if (!isObject(value)) return undefined;
  const minorUnits = Number(value["amount"] ?? Number.NaN);
  return Number.isFinite(minorUnits) ? { minorUnits, currency: text(value["currency"]) ?? "USD" } : undefined;
}

/** A value that is text. */
export function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

const VERDICTS = ["satisfied", "needs_revision", "max_iterations_reached", "failed", "interrupted"] as const;

function readVerdict(event: ClaudeWireEvent): OutcomeVerdict & { readonly outcomeId: string } {
  return {
    outcomeId: text(event["outcome_id"]) ?? "",
    // An unknown verdict counts as none.
    verdict: VERDICTS.find((known) => known === event["result"]) ?? "failed",
    explanation: text(event["explanation"]) ?? "",
    iteration: typeof event["iteration"] === "number" ? event["iteration"] : 0,
  };
}

function readUsage(usage: unknown): Usage {
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
