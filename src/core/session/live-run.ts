/** The driver's side of a run: hands its events to the reader and adds up its result. */

import type { LoophostError } from "../errors.ts";
import { withResult } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import { isDelta } from "../events.ts";
import type { Money, OutcomeVerdict, SessionResult, ToolCall, Usage } from "../results.ts";
import { addUsage, NO_USAGE } from "../results.ts";
import type { KeepEvents, Run } from "../run.ts";
import type { CompiledSchema } from "../schema.ts";
import type { TranscriptMessage } from "../transcript.ts";
import { EventQueue } from "./event-queue.ts";

/** The result of a run that nobody reads, so that its events need not wait for a reader. */
export function resultAlone<Output>(run: Run<Output>): Promise<SessionResult<Output>> {
  if (run instanceof LiveRun) run.leaveUnread();
  return run.result();
}

/** What the driver knows of a run's end; the rest of its result was added up on the way. */
type Settlement = Pick<SessionResult, "terminal" | "ending" | "stopReason" | "details" | "transcript">;

/** A run under way. */
export class LiveRun implements Run {
  /** Where it was started; the text is only made when the run fails. */
  readonly #startedAt: Error = new Error("started");
  readonly id: string;
  readonly #queue = new EventQueue();
  readonly #keep: KeepEvents;
  readonly #sessionId: string;
  readonly #settled: Promise<SessionResult>;
  #resolve: (result: SessionResult) => void = () => undefined;
  #reject: (error: LoophostError) => void = () => undefined;

  readonly #events: SessionEvent[] = [];
  readonly #toolCalls = new Map<string, ToolCall>();
  readonly #serverToolCalls = new Map<string, ToolCall>();
  #usage: Usage = NO_USAGE;
  /** Whether the turn under way has told its tokens, and whether all before it have. */
  #hasTold = false;
  #isUsageKnown = true;
  #turns = 0;
  #texts: string[] = [];
  #output: unknown;
  #outcome: OutcomeVerdict | undefined;
  #cost: Money | undefined;

  constructor(id: string, sessionId: string, keep: KeepEvents) {
    this.id = id;
    this.#sessionId = sessionId;
    this.#keep = keep;
    this.#settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A caller may iterate and never ask for the result; the iterator already throws the error.
    this.#settled.catch(() => undefined);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<SessionEvent> {
    return this.#queue.read();
  }

  result(): Promise<SessionResult> {
    return this.#settled;
  }

  /** Keeps no event for a reader: there will be none. */
  leaveUnread(): void {
    this.#queue.end();
  }

  /** Hands an event to the reader and adds it up. */
  push(event: SessionEvent): void {
    if (isDelta(event)) {
      if (this.#keep === "all") this.#events.push(event);
    } else if (event.type !== "tool.progress") {
      if (this.#keep !== "none") this.#events.push(event);
      this.#add(event);
    }
    this.#queue.push(event);
  }

  /** Ends the run well. */
  end(how: Settlement): void {
    this.#queue.end();
    this.#resolve({ ...how, ...this.#sum() });
  }

  /** Ends the run with an error, which carries what there is of a result. */
  fail(error: LoophostError, transcript: readonly TranscriptMessage[] | null): void {
    const complete = withResult(error, { ...this.#sum(), transcript });
    complete.stack = `${complete.stack}\n${framesOf(this.#startedAt)}`;
    this.#queue.end(complete);
    this.#reject(complete);
  }

  /** Takes over what an earlier process had added up of this run. */
  takeUp({
    turns,
    usage,
    toolCalls,
  }: {
    readonly turns: number;
    readonly usage: Usage;
    readonly toolCalls: Iterable<ToolCall>;
  }): void {
    this.#turns = turns;
    this.#usage = usage;
    for (const use of toolCalls) this.#toolCalls.set(use.id, use);
  }

  /** Whether every turn that ended has told the tokens it used. */
  get isUsageKnown(): boolean {
    return this.#isUsageKnown;
  }

  /** What the run has come to so far. */
  progress(): { readonly turns: number; readonly usage: Usage } {
    return { turns: this.#turns, usage: this.#usage };
  }

  /** Takes the last valid call of a tool for the run's output; tells whether there was one. */
  async findOutput(tool: string, schema: CompiledSchema): Promise<boolean> {
    const calls = [...this.#toolCalls.values()].filter((use) => use.name === tool);
    for (const { input } of calls.toReversed()) {
      const checked = await schema.validate(input);
      if (!checked.ok) continue;
      this.#output = checked.value;
      return true;
    }
    return false;
  }

  #add(event: SessionEvent): void {
    if (event.type === "turn.started") {
      this.#turns = event.turn;
      this.#texts = [];
    } else if (event.type === "message" && event.thread === undefined) {
      if (event.text !== "") this.#texts.push(event.text);
    } else if (event.type === "tool.called") {
      this.#toolCalls.set(event.id, { id: event.id, name: event.name, input: event.input });
    } else if (event.type === "server_tool.called") {
      this.#serverToolCalls.set(event.id, { id: event.id, name: event.name, input: event.input });
    } else if (event.type === "turn.ended") {
      this.#isUsageKnown &&= this.#hasTold;
      this.#hasTold = false;
    } else if (event.type === "usage") {
      this.#hasTold ||= event.isError !== true;
      this.#usage = addUsage(this.#usage, event.usage);
      this.#cost = event.cost ?? this.#cost;
    } else if (event.type === "outcome.evaluated") {
      const { verdict, explanation, iteration } = event;
      this.#outcome = { verdict, explanation, iteration };
      // What was not good enough is said anew.
      if (verdict === "needs_revision") this.#texts = [];
    }
  }

  #sum(): Omit<SessionResult, keyof Settlement> {
    return {
      output: this.#output,
      sessionId: this.#sessionId,
      text: this.#texts.join("\n"),
      toolCalls: [...this.#toolCalls.values()],
      serverToolCalls: [...this.#serverToolCalls.values()],
      usage: this.#usage,
      outcome: this.#outcome,
      cost: this.#cost,
      turns: this.#turns,
      events: this.#events,
    };
  }
}

/** The lines of a stack from `send` on: without them a failed run would not show which line of its caller's it was. */
function framesOf({ stack = "" }: Error): string {
  const lines = stack.split("\n");
  return lines.slice(lines.findIndex((line) => /\.(?:send|resume) /.test(line))).join("\n");
}
