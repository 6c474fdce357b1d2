/** Sessions on many machines with PostgreSQL alone: who runs which session, and live words between processes. */

export { postgresBus } from "./bus.ts";
export type { PostgresEngineOptions } from "./engine.ts";
export { postgresEngine } from "./engine.ts";
