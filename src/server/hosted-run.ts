/**
 * One run of a hosted session: our own loop over the in-process provider, with the agent's custom tools as external
 * tools, told as wire events.
 *
 *   R1  a call is told as soon as the model makes it, and can be answered from then on
 *   R2  a call no client could answer (no such tool, input that is no object) is answered here, in the open
 *   R3  the conversation is kept before `run` settles, whichever way it does
 */

import { defineAgent } from "../core/agent.ts";
import type { Clock } from "../core/clock.ts";
import { LoophostError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { JsonObject } from "../core/json.ts";
import { isObject } from "../core/json.ts";
import { openSession } from "../core/open-session.ts";
import type { Provider } from "../core/provider.ts";
import type { ContentBlock, Ending, ToolResult, Usage } from "../core/results.ts";
import { resultText, textResult } from "../core/results.ts";
import type { Session } from "../core/session.ts";
import type { AgentSnapshot } from "./agent-record.ts";
import type { EventLog } from "./event-log.ts";
import { externalTools } from "./toolset.ts";
import type { Transcript } from "./transcript.ts";
import { INTERRUPTED } from "./transcript.ts";
import { TurnWriter } from "./turn-writer.ts";
import { errorEvent, hostToolResult, wireEvent } from "./wire-events.ts";

/** What a run works with. */
export interface RunSetup {
  readonly agent: AgentSnapshot;
  /** Gives the loop host. What it throws ends the run. */
  readonly provider: () => Provider;
  readonly log: EventLog;
  readonly transcript: Transcript;
  readonly clock: Clock;
  /** Nothing goes on until open calls are answered. */
  readonly onWaiting: () => void;
  readonly onSpent: (usage: Usage) => void;
}

/** A model that calls tools for ever stops here; what people do in a session stays far below. */
const MAX_TURNS = 1_000;

/** A run. */
export class HostedRun {
  readonly #setup: RunSetup;
  readonly #turn: TurnWriter;
  /** Calls that wait for a client: the id of the event that told them, and the model's id. */
  readonly #open = new Map<string, string>();
  /** Results of this turn's calls, by the model's id: an interrupt must not lose them. */
  readonly #answered = new Map<string, ToolResult>();
  /** Calls answered here: the model's id, and the id of the event that told them. */
  readonly #refused = new Map<string, string>();
  #loop: Session | undefined;
  #isInterrupted = false;
  #isClosed = false;

  constructor(setup: RunSetup) {
    this.#setup = setup;
    this.#turn = new TurnWriter(setup.log);
  }

  /** The ids of the calls that wait for an answer. */
  get openCalls(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** Runs until the loop ends. Called once. */
  async run(content: readonly ContentBlock[]): Promise<Ending> {
    const { agent, transcript, clock } = this.#setup;
    const history = await transcript.read();
    const provider = this.#setup.provider();
    const loop = await openSession(toLoopAgent(agent), { provider, history, clock, keepEvents: "none" });
    this.#loop = loop;
    try {
      if (this.#isClosed) await loop.close();
      const run = loop.send(content);
      if (this.#isInterrupted) loop.interrupt();
      for await (const event of run) this.#hear(event);
      const { ending, transcript: said } = await run.result();
      await transcript.keep(said ?? [], this.#answered);
      return ending;
    } catch (thrown) {
      const said = thrown instanceof LoophostError ? thrown.result?.transcript : undefined;
      if (said) await transcript.keep(said, this.#answered);
      throw thrown;
    } finally {
      await loop.close();
    }
  }

  /** Gives the result of an open call. */
  answer(eventId: string, result: ToolResult): void {
    const callId = this.#open.get(eventId);
    if (callId === undefined) return;
    this.#open.delete(eventId);
    this.#answered.set(callId, result);
    this.#tellLoop(callId, result);
  }

  /** Stops the model, and closes the open calls as interrupted. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#turn.endRequest(false);
    for (const eventId of this.openCalls) this.#setup.log.append(hostToolResult(eventId, INTERRUPTED));
    this.#open.clear();
    this.#loop?.interrupt();
  }

  /** Abandons the run. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#loop?.close();
  }

  /** An answer that cannot be kept fails the run, which says so itself. */
  #tellLoop(callId: string, result: ToolResult): void {
    this.#loop?.answer(callId, result).catch(() => undefined);
  }

  #hear(event: SessionEvent): void {
    const { log, onSpent, onWaiting } = this.#setup;
    const turn = this.#turn;
    switch (event.type) {
      case "turn.started":
        this.#answered.clear();
        this.#refused.clear();
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
        turn.spend(event.usage);
        return onSpent(event.usage);
      case "context.compacted":
        log.append(wireEvent("agent.thread_context_compacted"));
        return;
      case "retrying":
        turn.endRequest(true);
        log.append(errorEvent("model_request_failed_error", event.reason, "retrying"));
        return turn.beginRequest();
      case "tool.called":
        turn.endThinking();
        return this.#hearCall(event.id, event.name, event.input);
      case "tool.finished": {
        const toldAs = this.#refused.get(event.id);
        if (toldAs !== undefined) log.append(hostToolResult(toldAs, resultText(event.result)));
        return;
      }
      case "run.waiting":
        // An answer may have come since the loop said this.
        if (this.#open.size > 0) onWaiting();
        return;
      case "turn.ended":
        return turn.endRequest(false);
      case "run.ended":
      case "run.failed":
        this.#open.clear();
        return turn.endRequest(event.type === "run.failed");
      // Said by hosts that are not this process, or of tools that execute here.
      case "run.started":
      case "tool.started":
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

  #hearCall(callId: string, name: string, input: unknown): void {
    const { agent, log } = this.#setup;
    const isKnown = agent.tools.some((tool) => tool["type"] === "custom" && tool["name"] === name);
    if (isKnown && isObject(input)) {
      const use = wireEvent("agent.custom_tool_use", { name, input: toJson(input), session_thread_id: null });
      this.#open.set(use.id, callId);
      return log.append(use);
    }
    // Told as a call the host denied, which clients know to leave alone; its result follows.
    const use = wireEvent("agent.tool_use", {
      name,
      input: isObject(input) ? toJson(input) : {},
      evaluated_permission: "deny",
      session_thread_id: null,
    });
    this.#refused.set(callId, use.id);
    log.append(use);
    if (isKnown) {
      const unreadable = `The input of ${name} could not be read: it is not a JSON object. Send valid JSON.`;
      this.#tellLoop(callId, textResult(unreadable, true));
    }
  }
}

function toLoopAgent({ name, system, model, tools }: AgentSnapshot): ReturnType<typeof defineAgent> {
  return defineAgent({
    name,
    instructions: system ?? "",
    model: model.id,
    tools: externalTools(tools),
    // Clients take the time they need: a call may be answered a quarter of an hour later.
    limits: { maxTurns: MAX_TURNS, runTimeoutMs: Number.POSITIVE_INFINITY },
  });
}

function toJson(input: Record<string, unknown>): JsonObject {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: the arguments of a call are parsed JSON
  return input as JsonObject;
}
