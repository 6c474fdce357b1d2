/** Traces and metrics by OpenTelemetry: an observer that makes spans of what a session tells and does. */

import type { Context, Meter, Tracer } from "@opentelemetry/api";

import type { Checks } from "../core/check-options.ts";
import { atLeast, BOOLEAN, checkOptions, FUNCTION, must, oneOf, withMethods } from "../core/check-options.ts";
import { LoophostError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import type { About, Observer, TraceContext } from "../core/observer.ts";
import type { ContentLevel, Redact } from "./content.ts";
import type { MetricsChoice } from "./metrics.ts";
import { Meters } from "./metrics.ts";
import type { PresetName } from "./presets.ts";
import { PRESETS } from "./presets.ts";
import { RunTrace } from "./run-trace.ts";
import type { OtelApi, TraceKit } from "./trace-span.ts";

/** How traces and metrics are made. */
export interface OpenTelemetryOptions {
  /** Where tracers come from. Default: the provider registered with the API; with none registered, nothing is made. */
  readonly tracerProvider?:
    | { getTracer(name: string, version?: string, options?: object): object }
    | undefined;
  /** The same for meters. */
  readonly meterProvider?: { getMeter(name: string, version?: string, options?: object): object } | undefined;
  /** The module `@opentelemetry/api`, where it cannot be imported by its name. Default: it is imported. */
  readonly api?: object | undefined;
  /**
   * What spans hold of messages, inputs and results: nothing, their sizes and digests, or all of it. Default "off"; "full" where
   * the variable OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT is "true".
   */
  readonly content?: ContentLevel | undefined;
  /** Bytes of one value of content; the rest is cut off. Default 64 000. */
  readonly maxContentBytes?: number | undefined;
  /** Replaces in content what must not leave the process. What it throws on is not shown. */
  readonly redact?: Redact | undefined;
  /** On every span, such as `{ "user.id": "u1" }`. Names of the library's own win. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** "current" names, "both" those and the ones they replace, or "off". Default "both". */
  readonly metrics?: MetricsChoice | undefined;
  /** Whether requests to models have spans. Default "auto": all but those of which the platform sends its own. */
  readonly modelSpans?: boolean | "auto" | undefined;
  /** Whether a hosted platform, such as Claude's, sends spans of its requests to models to the same place. Default false. */
  readonly platformSpans?: boolean | undefined;
  /** What a run that goes on after a pause is to the trace it began in: a trace with a "link" to it, or the "same-trace". Default "link". */
  readonly resume?: "link" | "same-trace" | undefined;
  /** Names that a backend wants besides. Default none. */
  readonly for?: PresetName | undefined;
}

/**
 * Makes spans and metrics by OpenTelemetry's conventions for generative AI, v0.1.0.
 *
 * @returns an observer for `observers: [...]`, of as many sessions as there are
 * @throws LoophostError `missing_dependency` without `@opentelemetry/api`, `invalid_options`
 */
export async function openTelemetry(options: OpenTelemetryOptions = {}): Promise<Observer> {
  checkOptions("openTelemetry()", options, OPTIONS);
  const kit = await toKit(options);
  const { api } = kit;
  const traces = new WeakMap<About, RunTrace>();
  const parked = new Parked();

  const inside = <T>(context: Context | undefined, work: () => T): T =>
    context === undefined ? work() : api.context.with(context, work);
  return {
    event(event, about) {
      if (event.type === "run.started") {
        if (!isHeard(kit)) return;
        traces.set(about, new RunTrace(kit, about, about.begunIn ?? parked.take(about.sessionId)));
      }
      const trace = traces.get(about);
      trace?.event(event);
      if (trace !== undefined && event.type === "run.ended" && event.ending === "requires_action")
        parked.keep(about.sessionId, trace.headers(undefined));
    },
    tool: ({ id }, about, work) => inside(traces.get(about)?.ofCall(id), work),
    send: (inputs, about, work) => inside(traces.get(about)?.ofSend(inputs), work),
    model: (request, about, work) => inside(traces.get(about)?.ofRequest(request), work),
    traceContext: (about, callId) => traces.get(about)?.headers(callId),
  };
}

const OPTIONS: Checks<OpenTelemetryOptions> = {
  tracerProvider: withMethods("getTracer"),
  meterProvider: withMethods("getMeter"),
  api: must("the module @opentelemetry/api", (value) => isObject(value) && isObject(value["trace"])),
  content: oneOf("off", "metadata", "full"),
  maxContentBytes: atLeast(0),
  redact: FUNCTION,
  attributes: must("an object", isObject),
  metrics: oneOf("both", "current", "off"),
  modelSpans: must('"auto", true or false', (value) => value === "auto" || typeof value === "boolean"),
  platformSpans: BOOLEAN,
  resume: oneOf("link", "same-trace"),
  for: oneOf(...Object.keys(PRESETS)),
};

const SCHEMA = { schemaUrl: "https://opentelemetry.io/schemas/gen-ai/0.1.0" };

async function toKit(options: OpenTelemetryOptions): Promise<TraceKit> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked for what is used first; the peer's types are not ours to export
  const api = (options.api ?? (await loadApi())) as OtelApi;
  const tracers = options.tracerProvider ?? api.trace.getTracerProvider();
  const meters = options.meterProvider ?? api.metrics.getMeterProvider();
  const tracer = tracers.getTracer("loophost", undefined, SCHEMA);
  const meter = meters.getMeter("loophost", undefined, SCHEMA);
  const preset = options.for;
  return {
    api,
    tracers,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a provider of OpenTelemetry gives
    tracer: tracer as Tracer,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
    meters: new Meters(isNoop(api, meter) ? undefined : (meter as Meter), options.metrics ?? "both"),
    content: {
      level: options.content ?? (isCaptureAsked() ? "full" : "off"),
      maxBytes: options.maxContentBytes ?? 64_000,
      redact: options.redact,
    },
    preset: preset === undefined ? undefined : PRESETS[preset],
    attributes: options.attributes ?? {},
    modelSpans: modelSpansOf(options),
    resume: options.resume ?? "link",
  };
}

/**
 * Whether anybody hears of a run: an SDK that is registered or handed in, by now, or a trace this process passes on. Without,
 * a run would be watched event by event for nobody.
 */
function isHeard({ api, tracers, meters }: TraceKit): boolean {
  const isUnset =
    tracers instanceof api.ProxyTracerProvider && tracers.getDelegateTracer("loophost") === undefined;
  return meters.isOn || !isUnset || api.trace.getSpanContext(api.context.active()) !== undefined;
}

/** A platform that sends its own is a hosted one, and none on this machine. */
function modelSpansOf({
  modelSpans = "auto",
  platformSpans = false,
}: OpenTelemetryOptions): TraceKit["modelSpans"] {
  if (modelSpans !== "auto") return () => modelSpans;
  return ({ traits, address = "" }) => !platformSpans || traits.history === "here" || LOOPBACK.test(address);
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

/** Whether a meter measures nothing, as without an SDK: each measurement would be made for nobody. */
function isNoop(api: OtelApi, meter: object): boolean {
  return meter === api.createNoopMeter();
}

async function loadApi(): Promise<unknown> {
  try {
    return await import("@opentelemetry/api");
  } catch (cause) {
    const wayOut = "Install it, `npm install @opentelemetry/api`, or pass it as the option `api`.";
    throw new LoophostError("missing_dependency", `openTelemetry() needs @opentelemetry/api. ${wayOut}`, {
      cause,
    });
  }
}

function isCaptureAsked(): boolean {
  const value = process.env["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"];
  return value?.toLowerCase() === "true";
}

const MAX_PARKED = 1_000;

/** The traces of runs that wait for somebody, by session: without a store this is all that tells of them. */
class Parked {
  readonly #traces = new Map<string, TraceContext>();

  keep(sessionId: string, trace: TraceContext | undefined): void {
    if (trace === undefined) return;
    this.#traces.delete(sessionId);
    this.#traces.set(sessionId, trace);
    const [oldest] = this.#traces.keys();
    if (this.#traces.size > MAX_PARKED && oldest !== undefined) this.#traces.delete(oldest);
  }

  take(sessionId: string): TraceContext | undefined {
    const trace = this.#traces.get(sessionId);
    this.#traces.delete(sessionId);
    return trace;
  }
}
