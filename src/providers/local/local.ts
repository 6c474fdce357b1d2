/**
 * The in-process loop host: this process asks the model, turn by turn, and holds the conversation.
 *
 *   L1  the conversation only grows, and holds the model's own words
 *   L2  no call is left without a result in it: what was not answered when the next message comes is closed as stopped
 *   L3  an interrupted or failed reply leaves no trace in it
 */

import type { Clock } from "../../core/clock.ts";
import { systemClock } from "../../core/clock.ts";
import { LoophostError, toLoophostError } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";
import type { Connection, HostInput, OpenRequest, Provider } from "../../core/provider.ts";
import type { ToolResult } from "../../core/results.ts";
import { textResult } from "../../core/results.ts";
import type { AiSdkLanguageModel } from "./ai-sdk-wire.ts";
import { aiSdkModel, isAiSdkModel } from "./ai-sdk.ts";
import type { ModelFunction } from "./function-model.ts";
import { functionModel } from "./function-model.ts";
import type { Model, ModelConversation, ModelMessage, ModelReply } from "./model.ts";
import { textOf } from "./model.ts";

/** How the in-process loop host is made. */
export interface LocalOptions {
  /** A model such as `anthropicMessages({...})` or `openAICompatible({...})`, one of the AI SDK's, or a function that answers. */
  readonly model: Model | AiSdkLanguageModel | ModelFunction;
  readonly clock?: Clock | undefined;
}

/**
 * The loop host that is this process.
 *
 * @throws LoophostError `invalid_options` when there is no model
 */
export function local(options: LocalOptions): Provider {
  const model = toModel(options.model);
  return {
    name: "local",
    traits: { answers: "together", history: "here" },
    open: (request) => Promise.resolve(new LocalConnection(model, request, options.clock ?? systemClock)),
  };
}

function toModel(model: LocalOptions["model"]): Model {
  if (typeof model === "function") return functionModel(model);
  if (isAiSdkModel(model)) return aiSdkModel(model);
  if (typeof model?.converse === "function") return model;
  throw new LoophostError(
    "invalid_options",
    "local() needs a model: anthropicMessages({...}), openAICompatible({...}), a language model of the AI SDK, or a " +
      "function. A model's name alone is not enough.",
  );
}

interface PendingCall {
  readonly id: string;
  readonly name: string;
}

class LocalConnection implements Connection {
  readonly sessionId: string;
  readonly #request: OpenRequest;
  readonly #clock: Clock;
  readonly #transcript: ModelMessage[] = [];
  readonly #conversation: ModelConversation;
  #pending: readonly PendingCall[] = [];
  #asking: AbortController | undefined;

  constructor(model: Model, request: OpenRequest, clock: Clock) {
    const { agent } = request;
    this.sessionId = request.sessionId ?? `local_${crypto.randomUUID()}`;
    this.#request = request;
    this.#clock = clock;
    this.#conversation = model.converse({
      instructions: agent.instructions,
      tools: agent.tools.map(({ name, description, schema }) => ({
        name,
        description,
        inputSchema: schema.jsonSchema,
      })),
      modelId: agent.model,
    });
    for (const message of checkHistory(request.history ?? [])) this.#add(message);
  }

  send(inputs: readonly HostInput[]): Promise<void> {
    for (const input of inputs) {
      if (input.type === "raw" || input.type === "verdict") {
        const what = input.type === "raw" ? "raw events" : "verdicts";
        return Promise.reject(
          new LoophostError("invalid_options", `The in-process loop host takes no ${what}.`),
        );
      }
    }
    const results = new Map(
      inputs.flatMap((input) =>
        input.type === "tool_result" ? [[input.callId, input.result] as const] : [],
      ),
    );
    const isInterrupt = inputs.some((input) => input.type === "interrupt");
    const hadPending = this.#pending.length > 0;
    if (results.size > 0) this.#answer(results);
    if (isInterrupt) this.#interrupt(hadPending);
    for (const input of inputs) {
      if (input.type !== "message") continue;
      this.#answer(results);
      this.#add({ role: "user", content: input.content });
      this.#request.emit({ type: "input.taken" });
    }
    const isTurn = inputs.some((input) => input.type === "message" || input.type === "tool_result");
    if (isTurn && !isInterrupt) this.#ask();
    return Promise.resolve();
  }

  catchUp(): Promise<void> {
    return Promise.resolve();
  }

  transcript(): readonly ModelMessage[] {
    return [...this.#transcript];
  }

  close(): Promise<void> {
    this.#asking?.abort();
    return Promise.resolve();
  }

  #add(message: ModelMessage): void {
    this.#transcript.push(message);
    this.#conversation.add(message);
  }

  /** Adds the results of the last message's calls, in call order; a call without one was stopped. */
  #answer(results: ReadonlyMap<string, ToolResult>): void {
    if (this.#pending.length === 0) return;
    const stopped = textResult(
      "This call was stopped before it had a result. It may have taken effect; check before repeating it.",
      true,
    );
    this.#add({
      role: "tool",
      results: this.#pending.map(({ id, name }) => ({
        callId: id,
        name,
        result: results.get(id) ?? stopped,
      })),
    });
    this.#pending = [];
  }

  #interrupt(hadPending: boolean): void {
    const wasAsking = this.#asking !== undefined;
    this.#asking?.abort();
    this.#asking = undefined;
    if (wasAsking || hadPending)
      this.#request.emit({ type: "turn.done", ending: "completed", stopReason: "interrupted" });
  }

  /** Starts a turn; it ends through `emit`. */
  #ask(): void {
    const { emit } = this.#request;
    const asking = new AbortController();
    this.#asking = asking;
    emit({ type: "turn.began" });
    const isCurrent = () => this.#asking === asking;
    this.#conversation
      .reply({ signal: asking.signal, clock: this.#clock, emit: (event) => isCurrent() && emit(event) })
      .then(
        (reply) => isCurrent() && this.#take(reply),
        (thrown: unknown) => {
          if (!isCurrent()) return;
          this.#asking = undefined;
          emit({
            type: "failed",
            error: toLoophostError(thrown, "host_failed", "The model call failed"),
            sessionOver: false,
          });
        },
      );
  }

  #take(reply: ModelReply): void {
    const { emit } = this.#request;
    const { message, ending, stopReason, usage } = reply;
    this.#asking = undefined;
    this.#add(message);
    const text = textOf(message);
    if (text !== "") emit({ type: "message", text, raw: message.native?.message });
    if (usage !== undefined) emit({ type: "usage", usage });
    const calls = message.content.filter((block) => block.type === "tool_call");
    this.#pending = calls;
    for (const call of calls) emit({ type: "call", ...readCall(call) });
    if (calls.length > 0)
      emit({ type: "turn.done", ending: "requires_action", stopReason, needs: calls.map((call) => call.id) });
    else if (ending === "paused") this.#ask();
    else emit({ type: "turn.done", ending, stopReason });
  }
}

/** Arguments that are no JSON object become a problem the model is told about; they are never repaired. */
function readCall(call: { id: string; name: string; arguments: string }): {
  id: string;
  name: string;
  input: unknown;
  problem?: string;
} {
  const { id, name } = call;
  try {
    // Models send nothing at all for a tool without parameters.
    const input: unknown = call.arguments.trim() === "" ? {} : JSON.parse(call.arguments);
    return isObject(input)
      ? { id, name, input }
      : { id, name, input, problem: "the arguments must be a JSON object" };
  } catch {
    return { id, name, input: call.arguments, problem: "the arguments are not valid JSON" };
  }
}

function checkHistory(history: readonly unknown[]): readonly ModelMessage[] {
  history.forEach((message, index) => {
    const role = isObject(message) ? message["role"] : undefined;
    if (role !== "user" && role !== "assistant" && role !== "tool") {
      throw new LoophostError(
        "invalid_options",
        `history[${index}] is not a message of a transcript; pass an earlier result's \`transcript\` unchanged.`,
      );
    }
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: transcripts are made here and come back as they were
  return history as readonly ModelMessage[];
}
