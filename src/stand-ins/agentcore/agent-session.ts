/**
 * A session of the stand-in: the loop at the service. It runs the model and the harness's own tools, and hands calls of
 * the caller's functions off one at a time, in the model's order.
 *
 *   A1  an answer is accepted once, for the call that was handed off, and with nothing beside it
 *   A2  a turn continues when its caller is gone: only a stop ends it
 */

import { systemClock } from "../../core/clock.ts";
import { isObject } from "../../core/json.ts";
import { textResult } from "../../core/results.ts";
import type { ToolResult } from "../../core/results.ts";
import type { Model, ModelConversation, ModelReply, ToolDescription } from "../../providers/local/model.ts";
import type { Invocation, SentResult } from "./invocation.ts";
import { invalid } from "./refusal.ts";

/** One event of a stream: its name and its value. */
export type StreamEvent = readonly [type: string, value: unknown];

/** A tool the harness runs itself. */
export interface ServerTool extends ToolDescription {
  readonly run: (input: unknown) => string | Promise<string>;
}

/** What a session lives in. */
export interface SessionHome {
  readonly model: Model;
  readonly serverTools: readonly ServerTool[];
  /** "2026-06" wants the assistant's message again, and all results together. */
  readonly rules: "2026-09" | "2026-06";
  /** The longest piece a text comes in; two halves when there is none. */
  readonly pieceChars: number | undefined;
}

/** What the caller's harness is deployed with. */
export interface Deployed {
  readonly tools: readonly Record<string, unknown>[];
  readonly allowedTools: readonly string[];
  readonly systemPrompt: string;
}

interface Call {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

/** A session. */
export class AgentSession {
  readonly stopping: AbortController = new AbortController();
  readonly #home: SessionHome;
  #talk: ModelConversation | undefined;
  /** Calls of the last message, in order; those in `#results` have their result. */
  #calls: readonly Call[] = [];
  #results = new Map<string, ToolResult>();
  #waitsFor: readonly string[] = [];

  constructor(home: SessionHome) {
    this.#home = home;
  }

  /**
   * Judges an invocation, and gives what it leads to.
   *
   * @throws Refusal
   */
  invoke(invocation: Invocation, deployed: Deployed): AsyncGenerator<StreamEvent, void, void> {
    const functions = functionsOf(invocation, deployed);
    const isAnswer = this.#waitsFor.length > 0 || invocation.results.length > 0;
    if (isAnswer) this.#checkAnswer(invocation, functions);
    const { systemPrompt = deployed.systemPrompt, modelId } = invocation;
    const tools = [...functions, ...this.#home.serverTools];
    this.#talk ??= this.#home.model.converse({ instructions: systemPrompt, tools, modelId });
    const taken = this.#waitsFor;
    this.#waitsFor = [];
    if (!isAnswer) this.#talk.add({ role: "user", content: [{ type: "text", text: invocation.text }] });
    for (const { id, text, isError } of invocation.results)
      if (taken.includes(id)) this.#results.set(id, textResult(text, isError));
    return this.#work(
      this.#talk,
      new Set(functions.map(({ name }) => name)),
      isAnswer ? invocation.results : [],
      invocation.maxIterations,
    );
  }

  #checkAnswer({ text, results, replayed }: Invocation, functions: readonly ToolDescription[]): void {
    const waits = this.#waitsFor;
    const older = this.#home.rules === "2026-06";
    if (older && !results.every(({ id }) => replayed.includes(id)))
      throw invalid(
        "messages",
        "The number of toolResult blocks at messages.2.content exceeds the number of toolUse blocks of previous turn.",
      );
    if (results.length === 0) throw invalid("messages", `tool use ${waits.join(", ")} has no result`);
    if (text !== "") throw invalid("messages", "a result stands alone in its message");
    if (results.length !== waits.length || !results.every(({ id }) => waits.includes(id)))
      throw invalid("messages", "the result is of no call that waits");
    const names = this.#calls.filter(({ id }) => waits.includes(id)).map(({ name }) => name);
    const forgotten = names.find((name) => !functions.some((tool) => tool.name === name));
    if (forgotten !== undefined)
      throw invalid("tools", `${forgotten} is not among the tools of this request`);
  }

  async *#work(
    talk: ModelConversation,
    inline: ReadonlySet<string>,
    told: readonly SentResult[],
    maxIterations: number,
  ): AsyncGenerator<StreamEvent, void, void> {
    for (const { id, isError, text } of told) yield* resultEvents(id, isError, text);
    for (let iteration = 1; ; iteration += 1) {
      if (yield* this.#settleCalls(talk, inline)) return;
      if (iteration > maxIterations) return yield* ended("max_iterations_exceeded");
      const pieces: StreamEvent[] = [];
      const { signal } = this.stopping;
      const reply = await talk.reply({ signal, clock: systemClock, emit: () => undefined });
      talk.add(reply.message);
      this.#calls = callsOf(reply);
      this.#results = new Map();
      pieces.push(...messageEvents(reply, inline, this.#home.pieceChars));
      yield* pieces;
      if (this.#calls.length === 0) return;
    }
  }

  /** Runs or hands off what has no result; true when a call was handed off, and the stream ends. */
  async *#settleCalls(
    talk: ModelConversation,
    inline: ReadonlySet<string>,
  ): AsyncGenerator<StreamEvent, boolean, void> {
    let isFresh = this.#results.size === 0;
    for (const call of this.#calls) {
      if (this.#results.has(call.id)) continue;
      const tool = this.#home.serverTools.find(({ name }) => name === call.name);
      if (tool === undefined && inline.has(call.name)) {
        const open = this.#calls.filter(({ id, name }) => inline.has(name) && !this.#results.has(id));
        this.#waitsFor = (this.#home.rules === "2026-06" ? open : open.slice(0, 1)).map(({ id }) => id);
        if (!isFresh) yield* ended("tool_use");
        return true;
      }
      const text = tool === undefined ? `There is no tool "${call.name}".` : await tool.run(call.input);
      this.#results.set(call.id, textResult(text, tool === undefined));
      isFresh = false;
      yield* resultEvents(call.id, tool === undefined, text);
    }
    if (this.#calls.length > 0)
      talk.add({
        role: "tool",
        results: this.#calls.map(({ id, name }) => ({
          callId: id,
          name,
          result: this.#results.get(id) ?? textResult(""),
        })),
      });
    this.#calls = [];
    return false;
  }
}

function functionsOf({ tools, allowedTools }: Invocation, deployed: Deployed): ToolDescription[] {
  const allowed = allowedTools ?? deployed.allowedTools;
  return (tools ?? deployed.tools).flatMap(({ type, name, config }) => {
    const inline = isObject(config) ? config["inlineFunction"] : undefined;
    if (type !== "inline_function" || typeof name !== "string" || !isObject(inline)) return [];
    // A plain name lets in the harness's own tools, and no function.
    if (!allowed.some((pattern) => pattern === "*" || pattern === `@*/${name}`)) return [];
    const { description, inputSchema } = inline;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- parsed from JSON, and an object
    const schema = (isObject(inputSchema) ? inputSchema : {}) as ToolDescription["inputSchema"];
    return [{ name, description: String(description), inputSchema: schema }];
  });
}

function callsOf({ message }: ModelReply): Call[] {
  return message.content.flatMap((block) =>
    block.type === "tool_call"
      ? [{ id: block.id, name: block.name, input: JSON.parse(block.arguments) as unknown }]
      : [],
  );
}

function messageEvents(
  { message, stopReason, ending, usage }: ModelReply,
  inline: ReadonlySet<string>,
  pieceChars: number | undefined,
): StreamEvent[] {
  const events: StreamEvent[] = [["messageStart", { role: "assistant" }]];
  for (const [contentBlockIndex, block] of message.content.entries()) {
    const delta = (value: object): StreamEvent => ["contentBlockDelta", { contentBlockIndex, delta: value }];
    if (block.type === "tool_call") {
      const type = inline.has(block.name) ? "tool_use" : "server_tool_use";
      const toolUse = { toolUseId: block.id, name: block.name, type };
      events.push(["contentBlockStart", { contentBlockIndex, start: { toolUse } }]);
      for (const input of inPieces(block.arguments, pieceChars)) events.push(delta({ toolUse: { input } }));
    } else
      for (const text of inPieces(block.text, pieceChars))
        events.push(delta(block.type === "text" ? { text } : { reasoningContent: { text } }));
    events.push(["contentBlockStop", { contentBlockIndex }]);
  }
  const calls = message.content.some(({ type }) => type === "tool_call");
  const reason =
    ending === "max_tokens" ? "max_tokens" : ending === "refusal" ? "content_filtered" : undefined;
  const plain = stopReason === "stop" || stopReason === null ? "end_turn" : stopReason;
  events.push(["messageStop", { stopReason: calls ? "tool_use" : (reason ?? plain) }]);
  const { inputTokens = 0, outputTokens = 0, cacheReadTokens = 0, cacheWriteTokens = 0 } = usage ?? {};
  const counts = { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens };
  const cached = { cacheReadInputTokens: cacheReadTokens, cacheWriteInputTokens: cacheWriteTokens };
  events.push(["metadata", { usage: { ...counts, ...cached }, metrics: { latencyMs: 1 } }]);
  return events;
}

function* resultEvents(toolUseId: string, isError: boolean, text: string): Generator<StreamEvent> {
  const toolResult = { toolUseId, status: isError ? "error" : "success" };
  yield ["messageStart", { role: "user" }];
  yield ["contentBlockStart", { contentBlockIndex: 0, start: { toolResult } }];
  if (text !== "") yield ["contentBlockDelta", { contentBlockIndex: 0, delta: { toolResult: [{ text }] } }];
  yield ["contentBlockStop", { contentBlockIndex: 0 }];
  yield ["messageStop", { stopReason: "tool_result" }];
}

function* ended(stopReason: string): Generator<StreamEvent> {
  yield ["messageStop", { stopReason }];
}

function inPieces(text: string, chars = Math.ceil(text.length / 2)): string[] {
  const pieces = chars > 0 ? Math.ceil(text.length / chars) : 0;
  return Array.from({ length: pieces }, (_, index) => text.slice(index * chars, (index + 1) * chars));
}
