/** A session of the in-process loop host: one model call per turn, told as host events. */

import type { Clock } from "../../core/clock.ts";
import { LoophostError, toLoophostError } from "../../core/errors.ts";
import { isKeepable } from "../../core/json.ts";
import type { ModelRequest } from "../../core/observer.ts";
import type { Connection, HostEvent, HostInput, OpenRequest } from "../../core/provider.ts";
import { isMessage } from "../../core/provider.ts";
import type { ToolResult } from "../../core/results.ts";
import { NO_USAGE } from "../../core/results.ts";
import type { TranscriptMessage } from "../../core/transcript.ts";
import { textOf } from "../../core/transcript.ts";
import type { CompactionOptions } from "./compaction.ts";
import type { PendingCall } from "./conversation.ts";
import { checkHistory, Conversation, readCall } from "./conversation.ts";
import type { ModelGuards } from "./guards.ts";
import { GuardState } from "./guards.ts";
import type { Model, ModelReply } from "./model.ts";
import type { GradeWork } from "./outcome.ts";
import { OutcomeWork } from "./outcome.ts";

/** What a session is held with, beside the request. */
export interface LocalSettings {
  readonly model: Model;
  readonly clock: Clock;
  readonly guards: ModelGuards | undefined;
  readonly compaction: CompactionOptions | undefined;
  /** Whether a valid output ends the run. */
  readonly endsWithOutput: boolean;
  /** Grades the work towards an outcome. */
  readonly grade: GradeWork;
}

/** A session held in this process. */
export class LocalConnection implements Connection {
  readonly sessionId: string;
  readonly #emit: (event: HostEvent) => void;
  readonly #request: OpenRequest;
  readonly #clock: Clock;
  readonly #conversation: Conversation;
  /** What a request to the model is told as. */
  readonly #asks: ModelRequest;
  readonly #guards: GuardState | undefined;
  readonly #outcome: OutcomeWork;
  readonly #endsWithOutput: boolean;
  /** Results the guards gave, for calls the loop was not told of. */
  readonly #guarded = new Map<string, ToolResult>();
  #turns = 0;
  #asking: AbortController | undefined;

  constructor(
    request: OpenRequest,
    { model, clock, guards, compaction, endsWithOutput, grade }: LocalSettings,
  ) {
    const { agent, emit, history = [], sessionId, cursor } = request;
    this.sessionId = sessionId ?? `local_${crypto.randomUUID()}`;
    this.#request = request;
    this.#emit = emit;
    this.#clock = clock;
    this.#asks = model.asks?.(agent.model) ?? { model: agent.model };
    this.#endsWithOutput = endsWithOutput;
    this.#guards = guards && new GuardState(guards);
    this.#outcome = new OutcomeWork({ cursor, grade, emit, modelId: agent.model });
    const tools = agent.tools.map(({ name, description, schema }) => ({
      name,
      description,
      inputSchema: schema.jsonSchema,
    }));
    this.#conversation = new Conversation({
      model,
      setup: { instructions: agent.instructions, tools, modelId: agent.model },
      history: checkHistory(history),
      compaction,
      onChange: emit,
    });
    if (history.length > 0) this.#tellPast();
  }

  send(inputs: readonly HostInput[]): Promise<void> {
    const has = (type: HostInput["type"]) => inputs.some((input) => input.type === type);
    const what = has("raw") ? "raw events" : has("verdict") ? "verdicts" : undefined;
    if (what !== undefined)
      return Promise.reject(
        new LoophostError("invalid_options", `The in-process loop host takes no ${what}.`),
      );
    const results = new Map<string, ToolResult>();
    for (const input of inputs) if (input.type === "tool_result") results.set(input.callId, input.result);
    const messages = inputs.filter(isMessage);
    if (has("interrupt")) this.#interrupt(results);
    else if (results.size > 0) this.#goOn(results);
    else if (has("continue")) this.#goOnFrom();
    else if (messages.length > 0) {
      this.#guards?.reset();
      this.#guarded.clear();
      this.#turns = 0;
      this.#outcome.drop();
      for (const input of messages) {
        const content = input.type === "outcome" ? this.#outcome.begin(input.outcome) : input.content;
        this.#conversation.say({ role: "user", content }, true);
      }
      for (const input of inputs) if (input.type === "system") this.#instruct(input.text);
      this.#emit({ type: "input.taken", inputId: messages.at(-1)?.id });
      this.#ask();
    }
    return Promise.resolve();
  }

  catchUp(): Promise<void> {
    return Promise.resolve();
  }

  transcript(): readonly TranscriptMessage[] {
    return this.#conversation.messages;
  }

  close(): Promise<void> {
    this.#asking?.abort();
    return Promise.resolve();
  }

  /** Tells what the history leaves open: calls without results, or something the model has not replied to. */
  #tellPast(): void {
    const { pending, owesReply, lastText } = this.#conversation;
    this.#emit({ type: "catchup.started" });
    if (owesReply || (this.#outcome.isOpen && pending.length === 0)) this.#emit({ type: "reply.owed" });
    if (lastText !== "") this.#emit({ type: "message", text: lastText });
    if (pending.length > 0) {
      this.#emit({ type: "turn.began" });
      this.#tellCalls(pending, null);
    }
    this.#emit({ type: "catchup.ended" });
  }

  #tellCalls(calls: readonly PendingCall[], stopReason: string | null): void {
    for (const call of calls) this.#emit({ type: "call", ...readCall(call) });
    this.#emit({
      type: "turn.done",
      ending: "requires_action",
      stopReason,
      needs: calls.map((call) => call.id),
    });
  }

  #interrupt(results: ReadonlyMap<string, ToolResult>): void {
    const wasBusy = this.#asking !== undefined || this.#conversation.pending.length > 0;
    this.#asking?.abort();
    this.#asking = undefined;
    this.#outcome.interrupt();
    // Results are kept although the turn ends here. Missing ones are closed, on record: who opens the session next must not ask again.
    this.#answer(results);
    if (wasBusy) this.#emit({ type: "turn.done", ending: "completed", stopReason: "interrupted" });
  }

  /** Answers the pending calls and takes the next turn. */
  #goOn(results: ReadonlyMap<string, ToolResult>): void {
    const calls = this.#conversation.pending;
    this.#answer(results);
    if (this.#hasOutput(calls, results))
      return this.#emit({ type: "turn.done", ending: "completed", stopReason: "output" });
    if (this.#guards !== undefined) {
      const known = calls.flatMap((call) => {
        const result = results.get(call.id);
        return result === undefined ? [] : [{ call, result }];
      });
      this.#advise(this.#guards.learn(known));
    }
    this.#ask();
  }

  /** Whether all that was called is the output, and it is valid: the run is over, and nobody is asked what else there is to say. */
  #hasOutput(calls: readonly PendingCall[], results: ReadonlyMap<string, ToolResult>): boolean {
    const { output, terminalTool } = this.#request.agent;
    return (
      this.#endsWithOutput &&
      output !== undefined &&
      !this.#outcome.isOpen &&
      calls.every(({ id, name }) => name === terminalTool?.name && results.get(id)?.isError === false)
    );
  }

  #answer(results: ReadonlyMap<string, ToolResult>): void {
    this.#conversation.answer(this.#guarded.size === 0 ? results : new Map([...this.#guarded, ...results]));
    this.#guarded.clear();
  }

  /** Says something to the model on the guards' behalf. */
  #advise(text: string | undefined): void {
    if (text !== undefined)
      this.#conversation.say({ role: "user", content: [{ type: "text", text }] }, false);
  }

  #instruct(text: string): void {
    this.#conversation.say({ role: "user", from: "operator", content: [{ type: "text", text }] }, false);
  }

  /** Resumes after a crash: asks the model for its reply, or grades it. */
  #goOnFrom(): void {
    if (this.#conversation.owesReply) return this.#ask();
    this.#emit({ type: "turn.began" });
    return this.#grade();
  }

  /** Grades the outcome once the model is done: it revises its work, or the turn ends. */
  #grade(): void {
    const grading = new AbortController();
    this.#asking = grading;
    this.#outcome
      .judge(this.#conversation.messages, grading.signal)
      .then((verdict) => {
        if (this.#asking !== grading) return;
        this.#asking = undefined;
        if (verdict.end !== undefined) return this.#emit({ type: "turn.done", ...verdict.end });
        const content = [{ type: "text", text: verdict.revision } as const];
        this.#conversation.say({ role: "user", content }, false, verdict.usage);
        return this.#ask();
      })
      .catch((thrown: unknown) => {
        if (this.#asking !== grading) return;
        this.#asking = undefined;
        const error = toLoophostError(thrown, "host_failed", "The grading failed");
        this.#emit({ type: "failed", error, sessionOver: false });
      });
  }

  /** Starts a turn; it ends through `emit`. */
  #ask(): void {
    const { agent } = this.#request;
    const asking = new AbortController();
    this.#asking = asking;
    this.#turns += 1;
    this.#emit({ type: "turn.began" });
    if (this.#turns === agent.limits.maxTurns && this.#turns > 1)
      this.#advise(this.#guards?.lastWord(agent.terminalTool?.name));
    const isCurrent = () => this.#asking === asking;
    const asked = this.#asks;
    this.#emit({ type: "model.asked", ...asked });
    const emit = (event: HostEvent) => isCurrent() && this.#emit(event);
    this.#request
      .aroundModel(asked, () => this.#conversation.reply({ signal: asking.signal, clock: this.#clock, emit }))
      .then((reply) => isCurrent() && this.#take(reply))
      // Also when taking the reply throws: else it would be an unhandled rejection, which ends the process.
      .catch((thrown: unknown) => {
        if (asking.signal.aborted) return;
        // Only for a request that failed: the usage of a reply was emitted already.
        if (isCurrent()) this.#emit({ type: "usage", usage: NO_USAGE, model: asked.model, isError: true });
        this.#asking = undefined;
        const error = toLoophostError(thrown, "host_failed", "The model call failed");
        this.#emit({ type: "failed", error, sessionOver: false });
      });
  }

  #take(reply: ModelReply): void {
    const { message, ending, stopReason, usage } = reply;
    if (!isKeepable(message))
      throw new LoophostError(
        "host_protocol",
        "The model's reply is nested too deep, or too long, to be kept.",
      );
    this.#asking = undefined;
    const isGraded = this.#outcome.isOpen && ending === "completed";
    const calls = this.#conversation.take(reply, isGraded);
    const text = textOf(message);
    if (text !== "") this.#emit({ type: "message", text, raw: message.native?.message });
    if (usage !== undefined) this.#emit({ type: "usage", usage, model: this.#asks.model });
    const told = calls.filter((call) => !this.#isGuarded(call));
    if (told.length > 0) this.#tellCalls(told, stopReason);
    else if (calls.length > 0) this.#goOn(new Map());
    else if (ending === "paused") this.#ask();
    else if (isGraded) this.#grade();
    else this.#emit({ type: "turn.done", ending, stopReason });
  }

  /** Whether the guards answer a call themselves. */
  #isGuarded(call: PendingCall): boolean {
    const result = this.#guards?.answerTo(call);
    if (result === undefined) return false;
    this.#guarded.set(call.id, result);
    this.#emit({ type: "provider", raw: { type: "local.duplicate_call", id: call.id, name: call.name } });
    return true;
  }
}
