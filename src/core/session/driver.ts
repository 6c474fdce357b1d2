/**
 * The session object that users hold: runs are started, steered and stopped here, and performed by its loop.
 *
 * A run is one *activation* of the session: something wakes it (a message, a reattach), it runs, and it parks when the
 * host is done or a person must be waited for. Between activations a session holds nothing but its state and its
 * connection.
 */

import type { Agent } from "../agent.ts";
import type { Clock } from "../clock.ts";
import { systemClock } from "../clock.ts";
import { LoophostError } from "../errors.ts";
import type { Watch } from "../execution/watch.ts";
import type { JournalEntry, JournalFacts, OpenRunRecord } from "../journal/entry.ts";
import type { Journal } from "../journal/journal.ts";
import { ids } from "../loop/calls.ts";
import { NOTHING_OPEN } from "../loop/runs.ts";
import type { LoopInput, LoopState, RunPolicy } from "../loop/state.ts";
import { isUnfinished } from "../loop/state.ts";
import type { Connection, HostEvent, HostInput } from "../provider.ts";
import type { ToolResult } from "../results.ts";
import { NO_USAGE, textResult } from "../results.ts";
import type { Run } from "../run.ts";
import type { OpenOptions, Prompt, RunOptions, Session } from "../session.ts";
import { LiveRun } from "./live-run.ts";
import type { OpenRun } from "./loop.ts";
import { Loop } from "./loop.ts";
import { toInputs } from "./prompt.ts";
import { aborted, boundRun, gapOf, MAX_LIVES, policyOf, workerLost } from "./run-bounds.ts";
import { checkRun } from "./session-options.ts";
import type { PastEvent } from "./take-up.ts";
import { isIdle, isUnsent, named, runToResume } from "./take-up.ts";

/** Milliseconds close() waits for a last message, such as an interrupt, to reach the host. */
const GOODBYE_MS = 5_000;

/** What a session is driven with, once it is open. */
export interface Opened {
  /** What the session is called here; at its host it may have another id. */
  readonly sessionId: string;
  readonly agent: Agent;
  readonly options: OpenOptions;
  readonly connection: Connection;
  readonly journal: Journal;
  /** What is known of the session's past. */
  readonly state: LoopState;
  /** What was to be told since the host's last message, for a run that is resumed. */
  readonly past: PastEvent[];
  readonly watch: Watch;
  /** Aborts everything the session has under way. */
  readonly closing: AbortController;
}

/** A session, driven. Made by `openSession`. */
export class LoopSession implements Session {
  readonly id: string;
  readonly #agent: Agent;
  readonly #options: OpenOptions;
  readonly #clock: Clock;
  readonly #connection: Connection;
  readonly #journal: Journal;
  readonly #closing: AbortController;
  readonly #watch: Watch;
  readonly #loop: Loop;
  #runs = 0;
  #closed: Promise<void> | undefined;
  /** Why nothing can be recorded any more. */
  #lost: LoophostError | undefined;

  constructor(opened: Opened) {
    const { agent, options, connection, journal, closing } = opened;
    this.id = opened.sessionId;
    this.#agent = agent;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#connection = connection;
    this.#journal = journal;
    this.#closing = closing;
    this.#watch = opened.watch;
    this.#watch.begin(this.id);
    this.#runs = journal.recorded.runs;
    this.#loop = new Loop({ ...opened, clock: this.#clock, signal: closing.signal });
    // Fenced off: another process may own the session now, so nothing may be sent any more, not even an interrupt.
    journal.whenLost((error) => {
      this.#lost = error;
      this.#loop.end(error);
    });
  }

  /** Takes an event of the host's. */
  hear(event: HostEvent): void {
    this.#loop.hear(event);
  }

  /** Resolves once the host's last cursor is durable. */
  async kept(): Promise<void> {
    await this.#loop.kept;
  }

  send(prompt: Prompt, options: RunOptions = {}, item?: number): Run {
    checkRun(options);
    return this.#start(toInputs(prompt, options), options, item);
  }

  resume(options: RunOptions = {}): Run {
    checkRun(options);
    return this.#start([], options);
  }

  interrupt(item?: number): Promise<void> {
    return this.#loop.interrupt(item);
  }

  async approve(callId: string, item?: number): Promise<void> {
    this.#mustBeOpen();
    await this.#loop.approvals.decide(callId, true, undefined, item);
  }

  async deny(callId: string, why?: string, item?: number): Promise<void> {
    this.#mustBeOpen();
    await this.#loop.approvals.decide(callId, false, why, item);
  }

  async answer(callId: string, answer: string | ToolResult, item?: number): Promise<void> {
    this.#mustBeOpen();
    const result = typeof answer === "string" ? textResult(answer) : answer;
    await this.#loop.approvals.answer(callId, result, item);
  }

  /** What is on record of the session. */
  get recorded(): JournalFacts {
    return this.#journal.recorded;
  }

  /** How many whole events its readers were shown, those included that are not on record yet. */
  get told(): number {
    return this.#journal.told ?? 0;
  }

  /** Records that an inbox item was refused. */
  async refuseItem(item: number, { code, message }: LoophostError): Promise<void> {
    await this.#journal.record({ type: "item.refused", item, code, message });
  }

  /** Denies the calls that wait for somebody, now and later in this run: a message came instead of a decision. */
  denyWaiting(): void {
    this.#loop.denyWaiting();
  }

  /** Drains: starts nothing more, and the run under way ends with `requires_action` once what runs here is recorded. */
  suspend(): void {
    this.#loop.suspend();
  }

  async sendEvent(event: unknown): Promise<void> {
    this.#mustBeOpen();
    const inputs = [{ type: "raw", event }] as const;
    await this.#watch.send(inputs, () => this.#connection.send(inputs, this.#closing.signal));
  }

  close(): Promise<void> {
    // Idempotent: a second close waits for the first, which has reported any error.
    if (this.#closed !== undefined) return this.#closed.catch(() => undefined);
    this.#closed = this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const closed = new LoophostError("session_closed", "The session was closed.");
    const lostBefore = this.#lost;
    this.#loop.end(closed);
    await this.#loop.effects.settle(GOODBYE_MS, this.#clock);
    this.#closing.abort(closed);
    await this.#connection.close();
    await this.#journal.close();
    // A write that failed earlier was reported then; one that failed during close would be reported to nobody.
    if (this.#lost !== lostBefore) throw this.#lost;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(
    inputs: readonly HostInput[],
    { signal, ifWaiting = "hold", ifOpen = "queue" }: RunOptions,
    item?: number,
  ): Run {
    this.#mustBeFree(inputs.length > 0 && ifOpen === "refuse");
    const loop = this.#loop;
    const { recorded: facts } = this.#journal;
    const isFirst = loop.past !== undefined;
    const resumed = inputs.length === 0 ? runToResume(facts, loop.state, isFirst) : undefined;
    const isAborted = signal?.aborted === true;
    const isNew = resumed === undefined && !isAborted && (inputs.length > 0 || !isIdle(loop.state));
    // Collision: the next process counts the runs on record. A number that leaves none would be given again, as the id of a message, too.
    if (isNew) this.#runs += 1;
    const runId = resumed?.id ?? `run_${isNew ? this.#runs : 0}`;
    const live = new LiveRun(runId, this.id, this.#options.keepEvents);
    const all = named(inputs, runId);
    const isOpen = resumed !== undefined && resumed === facts.run;
    const elapsedMs = isOpen ? resumed.elapsedMs + gapOf(Date.now(), resumed.since) : 0;
    const run: OpenRun = {
      live,
      ifWaiting,
      startedAt: this.#clock.now() - elapsedMs,
      release: () => undefined,
      isEnding: false,
      isRecorded: false,
      denies: new Set(inputs.length > 0 && ifOpen === "deny" ? ids(loop.state.calls) : []),
    };
    loop.run = run;
    this.#watch.begin(this.id, runId, resumed?.traceContext);
    loop.tell({ type: "run.started", runId, sessionId: this.id });
    if (isAborted) {
      loop.refuse(run, aborted(signal.reason));
      return live;
    }
    const policy = policyOf(this.#agent, this.#options.guard !== undefined);
    if (resumed === undefined) loop.dispatch({ type: "start", inputs: all, policy });
    else this.#takeUp(live, resumed, all, policy);
    loop.past = undefined;
    run.isRecorded = isOpen || isNew;
    const entry: JournalEntry = isOpen
      ? { type: "run.resumed", runId, elapsedMs }
      : { type: "run.started", runId, input: all, item, traceContext: this.#watch.traceContext() };
    const written = run.isRecorded ? this.#journal.record(entry) : undefined;
    const limitMs = this.#agent.limits.runTimeoutMs;
    const bounds = { leftMs: limitMs - elapsedMs, limitMs, signal, clock: this.#clock };
    run.release = boundRun(bounds, (error) => loop.run === run && loop.dispatch({ type: "stop", error }));
    loop.approvals.deny(run.denies);
    const first: LoopInput =
      isOpen && resumed.lives > MAX_LIVES
        ? { type: "stop", error: workerLost() }
        : // An interrupt that an earlier process recorded is durable: its caller was told so, and the run must not continue.
          { type: isOpen && resumed.isInterrupted ? "interrupt" : "started" };
    const begin = () => loop.run === run && loop.dispatch(first);
    if (written === undefined) begin();
    else loop.effects.track(written.then(begin));
    return live;
  }

  /** Goes on with a run an earlier process left open, from what it had come to. */
  #takeUp(live: LiveRun, open: OpenRunRecord, inputs: readonly HostInput[], policy: RunPolicy): void {
    const { history, worksAlone: runsElsewhere } = this.#options.provider.traits;
    const { state } = this.#loop;
    const isNew = isUnsent(open, state);
    const turns = history === "here" || isNew ? open.turns : state.turn;
    // Replay of a run that had ended: its process may have crashed before reading the result. Its tokens were counted then.
    const isOver = this.#journal.recorded.run === undefined;
    const usage = isOver ? NO_USAGE : open.usage;
    live.takeUp({ turns, usage, toolCalls: open.toolCalls.values() });
    for (const event of isNew ? [] : (this.#loop.past ?? []))
      if (!isOver || event.type !== "usage") this.#loop.tell(event, true);
    const resumed = {
      turns,
      runsElsewhere,
      end: isOver && open.end ? { ...open.end, details: open.end.details ?? NOTHING_OPEN } : open.end,
    };
    this.#loop.dispatch({ type: "start", inputs, policy, resumed });
  }

  /** Throws once it was closed: a decision taken then would be kept nowhere, and its caller told that it is durable. */
  #mustBeOpen(): void {
    if (this.#loop.ended !== undefined) throw this.#loop.ended;
  }

  /** Throws unless a run can be started; with `alone` also when an earlier one is open. */
  #mustBeFree(alone: boolean): void {
    this.#mustBeOpen();
    const { over } = this.#loop.state;
    if (over !== undefined) {
      throw new LoophostError(
        "session_closed",
        `The host ended this session (${over.ending}); open a new one.`,
      );
    }
    if (this.#loop.run !== undefined) {
      const wayOut = "Await its result() or interrupt() it.";
      throw new LoophostError("session_busy", `This session has a run open. ${wayOut}`);
    }
    if (alone && (this.#journal.recorded.run !== undefined || isUnfinished(this.#loop.state))) {
      const wayOut = 'resume() it first, or send with ifOpen: "queue" or "deny".';
      throw new LoophostError("session_busy", `An earlier run of this session is open. ${wayOut}`);
    }
  }
}
