/**
 * The spans of one run: the run itself, and in it the requests to models, the executions of tools, and the waits for people.
 *
 *   T1  every span that is started is ended once: by its own end, or by that of the run, which comes on every path
 *   T2  tokens stand on the spans of requests and nowhere else, so that a sum over all spans is what was spent
 */

import type { Context } from "@opentelemetry/api";

import type { SessionEvent } from "../core/events.ts";
import type { About, ModelRequest, TraceContext } from "../core/observer.ts";
import type { HostInput } from "../core/provider.ts";
import { addUsage, NO_USAGE } from "../core/results.ts";
import { ChatSpans } from "./chat-spans.ts";
import { toMessage } from "./content.ts";
import { providerOf } from "./provider-names.ts";
import { ToolSpans } from "./tool-spans.ts";
import { fromHeaders, toHeaders } from "./trace-context.ts";
import type { TraceKit } from "./trace-span.ts";
import { now, TraceSpan } from "./trace-span.ts";

type RunOver = Extract<SessionEvent, { type: "run.ended" | "run.failed" }>;

/** The trace of one run. */
export class RunTrace {
  readonly #kit: TraceKit;
  readonly #about: About;
  readonly #span: TraceSpan;
  readonly #chats: ChatSpans;
  readonly #tools: ToolSpans;
  readonly #isHere: boolean;
  /** Whether only its context matters, since a sampler said no and nobody measures. */
  readonly #isQuiet: boolean;
  #usage = NO_USAGE;
  #turns = 0;
  #toolCalls = 0;
  #retries = 0;
  #losses = 0;
  #texts: string[] = [];
  #isOver = false;

  /**
   * @param begunIn what continues the trace of the part of this run that came before, in this process or another
   */
  constructor(kit: TraceKit, about: About, begunIn: TraceContext | undefined) {
    const { agent, provider, sessionId, runId, metadata } = about;
    const { api } = kit;
    this.#kit = kit;
    this.#about = about;
    this.#isHere = provider.traits.history === "here";
    const before = fromHeaders(api, begunIn);
    const isSame = before !== undefined && kit.resume === "same-trace";
    const active = api.context.active();
    this.#span = new TraceSpan(kit, {
      kind: "agent",
      name: `invoke_agent ${agent.name}`,
      isClient: !this.#isHere,
      parent: isSame ? api.trace.setSpanContext(active, before) : active,
      links: before === undefined || isSame ? [] : [{ context: before }],
      metadata,
      attributes: {
        ...baseOf(about, providerOf(provider, undefined)),
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.request.model": agent.model,
        "server.address": provider.address,
        "loophost.resumed": before === undefined ? undefined : true,
      },
    });
    const start = { about, parent: this.#span.context, base: () => this.#base };
    this.#chats = new ChatSpans(kit, start);
    this.#tools = new ToolSpans(kit, start);
    if (kit.content.level === "full") {
      this.#span.content(agent.instructions, "gen_ai.system_instructions");
      const tools = agent.tools.map(({ name, description, schema }) => ({
        type: "function",
        name,
        description,
        parameters: schema.jsonSchema,
      }));
      if (tools.length > 0) this.#span.content(tools, "gen_ai.tool.definitions");
    }
    kit.meters.record("loophost.runs.open", 1, this.#labels);
    if (runId === undefined || sessionId === "") this.#isOver = true;
    this.#isQuiet = !this.#span.isKept && !kit.meters.isOn;
  }

  /** What continues the trace of the run, or of one call. */
  headers(callId: string | undefined): TraceContext | undefined {
    return toHeaders(this.#kit.api, this.#tools.contextOf(callId) ?? this.#span.context);
  }

  /** The context of a call, for its tool. */
  ofCall(id: string): Context {
    return this.#tools.contextOf(id) ?? this.#span.context;
  }

  /** The context of a request to a model, which begins with it. */
  ofRequest(request: ModelRequest): Context {
    if (this.#isOver || this.#isQuiet) return this.#span.context;
    return this.#chats.begin(undefined, request, this.#turns) ?? this.#span.context;
  }

  /** The context of what is sent, which is seen on its way. */
  ofSend(inputs: readonly HostInput[]): Context {
    const messages = inputs.filter((input) => input.type === "message");
    if (messages.length > 0 && this.#kit.content.level !== "off") {
      const said = messages.map(({ content }) => toMessage("user", content));
      this.#span.content(said, "gen_ai.input.messages", "input");
    }
    return this.#span.context;
  }

  /** Takes an event; tells whether the run is over with it. */
  event(event: SessionEvent): boolean {
    if (this.#isOver) return true;
    const isEnd = event.type === "run.ended" || event.type === "run.failed";
    if (this.#isQuiet && !isEnd) return false;
    this.#chats.event(event, this.#turns);
    this.#tools.event(event, this.#turns);
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the other events are of others
    switch (event.type) {
      case "turn.started":
        this.#turns = event.turn;
        this.#texts = [];
        break;
      case "message":
        if (event.thread === undefined && event.text !== "") this.#texts.push(event.text);
        break;
      case "tool.called":
        this.#toolCalls += 1;
        break;
      case "usage":
        this.#usage = addUsage(this.#usage, event.usage);
        this.#span.set({
          "loophost.cost.minor_units": event.cost?.minorUnits,
          "loophost.cost.currency": event.cost?.currency,
        });
        break;
      case "context.compacted":
        this.#span.set({ "gen_ai.conversation.compacted": true });
        break;
      case "retrying":
        this.#retries += 1;
        this.#kit.meters.record("loophost.host.retries", 1, this.#labels);
        break;
      case "stream.lost":
        this.#losses += 1;
        this.#kit.meters.record("loophost.stream.losses", 1, this.#labels);
        break;
      case "outcome.evaluated":
        this.#span.set({
          "loophost.outcome.verdict": event.verdict,
          "loophost.outcome.iteration": event.iteration,
        });
        break;
      case "run.ended":
      case "run.failed":
        this.#end(event);
        break;
    }
    return this.#isOver;
  }

  #end(event: RunOver): void {
    this.#isOver = true;
    this.#chats.endAll();
    this.#tools.endAll(event.type === "run.ended" && event.ending === "requires_action");
    if (event.type === "run.failed") this.#span.fail(event.code);
    else this.#span.set({ "loophost.terminal": event.terminal, "loophost.ending": event.ending });
    const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = this.#usage;
    this.#span.set({
      "gen_ai.provider.name": this.#chats.provider,
      "loophost.turns": this.#turns,
      "loophost.tool_calls": this.#toolCalls,
      "loophost.retries": this.#retries || undefined,
      "loophost.stream_losses": this.#losses || undefined,
      "loophost.observer_errors": this.#about.observerErrors || undefined,
      "loophost.usage.input_tokens": inputTokens + cacheReadTokens + cacheWriteTokens,
      "loophost.usage.output_tokens": outputTokens,
    });
    if (this.#texts.length > 0)
      this.#span.content(
        [toMessage("assistant", [{ type: "text", text: this.#texts.join("\n") }])],
        "gen_ai.output.messages",
      );
    const seconds = this.#span.end(now());
    const { meters } = this.#kit;
    const failure = event.type === "run.failed" ? event.code : undefined;
    const labels = { ...this.#labels, "error.type": failure };
    const duration = this.#isHere ? "gen_ai.invoke_agent.duration" : "gen_ai.client.invoke_agent.duration";
    meters.record(duration, seconds, { ...labels, "gen_ai.request.model": this.#about.agent.model });
    meters.record("gen_ai.invoke_agent.inference_calls", this.#chats.count, labels);
    meters.record("gen_ai.invoke_agent.tool_calls", this.#toolCalls, labels);
    meters.record("loophost.runs.open", -1, this.#labels);
  }

  /** On every span. */
  get #base(): ReturnType<typeof baseOf> {
    return baseOf(this.#about, this.#chats.provider);
  }

  get #labels(): Record<string, string | undefined> {
    return { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": this.#about.agent.name };
  }
}

function baseOf(
  { sessionId, runId, agent }: About,
  provider: string,
): Record<"gen_ai.provider.name" | "gen_ai.conversation.id" | "gen_ai.agent.name" | "session.id", string> & {
  "loophost.run.id": string | undefined;
} {
  return {
    "gen_ai.provider.name": provider,
    "gen_ai.conversation.id": sessionId,
    "gen_ai.agent.name": agent.name,
    // Some backends group by it, span by span.
    "session.id": sessionId,
    "loophost.run.id": runId,
  };
}
