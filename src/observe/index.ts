/** `loophost/observe`: sessions seen from outside, as traces, metrics, logs and recordings. */

export type { RecordedEntry, Recording, RecordingHead } from "../core/recording.ts";
export { readRecording } from "../core/recording.ts";
export type { Comparison, Deed, RecordingSummary } from "./compare.ts";
export { compareRecordings } from "./compare.ts";
export type { ContentLevel, Redact } from "./content.ts";
export type { LogLevel, LogOptions, LogRecord } from "./log.ts";
export { logTo } from "./log.ts";
export type { MetricsChoice } from "./metrics.ts";
export type { OpenTelemetryOptions } from "./open-telemetry.ts";
export { openTelemetry } from "./open-telemetry.ts";
export type { PresetName } from "./presets.ts";
export type { RecordOptions } from "./record.ts";
export { recordTo } from "./record.ts";
