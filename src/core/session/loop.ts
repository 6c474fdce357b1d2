/**
 * The loop of one session: inputs are folded into its state, and the commands that come out are performed. It holds the
 * run under way, hands events to its reader, records what must outlive the process, and settles the run at its end.
 *
 *   S1  inputs are folded one at a time, in the order they came, however deep the call that brought them
 *   S2  deltas go from the wire to the reader without passing the machine
 *   S3  the result of a call is journalled before it is posted; a failed post is posted again, the tool is not run again (I3)
 *   S4  whatever ends a run settles both its feed and its result (I12), once the end is on record: a result that was told
 *       and then lost in a crash would be computed twice
 */

import type { Agent } from "../agent.ts";
import { Effects } from "../async/effects.ts";
import { Serial } from "../async/serial.ts";
import type { Clock } from "../clock.ts";
import { LoophostError, toLoophostError } from "../errors.ts";
import type { RunWaitingEvent, SessionEvent } from "../events.ts";
import { isDelta } from "../events.ts";
import { Approvals } from "../execution/approvals.ts";
import type { Watch } from "../execution/watch.ts";
import type { JournalEntry } from "../journal/entry.ts";
import type { Journal } from "../journal/journal.ts";
import { ids } from "../loop/calls.ts";
import { next } from "../loop/machine.ts";
import type { Command, LoopInput, LoopState } from "../loop/state.ts";
import type { Connection, HostEvent, PassedOnEvent, RecordedEvent } from "../provider.ts";
import { isPassedOn, isRecordedEvent } from "../provider.ts";
import type { RunEnd } from "../results.ts";
import { terminalOf } from "../results.ts";
import type { OpenOptions } from "../session.ts";
import type { LiveRun } from "./live-run.ts";
import { Performer } from "./perform.ts";
import type { PastEvent } from "./take-up.ts";
import { ofOpenTurn } from "./take-up.ts";

/** What the loop of a session is made of. */
export interface LoopParts {
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
  readonly clock: Clock;
  readonly watch: Watch;
  /** Aborted when the session closes. */
  readonly signal: AbortSignal;
}

/** The run under way. */
export interface OpenRun {
  readonly live: LiveRun;
  readonly ifWaiting: "hold" | "return";
  readonly startedAt: number;
  /** Clears its timeout and unlinks its signal, which would leak. */
  release: () => void;
  /** Whether its end is being written: no further event of it is emitted. */
  isEnding: boolean;
  /** Whether its start is in the journal, so that its end has to be as well. */
  isRecorded: boolean;
  /** Calls that are denied once they wait for somebody: a message came instead of a decision. */
  denies: ReadonlySet<string>;
  /** The write of what it waits for. */
  waitingRecorded?: Promise<void> | undefined;
}

/** The loop of one session. */
export class Loop {
  readonly approvals: Approvals;
  readonly effects: Effects = new Effects((thrown) => this.#effectFailed(thrown));
  /** The run under way. */
  run: OpenRun | undefined;
  /** Why no run can be started any more. */
  ended: LoophostError | undefined;
  /** Events no run was there to tell, until the first run of this process; then undefined, so that they do not stay in memory. */
  past: PastEvent[] | undefined;
  /** The last write of a cursor. */
  kept: Promise<void> | undefined;
  readonly #parts: LoopParts;
  readonly #performer: Performer;
  readonly #inputs = new Serial<LoopInput | PassedOnEvent>((input) => this.#fold(input));
  #state: LoopState;

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#state = parts.state;
    this.past = parts.past;
    const { journal, options } = parts;
    const { effects } = this;
    const dispatch = (input: LoopInput) => this.dispatch(input);
    this.#performer = new Performer({
      ...parts,
      effects,
      dispatch,
      tell: (event) => this.tell(event),
      look: () => this.#state,
      current: () => this.run,
    });
    this.approvals = new Approvals({
      onApproval: options.onApproval,
      journal,
      effects,
      dispatch,
      closed: parts.signal,
      look: () => ({ calls: this.#state.calls, isRunOpen: this.run?.isEnding === false }),
      isExternal: (tool) => parts.agent.tools.some((one) => one.name === tool && one.execute === undefined),
    });
  }

  /** What is known. */
  get state(): LoopState {
    return this.#state;
  }

  /** Takes an event of the host's. */
  hear(event: HostEvent): void {
    if (this.#parts.signal.aborted) return;
    // An event that comes while an earlier one is still being folded waits its turn; deltas seldom do.
    if (isPassedOn(event) && !this.#inputs.isBusy) this.tell(event);
    else if (isRecordedEvent(event)) this.#keep(event);
    else this.dispatch(event);
  }

  /** Takes an input: at once, or after those being folded. */
  dispatch(input: LoopInput | PassedOnEvent): void {
    this.#inputs.push(input);
  }

  /** Shuts the loop down: no run can be started any more, tools are cancelled, an open run fails. */
  end(why: LoophostError): void {
    this.ended = why;
    this.#performer.executor.cancel();
    if (this.run?.isEnding === false) this.#settle(this.run, why);
  }

  /** Interrupts the run under way; resolves once that is on record, so that nobody goes on with it. */
  interrupt(item?: number): Promise<void> {
    const { run } = this;
    if (run === undefined || run.isEnding) return Promise.resolve();
    // Written in the step that acts on it, and before: the entries that follow from it must come after.
    const written = run.isRecorded
      ? this.#parts.journal.record({ type: "interrupted", runId: run.live.id, item })
      : undefined;
    this.effects.track(written);
    this.dispatch({ type: "interrupt" });
    return written ?? Promise.resolve();
  }

  /** Denies the calls that wait for somebody, now and later in this run. */
  denyWaiting(): void {
    const { run } = this;
    if (run === undefined) return;
    run.denies = new Set(ids(this.#state.calls));
    this.approvals.deny(run.denies);
  }

  /** Drains: starts nothing more, and releases the run once what is under way here is recorded. */
  suspend(): void {
    this.#performer.executor.suspend();
    this.dispatch({ type: "suspend", awaitTurn: !this.#parts.options.provider.traits.worksAlone });
  }

  /** Fails a run that was not started: nothing is recorded of it, and queued messages stay. */
  refuse(run: OpenRun, error: LoophostError): void {
    this.#settle(run, error);
  }

  /** Hands an event to the reader of the run under way; one of the past may be in the journal as told. */
  tell(told: PastEvent, isPast?: boolean): void {
    const { run } = this;
    if (run === undefined) return void (isDelta(told) || this.past?.push(told));
    if (run.isEnding) return;
    const event = told.type === "model.asked" ? { ...told, turn: this.#state.turn } : told;
    this.#show(run, event, isPast);
    if (event.type === "approval.requested") this.approvals.ask(event, run.denies.has(event.id));
    else if (event.type === "run.waiting") this.#wait(event, run);
  }

  #show({ live }: OpenRun, event: SessionEvent, isPast?: boolean): void {
    live.push(event);
    this.#parts.journal.tell?.(event, isPast);
    this.#parts.watch.event(event);
  }

  #fold(input: LoopInput | PassedOnEvent): void {
    if (isPassedOn(input)) return this.tell(input);
    if (input.type === "message.seen") this.past &&= ofOpenTurn(this.past, this.#state);
    const { state, commands } = next(this.#state, input);
    this.#state = state;
    this.#parts.watch.step(state.answers, input, commands);
    if (input.type === "failed" && input.sessionOver) this.ended = input.error;
    for (const command of commands) this.#do(command);
  }

  #do(command: Command): void {
    const { run } = this;
    // Race: a decision or an answer that was being written while the session was closed would start its tool, or the model, after
    // close(). It is on record, and whoever opens the session next goes on with it.
    if ((command.do === "execute" || command.do === "post") && this.ended !== undefined) return;
    if (command.do !== "end" && command.do !== "fail") return this.#performer.perform(command);
    if (run === undefined || run.isEnding) return;
    run.isEnding = true;
    const runId = run.live.id;
    const spent = run.live.progress();
    if (command.do === "end") {
      const { do: _, ...end } = command;
      const { output } = run.live;
      this.#settleOnRecord(run, { type: "run.ended", runId, ...end, ...spent, output }, end);
    } else {
      const { error } = command;
      const { code, message } = error;
      this.#settleOnRecord(run, { type: "run.failed", runId, code, message, ...spent }, error);
    }
  }

  /** Settles a run once its end is durable; a replayed run, or one stopped before it began, has no end to record. */
  #settleOnRecord(run: OpenRun, entry: JournalEntry, how: RunEnd | LoophostError): void {
    const { journal } = this.#parts;
    // A parked run stays the open run, and its last record is what it waits for.
    const isParked = !(how instanceof LoophostError) && how.ending === "requires_action";
    const written = isParked ? run.waitingRecorded : run.isRecorded ? journal.record(entry) : undefined;
    if (written === undefined) return this.#settle(run, how);
    this.effects.track(
      written.then(
        () => this.#settle(run, how),
        (thrown: unknown) => this.#settle(run, how instanceof LoophostError ? how : asStoreError(thrown)),
      ),
    );
  }

  #settle(run: OpenRun, how: RunEnd | LoophostError): void {
    if (this.run !== run) return;
    this.run = undefined;
    run.release();
    const transcript = this.#parts.connection.transcript();
    if (how instanceof LoophostError) {
      const { code, message } = how;
      this.#show(run, { type: "run.failed", code, message });
      return run.live.fail(how, transcript);
    }
    const { ending, stopReason, details } = how;
    const end = { terminal: terminalOf(ending), ending, stopReason, details };
    this.#show(run, { type: "run.ended", ...end });
    run.live.end({ ...end, transcript });
  }

  /** An effect failed: so did the run it belonged to. */
  #effectFailed(thrown: unknown): void {
    if (this.ended !== undefined || this.run === undefined) return;
    const error = toLoophostError(thrown, "host_failed", "The run could not go on");
    this.dispatch({ type: "failed", error, sessionOver: false });
  }

  #wait(event: RunWaitingEvent, run: OpenRun): void {
    const { journal } = this.#parts;
    // A recorded decision is acted on next; if other calls still wait then, `run.waiting` is emitted again.
    if (event.on.some((call) => call.what === "approval" && this.approvals.isDecided(call))) return;
    if (this.approvals.deny(run.denies)) return;
    if (journal.isDurable) {
      const written = journal.record({ type: "run.waiting", on: event.on });
      run.waitingRecorded = written;
      this.effects.track(written);
    }
    // Calls of the host's own workers continue without us: a run returned now would end before they have answered.
    const isTheirs = event.on.every(({ id }) =>
      this.#state.calls.some((call) => call.id === id && call.kind === "others"),
    );
    if (run.ifWaiting === "return" && !isTheirs && this.approvals.isUpToOthers(event))
      this.dispatch({ type: "park" });
  }

  /** Journals what entered the conversation. Without a store the connection's own copy is all there is. */
  #keep(event: RecordedEvent): void {
    if (!this.#parts.journal.isDurable) return;
    const entry = event.type === "transcript.added" ? { ...event, type: "said" as const } : event;
    const written = this.#parts.journal.record(entry);
    if (entry.type === "cursor") this.kept = written;
    this.effects.track(written);
  }
}

function asStoreError(thrown: unknown): LoophostError {
  return toLoophostError(thrown, "store_failed", "The end of the run could not be recorded");
}
