/** The conformance suite: checks of any server that speaks the wire of Claude Managed Agents. */

export type { ConformanceCheck, ConformanceTier } from "./check.ts";
export { conformanceChecks } from "./checks/all.ts";
export type { ConformanceOptions, ConformanceReport, ConformanceResult } from "./run.ts";
export { runConformance } from "./run.ts";
export type { ConformanceAuth } from "./wire.ts";
