/**
 * An agent loop over the Messages API: messages in, messages out. A face over the one loop of this library, not a second one.
 */

import type { Agent } from "../core/agent.ts";
import { defineAgent } from "../core/agent.ts";
import type { Names } from "../core/check-options.ts";
import { checkNames } from "../core/check-options.ts";
import { LoophostError, toLoophostError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Provider } from "../core/provider.ts";
import type { SessionResult, ToolResult } from "../core/results.ts";
import type { Run } from "../core/run.ts";
import { openSession } from "../core/session/open-session.ts";
import type { Tool } from "../core/tool.ts";
import { AgentError } from "./agent-error.ts";
import type { ContentBlock, Message } from "./message.ts";
import { fromTranscript, toTranscript } from "./message.ts";
import type { ToolRegistry } from "./registry.ts";

/** How an agent over messages is run. What belongs to the model, such as tool choice or thinking, is set on the model. */
export interface AgentConfig {
  /** Where the loop runs; one whose conversation this side holds, such as `local({ model })`. */
  readonly provider: Provider;
  /** The model's id, where the provider's model brings none of its own. */
  readonly model?: string | undefined;
  readonly system?: string | undefined;
  readonly tools?: ToolRegistry | readonly Tool[] | undefined;
  /** Model calls in one run. Default 10. */
  readonly maxIterations?: number | undefined;
  /** Milliseconds a tool has for one call. Default 30 000. */
  readonly toolTimeoutMs?: number | undefined;
  /** Milliseconds the whole run has. Default 600 000. */
  readonly runTimeoutMs?: number | undefined;
  /** Handed to every tool as `context`. */
  readonly context?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** What a run over messages comes to. */
export interface AgentResult {
  /** The whole conversation; reusable as the input of `runWithMessages`. */
  readonly messages: readonly Message[];
  /** What the model said last. */
  readonly finalMessage: Message;
  /** Why it stopped, in the model's own word. */
  readonly stopReason: unknown;
  readonly iterations: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What happens in a run over messages, in order: "started" first, "done" or "failed" last. */
export type AgentEvent =
  | { readonly type: "started"; readonly sessionId: string }
  | { readonly type: "assistant_response"; readonly message: Message }
  | { readonly type: "tool_executing"; readonly name: string; readonly id: string }
  | { readonly type: "tool_completed"; readonly id: string; readonly result: ToolResult }
  | { readonly type: "done"; readonly result: AgentResult }
  | { readonly type: "failed"; readonly error: AgentError };

const CONFIG: Names<AgentConfig> = {
  provider: 1,
  model: 1,
  system: 1,
  tools: 1,
  maxIterations: 1,
  toolTimeoutMs: 1,
  runTimeoutMs: 1,
  context: 1,
  signal: 1,
};
const MAX_ITERATIONS = 10;

/**
 * Runs an agent on a prompt.
 *
 * @throws AgentError `max_iterations_reached` with the messages so far, or `api_call_failed` with a typed cause
 */
export function runAgent(config: AgentConfig, prompt: string): Promise<AgentResult> {
  return runWithMessages(config, [{ role: "user", content: prompt }]);
}

/**
 * Goes on from some messages: replies to the last, or first runs the calls it holds.
 *
 * @throws AgentError like `runAgent`
 */
export function runWithMessages(config: AgentConfig, messages: readonly Message[]): Promise<AgentResult> {
  return follow(config, messages, () => undefined);
}

/**
 * Runs an agent on a prompt, telling what happens. What the callback throws is ignored.
 *
 * @throws AgentError like `runAgent`; the same error is told as "failed" before
 */
export function runWithEvents(
  config: AgentConfig,
  prompt: string,
  onEvent: (event: AgentEvent) => void,
): Promise<AgentResult> {
  const tell = (event: AgentEvent) => {
    try {
      onEvent(event);
    } catch {
      // An observer watches; it does not take part.
    }
  };
  return follow(config, [{ role: "user", content: prompt }], tell);
}

async function follow(
  config: AgentConfig,
  messages: readonly Message[],
  tell: (event: AgentEvent) => void,
): Promise<AgentResult> {
  try {
    const result = await runToEnd(config, messages, tell);
    tell({ type: "done", result });
    return result;
  } catch (thrown) {
    const error = toAgentError(toLoophostError(thrown, "host_failed", "The run failed"), messages);
    tell({ type: "failed", error });
    throw error;
  }
}

async function runToEnd(
  config: AgentConfig,
  messages: readonly Message[],
  tell: (event: AgentEvent) => void,
): Promise<AgentResult> {
  checkNames("runAgent()", config, CONFIG);
  const { provider, context, signal } = config;
  if (provider.traits.history !== "here") {
    throw new LoophostError(
      "invalid_options",
      `${provider.name} holds the conversation itself; a run over messages needs a provider such as local().`,
    );
  }
  if (messages.length === 0)
    throw new LoophostError("invalid_options", "There are no messages to go on from.");
  const history = toTranscript(messages);
  await using session = await openSession(toAgent(config), { provider, history, context, signal });
  tell({ type: "started", sessionId: session.id });
  const run = session.resume({ signal, ifWaiting: "return" });
  await narrate(run, tell);
  return toAgentResult(await run.result());
}

function toAgent({
  model,
  system = "",
  tools = [],
  maxIterations = MAX_ITERATIONS,
  toolTimeoutMs,
  runTimeoutMs,
}: AgentConfig): Agent {
  return defineAgent({
    name: "messages",
    instructions: system,
    model,
    tools: "tools" in tools ? tools.tools() : tools,
    limits: { maxTurns: maxIterations, toolTimeoutMs, runTimeoutMs },
  });
}

/** Tells a run in the words of this face. What the model says in a turn is told as one message. */
async function narrate(run: Run, tell: (event: AgentEvent) => void): Promise<void> {
  let content: ContentBlock[] = [];
  try {
    for await (const event of run) content = narrateOne(event, content, tell);
  } catch {
    // The caller gets the same error from the run's result.
  }
}

function narrateOne(
  event: SessionEvent,
  content: ContentBlock[],
  tell: (event: AgentEvent) => void,
): ContentBlock[] {
  if (event.type === "message") return [...content, { type: "text", text: event.text }];
  if (event.type === "tool.called")
    return [...content, { type: "tool_use", id: event.id, name: event.name, input: event.input }];
  if (event.type === "tool.started") tell({ type: "tool_executing", name: event.name, id: event.id });
  if (event.type === "tool.finished") tell({ type: "tool_completed", id: event.id, result: event.result });
  if (event.type !== "turn.ended") return content;
  tell({ type: "assistant_response", message: { role: "assistant", content } });
  return [];
}

function toAgentResult({ transcript, turns, usage, stopReason }: SessionResult): AgentResult {
  const messages = fromTranscript(transcript ?? []);
  const finalMessage = messages.findLast(({ role }) => role === "assistant") ?? {
    role: "assistant",
    content: [],
  };
  const { inputTokens, outputTokens } = usage;
  return { messages, finalMessage, stopReason, iterations: turns, inputTokens, outputTokens };
}

function toAgentError(cause: LoophostError, given: readonly Message[]): AgentError {
  const messages = cause.result?.transcript == null ? given : fromTranscript(cause.result.transcript);
  return new AgentError(cause, messages, cause.result?.turns ?? 0);
}
