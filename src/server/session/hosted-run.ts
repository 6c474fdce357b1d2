/**
 * One run of a hosted session: our own loop over the in-process provider, from where the session's log stands to where
 * the model is done or cannot go on, told as wire events. Its tools are external: clients answer their calls.
 *
 *   R1  what the model answered, the events that tell it and the end of the run it may be are said in one step
 *   R2  a call no client could answer (no such tool, input that is no object) is answered here, in the open
 *   R3  stopped, it says nothing any more; whoever goes on begins with another run, from the log
 */

import { defineAgent } from "../../core/agent.ts";
import type { SessionEvent } from "../../core/events.ts";
import type { JsonObject } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";
import type { Ending, EndingDetails, ToolResult, Usage } from "../../core/results.ts";
import { resultText, textResult } from "../../core/results.ts";
import type { Session } from "../../core/session.ts";
import { resultAlone } from "../../core/session/live-run.ts";
import { openSession } from "../../core/session/open-session.ts";
import type { Tool } from "../../core/tool.ts";
import type { TranscriptMessage } from "../../core/transcript.ts";
import type { AgentSnapshot } from "../records/agent-record.ts";
import type { SessionRecord } from "../records/session-record.ts";
import { externalTools } from "../records/toolset.ts";
import { hostToolResult, wireEvent } from "../wire/wire-events.ts";
import { UNKNOWN_USAGE } from "./budget.ts";
import { builtInTools, isBuiltIn, permissionOf } from "./built-in-tools.ts";
import type { SessionHost } from "./host.ts";
import { listeningProvider } from "./listening-provider.ts";
import type { TurnPaper } from "./turn-writer.ts";
import { TurnWriter } from "./turn-writer.ts";

/** What a run works with, and whom it tells. */
export interface RunSetup extends TurnPaper {
  readonly host: SessionHost;
  /** The session as it is when the run begins; its agent stays so until the run ends. */
  readonly record: SessionRecord;
  /** Reads the conversation so far. */
  readonly conversation: () => Promise<readonly TranscriptMessage[]>;
  /** Whether the model may be asked once more; if not, the run has been stopped. */
  readonly mayAsk: () => boolean;
  /** The run waits for clients to answer calls. */
  readonly onWaiting: () => void;
  readonly onSpent: (usage: Usage) => void;
  /** A request failed and is retried; where that takes long, `onMended` follows. */
  readonly onRetrying: (reason: string, isLong: boolean) => void;
  readonly onMended: () => void;
  readonly onEnd: (ending: Ending, details: EndingDetails | undefined) => void;
}

/** Turns of a run, at most: stops a model that calls tools for ever. */
const MAX_TURNS = 1_000;

/** Milliseconds from which a retry delay is reported to clients. */
const LONG_WAIT_MS = 5_000;

/** A run. */
export class HostedRun {
  readonly #setup: RunSetup;
  readonly #agent: AgentSnapshot;
  readonly #tools: readonly Tool[];
  readonly #turn: TurnWriter;
  /** The calls of the turn: the event that told each, and the loop's id of it. */
  readonly #calls = new Map<string, string>();
  /** Their results, until the loop can take them. */
  readonly #results = new Map<string, ToolResult>();
  #refusals: { readonly toldAs: string; readonly result: ToolResult }[] = [];
  #loop: Session | undefined;
  #isLoopWaiting = false;
  #isStopped = false;
  /** Whether the model told what the turn used. */
  #isCounted = false;
  /** Set while a failed request waits for its retry. */
  #cancelWait: (() => void) | undefined;

  constructor(setup: RunSetup) {
    const { agent, is_self_hosted: isSelfHosted } = setup.record;
    this.#setup = setup;
    this.#agent = agent;
    this.#tools = [...externalTools(agent.tools), ...(isSelfHosted ? builtInTools(agent.tools) : [])];
    this.#turn = new TurnWriter(setup);
  }

  /** Runs until the loop ends or is stopped. Called once; rejects when it could not go on. */
  async run(): Promise<void> {
    const { host, record, conversation, mayAsk } = this.#setup;
    const history = await conversation();
    if (this.#isStopped) return;
    const broken = Promise.withResolvers<never>();
    const loop = await openSession(toLoopAgent(this.#agent, this.#tools), {
      provider: listeningProvider(host.provider(this.#agent), {
        onSaid: (message) => this.#turn.answered(message),
        mayAsk,
      }),
      sessionId: record.id,
      metadata: record.metadata,
      observers: host.observers,
      history,
      clock: host.clock,
      keepEvents: "none",
      ifCallUnknown: "leave",
      onEvent: (event) => {
        try {
          if (!this.#isStopped) this.#hear(event);
        } catch (thrown) {
          // The loop ignores observers that throw; this run ends.
          broken.reject(thrown);
        }
      },
    });
    this.#loop = loop;
    try {
      if (!this.#isStopped) await Promise.race([resultAlone(loop.resume()), broken.promise]);
    } finally {
      await loop.close();
    }
  }

  /** Adds the result of a call; the loop continues once all are there. */
  answer(toldAs: string, result: ToolResult): void {
    this.#results.set(toldAs, result);
    this.#handOver();
  }

  /** Abandons the run, and whatever the model is saying. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelWait?.();
    this.#results.clear();
    this.#loop?.close().catch(() => undefined);
  }

  #hear(event: SessionEvent): void {
    const turn = this.#turn;
    // Deltas of the failed attempt are retracted while it waits; any other event means that the retry has begun.
    if (this.#cancelWait !== undefined && event.type !== "deltas.retracted") this.#requestAgain();
    switch (event.type) {
      case "turn.started":
        this.#calls.clear();
        this.#isLoopWaiting = this.#isCounted = false;
        return turn.beginRequest();
      case "thinking.delta":
        return turn.think();
      case "text.delta":
        return turn.say(event.text);
      case "deltas.retracted":
        return turn.dropPreviews();
      case "message":
        return turn.message(event.text);
      case "usage":
        if (event.isError === true) return;
        this.#isCounted ||= Object.values(event.usage).some((count) => count > 0);
        turn.spend(event.usage);
        return this.#setup.onSpent(event.usage);
      case "context.compacted":
        return this.#setup.say(wireEvent("agent.thread_context_compacted"));
      case "retrying":
        turn.endRequest(true);
        return this.#retry(event.reason, event.delayMs);
      case "tool.called":
        turn.endThinking();
        return this.#hearCall(event.id, event.name, event.input);
      case "run.waiting":
        this.#isLoopWaiting = true;
        return this.#handOver();
      case "turn.ended":
        if (!this.#isCounted) this.#setup.onSpent(UNKNOWN_USAGE);
        turn.endRequest(false);
        return this.#refuse();
      case "run.ended":
        turn.endRequest(false);
        return this.#setup.onEnd(event.ending, event.details);
      case "run.failed":
        return turn.endRequest(true);
      // Never emitted by the in-process provider, or about tools that execute here, or already shown as wire events.
      case "run.started":
      case "tool.started":
      case "tool.progress":
      case "model.asked":
      case "tool.finished":
      case "tool.posted":
      case "approval.requested":
      case "server_tool.called":
      case "server_tool.finished":
      case "outcome.evaluated":
      case "thread.changed":
      case "stream.lost":
      case "stream.restored":
      case "provider":
    }
  }

  #retry(reason: string, delayMs: number): void {
    const isLong = delayMs >= LONG_WAIT_MS;
    this.#setup.onRetrying(reason, isLong);
    if (isLong) this.#cancelWait = this.#setup.host.clock.after(delayMs, () => this.#requestAgain());
    else this.#turn.beginRequest();
  }

  /** The request that failed is made again. */
  #requestAgain(): void {
    this.#cancelWait?.();
    this.#cancelWait = undefined;
    this.#setup.onMended();
    this.#turn.beginRequest();
  }

  #hearCall(callId: string, name: string, given: unknown): void {
    const isKnown = this.#tools.some((tool) => tool.name === name);
    const input = isObject(given) ? toJson(given) : undefined;
    const told =
      !isKnown || input === undefined
        ? // Clients know to leave a call alone that the host denied; its result follows.
          wireEvent("agent.tool_use", { name, input: input ?? {}, evaluated_permission: "deny", ...THREAD })
        : isBuiltIn(name)
          ? builtInUse(this.#agent, name, input)
          : wireEvent("agent.custom_tool_use", { name, input, ...THREAD });
    this.#calls.set(told.id, callId);
    this.#setup.say(told);
    if (!isKnown) this.#refusals.push({ toldAs: told.id, result: unknownTool(name, this.#tools) });
    else if (input === undefined) this.#refusals.push({ toldAs: told.id, result: unreadable(name) });
  }

  #refuse(): void {
    for (const { toldAs, result } of this.#refusals) {
      this.#setup.say(hostToolResult(toldAs, resultText(result)));
      this.#results.set(toldAs, result);
    }
    this.#refusals = [];
  }

  /** Gives the loop its results, all of a turn together; it accepts none before it waits for them. */
  #handOver(): void {
    if (!this.#isLoopWaiting) return;
    if (this.#results.size < this.#calls.size) return this.#setup.onWaiting();
    const answers = [...this.#results].map(
      ([toldAs, result]) => [this.#calls.get(toldAs) ?? "", result] as const,
    );
    this.#calls.clear();
    this.#results.clear();
    for (const [callId, result] of answers) {
      // A failure here fails the run as well, which reports it.
      this.#loop?.answer(callId, result).catch(() => undefined);
    }
  }
}

const THREAD: JsonObject = { session_thread_id: null };

function builtInUse({ tools }: AgentSnapshot, name: string, input: JsonObject): ReturnType<typeof wireEvent> {
  const { policy, permission } = permissionOf(tools, name);
  return wireEvent("agent.tool_use", {
    name,
    input,
    evaluated_permission: permission,
    evaluation: { type: policy },
    ...THREAD,
  });
}

function unknownTool(name: string, tools: readonly Tool[]): ToolResult {
  const names = tools.map((tool) => tool.name).join(", ") || "none";
  return textResult(`There is no tool named "${name}". The tools are: ${names}.`, true);
}

function unreadable(name: string): ToolResult {
  return textResult(
    `The input of ${name} could not be read: it is not a JSON object. Send valid JSON.`,
    true,
  );
}

function toLoopAgent(
  { name, system, model }: AgentSnapshot,
  tools: readonly Tool[],
): ReturnType<typeof defineAgent> {
  return defineAgent({
    name,
    instructions: system ?? "",
    model: model.id,
    tools,
    // No timeout: a client may answer a call after a quarter of an hour.
    limits: { maxTurns: MAX_TURNS, runTimeoutMs: Number.POSITIVE_INFINITY },
  });
}

function toJson(input: Record<string, unknown>): JsonObject {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: the arguments of a call are parsed JSON
  return input as JsonObject;
}
