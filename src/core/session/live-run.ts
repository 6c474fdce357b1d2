/** The driver's side of a run: hands its events to the reader and adds up its result. */

import type { LoophostError } from "../errors.ts";
import { withResult } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import { isDelta } from "../events.ts";
import type { SessionResult, Usage } from "../results.ts";
import type { KeepEvents, Run } from "../run.ts";
import type { CompiledSchema } from "../schema.ts";
import type { TranscriptMessage } from "../transcript.ts";
import { EventQueue } from "./event-queue.ts";
import type { RunEndFields } from "./run-sum.ts";
import { RunSum } from "./run-sum.ts";

/** The result of a run that nobody reads, so that its events need not wait for a reader. */
export function resultAlone<Output>(run: Run<Output>): Promise<SessionResult<Output>> {
  if (run instanceof LiveRun) run.leaveUnread();
  return run.result();
}

/** A run under way. */
export class LiveRun implements Run {
  /** The stack of the caller's `send`; its text is only built when the run fails, since that is expensive. */
  readonly #startedAt: Error = new Error("started");
  readonly id: string;
  readonly #queue = new EventQueue();
  readonly #keep: KeepEvents;
  readonly #sessionId: string;
  readonly #settled = Promise.withResolvers<SessionResult>();
  readonly #events: SessionEvent[] = [];
  readonly #sum = new RunSum();

  constructor(id: string, sessionId: string, keep: KeepEvents = "whole") {
    this.id = id;
    this.#sessionId = sessionId;
    this.#keep = keep;
    // A caller may iterate and never ask for the result; the iterator already throws the error.
    this.#settled.promise.catch(() => undefined);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<SessionEvent> {
    return this.#queue.read();
  }

  result(): Promise<SessionResult> {
    return this.#settled.promise;
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
      this.#sum.add(event);
    }
    this.#queue.push(event);
  }

  /** Ends the run well. */
  end(how: RunEndFields): void {
    this.#queue.end();
    this.#settled.resolve({ ...how, ...this.#result() });
  }

  /** Ends the run with an error, which carries what there is of a result. */
  fail(error: LoophostError, transcript: readonly TranscriptMessage[] | null): void {
    const complete = withResult(error, { ...this.#result(), transcript });
    complete.stack = `${complete.stack}\n${framesOf(this.#startedAt)}`;
    this.#queue.end(complete);
    this.#settled.reject(complete);
  }

  /** Takes over what an earlier process had added up of this run. */
  takeUp(before: Parameters<RunSum["takeUp"]>[0]): void {
    this.#sum.takeUp(before);
  }

  /** Whether every turn that ended has told the tokens it used. */
  get isUsageKnown(): boolean {
    return this.#sum.isUsageKnown;
  }

  /** The structured output, once it was found. */
  get output(): unknown {
    return this.#sum.output;
  }

  /** What the run has come to so far. */
  progress(): { readonly turns: number; readonly usage: Usage } {
    return { turns: this.#sum.turns, usage: this.#sum.usage };
  }

  /** Takes the last valid call of a tool for the run's output; tells whether there was one. */
  async findOutput(tool: string, schema: CompiledSchema): Promise<boolean> {
    const calls = [...this.#sum.toolCalls.values()].filter((use) => use.name === tool);
    for (const { input } of calls.toReversed()) {
      const checked = await schema.validate(input);
      if (!checked.ok) continue;
      this.#sum.output = checked.value;
      return true;
    }
    return false;
  }

  #result(): ReturnType<RunSum["of"]> {
    return this.#sum.of(this.#sessionId, this.#events);
  }
}

/**
 * The lines of a stack from `send` on: without them the stack of a failed run would not show the line of user code that
 * started it.
 */
function framesOf({ stack = "" }: Error): string {
  const lines = stack.split("\n");
  return lines.slice(lines.findIndex((line) => /\.(?:send|resume) /.test(line))).join("\n");
}
