/** An engine and a bus for sessions on many machines, with PostgreSQL alone. */

export { postgresBus } from "./bus.ts";
export type { PostgresEngineOptions } from "./engine.ts";
export { postgresEngine } from "./engine.ts";
