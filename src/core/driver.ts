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

import { onAbort } from "./abort.ts";
import type { Agent } from "./agent.ts";
import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";
import { Effects } from "./effects.ts";
import { LoophostError, toLoophostError } from "./errors.ts";
import type { ApprovalRequested, RunWaiting, SessionEvent } from "./events.ts";
import { Executor } from "./executor.ts";
import { haltedBy } from "./guard.ts";
import type { Journal, JournalEntry } from "./journal.ts";
import type { Command, LoopInput, LoopState, RunPolicy } from "./loop-state.ts";
import { next } from "./machine.ts";
import { Outbox } from "./outbox.ts";
import { OUTPUT_TOOL } from "./output.ts";
import type { Connection, HostEvent, HostInput, PassedOnEvent } from "./provider.ts";
import { isLoopEvent, isPassedOn } from "./provider.ts";
import type { ToolResult } from "./results.ts";
import { terminalOf, textResult } from "./results.ts";
import type { Run } from "./run.ts";
import { LiveRun } from "./run.ts";
import type { OpenOptions, Prompt, RunOptions, Session } from "./session.ts";

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
  /** Aborts everything the session has under way. */
  readonly closing: AbortController;
}

/** The run under way. */
interface OpenRun {
  readonly live: LiveRun;
  readonly whenWaiting: "hold" | "return";
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
  readonly #effects = new Effects((thrown) => this.#effectFailed(thrown));
  #draining = false;
  #state: LoopState;
  #run: OpenRun | undefined;
  #runs = 0;
  /** Why no run can be started any more. */
  #ended: LoophostError | undefined;

  constructor({ agent, options, connection, journal, state, closing }: Opened) {
    this.id = connection.sessionId;
    this.#agent = agent;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#connection = connection;
    this.#journal = journal;
    this.#state = state;
    this.#closing = closing;
    this.#executor = new Executor({
      agent,
      sessionId: this.id,
      context: options.context,
      journal,
      clock: this.#clock,
      dispatch: (input) => this.#dispatch(input),
      tell: (event) => this.#tell(event),
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
    // An event that comes while an earlier one is still being folded waits its turn; deltas seldom do.
    if (isLoopEvent(event) || this.#draining) this.#dispatch(event);
    else this.#tell(event);
  }

  // --- what its user calls

  send(prompt: Prompt, options: RunOptions = {}): Run {
    const content = typeof prompt === "string" ? [{ type: "text" as const, text: prompt }] : prompt;
    if (content.length === 0 || prompt === "") {
      throw new LoophostError("invalid_options", "The prompt is empty; there is nothing to send.");
    }
    return this.#start([{ type: "message", content }], options);
  }

  resume(options: RunOptions = {}): Run {
    return this.#start([], options);
  }

  interrupt(): void {
    this.#dispatch({ type: "interrupt" });
  }

  approve(callId: string): void {
    this.#mustWait(callId, "asking");
    this.#dispatch({ type: "decided", id: callId, allow: true, why: undefined });
  }

  deny(callId: string, why?: string): void {
    this.#mustWait(callId, "asking");
    this.#dispatch({ type: "decided", id: callId, allow: false, why });
  }

  answer(callId: string, answer: string | ToolResult): void {
    this.#mustWait(callId, "awaiting");
    const result = typeof answer === "string" ? textResult(answer) : answer;
    this.#effects.start(async () => {
      await this.#journal.record({ type: "call.finished", id: callId, result });
      this.#dispatch({ type: "finished", id: callId, result, durationMs: 0, replayed: false });
    });
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
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- starting and ending a run

  #start(inputs: readonly HostInput[], { signal, whenWaiting = "hold" }: RunOptions): Run {
    this.#mustBeFree();
    const { runTimeoutMs } = this.#agent.limits;
    this.#runs += 1;
    const live = new LiveRun(`run_${this.#runs}`, this.id, this.#options.keepEvents ?? "whole");
    // In its own turn of the queue: a signal that is already aborted must find the run started.
    const stop = (error: LoophostError) =>
      queueMicrotask(() => {
        if (this.#run?.live === live) this.#dispatch({ type: "stop", error });
      });
    const cancelDeadline = this.#clock.after(runTimeoutMs, () => stop(tooLong(runTimeoutMs)));
    const unlink = onAbort([signal], (cause) =>
      stop(new LoophostError("aborted", "The run was aborted.", { cause })),
    );
    const release = () => {
      cancelDeadline();
      unlink();
    };
    this.#run = { live, whenWaiting, release, startedAt: this.#clock.now() };
    this.#tell({ type: "run.started", runId: live.id, sessionId: this.id });
    const recorded = this.#journal.record({ type: "run.started", runId: live.id, input: inputs });
    const begin = () => this.#dispatch({ type: "start", inputs, policy: this.#policy() });
    if (recorded === undefined) begin();
    else this.#effects.start(() => recorded.then(begin));
    return live;
  }

  #policy(): RunPolicy {
    const { limits, terminalTool, output } = this.#agent;
    return {
      maxTurns: limits.maxTurns,
      guarded: this.#options.guard !== undefined,
      owesOutput: output !== undefined,
      terminalTool:
        output === undefined ? terminalTool : { name: OUTPUT_TOOL, maxReprompts: output.maxReprompts },
    };
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
      throw new LoophostError(
        "session_busy",
        "This session has a run open. Await its result(), or interrupt() it, before the next.",
      );
    }
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

  #mustWait(id: string, status: "asking" | "awaiting"): void {
    const waiting = this.#state.calls.filter((call) => call.status === status).map((call) => call.id);
    if (waiting.includes(id)) return;
    const what = status === "asking" ? "approval" : "an answer";
    throw new LoophostError(
      "invalid_options",
      `Call "${id}" does not wait for ${what}. Waiting: ${waiting.join(", ") || "none"}.`,
    );
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
        const { ending, stopReason } = command;
        this.#record({ type: "run.ended", runId, ending });
        const transcript = this.#connection.transcript();
        return this.#settle((run) =>
          run.end({ terminal: terminalOf(ending), ending, stopReason, transcript }),
        );
      }
      case "fail": {
        const { code, message } = command.error;
        this.#record({ type: "run.failed", runId, code, message });
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
    } catch (thrown) {
      // An interrupt that ends a run goes to a host that may be gone: the run has its own reason to end.
      if (inputs.at(-1)?.type !== "interrupt" || this.#state.runOpen) throw thrown;
    }
  }

  /** An effect failed: so did the run it belonged to, also when it failed before the machine knew of the run. */
  #effectFailed(thrown: unknown): void {
    if (this.#ended !== undefined) return;
    const error = toLoophostError(thrown, "host_failed", "The run could not go on");
    this.#dispatch({ type: "failed", error, sessionOver: false });
    this.#settle((run) => run.fail(error, this.#connection.transcript()));
  }

  #record(entry: JournalEntry): void {
    const written = this.#journal.record(entry);
    if (written !== undefined) this.#effects.start(() => written);
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
    if (event.type === "approval.requested") this.#ask(event);
    else if (event.type === "run.waiting" && run.whenWaiting === "return" && this.#isUpToOthers(event)) {
      this.#dispatch({ type: "park" });
    }
  }

  /** Whether nothing here will move the run on: an `onApproval` under way will. */
  #isUpToOthers({ on }: RunWaiting): boolean {
    return this.#options.onApproval === undefined || on.every(({ what }) => what === "answer");
  }

  #ask(request: ApprovalRequested): void {
    const { onApproval } = this.#options;
    if (onApproval === undefined) return;
    this.#effects.start(async () => {
      const decision = await Promise.resolve(request)
        .then(onApproval)
        .catch(() => ({ allow: false, why: "the approval check failed" }));
      const { allow, why } = typeof decision === "boolean" ? { allow: decision, why: undefined } : decision;
      this.#dispatch({ type: "decided", id: request.id, allow, why });
    });
  }
}

function tooLong(runTimeoutMs: number): LoophostError {
  return new LoophostError(
    "timeout",
    `The run did not end within ${runTimeoutMs} ms. Raise limits.runTimeoutMs if it needs longer.`,
  );
}

function noOutput(): LoophostError {
  return new LoophostError(
    "no_output",
    `The model ended without a valid call of ${OUTPUT_TOOL}, though it was asked for one.`,
  );
}
