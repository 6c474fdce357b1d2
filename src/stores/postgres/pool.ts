/** Connections: a `Pool` of `pg`, ours or the user's, and no word of a password in anything that is shown. */

import { LoophostError } from "../../core/errors.ts";

/** What the store uses of a `Pool` of `pg`; another driver can be dressed up as one in a dozen lines. */
export interface PostgresPool {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  connect(): Promise<PostgresClient>;
}

/** A connection out of a pool. */
export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  /** Gives it back; with `true` it is closed, since nobody knows what state it is in. */
  release(destroy?: boolean): void;
  on(event: "error" | "end" | "notification", listener: (detail?: unknown) => void): unknown;
  /** Keeps the process alive no more. */
  unref?(): void;
}

/** A pool, and how to end it. */
export interface OpenPool {
  readonly pool: PostgresPool;
  /** Closes its connections; does nothing to a pool that is the user's. */
  end(): Promise<void>;
}

const CONNECT_MS = 10_000;

/**
 * Makes a pool for an address.
 *
 * @throws LoophostError `missing_dependency` without the package `pg`
 */
export async function makePool(url: string, max: number): Promise<OpenPool> {
  const { Pool } = await import("pg").catch(() => {
    throw new LoophostError("missing_dependency", "postgresStore() needs the package pg: npm install pg");
  });
  const pool = new Pool({
    connectionString: url,
    max,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    // An idle socket would keep a process from its end.
    allowExitOnIdle: true,
    application_name: "loophost",
  });
  // An idle connection that breaks is an "error" event; unheard, it would end the process.
  pool.on("error", () => undefined);
  return { pool, end: () => pool.end() };
}

/** Whether a text is the address of a database. */
export function isPostgresUrl(text: unknown): text is string {
  if (typeof text !== "string" || !/^postgres(ql)?:\/\//.test(text)) return false;
  return parse(text) !== undefined;
}

/** The address of a database without what is secret in it. */
export function withoutPassword(url: string): string {
  const parsed = parse(url);
  if (parsed === undefined) return "postgres://…";
  parsed.password = "";
  for (const name of parsed.searchParams.keys().toArray())
    if (/password|sslkey/i.test(name)) parsed.searchParams.delete(name);
  return parsed.href;
}

function parse(url: string): URL | undefined {
  // A user without a host, as for a unix socket, is fine for PostgreSQL, and no URL.
  const whole = url.replace(/^([^/]+:\/\/[^/@]*)@\//, "$1@localhost/");
  return URL.canParse(whole) ? new URL(whole) : undefined;
}
