/**
 * The driver of the pure machine. Host events and the user's steering go in as inputs; the commands that come
 * out are performed; what they achieve goes back in as further inputs.
 *
 * A run is one *activation* of the session: something wakes it (a message, a reattach), it runs, and it parks when the
 * host is done or somebody must be waited for. Between activations a session holds nothing but its state and its connection.
 *
 *   S1  inputs are folded one at a time, in the order they came, however deep the call that brought them
 *   S2  deltas go from the wire to the reader without passing the machine
 *   S3  the result of a call is journalled before it is posted; a failed post is posted again, the tool is not run again (I3)
 *   S4  whatever ends a run settles both its feed and its result (I12)
 */

import type { Agent } from "../agent.ts";
import { Effects } from "../async/effects.ts";
import type { Clock } from "../clock.ts";
import { systemClock } from "../clock.ts";
import { LoophostError, toLoophostError } from "../errors.ts";
import type { RunWaitingEvent, SessionEvent } from "../events.ts";
import { Approvals } from "../execution/approvals.ts";
import { Executor } from "../execution/executor.ts";
import { haltedBy } from "../guard.ts";
import type { JournalEntry, OpenRunRecord } from "../journal/entry.ts";
import type { Journal } from "../journal/journal.ts";
import { next } from "../loop/machine.ts";
import type { Command, LoopInput, LoopState, RunPolicy } from "../loop/state.ts";
import { isUnfinished } from "../loop/state.ts";
import type { Connection, HostEvent, HostInput, RecordedEvent, PassedOnEvent } from "../provider.ts";
import { isRecordedEvent, isLoopEvent, isMessage, isPassedOn } from "../provider.ts";
import type { ToolResult } from "../results.ts";
import { terminalOf, textResult } from "../results.ts";
import type { Run } from "../run.ts";
import type { OpenOptions, Prompt, RunOptions, Session } from "../session.ts";
import { LiveRun } from "./live-run.ts";
import { Outbox } from "./outbox.ts";
import { noOutput, OUTPUT_TOOL } from "./output.ts";
import { toInputs } from "./prompt.ts";
import { boundRun, policyOf } from "./run-bounds.ts";

/** How long close() waits for a last word, such as an interrupt, to reach the host. */
const GOODBYE_MS = 5_000;

/** What a session is driven with, once it is open. */
export interface Opened {
  readonly agent: Agent;
  readonly options: OpenOptions;
  readonly connection: Connection;
  readonly journal: Journal;
  /** What is known of the session's past. */
  readonly state: LoopState;
  /** What the host told of its past since its last message, for a run that is taken up. */
  readonly past: readonly PassedOnEvent[];
  /** Aborts everything the session has under way. */
  readonly closing: AbortController;
}

/** The run under way. */
interface OpenRun {
  readonly live: LiveRun;
  readonly ifWaiting: "hold" | "return";
  readonly startedAt: number;
  /** Lets go of its deadline and its signal. */
  readonly release: () => void;
}

/** A session, driven. Made by `openSession`. */
export class LoopSession implements Session {
  readonly id: string;
  readonly #agent: Agent;
  readonly #options: OpenOptions;
  readonly #clock: Clock;
  readonly #connection: Connection;
  readonly #journal: Journal;
  readonly #executor: Executor;
  readonly #closing: AbortController;
  readonly #inbox: (LoopInput | PassedOnEvent)[] = [];
  readonly #outbox: Outbox;
  readonly #approvals: Approvals;
  readonly #effects = new Effects((thrown) => this.#effectFailed(thrown));
  #draining = false;
  #state: LoopState;
  /** Told by the host before this process did anything; gone once it has. */
  #past: readonly PassedOnEvent[] | undefined;
  #run: OpenRun | undefined;
  #runs = 0;
  /** Why no run can be started any more. */
  #ended: LoophostError | undefined;

  constructor({ agent, options, connection, journal, state, past, closing }: Opened) {
    this.id = connection.sessionId;
    this.#agent = agent;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#connection = connection;
    this.#journal = journal;
    this.#state = state;
    this.#past = past;
    this.#runs = journal.recorded.runs;
    journal.whenLost((error) => this.#lose(error));
    this.#closing = closing;
    this.#executor = new Executor({
      agent,
      sessionId: this.id,
      context: options.context,
      ifCallUnknown: options.ifCallUnknown,
      journal,
      clock: this.#clock,
      dispatch: (input) => this.#dispatch(input),
      tell: (event) => this.#tell(event),
    });
    this.#approvals = new Approvals({
      onApproval: options.onApproval,
      journal,
      effects: this.#effects,
      dispatch: (input) => this.#dispatch(input),
      look: () => ({ calls: this.#state.calls, isRunOpen: this.#run !== undefined }),
    });
    const { signal } = closing;
    this.#outbox = new Outbox({
      connection,
      journal,
      clock: this.#clock,
      signal,
      tell: (event) => this.#tell(event),
    });
  }

  /** Takes an event of the host's. */
  hear(event: HostEvent): void {
    if (this.#closing.signal.aborted) return;
    if (isRecordedEvent(event)) return this.#keep(event);
    // An event that comes while an earlier one is still being folded waits its turn; deltas seldom do.
    if (isLoopEvent(event) || this.#draining) this.#dispatch(event);
    else this.#tell(event);
  }

  // --- what its user calls

  send(prompt: Prompt, options: RunOptions = {}): Run {
    return this.#start(toInputs(prompt, options), options);
  }

  resume(options: RunOptions = {}): Run {
    return this.#start([], options);
  }

  interrupt(): void {
    this.#dispatch({ type: "interrupt" });
  }

  approve(callId: string): Promise<void> {
    return this.#approvals.decide(callId, true, undefined);
  }

  deny(callId: string, why?: string): Promise<void> {
    return this.#approvals.decide(callId, false, why);
  }

  answer(callId: string, answer: string | ToolResult): Promise<void> {
    return this.#approvals.answer(callId, typeof answer === "string" ? textResult(answer) : answer);
  }

  async sendEvent(event: unknown): Promise<void> {
    await this.#connection.send([{ type: "raw", event }], this.#closing.signal);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#ended = new LoophostError("session_closed", "The session was closed.");
    this.#executor.cancelAll();
    const underIt = new LoophostError("session_closed", "The session was closed while its run was open.");
    this.#settle((run) => run.fail(underIt, this.#connection.transcript()));
    await this.#effects.settle(GOODBYE_MS, this.#clock);
    this.#closing.abort(this.#ended);
    await this.#connection.close();
    await this.#journal.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- starting and ending a run

  #start(inputs: readonly HostInput[], { signal, ifWaiting = "hold" }: RunOptions): Run {
    this.#mustBeFree();
    const { run: open } = this.#journal.recorded;
    // What an earlier process was asked to send, and did not, goes first; a run it left is taken up.
    const all = [...(open?.isSent === false ? open.input : []), ...inputs];
    const taken = inputs.length === 0 ? (open ?? this.#unheard()) : undefined;
    const keep = this.#options.keepEvents ?? "whole";
    const live = new LiveRun(taken?.id ?? this.#newRunId(), this.id, keep);
    const bounds = { timeoutMs: this.#agent.limits.runTimeoutMs, signal, clock: this.#clock };
    const release = boundRun(bounds, (error) => {
      if (this.#run?.live === live) this.#dispatch({ type: "stop", error });
    });
    this.#run = { live, ifWaiting, release, startedAt: this.#clock.now() };
    this.#tell({ type: "run.started", runId: live.id, sessionId: this.id });
    const policy = policyOf(this.#agent, this.#options.guard !== undefined);
    if (taken !== undefined) {
      this.#takeUp(live, taken, all, policy);
      return live;
    }
    this.#past = undefined;
    const isNothing = all.length === 0 && !isUnfinished(this.#state) && !this.#state.replyOwed;
    const recorded = isNothing
      ? undefined
      : this.#journal.record({ type: "run.started", runId: live.id, input: all });
    const begin = () => this.#dispatch({ type: "start", inputs: all, policy });
    if (recorded === undefined) begin();
    else this.#effects.start(() => recorded.then(begin));
    return live;
  }

  /** A run that ended, and whose result an earlier process may have died without hearing. */
  #unheard(): OpenRunRecord | undefined {
    const isIdle = !isUnfinished(this.#state) && !this.#state.replyOwed;
    return isIdle && this.#past !== undefined ? this.#journal.recorded.ended : undefined;
  }

  /** Goes on with a run an earlier process left open, from what it had come to. */
  #takeUp(live: LiveRun, open: OpenRunRecord, inputs: readonly HostInput[], policy: RunPolicy): void {
    const runsElsewhere = this.#options.provider.traits.worksAlone;
    // A host that holds the conversation has told the turns; what this side holds is in the journal.
    const turns = runsElsewhere ? this.#state.turn : open.turns;
    live.takeUp({ turns, usage: open.usage, toolCalls: open.toolCalls.values() });
    for (const event of this.#past ?? []) this.#tell(event);
    this.#past = undefined;
    this.#dispatch({ type: "start", inputs, policy, taken: { turns, runsElsewhere, end: open.end } });
  }

  #newRunId(): string {
    this.#runs += 1;
    return `run_${this.#runs}`;
  }

  #mustBeFree(): void {
    if (this.#ended !== undefined) throw this.#ended;
    const { over } = this.#state;
    if (over !== undefined) {
      throw new LoophostError(
        "session_closed",
        `The host ended this session (${over.ending}); open a new one.`,
      );
    }
    if (this.#run !== undefined) {
      const wayOut = "Await its result() or interrupt() it.";
      throw new LoophostError("session_busy", `This session has a run open. ${wayOut}`);
    }
  }

  /** Somebody else owns the session now: nothing may be done here any more, not even tell the host to stop. */
  #lose(error: LoophostError): void {
    this.#ended = error;
    this.#executor.cancelAll();
    this.#settle((run) => run.fail(error, this.#connection.transcript()));
  }

  #settle(how: (run: LiveRun) => void): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    run.release();
    how(run.live);
  }

  // --- inputs

  #dispatch(input: LoopInput | PassedOnEvent): void {
    this.#inbox.push(input);
    if (this.#draining) return;
    this.#draining = true;
    for (let taken = this.#inbox.shift(); taken !== undefined; taken = this.#inbox.shift()) this.#fold(taken);
    this.#draining = false;
  }

  #fold(input: LoopInput | PassedOnEvent): void {
    if (isPassedOn(input)) return this.#tell(input);
    const { state, commands } = next(this.#state, input);
    this.#state = state;
    if (input.type === "failed" && input.sessionOver) this.#ended = input.error;
    for (const command of commands) this.#do(command);
  }

  /** Journals what entered the conversation. Without a store the connection's own copy is all there is. */
  #keep(event: RecordedEvent): void {
    if (!this.#journal.isDurable) return;
    this.#record(event.type === "transcript.added" ? { ...event, type: "said" } : event);
  }

  // --- commands

  #do(command: Command): void {
    const runId = this.#run?.live.id ?? "";
    switch (command.do) {
      case "tell":
        return this.#tell(command.event);
      case "execute":
        return this.#effects.start(() => this.#executor.execute(command.call));
      case "cancel":
        return this.#executor.cancel(command.ids);
      case "send":
        return this.#effects.start(() => this.#send(command.inputs));
      case "post":
        return this.#effects.start(() =>
          this.#outbox.post(command.ids, command.inputs).then((done) => this.#dispatch(done)),
        );
      case "look":
        return this.#effects.start(() =>
          this.#connection.catchUp().then(() => this.#dispatch({ type: "looked" })),
        );
      case "guard":
        return this.#effects.start(() => this.#askGuard());
      case "check output":
        return this.#effects.start(() => this.#checkOutput());
      case "end": {
        const { do: _, ...end } = command;
        this.#recordEnd({ type: "run.ended", runId, ...end, ...this.#run?.live.progress() });
        const transcript = this.#connection.transcript();
        return this.#settle((run) => run.end({ terminal: terminalOf(end.ending), ...end, transcript }));
      }
      case "fail": {
        const { code, message } = command.error;
        this.#recordEnd({ type: "run.failed", runId, code, message, ...this.#run?.live.progress() });
        return this.#settle((run) => run.fail(command.error, this.#connection.transcript()));
      }
    }
  }

  /** Looks for the output among the calls of the output tool. */
  async #checkOutput(): Promise<void> {
    const { output } = this.#agent;
    const live = this.#run?.live;
    if (output === undefined || live === undefined) return;
    const found = await live.findOutput(OUTPUT_TOOL, output.schema).catch(() => false);
    this.#dispatch(found ? { type: "output.checked" } : { type: "stop", error: noOutput() });
  }

  async #askGuard(): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    const elapsedMs = this.#clock.now() - run.startedAt;
    const error = await haltedBy(this.#options.guard, {
      sessionId: this.id,
      ...run.live.progress(),
      elapsedMs,
    });
    this.#dispatch(error === undefined ? { type: "guarded" } : { type: "stop", error });
  }

  async #send(inputs: readonly HostInput[]): Promise<void> {
    try {
      await this.#outbox.send(inputs);
      if (inputs.some(isMessage)) this.#record({ type: "input.sent", runId: this.#run?.live.id ?? "" });
    } catch (thrown) {
      // An interrupt that ends a run goes to a host that may be gone: the run has its own reason to end.
      if (inputs.at(-1)?.type !== "interrupt" || this.#state.runOpen) throw thrown;
    }
  }

  /** An effect failed: so did the run it belonged to, also when it failed before the machine knew of the run. */
  #effectFailed(thrown: unknown): void {
    if (this.#ended !== undefined || this.#run === undefined) return;
    const error = toLoophostError(thrown, "host_failed", "The run could not go on");
    this.#dispatch({ type: "failed", error, sessionOver: false });
    this.#settle((run) => run.fail(error, this.#connection.transcript()));
  }

  /** Records how the run ended; one that was only heard again has ended before. */
  #recordEnd(entry: JournalEntry): void {
    if (this.#journal.recorded.run !== undefined) this.#record(entry);
  }

  #record(entry: JournalEntry): void {
    const written = this.#journal.record(entry);
    if (written !== undefined) this.#effects.start(() => written);
  }

  #wait(event: RunWaitingEvent, ifWaiting: OpenRun["ifWaiting"]): void {
    // A decision on record is acted on next; if others are still waited for then, that is told anew.
    if (event.on.some(({ id }) => this.#journal.recorded.decisions.has(id))) return;
    if (this.#journal.isDurable) this.#record({ type: "run.waiting", on: event.on });
    if (ifWaiting === "return" && this.#approvals.isUpToOthers(event)) this.#dispatch({ type: "park" });
  }

  #tell(event: SessionEvent): void {
    const run = this.#run;
    if (run === undefined) return;
    run.live.push(event);
    try {
      this.#options.onEvent?.(event);
    } catch {
      // An observer watches; it does not take part.
    }
    if (event.type === "approval.requested") this.#approvals.ask(event);
    else if (event.type === "run.waiting") this.#wait(event, run.ifWaiting);
  }
}
