/**
 * The loop of one session: inputs are folded into its state, and the commands that come out are performed. It holds the
 * run under way, hands events to its reader, records what must outlive the process, and settles the run at its end.
 *
 *   S1  inputs are folded one at a time, in the order they came, however deep the call that brought them
 *   S2  deltas go from the wire to the reader without passing the machine
 *   S3  the result of a call is journalled before it is posted; a failed post is posted again, the tool is not run again (I3)
 *   S4  whatever ends a run settles both its feed and its result (I12)
 */

import type { Agent } from "../agent.ts";
import { Effects } from "../async/effects.ts";
import { Serial } from "../async/serial.ts";
import type { Clock } from "../clock.ts";
import type { LoophostError } from "../errors.ts";
import { toLoophostError } from "../errors.ts";
import type { RunWaitingEvent, SessionEvent } from "../events.ts";
import { Approvals } from "../execution/approvals.ts";
import type { JournalEntry } from "../journal/entry.ts";
import type { Journal } from "../journal/journal.ts";
import { next } from "../loop/machine.ts";
import type { Command, LoopInput, LoopState } from "../loop/state.ts";
import type { Connection, HostEvent, PassedOnEvent, RecordedEvent } from "../provider.ts";
import { isLoopEvent, isPassedOn, isRecordedEvent } from "../provider.ts";
import { terminalOf } from "../results.ts";
import type { OpenOptions } from "../session.ts";
import type { LiveRun } from "./live-run.ts";
import { Performer } from "./perform.ts";
import { tellStep } from "./steps.ts";

/** What the loop of a session is made of. */
export interface LoopParts {
  readonly agent: Agent;
  readonly options: OpenOptions;
  readonly connection: Connection;
  readonly journal: Journal;
  /** What is known of the session's past. */
  readonly state: LoopState;
  readonly clock: Clock;
  /** Aborted when the session closes. */
  readonly signal: AbortSignal;
}

/** The run under way. */
export interface OpenRun {
  readonly live: LiveRun;
  readonly ifWaiting: "hold" | "return";
  readonly startedAt: number;
  /** Lets go of its deadline and its signal. */
  readonly release: () => void;
}

/** The loop of one session. */
export class Loop {
  readonly approvals: Approvals;
  readonly effects: Effects = new Effects((thrown) => this.#effectFailed(thrown));
  /** The run under way. */
  run: OpenRun | undefined;
  /** Why no run can be started any more. */
  ended: LoophostError | undefined;
  readonly #parts: LoopParts;
  readonly #performer: Performer;
  readonly #inputs = new Serial<LoopInput | PassedOnEvent>((input) => this.#fold(input));
  #state: LoopState;

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#state = parts.state;
    const { journal, options } = parts;
    const { effects } = this;
    const dispatch = (input: LoopInput) => this.dispatch(input);
    this.#performer = new Performer({
      ...parts,
      effects,
      dispatch,
      tell: (event) => this.tell(event),
      isRunOpen: () => this.#state.runOpen,
      current: () => this.run,
    });
    this.approvals = new Approvals({
      onApproval: options.onApproval,
      journal,
      effects,
      dispatch,
      closed: parts.signal,
      look: () => ({ calls: this.#state.calls, isRunOpen: this.run !== undefined }),
    });
  }

  /** What is known. */
  get state(): LoopState {
    return this.#state;
  }

  /** Takes an event of the host's. */
  hear(event: HostEvent): void {
    if (this.#parts.signal.aborted) return;
    if (isRecordedEvent(event)) return this.#keep(event);
    // An event that comes while an earlier one is still being folded waits its turn; deltas seldom do.
    if (isLoopEvent(event) || this.#inputs.isBusy) this.dispatch(event);
    else this.tell(event);
  }

  /** Takes an input: at once, or after those being folded. */
  dispatch(input: LoopInput | PassedOnEvent): void {
    this.#inputs.push(input);
  }

  /** Ends all of it from this side: no run can be started any more, tools are stopped, an open run fails. */
  end(why: LoophostError, ofTheRun: LoophostError = why): void {
    this.ended = why;
    this.#performer.executor.cancelAll();
    this.#settle((run) => run.fail(ofTheRun, this.#transcript()));
  }

  /** Hands an event to the reader of the run under way. */
  tell(event: SessionEvent): void {
    const { run } = this;
    if (run === undefined) return;
    run.live.push(event);
    try {
      this.#parts.options.onEvent?.(event);
    } catch {
      // An observer watches; it does not take part.
    }
    if (event.type === "approval.requested") this.approvals.ask(event);
    else if (event.type === "run.waiting") this.#wait(event, run.ifWaiting);
  }

  #fold(input: LoopInput | PassedOnEvent): void {
    if (isPassedOn(input)) return this.tell(input);
    const { state, commands } = next(this.#state, input);
    this.#state = state;
    tellStep(this.#parts.options.onStep, state.answers, input, commands);
    if (input.type === "failed" && input.sessionOver) this.ended = input.error;
    for (const command of commands) this.#do(command);
  }

  #do(command: Command): void {
    const runId = this.run?.live.id ?? "";
    if (command.do === "end") {
      const { do: _, ...end } = command;
      this.#recordEnd({ type: "run.ended", runId, ...end, ...this.run?.live.progress() });
      const transcript = this.#transcript();
      this.#settle((run) => run.end({ terminal: terminalOf(end.ending), ...end, transcript }));
    } else if (command.do === "fail") {
      const { code, message } = command.error;
      this.#recordEnd({ type: "run.failed", runId, code, message, ...this.run?.live.progress() });
      this.#settle((run) => run.fail(command.error, this.#transcript()));
    } else this.#performer.perform(command);
  }

  #settle(how: (run: LiveRun) => void): void {
    const { run } = this;
    if (run === undefined) return;
    this.run = undefined;
    run.release();
    how(run.live);
  }

  /** An effect failed: so did the run it belonged to, also when it failed before the machine knew of the run. */
  #effectFailed(thrown: unknown): void {
    if (this.ended !== undefined || this.run === undefined) return;
    const error = toLoophostError(thrown, "host_failed", "The run could not go on");
    this.dispatch({ type: "failed", error, sessionOver: false });
    this.#settle((run) => run.fail(error, this.#transcript()));
  }

  #wait(event: RunWaitingEvent, ifWaiting: OpenRun["ifWaiting"]): void {
    const { journal } = this.#parts;
    // A decision on record is acted on next; if others are still waited for then, that is told anew.
    if (event.on.some(({ id }) => journal.recorded.decisions.has(id))) return;
    if (journal.isDurable) this.#record({ type: "run.waiting", on: event.on });
    if (ifWaiting === "return" && this.approvals.isUpToOthers(event)) this.dispatch({ type: "park" });
  }

  /** Journals what entered the conversation. Without a store the connection's own copy is all there is. */
  #keep(event: RecordedEvent): void {
    if (!this.#parts.journal.isDurable) return;
    this.#record(event.type === "transcript.added" ? { ...event, type: "said" } : event);
  }

  /** Records how the run ended; one that was only heard again has ended before. */
  #recordEnd(entry: JournalEntry): void {
    if (this.#parts.journal.recorded.run !== undefined) this.#record(entry);
  }

  #record(entry: JournalEntry): void {
    const written = this.#parts.journal.record(entry);
    if (written !== undefined) this.effects.start(() => written);
  }

  #transcript(): ReturnType<Connection["transcript"]> {
    return this.#parts.connection.transcript();
  }
}
