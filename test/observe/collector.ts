// A real OpenTelemetry SDK in memory: what was started, what was ended, how often, and the tree they make.

import { context, metrics, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import type { Observer } from "loophost";
import type { OpenTelemetryOptions } from "loophost/observe";
import { openTelemetry } from "loophost/observe";
import { onTestFinished } from "vitest";

/** What was collected. */
export interface Collector {
  readonly observer: Observer;
  readonly spans: readonly ReadableSpan[];
  /** How often each span that was started was ended. */
  readonly ends: ReadonlyMap<string, number>;
  /** A span of the test's own, in the context that is active. */
  span<T>(name: string, work: () => T): T;
  /** One line a span, children under their parents, with the attributes that are asked for. */
  tree(...attributes: readonly string[]): string;
  /** Metrics by name: each data point's attributes and value. */
  points(): Promise<ReadonlyMap<string, readonly { attributes: object; value: unknown }[]>>;
}

/** Registers an SDK, and an observer that uses it, until the test is over. */
export async function collect(options: OpenTelemetryOptions = {}): Promise<Collector> {
  const spans: ReadableSpan[] = [];
  const ends = new Map<string, number>();
  const provider = new TracerProvider({
    spanProcessors: [
      {
        onStart: (span) => ends.set(span.spanContext().spanId, 0),
        onEnd(span) {
          spans.push(span);
          const { spanId } = span.spanContext();
          ends.set(spanId, (ends.get(spanId) ?? 0) + 1);
        },
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
  });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
  const meters = new MeterProvider({ readers: [reader] });
  trace.setGlobalTracerProvider(provider);
  metrics.setGlobalMeterProvider(meters);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  onTestFinished(async () => {
    trace.disable();
    metrics.disable();
    context.disable();
    await meters.shutdown();
  });
  const tracer = provider.getTracer("test");
  return {
    observer: await openTelemetry(options),
    spans,
    ends,
    span: (name, work) =>
      tracer.startActiveSpan(name, (span) => {
        const done = work();
        Promise.resolve(done).then(
          () => span.end(),
          () => span.end(),
        );
        return done;
      }),
    tree: (...attributes) => treeOf(spans, attributes),
    async points() {
      await reader.forceFlush();
      const all =
        exporter
          .getMetrics()
          .at(-1)
          ?.scopeMetrics.flatMap(({ metrics: of }) => of) ?? [];
      return new Map(
        all.map(({ descriptor, dataPoints }) => [
          descriptor.name,
          dataPoints.map(({ attributes, value }) => ({ attributes, value })),
        ]),
      );
    },
  };
}

function treeOf(spans: readonly ReadableSpan[], attributes: readonly string[]): string {
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  const inOrder = spans.toSorted(
    (a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1],
  );
  const lines: string[] = [];
  const write = (span: ReadableSpan, depth: number) => {
    const status = span.status.code === SpanStatusCode.ERROR ? " ERROR" : "";
    const shown = attributes.flatMap((name) =>
      span.attributes[name] === undefined
        ? []
        : [` ${name.split(".").at(-1)}=${String(span.attributes[name])}`],
    );
    lines.push(`${"  ".repeat(depth)}${span.name}${status}${shown.join("")}`);
    for (const child of inOrder)
      if (child.parentSpanContext?.spanId === span.spanContext().spanId) write(child, depth + 1);
  };
  for (const span of inOrder) if (!ids.has(span.parentSpanContext?.spanId ?? "")) write(span, 0);
  return lines.join("\n");
}
