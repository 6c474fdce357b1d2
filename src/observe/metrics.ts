/** The instruments, made once from the table of names. No attribute of theirs is of one session, call, user or input. */

import type { Attributes, Counter, Histogram, Meter, UpDownCounter } from "@opentelemetry/api";

import type { Usage } from "../core/results.ts";
import type { Instrument, MetricName } from "./names.ts";
import { METRICS } from "./names.ts";

/** Which names metrics are written under: those of now, and those before them for dashboards that know no others. */
export type MetricsChoice = "both" | "current" | "off";

/** What measurements are told to. */
export class Meters {
  /** Whether anybody measures. */
  readonly isOn: boolean = false;
  readonly #record = new Map<string, (value: number, attributes: Attributes) => void>();

  constructor(meter: Meter | undefined, choice: MetricsChoice) {
    if (meter === undefined || choice === "off") return;
    this.isOn = true;
    for (const [name, instrument] of Object.entries<Instrument>(METRICS))
      if (instrument.isOld !== true || choice === "both")
        this.#record.set(name, recorderOf(make(meter, name, instrument)));
  }

  /** Takes a measurement; attributes that are undefined are left out. */
  record(name: MetricName, value: number, attributes: Readonly<Record<string, string | undefined>>): void {
    if (this.isOn) this.recorderOf(name, attributes)(value);
  }

  /** Takes many measurements that have the same attributes, which are looked at once. */
  recorderOf(
    name: MetricName,
    attributes: Readonly<Record<string, string | undefined>>,
  ): (value: number) => void {
    const record = this.#record.get(name);
    const present = Object.fromEntries(Object.entries(attributes).filter(([, of]) => of !== undefined));
    return (value) => record?.(value, present);
  }

  /** The tokens of one request to a model. */
  tokens(usage: Usage, attributes: Readonly<Record<string, string | undefined>>): void {
    if (!this.isOn) return;
    const input = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
    const counted = { ...attributes, "gen_ai.token.modality": "text" };
    const prefix = "gen_ai.client.inference";
    this.record(`${prefix}.usage.input_tokens`, input, counted);
    this.record(`${prefix}.usage.output_tokens`, usage.outputTokens, counted);
    this.record(`${prefix}.usage.cache_read.input_tokens`, usage.cacheReadTokens, counted);
    this.record(`${prefix}.usage.cache_write.input_tokens`, usage.cacheWriteTokens, counted);
    this.record(`${prefix}.operation.input_tokens`, input, attributes);
    this.record(`${prefix}.operation.output_tokens`, usage.outputTokens, attributes);
    this.record("gen_ai.client.token.usage", input, { ...attributes, "gen_ai.token.type": "input" });
    this.record("gen_ai.client.token.usage", usage.outputTokens, {
      ...attributes,
      "gen_ai.token.type": "output",
    });
  }
}

function make(
  meter: Meter,
  name: string,
  { is, unit, boundaries }: Instrument,
): Histogram | Counter | UpDownCounter {
  if (is === "counter") return meter.createCounter(name, { unit });
  if (is === "up-down") return meter.createUpDownCounter(name, { unit });
  const advice = boundaries === undefined ? {} : { explicitBucketBoundaries: [...boundaries] };
  return meter.createHistogram(name, { unit, advice });
}

function recorderOf(
  instrument: Histogram | Counter | UpDownCounter,
): (value: number, attributes: Attributes) => void {
  return "record" in instrument
    ? (value, attributes) => instrument.record(value, attributes)
    : (value, attributes) => instrument.add(value, attributes);
}
