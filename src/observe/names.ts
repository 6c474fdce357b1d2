/**
 * The names of OpenTelemetry's conventions for generative AI, v0.1.0, and ours beside them, in one table: the package of
 * conventions has the old names only, and a name that is spelled where it is used changes without a trace.
 */

/** A kind of span. */
export type SpanKindName = "agent" | "chat" | "tool" | "approval";

/** Attributes of a span. One that is undefined is not written. */
export interface Attributes {
  "gen_ai.operation.name"?: string | undefined;
  "gen_ai.provider.name"?: string | undefined;
  "gen_ai.conversation.id"?: string | undefined;
  "gen_ai.agent.name"?: string | undefined;
  "gen_ai.request.model"?: string | undefined;
  "gen_ai.response.finish_reasons"?: string[] | undefined;
  "gen_ai.response.time_to_first_chunk"?: number | undefined;
  "gen_ai.usage.input_tokens"?: number | undefined;
  "gen_ai.usage.output_tokens"?: number | undefined;
  "gen_ai.usage.cache_read.input_tokens"?: number | undefined;
  "gen_ai.usage.cache_write.input_tokens"?: number | undefined;
  "gen_ai.usage.cache_creation.input_tokens"?: number | undefined;
  "gen_ai.conversation.compacted"?: boolean | undefined;
  "gen_ai.system_instructions"?: string | undefined;
  "gen_ai.tool.definitions"?: string | undefined;
  "gen_ai.input.messages"?: string | undefined;
  "gen_ai.output.messages"?: string | undefined;
  "gen_ai.tool.name"?: string | undefined;
  "gen_ai.tool.type"?: string | undefined;
  "gen_ai.tool.call.id"?: string | undefined;
  "gen_ai.tool.call.arguments"?: string | undefined;
  "gen_ai.tool.call.result"?: string | undefined;
  "mcp.method.name"?: string | undefined;
  "network.transport"?: string | undefined;
  "error.type"?: string | undefined;
  "server.address"?: string | undefined;
  "session.id"?: string | undefined;
  "loophost.run.id"?: string | undefined;
  "loophost.turn"?: number | undefined;
  "loophost.turns"?: number | undefined;
  "loophost.tool_calls"?: number | undefined;
  "loophost.terminal"?: string | undefined;
  "loophost.ending"?: string | undefined;
  "loophost.resumed"?: boolean | undefined;
  "loophost.retries"?: number | undefined;
  "loophost.stream_losses"?: number | undefined;
  "loophost.observer_errors"?: number | undefined;
  "loophost.usage.input_tokens"?: number | undefined;
  "loophost.usage.output_tokens"?: number | undefined;
  "loophost.cost.minor_units"?: number | undefined;
  "loophost.cost.currency"?: string | undefined;
  "loophost.outcome.verdict"?: string | undefined;
  "loophost.outcome.iteration"?: number | undefined;
  "loophost.thread"?: string | undefined;
  "loophost.mcp.server"?: string | undefined;
  "loophost.call.replayed"?: boolean | undefined;
  "loophost.call.external"?: boolean | undefined;
  "loophost.call.cancelled"?: boolean | undefined;
  "loophost.approval.decision"?: string | undefined;
  "loophost.approval.tool"?: string | undefined;
  "loophost.approval.call_id"?: string | undefined;
  "loophost.input.bytes"?: number | undefined;
  "loophost.input.digest"?: string | undefined;
  "loophost.result.bytes"?: number | undefined;
  "loophost.result.digest"?: string | undefined;
}

/** An attribute's name. */
export type AttributeName = keyof Attributes;

/** What an attribute holds. */
export type AttributeType = "string" | "string[]" | "int" | "double" | "boolean";

/** The type of each attribute, and on which spans it may stand; `any` is on all. */
export const ATTRIBUTES: Readonly<Record<AttributeName, readonly [type: AttributeType, on: string]>> = {
  "gen_ai.operation.name": ["string", "any"],
  "gen_ai.provider.name": ["string", "any"],
  "gen_ai.conversation.id": ["string", "any"],
  "gen_ai.agent.name": ["string", "any"],
  "gen_ai.request.model": ["string", "agent chat"],
  "gen_ai.response.finish_reasons": ["string[]", "chat"],
  "gen_ai.response.time_to_first_chunk": ["double", "chat"],
  "gen_ai.usage.input_tokens": ["int", "chat"],
  "gen_ai.usage.output_tokens": ["int", "chat"],
  "gen_ai.usage.cache_read.input_tokens": ["int", "chat"],
  "gen_ai.usage.cache_write.input_tokens": ["int", "chat"],
  "gen_ai.usage.cache_creation.input_tokens": ["int", "chat"], // before v0.1.0; backends still read it
  "gen_ai.conversation.compacted": ["boolean", "agent chat"],
  "gen_ai.system_instructions": ["string", "agent"],
  "gen_ai.tool.definitions": ["string", "agent"],
  "gen_ai.input.messages": ["string", "agent"],
  "gen_ai.output.messages": ["string", "agent chat"],
  "gen_ai.tool.name": ["string", "tool"],
  "gen_ai.tool.type": ["string", "tool"],
  "gen_ai.tool.call.id": ["string", "tool"],
  "gen_ai.tool.call.arguments": ["string", "tool"],
  "gen_ai.tool.call.result": ["string", "tool"],
  "mcp.method.name": ["string", "tool"],
  "network.transport": ["string", "tool"],
  "error.type": ["string", "any"],
  "server.address": ["string", "agent chat"],
  "session.id": ["string", "any"],
  "loophost.run.id": ["string", "any"],
  "loophost.turn": ["int", "chat tool"],
  "loophost.turns": ["int", "agent"],
  "loophost.tool_calls": ["int", "agent"],
  "loophost.terminal": ["string", "agent"],
  "loophost.ending": ["string", "agent"],
  "loophost.resumed": ["boolean", "agent"],
  "loophost.retries": ["int", "agent chat"],
  "loophost.stream_losses": ["int", "agent"],
  "loophost.observer_errors": ["int", "agent"],
  "loophost.usage.input_tokens": ["int", "agent"],
  "loophost.usage.output_tokens": ["int", "agent"],
  "loophost.cost.minor_units": ["double", "agent"],
  "loophost.cost.currency": ["string", "agent"],
  "loophost.outcome.verdict": ["string", "agent"],
  "loophost.outcome.iteration": ["int", "agent"],
  "loophost.thread": ["string", "chat tool"],
  "loophost.mcp.server": ["string", "tool"],
  "loophost.call.replayed": ["boolean", "tool"],
  "loophost.call.external": ["boolean", "tool"],
  "loophost.call.cancelled": ["boolean", "tool"],
  "loophost.approval.decision": ["string", "approval"],
  "loophost.approval.tool": ["string", "approval"],
  "loophost.approval.call_id": ["string", "approval"],
  "loophost.input.bytes": ["int", "agent tool"],
  "loophost.input.digest": ["string", "agent tool"],
  "loophost.result.bytes": ["int", "chat tool"],
  "loophost.result.digest": ["string", "chat tool"],
};

/** `from`, and so many numbers after it, each `factor` times the one before. */
function steps(from: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => Number((from * factor ** index).toPrecision(12)));
}

const SECONDS: readonly number[] = steps(0.01, 2, 14);
const RUN_SECONDS: readonly number[] = steps(0.1, 2, 13);
const MCP_SECONDS: readonly number[] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
const TOKENS: readonly number[] = steps(1, 4, 14);
const CALLS: readonly number[] = steps(1, 2, 8);

/** An instrument. `boundaries` are those of a histogram; `isOld` marks names that v0.1.0 has replaced. */
export interface Instrument {
  readonly is: "histogram" | "counter" | "up-down";
  readonly unit: string;
  readonly boundaries?: readonly number[];
  readonly isOld?: true;
}

const seconds = (boundaries = SECONDS): Instrument => ({ is: "histogram", unit: "s", boundaries });
const tokens: Instrument = { is: "counter", unit: "{token}" };

/** An instrument's name. */
export type MetricName =
  | "gen_ai.client.inference.duration"
  | "gen_ai.client.inference.time_to_first_chunk"
  | "gen_ai.client.inference.time_per_output_chunk"
  | "gen_ai.client.inference.usage.input_tokens"
  | "gen_ai.client.inference.usage.output_tokens"
  | "gen_ai.client.inference.usage.cache_read.input_tokens"
  | "gen_ai.client.inference.usage.cache_write.input_tokens"
  | "gen_ai.client.inference.operation.input_tokens"
  | "gen_ai.client.inference.operation.output_tokens"
  | "gen_ai.invoke_agent.duration"
  | "gen_ai.client.invoke_agent.duration"
  | "gen_ai.invoke_agent.inference_calls"
  | "gen_ai.invoke_agent.tool_calls"
  | "gen_ai.execute_tool.duration"
  | "mcp.client.operation.duration"
  | "gen_ai.client.token.usage"
  | "gen_ai.client.operation.duration"
  | "loophost.runs.open"
  | "loophost.calls.waiting"
  | "loophost.approval.duration"
  | "loophost.host.retries"
  | "loophost.stream.losses";

/** The instruments. */
export const METRICS: Readonly<Record<MetricName, Instrument>> = {
  "gen_ai.client.inference.duration": seconds(),
  "gen_ai.client.inference.time_to_first_chunk": seconds(),
  "gen_ai.client.inference.time_per_output_chunk": seconds(),
  "gen_ai.client.inference.usage.input_tokens": tokens,
  "gen_ai.client.inference.usage.output_tokens": tokens,
  "gen_ai.client.inference.usage.cache_read.input_tokens": tokens,
  "gen_ai.client.inference.usage.cache_write.input_tokens": tokens,
  "gen_ai.client.inference.operation.input_tokens": { is: "histogram", unit: "{token}", boundaries: TOKENS },
  "gen_ai.client.inference.operation.output_tokens": { is: "histogram", unit: "{token}", boundaries: TOKENS },
  "gen_ai.invoke_agent.duration": seconds(RUN_SECONDS),
  "gen_ai.client.invoke_agent.duration": seconds(RUN_SECONDS),
  "gen_ai.invoke_agent.inference_calls": { is: "histogram", unit: "{inference_call}", boundaries: CALLS },
  "gen_ai.invoke_agent.tool_calls": { is: "histogram", unit: "{tool_call}", boundaries: CALLS },
  "gen_ai.execute_tool.duration": seconds(),
  "mcp.client.operation.duration": seconds(MCP_SECONDS),
  "gen_ai.client.token.usage": { is: "histogram", unit: "{token}", boundaries: TOKENS, isOld: true },
  "gen_ai.client.operation.duration": { ...seconds(), isOld: true },
  "loophost.runs.open": { is: "up-down", unit: "{run}" },
  "loophost.calls.waiting": { is: "up-down", unit: "{call}" },
  "loophost.approval.duration": seconds(RUN_SECONDS),
  "loophost.host.retries": { is: "counter", unit: "{retry}" },
  "loophost.stream.losses": { is: "counter", unit: "{loss}" },
};
