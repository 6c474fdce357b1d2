/** A span that ends once, whoever ends it first, and the start of one by our table of names and a backend's preset. */

import type * as Api from "@opentelemetry/api";
import type { Context, Link, Span, Tracer } from "@opentelemetry/api";

import type { About, Metadata } from "../core/observer.ts";
import type { ContentRules } from "./content.ts";
import { measured, shown } from "./content.ts";
import type { Meters } from "./metrics.ts";
import type { AttributeName, Attributes, SpanKindName } from "./names.ts";
import type { Preset } from "./presets.ts";

/** The API of OpenTelemetry, loaded where it is used or handed in. */
export type OtelApi = typeof Api;

/** What traces are made with. */
export interface TraceKit {
  readonly api: OtelApi;
  /** Where the tracer is from. */
  readonly tracers: object;
  readonly tracer: Tracer;
  readonly meters: Meters;
  readonly content: ContentRules;
  readonly preset: Preset | undefined;
  /** The user's own, on every span. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Whether requests to models have spans, by the provider that tells of them. */
  readonly modelSpans: (provider: About["provider"]) => boolean;
  readonly resume: "link" | "same-trace";
}

/** What a span is started with. */
export interface SpanStart {
  readonly kind: SpanKindName;
  readonly name: string;
  readonly isClient?: boolean;
  readonly parent: Context;
  readonly at?: number;
  readonly metadata: Metadata;
  readonly attributes: Attributes;
  readonly links?: readonly Link[];
}

/** Wall-clock milliseconds since 1970, finer than whole ones: spans are compared with those of other processes. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** A span under way. */
export class TraceSpan {
  readonly startedAt: number;
  /** For what is done inside of it. */
  readonly context: Context;
  readonly #kit: TraceKit;
  readonly #span: Span;
  readonly #kind: SpanKindName;
  /** Whether anybody keeps what is written on it: not without an SDK, nor where a sampler said no. */
  readonly isKept: boolean;
  #isOver = false;

  constructor(kit: TraceKit, start: SpanStart) {
    const { kind, name, isClient = false, parent, at = now(), metadata, links = [] } = start;
    const { SpanKind, trace } = kit.api;
    this.#kit = kit;
    this.#kind = kind;
    this.startedAt = at;
    const bare = Object.entries(metadata).map(([key, value]) => [`loophost.metadata.${key}`, value] as const);
    // Ours last: what the library sets wins over a name of the caller's. All there at the start, for samplers.
    const attributes = { ...kit.attributes, ...Object.fromEntries(bare), ...this.#named(start.attributes) };
    const spanKind = isClient ? SpanKind.CLIENT : SpanKind.INTERNAL;
    this.#span = kit.tracer.startSpan(
      name,
      { kind: spanKind, startTime: at, attributes, links: [...links] },
      parent,
    );
    this.isKept = this.#span.isRecording();
    this.context = trace.setSpan(parent, this.#span);
  }

  set(attributes: Attributes): void {
    if (this.isKept && !this.#isOver) this.#span.setAttributes(this.#named(attributes));
  }

  /** Marks the span as failed, by a type that is a code and never a message. */
  fail(errorType: string): void {
    if (this.#isOver) return;
    this.set({ "error.type": errorType });
    this.#span.setStatus({ code: this.#kit.api.SpanStatusCode.ERROR });
  }

  /** Writes content, as much of it as the level allows: its size and digest, or the content itself. */
  content(value: unknown, name: AttributeName & `gen_ai.${string}`, of?: "input" | "result"): void {
    const { content } = this.#kit;
    if (!this.isKept) return;
    if (content.level === "full") this.set({ [name]: shown(value, name, content) });
    if (content.level !== "metadata" || of === undefined) return;
    const { bytes, digest } = measured(value);
    this.set({ [`loophost.${of}.bytes`]: bytes, [`loophost.${of}.digest`]: digest });
  }

  /** Ends the span; a second end is none. Gives the seconds it took. */
  end(at: number = now()): number {
    // A clock that was set back must not give a span of less than nothing.
    const endedAt = Math.max(at, this.startedAt);
    if (!this.#isOver) {
      this.#isOver = true;
      this.#span.end(endedAt);
    }
    return (endedAt - this.startedAt) / 1_000;
  }

  /** Attributes with those the preset adds, without those that are undefined. */
  #named(attributes: Attributes): Record<string, string | number | boolean | string[]> {
    const { preset } = this.#kit;
    const all: Record<string, string | number | boolean | string[]> = {};
    const copies: Partial<Record<string, string>> =
      preset === undefined ? {} : { ...preset.copies, ...(this.#kind === "agent" ? preset.ofRun : {}) };
    for (const [name, value] of Object.entries(attributes)) {
      if (value === undefined) continue;
      all[name] = value;
      const copy = copies[name];
      if (copy !== undefined) all[copy] = value;
    }
    if (preset !== undefined && "gen_ai.operation.name" in attributes)
      all[preset.kind[0]] = preset.kind[1][this.#kind];
    return all;
  }
}
