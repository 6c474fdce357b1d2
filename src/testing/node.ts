/** The part of the testing kit that needs Node: processes that are killed, and a network that fails. */

export type { CrashReport, CrashTestOptions } from "./crash/kit.ts";
export { crashTest } from "./crash/kit.ts";
export type { CrashResult, CrashLife, SessionUnderTest } from "./crash/session.ts";
export { crashSession } from "./crash/session.ts";
export type { CrashEvent, ProxiedRequest, WireFault } from "./faults/plan.ts";
export type { FaultProxy, FaultProxyOptions } from "./faults/proxy.ts";
export { faultProxy } from "./faults/proxy.ts";
export type { KillAt, KillPlace } from "./crash/kill-point.ts";
export type { CrashEffect, Ledger } from "./crash/ledger.ts";
