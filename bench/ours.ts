/** Ours: the same task through the public entry points, as a user writes it. */

import type { Observer, SessionResult } from "loophost";
import { isDelta, openSession, run } from "loophost";
import { anthropicMessages, local } from "loophost/providers/local";

import { benchAgent } from "./agent.ts";
import type { Converse, Outcome, Setting } from "./task.ts";
import { Orders, PROMPT } from "./task.ts";

/** Sets our loop up. */
export async function ours(
  { url, script, threads, read, watchedBy }: Setting,
  model: string,
): Promise<Converse> {
  const observers = watchedBy === "nobody" ? [] : [await watcher(watchedBy)];
  const provider = local({ model: anthropicMessages({ model, apiKey: "bench", baseUrl: url, threads }) });
  const agent = benchAgent();
  if (read === "result")
    return async () => {
      const context = new Orders(script);
      return outcome(context, await run(agent, { provider, prompt: PROMPT, context, observers }));
    };
  return async (onText) => {
    const context = new Orders(script);
    await using session = await openSession(agent, { provider, context, observers });
    const reading = session.send(PROMPT);
    for await (const event of reading) if (isDelta(event)) onText?.(event.text);
    return outcome(context, await reading.result());
  };
}

/** Loaded where it is measured alone: without observers nothing of it is. */
async function watcher(by: Setting["watchedBy"]): Promise<Observer> {
  const { openTelemetry } = await import("loophost/observe");
  if (by === "openTelemetry, no SDK") return await openTelemetry();
  const { TracerProvider } = await import("@opentelemetry/sdk-trace");
  const { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } =
    await import("@opentelemetry/sdk-metrics");
  const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
  const nothing = { onStart() {}, onEnd() {}, forceFlush: async () => {}, shutdown: async () => {} };
  return await openTelemetry({
    tracerProvider: new TracerProvider({ spanProcessors: [nothing] }),
    meterProvider: new MeterProvider({ readers: [reader] }),
  });
}

function outcome({ toolCalls, inputChars }: Orders, { turns, text }: SessionResult): Outcome {
  return { turns, toolCalls, inputChars, textChars: text.length };
}
