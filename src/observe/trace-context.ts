/** Trace context over the border of a process, in both directions: as W3C headers, sent along or on record. */

import type { Context, SpanContext } from "@opentelemetry/api";

import type { TraceContext } from "../core/observer.ts";
import type { OtelApi } from "./trace-span.ts";

const HEADERS = ["traceparent", "tracestate", "baggage"] as const;
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The headers that continue the trace of a context; undefined when nothing is traced in it. */
export function toHeaders(api: OtelApi, context: Context): TraceContext | undefined {
  const span = api.trace.getSpanContext(context);
  if (span === undefined || !api.isSpanContextValid(span)) return undefined;
  const flags = span.traceFlags.toString(16).padStart(2, "0");
  const headers: Record<string, string> = { traceparent: `00-${span.traceId}-${span.spanId}-${flags}` };
  const state = span.traceState?.serialize() ?? "";
  if (state !== "") headers["tracestate"] = state;
  // What the application's own propagator knows besides, such as baggage; without one it writes nothing.
  const injected: Record<string, unknown> = {};
  api.propagation.inject(context, injected);
  for (const name of HEADERS) if (typeof injected[name] === "string") headers[name] = injected[name];
  return headers;
}

/** The span that headers name; undefined for none, or what is no such header. */
export function fromHeaders(api: OtelApi, headers: TraceContext | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(headers?.["traceparent"] ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return api.isSpanContextValid(context) ? context : undefined;
}
