/** `loophost/observe`: sessions seen from outside, as traces, metrics, logs and recordings. */

export type { ContentLevel, Redact } from "./content.ts";
export type { MetricsChoice } from "./metrics.ts";
export type { OpenTelemetryOptions } from "./open-telemetry.ts";
export { openTelemetry } from "./open-telemetry.ts";
export type { PresetName } from "./presets.ts";
