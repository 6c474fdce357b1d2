/**
 * Executes the calls the loop decides on: in parallel up to a limit, each journalled, each cancellable.
 *
 *   E1  a call with a recorded result is answered from the journal (I2); the same id with other input is another call
 *   E2  a call recorded as started, without a result, follows its tool's `ifCrashed` (I4)
 *   E3  reading the host never waits for a tool (I8)
 */

import type { Agent } from "../agent.ts";
import { sleep } from "../async/abort.ts";
import type { Clock } from "../clock.ts";
import { LoophostError } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import { callDigest } from "../journal/call-digest.ts";
import type { Journal } from "../journal/journal.ts";
import type { Call, LoopInput } from "../loop/state.ts";
import type { Metadata } from "../observer.ts";
import type { ToolResult } from "../results.ts";
import { textResult } from "../results.ts";
import type { IfCallUnknown } from "../session.ts";
import type { Tool } from "../tool.ts";
import { tellProgress } from "./progress.ts";
import type { ToolRun } from "./run-tool.ts";
import { needsApproval, probeTool, runTool } from "./run-tool.ts";
import type { Watch } from "./watch.ts";

/** What the executor works with. */
export interface ExecutorOptions {
  readonly agent: Agent;
  readonly sessionId: string;
  readonly context: unknown;
  readonly ifCallUnknown: IfCallUnknown | undefined;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly watch: Watch;
  readonly metadata: Metadata;
  /** Gives the loop an input. */
  readonly dispatch: (input: LoopInput) => void;
  /** Tells the reader. */
  readonly tell: (event: SessionEvent) => void;
}

/**
 * Crash loop: a call that was running in this many processes that died is not started again, since it may be what kills
 * them.
 */
const MAX_TIMES = 3;

/** The tool calls of one session, while they execute. */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #tools: ReadonlyMap<string, Tool>;
  readonly #running = new Map<string, AbortController>();
  readonly #places: Places;
  /** Those of tools with a limit of their own. */
  readonly #toolPlaces = new Map<string, Places>();
  #isSuspended = false;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#tools = new Map(options.agent.tools.map((tool) => [tool.name, tool]));
    this.#places = new Places(options.agent.limits.maxParallelTools);
    for (const { name, maxParallel } of options.agent.tools)
      if (maxParallel !== undefined) this.#toolPlaces.set(name, new Places(maxParallel));
  }

  /** Executes a call and dispatches what came of it. Rejects only when the journal cannot be written. */
  async execute(call: Call): Promise<void> {
    const cancel = new AbortController();
    this.#running.set(call.id, cancel);
    let outcome: LoopInput | undefined;
    try {
      outcome = await this.#settle(call, cancel.signal);
    } finally {
      this.#running.delete(call.id);
    }
    // After the call was removed: the input may make the loop execute this very call again, such as once it is
    // approved.
    if (outcome !== undefined && !cancel.signal.aborted) this.#options.dispatch(outcome);
  }

  /** Stops calls, or every one; their tools see their signal abort, and their results are dropped. */
  cancel(ids: Iterable<string> = [...this.#running.keys()]): void {
    for (const id of ids) this.#running.get(id)?.abort();
  }

  /** Starts no further call; those that run continue. */
  suspend(): void {
    this.#isSuspended = true;
  }

  /** The outcome of a call; undefined when it was cancelled, so that nothing is dispatched for it. */
  async #settle(call: Call, signal: AbortSignal): Promise<LoopInput | undefined> {
    const { clock, journal } = this.#options;
    const { id, name, approved } = call;
    const digest = callDigest(call);
    const found = journal.recorded.calls.get(id);
    // The same id with other input is another call, which was never run or asked about.
    const isAnother = found?.digest !== undefined && found.digest !== digest;
    const recorded = isAnother ? undefined : found;
    if (recorded?.state === "finished") return finished(id, recorded.result, 0, true);
    if (recorded?.state === "posted") return { type: "call.answered", id };
    if (recorded?.state === "started" && recorded.times >= MAX_TIMES)
      return this.#finish(id, digest, textResult(endsItsProcess(name), true), 0);

    const tool = this.#tools.get(name);
    const isOthers = tool === undefined ? await this.#isForOthers(call, signal) : tool.execute === undefined;
    if (isOthers) return { type: "answer.needed", id };
    const run = this.#toolRun(call, isAnother ? `${id}:${digest}` : id, signal);
    if (tool !== undefined && !approved) {
      const asks =
        recorded === undefined
          ? tool.needsApproval !== undefined && (await needsApproval(tool, call, run))
          : tool.ifCrashed === "ask";
      if (asks) return { type: "approval.needed", id };
    }

    // Its tool's own limit first: a call that waits for that must not hold one of the places all tools share
    // (starvation).
    const own = this.#toolPlaces.get(name);
    await own?.take();
    await this.#places.take();
    try {
      if (signal.aborted) return undefined;
      if (this.#isSuspended) return { type: "held", id };
      const startedAt = clock.now();
      const result =
        recorded === undefined || approved
          ? await this.#run(call, digest, run)
          : await this.#afterUnknown(call, digest, tool, run);
      // Do not journal a cancelled call's result: it will not be posted, and on resume it would count as finished.
      if (signal.aborted) return undefined;
      return await this.#finish(id, digest, result, Math.round(clock.now() - startedAt));
    } finally {
      this.#places.leave();
      own?.leave();
    }
  }

  /** @param digest of the call from before it ran: a tool may change its input in place */
  async #finish(id: string, digest: string, result: ToolResult, durationMs: number): Promise<LoopInput> {
    await this.#options.journal.record({ type: "call.finished", id, result, digest });
    return finished(id, result, durationMs, false);
  }

  /** Whether a call of a tool this agent does not have is left to another client of the session. */
  async #isForOthers({ name, kind }: Call, signal: AbortSignal): Promise<boolean> {
    const { ifCallUnknown = kind === "others" ? "leave" : "answer", clock } = this.#options;
    if (ifCallUnknown === "fail")
      throw new LoophostError(
        "unresolved_requires_action",
        `The host waits for a call of "${name}", which is not a tool of this agent.`,
      );
    if (typeof ifCallUnknown === "object")
      await sleep(ifCallUnknown.answerAfterMs, clock, signal).catch(() => undefined);
    return ifCallUnknown === "leave";
  }

  async #run(call: Call, digest: string, run: ToolRun): Promise<ToolResult> {
    const { journal, tell, watch } = this.#options;
    const { id, name, input } = call;
    await journal.record({ type: "call.started", id, name, input, digest });
    tell({ type: "tool.started", id, name });
    const traceContext = watch.traceContext(id);
    const traced = traceContext === undefined ? run : { ...run, context: { ...run.context, traceContext } };
    return watch.tool({ id, name, input }, () => runTool(call, traced));
  }

  /** A call in doubt: the process died while it ran, so `ifCrashed` of its tool decides. */
  async #afterUnknown(call: Call, digest: string, tool: Tool | undefined, run: ToolRun): Promise<ToolResult> {
    const policy = tool?.ifCrashed;
    if (policy === "rerun") return this.#run(call, digest, run);
    if (tool !== undefined && typeof policy === "object") {
      const probed = await probeTool(tool, policy, run);
      if (probed === "absent") return this.#run(call, digest, run);
      if (probed !== "unknown") return probed;
    }
    return textResult(
      `${call.name} was started, but this process stopped before its result was known. It may or may not have taken effect. Check before calling it again.`,
      true,
    );
  }

  #toolRun({ id, name }: Call, key: string, signal: AbortSignal): ToolRun {
    const { agent, clock, context, metadata, sessionId, tell } = this.#options;
    const isRunning = () => this.#running.has(id) && !signal.aborted;
    return {
      tools: this.#tools,
      context: {
        callId: id,
        sessionId,
        idempotencyKey: `${sessionId}:${key}`,
        context,
        metadata,
        traceContext: {},
        progress: (progress) => tellProgress({ id, name, progress }, isRunning, tell),
      },
      signal,
      timeoutMs: agent.limits.toolTimeoutMs,
      maxResultChars: agent.limits.maxResultChars,
      clock,
    };
  }
}

function endsItsProcess(name: string): string {
  return `${name} was started ${MAX_TIMES} times, and each time the process ended before its result was known. It is not started again.`;
}

/** A semaphore; waiters are served in the order they came. */
class Places {
  readonly #limit: number;
  readonly #queued: (() => void)[] = [];
  #taken = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves when a place is there. */
  take(): Promise<void> | undefined {
    this.#taken += 1;
    if (this.#taken <= this.#limit) return undefined;
    return new Promise((resolve) => this.#queued.push(resolve));
  }

  leave(): void {
    this.#taken -= 1;
    this.#queued.shift()?.();
  }
}

function finished(id: string, result: ToolResult, durationMs: number, replayed: boolean): LoopInput {
  return { type: "finished", id, result, durationMs, replayed };
}
