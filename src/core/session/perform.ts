/**
 * Performs the commands of the loop: runs tools, sends, posts, asks the guard. What comes of each goes back in as a
 * further input; the two commands that end a run are its owner's.
 *
 *   P1  nothing here throws into the loop: a command that takes time is an effect, and its failure is reported as one
 */

import type { Agent } from "../agent.ts";
import { OUTPUT_TOOL } from "../agent.ts";
import type { Effects } from "../async/effects.ts";
import type { Clock } from "../clock.ts";
import type { SessionEvent } from "../events.ts";
import { Executor } from "../execution/executor.ts";
import type { Watch } from "../execution/watch.ts";
import { haltedBy } from "../guard.ts";
import type { Journal } from "../journal/journal.ts";
import type { Command, LoopInput, LoopState } from "../loop/state.ts";
import type { Connection, HostInput } from "../provider.ts";
import { isMessage } from "../provider.ts";
import type { OpenOptions } from "../session.ts";
import type { LiveRun } from "./live-run.ts";
import { Outbox } from "./outbox.ts";
import { noOutput } from "./output.ts";

/** What commands are performed with. */
export interface PerformerOptions {
  readonly sessionId: string;
  readonly agent: Agent;
  readonly options: OpenOptions;
  readonly connection: Connection;
  readonly journal: Journal;
  readonly effects: Effects;
  readonly clock: Clock;
  /** Aborted when the session closes. */
  readonly signal: AbortSignal;
  readonly dispatch: (input: LoopInput) => void;
  readonly tell: (event: SessionEvent) => void;
  readonly watch: Watch;
  /** What is known of the session. */
  readonly look: () => LoopState;
  /** The run under way, and since when. */
  readonly current: () => { readonly live: LiveRun; readonly startedAt: number } | undefined;
}

/** A command that goes on inside a run; "end" and "fail" settle it. */
export type Step = Exclude<Command, { readonly do: "end" | "fail" }>;

/** Performs what the loop of one session asks for. */
export class Performer {
  readonly executor: Executor;
  readonly #options: PerformerOptions;
  readonly #outbox: Outbox;

  constructor(options: PerformerOptions) {
    this.#options = options;
    const { context, ifCallUnknown, metadata = {} } = options.options;
    this.executor = new Executor({ ...options, context, ifCallUnknown, metadata });
    this.#outbox = new Outbox(options);
  }

  /** Performs one command; what it comes to is dispatched later. */
  perform(command: Step): void {
    const { connection, dispatch, effects, tell } = this.#options;
    switch (command.do) {
      case "tell":
        return tell(command.event);
      case "execute":
        return effects.track(this.executor.execute(command.call));
      case "cancel":
        return this.executor.cancel(command.ids);
      case "send":
        return effects.track(this.#send(command.inputs));
      case "post":
        return effects.track(this.#outbox.post(command.ids, command.inputs).then(dispatch));
      case "catch up":
        return effects.track(connection.catchUp().then(() => dispatch({ type: "caught.up" })));
      case "guard":
        return effects.track(this.#askGuard(), true);
      case "check output":
        return effects.track(this.#checkOutput(), true);
    }
  }

  /** Looks for the output among the calls of the output tool. */
  async #checkOutput(): Promise<void> {
    const { agent, current, dispatch } = this.#options;
    const run = current();
    if (agent.output === undefined || run === undefined) return;
    const found = await run.live.findOutput(OUTPUT_TOOL, agent.output.schema).catch(() => false);
    if (current() !== run) return;
    dispatch(found ? { type: "output.checked" } : { type: "stop", error: noOutput() });
  }

  async #askGuard(): Promise<void> {
    const { clock, current, dispatch, look, options, sessionId } = this.#options;
    const run = current();
    if (run === undefined) return;
    const elapsedMs = clock.now() - run.startedAt;
    const { final } = look();
    const report = {
      sessionId,
      ...run.live.progress(),
      isUsageKnown: run.live.isUsageKnown,
      elapsedMs,
      isLast: final !== undefined && final.reprompt === undefined,
    };
    const error = await haltedBy(options.guard, report);
    // Race: an answer about a run that was cancelled meanwhile must not release the next run, which would continue unguarded.
    if (current() !== run) return;
    dispatch(error === undefined ? { type: "guarded" } : { type: "stop", error });
  }

  async #send(inputs: readonly HostInput[]): Promise<void> {
    const { current, effects, journal, look } = this.#options;
    try {
      await this.#outbox.send(inputs);
    } catch (thrown) {
      // An interrupt that ends a run goes to a host that may be gone: the run has its own reason to end.
      if (inputs.at(-1)?.type !== "interrupt" || look().runOpen) throw thrown;
      return;
    }
    const ids = inputs.filter(isMessage).flatMap(({ id }) => id ?? []);
    if (ids.length === 0) return;
    const written = journal.record({ type: "input.sent", runId: current()?.live.id ?? "", ids });
    effects.track(written);
  }
}
