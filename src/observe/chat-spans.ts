/**
 * The spans of requests to models, one each, by agent thread. A request's end is told by `usage`; how its turn ended, which
 * belongs on the same span, a little later: until then the span is held, and its end is the moment that was told.
 */

import type { Context } from "@opentelemetry/api";

import type { SessionEvent } from "../core/events.ts";
import { isDelta } from "../core/events.ts";
import { isObject } from "../core/json.ts";
import type { ModelRequest } from "../core/observer.ts";
import type { Usage } from "../core/results.ts";
import { addUsage, NO_USAGE } from "../core/results.ts";
import { toMessage } from "./content.ts";
import { providerOf } from "./provider-names.ts";
import type { RunStart } from "./tool-spans.ts";
import type { TraceKit } from "./trace-span.ts";
import { now, TraceSpan } from "./trace-span.ts";

interface Chat {
  /** None where the platform sends its own; what is measured is measured all the same. */
  readonly span: TraceSpan | undefined;
  readonly startedAt: number;
  readonly model: string | undefined;
  readonly texts: string[];
  lastChunkAt: number | undefined;
  /** Measures the time between two chunks, which come by the thousand. */
  readonly between: (seconds: number) => void;
  usage: Usage | undefined;
  endedAt: number | undefined;
  isError: boolean;
  retries: number;
}

/** The requests of one run. */
export class ChatSpans {
  readonly #kit: TraceKit;
  readonly #run: RunStart;
  readonly #open = new Map<string, Chat>();
  #turnAt = now();
  #service: string | undefined;
  /** How many there were. */
  count = 0;

  constructor(kit: TraceKit, run: RunStart) {
    this.#kit = kit;
    this.#run = run;
  }

  /** The service that answers, as far as it is known. */
  get provider(): string {
    return providerOf(this.#run.about.provider, this.#service);
  }

  /** Begins a request; gives its context. */
  begin(
    thread: string | undefined,
    { model, service }: ModelRequest,
    turn: number,
    at: number = now(),
  ): Context {
    this.#end(thread);
    this.#service = service ?? this.#service;
    this.count += 1;
    const named = model ?? this.#run.about.agent.model;
    const span = this.#span(named, thread, turn, at);
    const labels = this.#labels(named);
    const between = this.#kit.meters.recorderOf("gen_ai.client.inference.time_per_output_chunk", labels);
    const none = { lastChunkAt: undefined, usage: undefined, endedAt: undefined };
    this.#open.set(thread ?? "", {
      span,
      startedAt: at,
      model: named,
      texts: [],
      between,
      retries: 0,
      ...none,
      isError: false,
    });
    return span?.context ?? this.#run.parent;
  }

  #span(
    model: string | undefined,
    thread: string | undefined,
    turn: number,
    at: number,
  ): TraceSpan | undefined {
    const { about, parent, base } = this.#run;
    if (!this.#kit.modelSpans(about.provider)) return undefined;
    return new TraceSpan(this.#kit, {
      kind: "chat",
      name: model === undefined ? "chat" : `chat ${model}`,
      isClient: true,
      parent,
      metadata: about.metadata,
      at,
      attributes: {
        ...base(),
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": model,
        "server.address": about.provider.address,
        "loophost.turn": turn === 0 ? undefined : turn,
        "loophost.thread": thread,
      },
    });
  }

  event(event: SessionEvent, turn: number): void {
    const thread = "thread" in event ? event.thread : undefined;
    const chat = this.#open.get(thread ?? "");
    if (isDelta(event)) {
      if (chat !== undefined) this.#chunk(chat);
      return;
    }
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the other events are of others
    switch (event.type) {
      case "turn.started":
        this.#turnAt = now();
        chat?.span?.set({ "loophost.turn": event.turn });
        return;
      case "model.asked":
        // Where this process makes the request, it has begun already.
        if (chat === undefined || chat.endedAt !== undefined)
          this.begin(thread, { model: event.model, service: event.service }, turn);
        return;
      case "retrying":
        if (chat !== undefined) chat.span?.set({ "loophost.retries": (chat.retries += 1) });
        return;
      case "context.compacted":
        chat?.span?.set({ "gen_ai.conversation.compacted": true });
        return;
      case "message":
        chat?.texts.push(event.text);
        return;
      case "usage":
        return this.#spent(event, turn);
      case "turn.ended":
        chat?.span?.set({ "gen_ai.response.finish_reasons": reasonsOf(event.stopReason) });
        return this.#end(thread);
    }
  }

  endAll(): void {
    for (const thread of this.#open.keys()) this.#end(thread === "" ? undefined : thread);
  }

  #chunk(chat: Chat): void {
    const isFirst = chat.lastChunkAt === undefined;
    if (!isFirst && !this.#kit.meters.isOn) return;
    const at = now();
    const before = chat.lastChunkAt ?? chat.startedAt;
    const seconds = (at - before) / 1_000;
    chat.lastChunkAt = at;
    if (!isFirst) return chat.between(seconds);
    chat.span?.set({ "gen_ai.response.time_to_first_chunk": seconds });
    const labels = this.#labels(chat.model);
    this.#kit.meters.record("gen_ai.client.inference.time_to_first_chunk", seconds, labels);
  }

  #spent(event: Extract<SessionEvent, { type: "usage" }>, turn: number): void {
    const { usage, thread, model, isError = false } = event;
    const hasTokens = Object.values(usage).some((count) => count > 0);
    // What the session has cost is told alone, and ends no request.
    if (event.cost !== undefined && !hasTokens) return;
    let chat = this.#open.get(thread ?? "");
    // A host that tells no request begin tells its tokens all the same: it took the turn so far.
    if (chat === undefined && hasTokens) {
      this.begin(thread, { model }, turn, this.#turnAt);
      chat = this.#open.get(thread ?? "");
    }
    if (chat === undefined) return;
    if (!isError || hasTokens) chat.usage = addUsage(chat.usage ?? NO_USAGE, usage);
    chat.endedAt = now();
    chat.isError = isError;
  }

  #end(thread: string | undefined): void {
    const chat = this.#open.get(thread ?? "");
    if (chat === undefined) return;
    this.#open.delete(thread ?? "");
    const { span, usage, texts, isError, startedAt, endedAt = now() } = chat;
    if (isError) span?.fail("host_failed");
    if (usage !== undefined) span?.set(tokensOf(usage));
    if (texts.length > 0) {
      const said = texts.map((text) => toMessage("assistant", [{ type: "text", text }]));
      span?.content(said, "gen_ai.output.messages", "result");
    }
    span?.end(endedAt);
    const seconds = Math.max(endedAt - startedAt, 0) / 1_000;
    const labels = { ...this.#labels(chat.model), "error.type": isError ? "host_failed" : undefined };
    this.#kit.meters.record("gen_ai.client.inference.duration", seconds, labels);
    this.#kit.meters.record("gen_ai.client.operation.duration", seconds, labels);
    if (usage !== undefined) this.#kit.meters.tokens(usage, labels);
  }

  #labels(model: string | undefined): Record<string, string | undefined> {
    return {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": this.provider,
      "gen_ai.request.model": model,
      "server.address": this.#run.about.provider.address,
    };
  }
}

function tokensOf(usage: Usage): object {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = usage;
  return {
    // By the conventions the cached ones are among the input tokens.
    "gen_ai.usage.input_tokens": inputTokens + cacheReadTokens + cacheWriteTokens,
    "gen_ai.usage.output_tokens": outputTokens,
    "gen_ai.usage.cache_read.input_tokens": cacheReadTokens || undefined,
    "gen_ai.usage.cache_write.input_tokens": cacheWriteTokens || undefined,
    "gen_ai.usage.cache_creation.input_tokens": cacheWriteTokens || undefined,
  };
}

/** The host's own word for why it stopped. */
function reasonsOf(stopReason: unknown): string[] | undefined {
  const reason = isObject(stopReason) ? stopReason["type"] : stopReason;
  return typeof reason === "string" ? [reason] : undefined;
}
