/**
 * Executes the calls the loop decides on: in parallel up to a limit, each journalled, each cancellable.
 *
 *   E1  a call with a recorded result is answered from the journal (I2)
 *   E2  a call recorded as started, without a result, follows its tool's `ifUnknown` (I4)
 *   E3  reading the host never waits for a tool (I8)
 */

import type { Agent } from "./agent.ts";
import type { Clock } from "./clock.ts";
import type { SessionEvent } from "./events.ts";
import type { Journal } from "./journal.ts";
import type { Call, LoopInput } from "./loop-state.ts";
import type { ToolResult } from "./results.ts";
import { textResult } from "./results.ts";
import { runTool } from "./run-tool.ts";
import type { Tool } from "./tool.ts";

/** What the executor works with. */
export interface ExecutorOptions {
  readonly agent: Agent;
  readonly sessionId: string;
  readonly context: unknown;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Feeds the loop. */
  readonly dispatch: (input: LoopInput) => void;
  /** Tells the reader. */
  readonly tell: (event: SessionEvent) => void;
}

/** The tool calls of one session, while they execute. */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #tools: ReadonlyMap<string, Tool>;
  readonly #running = new Map<string, AbortController>();
  readonly #queued: (() => void)[] = [];
  #slotsTaken = 0;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#tools = new Map(options.agent.tools.map((tool) => [tool.name, tool]));
  }

  /** Executes a call and dispatches what came of it. Rejects only when the journal cannot be written. */
  async execute(call: Call): Promise<void> {
    const { clock, dispatch, journal } = this.#options;
    const answer = (result: ToolResult, durationMs: number, replayed: boolean) =>
      dispatch({ type: "finished", id: call.id, result, durationMs, replayed });

    const recorded = journal.call(call.id);
    if (recorded?.state === "finished") return answer(recorded.result, 0, true);
    if (recorded?.state === "posted") return dispatch({ type: "call.answered", id: call.id });

    const tool = this.#tools.get(call.name);
    if (tool !== undefined && tool.execute === undefined)
      return dispatch({ type: "answer.needed", id: call.id });
    if (
      tool !== undefined &&
      !call.approved &&
      (recorded === undefined ? await mustAsk(tool, call) : tool.ifUnknown === "ask")
    ) {
      return dispatch({ type: "approval.needed", id: call.id });
    }

    const cancel = new AbortController();
    this.#running.set(call.id, cancel);
    try {
      await this.#slot();
      if (cancel.signal.aborted) return;
      const startedAt = clock.now();
      const result =
        recorded !== undefined && !call.approved && tool !== undefined
          ? await this.#afterUnknown(tool, call, cancel.signal)
          : await this.#run(call, cancel.signal);
      // Cancelled means nobody waits for it any more; there is nothing to record either, since nothing will be posted.
      if (cancel.signal.aborted) return;
      await journal.record({ type: "call.finished", id: call.id, result });
      answer(result, Math.round(clock.now() - startedAt), false);
    } finally {
      this.#running.delete(call.id);
      this.#slotsTaken -= 1;
      this.#queued.shift()?.();
    }
  }

  /** Stops calls; their tools see their signal abort, and their results are dropped. */
  cancel(ids: Iterable<string>): void {
    for (const id of ids) this.#running.get(id)?.abort();
  }

  /** Stops every call. */
  cancelAll(): void {
    this.cancel([...this.#running.keys()]);
  }

  async #run(call: Call, signal: AbortSignal): Promise<ToolResult> {
    const { agent, clock, context, journal, sessionId, tell } = this.#options;
    await journal.record({ type: "call.started", id: call.id, name: call.name, input: call.input });
    tell({ type: "tool.started", id: call.id, name: call.name });
    return runTool(call, {
      tools: this.#tools,
      context: { callId: call.id, sessionId, idempotencyKey: `${sessionId}:${call.id}`, context },
      signal,
      timeoutMs: agent.limits.toolTimeoutMs,
      maxResultChars: agent.limits.maxResultChars,
      clock,
    });
  }

  /** The process died while this call ran: its tool says what to make of that. */
  async #afterUnknown(tool: Tool, call: Call, signal: AbortSignal): Promise<ToolResult> {
    if (tool.ifUnknown === "rerun") return this.#run(call, signal);
    if (typeof tool.ifUnknown === "object") {
      const probed = await tool.ifUnknown.probe(`${this.#options.sessionId}:${call.id}`);
      if (probed === undefined) return this.#run(call, signal);
      return textResult(typeof probed === "string" ? probed : JSON.stringify(probed));
    }
    return textResult(
      `${call.name} was started, but this process stopped before its result was known. It may or may not have taken effect. Check before calling it again.`,
      true,
    );
  }

  /** Resolves when one of the parallel places is this call's. */
  #slot(): Promise<void> | undefined {
    this.#slotsTaken += 1;
    if (this.#slotsTaken <= this.#options.agent.limits.maxParallelTools) return undefined;
    return new Promise((resolve) => this.#queued.push(resolve));
  }
}

/** Whether a call must be approved before it runs. Input the tool would refuse is not worth asking about. */
async function mustAsk(tool: Tool, call: Call): Promise<boolean> {
  if (tool.needsApproval === undefined || call.problem !== undefined) return false;
  try {
    const checked = await tool.schema.validate(call.input);
    return checked.ok && tool.needsApproval(checked.value);
  } catch {
    return true; // fail closed: a check that breaks grants nothing
  }
}
