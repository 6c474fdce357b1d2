/**
 * A session held with the service: one invocation per turn, each answered with a stream. What the service does not keep for
 * us, where the session stands, is put on record before anything follows from it.
 *
 *   C1  no message is sent a second time once the agent may have run on it, and an answer only with the next run: the service
 *       takes it once. A turn whose end nobody saw is lost, and told as such
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
import { CallIds, idOf } from "./call-ids.ts";
import type { Standing } from "./cursor.ts";
import { fromCursor, NOTHING_OPEN, toCursor } from "./cursor.ts";
import { readInputs } from "./inputs.ts";
import { isRefusedAnswer, LOST, lostTurn, mayHaveRun } from "./lost-turn.ts";
import { tellPast } from "./past.ts";
import type { SessionParts } from "./session-parts.ts";
import { SAID, toAnswer, toUserMessage } from "./words.ts";

/** A session held with the service. */
export class HarnessConnection implements Connection {
  readonly sessionId: string;
  readonly #parts: SessionParts;
  readonly #reader: TurnReader;
  readonly #ids: CallIds;
  #standing: Standing;
  #asking: AbortController | undefined;
  /** Whether what is read is told: not while a stopped call is closed. */
  #isMuted = false;
  /** Results of calls that were stopped, which the service has yet to be given. */
  #owed: ReadonlyMap<string, ToolResult> = new Map();
  /** Whether a run has failed because nobody knows what became of its answer: a turn that is lost fails no second one. */
  #isDoubtTold = false;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.sessionId = parts.sessionId;
    this.#standing = { ...fromCursor(parts.cursor), provisioned: parts.provisioned };
    const { handoff, ids } = this.#standing;
    this.#ids = new CallIds(ids, handoff?.open ?? []);
    this.#reader = new TurnReader(parts.isOurs, (event) => this.#tell(event), handoff);
    if (parts.hasPast) tellPast(this.#standing, parts.emit, (waits) => this.#tellCalls(waits));
  }

  async send(inputs: readonly HostInput[], signal: AbortSignal): Promise<void> {
    const { does, results, content } = readInputs(inputs);
    if (does === "interrupt") await this.#interrupt(results, signal);
    else if (does === "answer") await this.#answer(results);
    else if (does === "continue") await this.#lose();
    else if (does === "say") await this.#say([toUserMessage(content)]);
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

  async #say(messages: readonly Json[]): Promise<void> {
    const asking = this.#startAsking();
    await this.#closeStoppedCall(asking);
    const prompts = this.#standing.prompts + 1;
    this.#stand({ ...NOTHING_OPEN, prompts, turns: 0, usage: NO_USAGE, isUnderWay: true });
    await this.#parts.whenKept();
    try {
      await this.#saySafely(messages, asking);
    } catch (thrown) {
      if (this.#asking !== asking) return;
      const error = toLoophostError(thrown, "host_failed", "The message could not be sent");
      this.#rest({ isLost: this.#standing.isLost || mayHaveRun(error) });
      throw error;
    }
  }

  /** Sends a message. A session that was lost sight of may wait for a call nobody here has seen: only a new machine takes it. */
  async #saySafely(messages: readonly Json[], asking: AbortController): Promise<void> {
    const { clock, emit, retry } = this.#parts;
    const say = () =>
      withRetry(() => this.#ask(messages, asking, () => emit({ type: "input.taken" })), {
        policy: retryPolicy(retry),
        clock,
        signal: asking.signal,
        toError: (thrown) => toLoophostError(thrown, "host_failed", "The message could not be sent"),
        onRetry: (attempt, delayMs, { message }) =>
          emit({ type: "retrying", attempt, delayMs, reason: message }),
      });
    if (!this.#standing.isLost) return say();
    await say().catch(async (thrown: unknown) => {
      const error = toLoophostError(thrown, "host_failed", "The message could not be sent");
      if (this.#asking !== asking || !isRefusedAnswer(error)) throw error;
      emit({ type: "retrying", attempt: 1, delayMs: 0, reason: SAID.stuck });
      await this.#parts.stop(asking.signal);
      await say();
    });
  }

  async #answer(results: ReadonlyMap<string, ToolResult>): Promise<void> {
    const { handoff, isLost } = this.#standing;
    if (handoff === undefined) {
      // Nobody waits for it any more: its turn is over, or the message behind it would wait for that turn's end.
      if (isLost && this.#asking === undefined) this.#parts.emit({ type: "turn.done", ...LOST });
      return;
    }
    const asking = this.#startAsking();
    try {
      await this.#ask(toAnswer(handoff, results), asking, () =>
        this.#answered(handoff, { isUnderWay: true }),
      );
    } catch (thrown) {
      if (this.#asking !== asking) return;
      this.#asking = undefined;
      const error = toLoophostError(thrown, "host_failed", "A tool result could not be sent");
      const wasTold = this.#isDoubtTold;
      this.#isDoubtTold = mayHaveRun(error);
      if (!isRefusedAnswer(error)) throw error;
      // Nothing will ever make it wanted again; kept, it would block the session for good.
      if (!wasTold || this.#parts.onLostTurn === "continue") return this.#lose(error);
      this.#rest({ isLost: true });
      this.#parts.emit({ type: "turn.done", ...LOST });
    }
  }

  /** The end of a turn will never be known. */
  async #lose(cause?: LoophostError): Promise<void> {
    this.#rest({ isLost: true });
    if (this.#parts.onLostTurn === "fail") throw lostTurn(this.sessionId, cause);
    await this.#say([toUserMessage([{ type: "text", text: SAID.goOn }])]);
  }

  async #interrupt(results: ReadonlyMap<string, ToolResult>, signal: AbortSignal): Promise<void> {
    const wasAsking = this.#asking !== undefined;
    const { handoff } = this.#standing;
    this.#stopAsking();
    if (!wasAsking && handoff === undefined) return this.#rest();
    const end = { ending: "completed", stopReason: "interrupted", details: undefined } as const;
    if (this.#parts.onInterrupt === "stop") {
      await this.#parts.stop(signal);
      // The machine is gone, and with it whatever waited.
      this.#rest({ end, isLost: false });
    } else if (handoff === undefined) this.#rest({ end, isLost: true });
    else {
      this.#owed = results;
      this.#stand({ end, isDropped: true, isUnderWay: false });
    }
    this.#parts.emit({ type: "turn.done", ...end });
  }

  /** A call that was stopped still waits over there, and nothing else is taken until it is answered. */
  async #closeStoppedCall(asking: AbortController): Promise<void> {
    const stopped = textResult(SAID.stopped, true);
    for (let tries = 0; tries < MAX_STOPPED_CALLS; tries += 1) {
      const { handoff } = this.#standing;
      if (handoff === undefined) return;
      const results = new Map(
        this.#waitingOf(handoff).map((use) => [idOf(use), this.#owed.get(idOf(use)) ?? stopped] as const),
      );
      this.#isMuted = true;
      try {
        await this.#ask(toAnswer(handoff, results), asking, () => this.#answered(handoff), true);
      } catch (thrown) {
        const error = toLoophostError(thrown, "host_failed", "A stopped call could not be closed");
        if (!isRefusedAnswer(error)) throw error;
        // It has an answer already, and what followed on that nobody saw.
        this.#rest({ isLost: true });
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
    // Not awaited: its failure is reported as an event, or it would be an unhandled rejection.
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
      if (this.#asking === asking) await this.#turnEnded(asking);
    } finally {
      await events.return();
    }
  }

  async #turnEnded(asking: AbortController): Promise<void> {
    const { handoff: waits, ...end } = this.#reader.end();
    if (waits !== undefined) {
      const handoff = { ...waits, open: this.#ids.name(waits.open) };
      this.#stand({ ...NOTHING_OPEN, handoff, isLost: false });
      if (this.#isMuted) return;
      await this.#parts.whenKept();
      // Race: the turn may have been interrupted while the record was written.
      if (this.#asking !== asking) return;
      this.#asking = undefined;
      return this.#tellCalls(handoff);
    }
    if (!this.#isMuted) this.#asking = undefined;
    this.#stand({ ...NOTHING_OPEN, end, isLost: false });
    this.#tell({ type: "turn.done", ...end });
  }

  #fail(thrown: unknown, asking: AbortController): void {
    if (this.#asking !== asking) return;
    this.#asking = undefined;
    this.#rest({ isLost: true });
    const error = toLoophostError(thrown, "host_failed", "The reply could not be read");
    this.#tell({ type: "failed", error, sessionOver: false });
  }

  #tellCalls(handoff: Handoff): void {
    const { emit } = this.#parts;
    const waiting = this.#waitingOf(handoff);
    for (const use of waiting) emit({ type: "call", id: idOf(use), name: use.name, ...readInput(use) });
    emit({ type: "turn.done", ending: "requires_action", stopReason: "tool_use", needs: waiting.map(idOf) });
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

  #answered(handoff: Handoff, besides: Partial<Standing> = {}): void {
    this.#ids.close(this.#waitingOf(handoff));
    this.#stand({ ...NOTHING_OPEN, ...besides });
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

  #rest(besides: Partial<Standing> = {}): void {
    this.#owed = new Map();
    this.#reader.forget();
    this.#ids.close();
    this.#stand({ ...NOTHING_OPEN, ...besides });
  }

  #stand(changes: Partial<Standing>, isKept = true): void {
    this.#standing = { ...this.#standing, ...changes, ids: this.#ids.used };
    if (isKept) this.#parts.emit({ type: "cursor", value: toCursor(this.#standing) });
  }
}

const MAX_STOPPED_CALLS = 16;
