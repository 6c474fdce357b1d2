/**
 * A session held with the service: one invocation per turn, each answered with a stream. What the service does not keep for
 * us, where the session stands, is put on record before anything follows from it.
 *
 *   C1  no message and no answer is sent a second time once the agent may have run on it; a turn whose end nobody saw is lost,
 *       and told as such
 *   C2  the call that waits is on record before it is told, and so before its tool starts
 *   C3  a reply nobody listens to any more changes nothing: whoever gave it up has moved on
 */

import { retryPolicy, withRetry } from "../../../core/async/retry.ts";
import { LoophostError, toLoophostError } from "../../../core/errors.ts";
import type { Json } from "../../../core/json.ts";
import type { Connection, HostEvent, HostInput } from "../../../core/provider.ts";
import type { ToolResult } from "../../../core/results.ts";
import { addUsage, NO_USAGE, textResult } from "../../../core/results.ts";
import type { HarnessEvent } from "../stream/events.ts";
import { readInput } from "../stream/message.ts";
import type { Handoff } from "../stream/turn-reader.ts";
import { TurnReader } from "../stream/turn-reader.ts";
import type { Standing } from "./cursor.ts";
import { fromCursor, toCursor } from "./cursor.ts";
import { isRefusedAnswer, lostTurn } from "./lost-turn.ts";
import type { SessionParts } from "./session-parts.ts";
import { toAnswer, toUserMessage } from "./words.ts";

/** A session held with the service. */
export class HarnessConnection implements Connection {
  readonly sessionId: string;
  readonly #parts: SessionParts;
  readonly #reader: TurnReader;
  #standing: Standing;
  #asking: AbortController | undefined;
  /** Whether what is read is told: not while a stopped call is closed. */
  #isMuted = false;
  /** Results of calls that were stopped, which the service has yet to be given. */
  #owed: ReadonlyMap<string, ToolResult> = new Map();

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.sessionId = parts.sessionId;
    this.#standing = { ...fromCursor(parts.cursor), provisioned: parts.provisioned };
    const { handoff } = this.#standing;
    this.#reader = new TurnReader(parts.isOurs, (event) => this.#tell(event), handoff);
    if (parts.hasPast) this.#tellPast();
  }

  async send(inputs: readonly HostInput[], signal: AbortSignal): Promise<void> {
    const unfit = inputs.map(({ type }) => UNSUPPORTED[type]).find((what) => what !== undefined);
    if (unfit !== undefined) throw new LoophostError("invalid_options", `agentcore() takes no ${unfit}.`);
    const results = new Map(
      inputs.flatMap((input) =>
        input.type === "tool_result" ? [[input.callId, input.result] as const] : [],
      ),
    );
    const content = inputs.flatMap((input) => (input.type === "message" ? input.content : []));
    if (inputs.some(({ type }) => type === "interrupt")) await this.#interrupt(results, signal);
    else if (results.size > 0) await this.#answer(results);
    else if (inputs.some(({ type }) => type === "continue")) await this.#lose();
    else if (inputs.length > 0) await this.#say([toUserMessage(content)]);
  }

  catchUp(): Promise<void> {
    return Promise.resolve();
  }

  transcript(): null {
    return null;
  }

  async close(): Promise<void> {
    this.#stopAsking();
    if (this.#parts.stopOnClose) await this.#parts.stop().catch(() => undefined);
  }

  /** Tells what is on record: how the last turn ended, a call that waits, or that a turn was lost sight of. */
  #tellPast(): void {
    const { emit } = this.#parts;
    const { prompts, turns, usage, text, handoff, isDropped, isUnderWay, end } = this.#standing;
    emit({ type: "catchup.started" });
    for (let seen = 0; seen < prompts; seen += 1) emit({ type: "message.seen" });
    for (let turn = 0; turn < turns; turn += 1) emit({ type: "turn.began" });
    if (usage !== NO_USAGE) emit({ type: "usage", usage });
    if (text !== "") emit({ type: "message", text });
    if (handoff !== undefined && !isDropped) this.#tellCalls(handoff);
    else if (end !== undefined) emit({ type: "turn.done", ...end });
    else if (isUnderWay) emit({ type: "reply.owed" });
    emit({ type: "catchup.ended" });
  }

  async #say(messages: readonly Json[]): Promise<void> {
    const asking = this.#startAsking();
    await this.#closeStoppedCall(asking);
    this.#stand({
      ...NOTHING_OPEN,
      prompts: this.#standing.prompts + 1,
      turns: 0,
      usage: NO_USAGE,
      isUnderWay: true,
    });
    await this.#parts.whenKept();
    const { clock, emit, retry } = this.#parts;
    try {
      await withRetry(() => this.#ask(messages, asking, () => emit({ type: "input.taken" })), {
        policy: retryPolicy(retry),
        clock,
        signal: asking.signal,
        toError: (thrown) => toLoophostError(thrown, "host_failed", "The message could not be sent"),
        onRetry: (attempt, delayMs, { message }) =>
          emit({ type: "retrying", attempt, delayMs, reason: message }),
      });
    } catch (thrown) {
      if (this.#asking !== asking) return;
      this.#rest();
      throw thrown;
    }
  }

  async #answer(results: ReadonlyMap<string, ToolResult>): Promise<void> {
    const { handoff } = this.#standing;
    // Answered before: by this process, with a reply that was lost on the way back.
    if (handoff === undefined) return;
    const asking = this.#startAsking();
    try {
      await this.#ask(toAnswer(handoff, results), asking, () =>
        this.#stand({ ...NOTHING_OPEN, isUnderWay: true }),
      );
    } catch (thrown) {
      if (this.#asking !== asking) return;
      this.#asking = undefined;
      const error = toLoophostError(thrown, "host_failed", "A tool result could not be sent");
      if (!isRefusedAnswer(error)) throw error;
      // Nothing will ever make it wanted again; kept, it would block the session for good.
      await this.#lose(error).catch((lost: unknown) => {
        this.#tell({ type: "failed", error: toLoophostError(lost, "host_failed", ""), sessionOver: false });
      });
    }
  }

  /** The end of a turn will never be known. */
  async #lose(cause?: LoophostError): Promise<void> {
    this.#rest();
    if (this.#parts.onLostTurn === "fail") throw lostTurn(this.sessionId, cause);
    await this.#say([toUserMessage([{ type: "text", text: GO_ON }])]);
  }

  async #interrupt(results: ReadonlyMap<string, ToolResult>, signal: AbortSignal): Promise<void> {
    const wasAsking = this.#asking !== undefined;
    const { handoff } = this.#standing;
    this.#stopAsking();
    if ((wasAsking || handoff !== undefined) && this.#parts.onInterrupt === "stop") {
      await this.#parts.stop(signal);
      // The machine is gone, and with it whatever waited.
      this.#rest();
    } else if (handoff === undefined) this.#rest();
    else {
      this.#owed = results;
      this.#stand({ isDropped: true, isUnderWay: false });
    }
    if (wasAsking || handoff !== undefined)
      this.#parts.emit({ type: "turn.done", ending: "completed", stopReason: "interrupted" });
  }

  /** A call that was stopped still waits over there, and nothing else is taken until it is answered. */
  async #closeStoppedCall(asking: AbortController): Promise<void> {
    const stopped = textResult(STOPPED, true);
    for (let tries = 0; tries < MAX_STOPPED_CALLS; tries += 1) {
      const { handoff } = this.#standing;
      if (handoff === undefined) return;
      const results = new Map(
        this.#waitingOf(handoff).map(({ id }) => [id, this.#owed.get(id) ?? stopped] as const),
      );
      this.#isMuted = true;
      try {
        await this.#ask(toAnswer(handoff, results), asking, () => this.#stand(NOTHING_OPEN), true);
      } catch (thrown) {
        const error = toLoophostError(thrown, "host_failed", "A stopped call could not be closed");
        if (!isRefusedAnswer(error)) throw error;
        this.#rest();
      } finally {
        this.#isMuted = false;
      }
    }
    throw new LoophostError("host_failed", "The agent goes on calling tools after its run was stopped.", {
      mayRetry: false,
    });
  }

  /** Sends one invocation; resolves with the first event of its reply, or with its end where that is asked for. */
  async #ask(
    messages: readonly Json[],
    asking: AbortController,
    onTaken: () => void,
    isAwaited = false,
  ): Promise<void> {
    const events = this.#parts.invoke(messages, asking.signal);
    const first = await events.next();
    if (this.#asking !== asking) return;
    onTaken();
    this.#stand({ turns: this.#standing.turns + 1, text: "" }, false);
    if (!this.#isMuted) this.#parts.emit({ type: "turn.began" });
    this.#reader.begin();
    const reading = this.#read(first, events, asking);
    if (isAwaited) await reading;
    // Reported as an event: nobody waits for this promise.
    else reading.catch((thrown: unknown) => this.#fail(thrown, asking));
  }

  async #read(
    first: IteratorResult<HarnessEvent, void>,
    events: AsyncGenerator<HarnessEvent, void>,
    asking: AbortController,
  ): Promise<void> {
    try {
      for (let step = first; step.done !== true; step = await events.next()) {
        if (this.#asking !== asking) return;
        this.#reader.take(step.value);
      }
      if (this.#asking === asking) this.#turnEnded();
    } finally {
      await events.return();
    }
  }

  #turnEnded(): void {
    const { handoff, ...end } = this.#reader.end();
    if (!this.#isMuted) this.#asking = undefined;
    if (handoff !== undefined) {
      this.#stand({ ...NOTHING_OPEN, handoff });
      if (!this.#isMuted) this.#tellCalls(handoff);
      return;
    }
    this.#stand({ ...NOTHING_OPEN, end });
    this.#tell({ type: "turn.done", ...end });
  }

  #fail(thrown: unknown, asking: AbortController): void {
    if (this.#asking !== asking) return;
    this.#asking = undefined;
    this.#rest();
    const error = toLoophostError(thrown, "host_failed", "The reply could not be read");
    this.#tell({ type: "failed", error, sessionOver: false });
  }

  #tellCalls(handoff: Handoff): void {
    const { emit } = this.#parts;
    const waiting = this.#waitingOf(handoff);
    for (const use of waiting) emit({ type: "call", id: use.id, name: use.name, ...readInput(use) });
    const needs = waiting.map(({ id }) => id);
    emit({ type: "turn.done", ending: "requires_action", stopReason: "tool_use", needs });
  }

  /** The calls that are answered next. */
  #waitingOf({ open }: Handoff): Handoff["open"] {
    return this.#parts.handoff === "one" ? open.slice(0, 1) : open;
  }

  #tell(event: HostEvent): void {
    if (event.type === "usage") this.#stand({ usage: addUsage(this.#standing.usage, event.usage) }, false);
    else if (event.type === "message") this.#stand({ text: this.#standing.text + event.text }, false);
    if (!this.#isMuted || event.type === "usage") this.#parts.emit(event);
  }

  #startAsking(): AbortController {
    this.#stopAsking();
    this.#asking = new AbortController();
    return this.#asking;
  }

  #stopAsking(): void {
    const asking = this.#asking;
    this.#asking = undefined;
    asking?.abort();
  }

  #rest(): void {
    this.#owed = new Map();
    this.#reader.forget();
    this.#stand(NOTHING_OPEN);
  }

  #stand(changes: Partial<Standing>, isKept = true): void {
    this.#standing = { ...this.#standing, ...changes };
    if (isKept) this.#parts.emit({ type: "cursor", value: toCursor(this.#standing) });
  }
}

const NOTHING_OPEN = { handoff: undefined, isDropped: false, isUnderWay: false, end: undefined };
const MAX_STOPPED_CALLS = 16;
const STOPPED = "This call was stopped by the user before it had a result. Do not repeat it.";
const GO_ON = "The connection was interrupted. Continue where you left off; check before repeating anything.";

/** What the service has no use for. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  raw: "raw events",
  verdict: "verdicts",
  outcome: "outcomes: the service grades traces, outside of sessions",
  system: "system messages: its system prompt is the option systemPrompt, or the agent's instructions",
};
