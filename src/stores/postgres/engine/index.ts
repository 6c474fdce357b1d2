/** An engine and a bus for sessions on many machines, with PostgreSQL alone. */

export type { Bus } from "../../../core/bus.ts";
export type { ActivationHost, Engine, EngineWorker, Rest, Wake } from "../../../core/engine.ts";
export type { PostgresStoreOptions } from "../open.ts";
export type { PostgresClient, PostgresPool } from "../pool.ts";
export { postgresBus } from "./bus.ts";
export type { PostgresEngineOptions } from "./engine.ts";
export { postgresEngine } from "./engine.ts";
