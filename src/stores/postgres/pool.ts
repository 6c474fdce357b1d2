/** Connection pools: a `Pool` of `pg`, ours or the user's, with passwords redacted in everything that is shown. */

import { MAX_TIMER_MS } from "../../core/clock.ts";
import { LoophostError } from "../../core/errors.ts";

/** What the store uses of a `Pool` of `pg`; another driver can be adapted in a dozen lines. */
export interface PostgresPool {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  connect(): Promise<PostgresClient>;
}

/** A connection out of a pool. */
export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  /** Returns it to the pool; with `true` it is closed, since its state is unknown. */
  release(destroy?: boolean): void;
  on(event: "error" | "end" | "notification", listener: (detail?: unknown) => void): unknown;
  /** Lets the process exit while it is open. */
  unref?(): void;
}

/** A pool, and how to end it. */
export interface OpenPool {
  readonly pool: PostgresPool;
  /** Sends a statement that each connection parses and plans once; not with a pool of the user's, whose driver may not know how. */
  readonly prepared?:
    | ((name: string, text: string, values: unknown[]) => Promise<{ readonly rows: readonly unknown[] }>)
    | undefined;
  /** Closes its connections; does nothing to a pool that is the user's. */
  end(): Promise<void>;
}

const CONNECT_MS = 10_000;

/**
 * Makes a pool for an address.
 *
 * @param max how many connections it has
 * @param maxWaitMs how long a statement may take before its connection is given up
 * @throws LoophostError `missing_dependency` without the package `pg`
 */
export async function makePool(url: string, max: number, maxWaitMs: number): Promise<OpenPool> {
  const { Pool } = await import("pg").catch(() => {
    throw new LoophostError("missing_dependency", "postgresStore() needs the package pg: npm install pg");
  });
  const pool = new Pool({
    connectionString: url,
    max,
    keepAlive: true,
    connectionTimeoutMillis: Math.min(CONNECT_MS, maxWaitMs),
    // A connection that stops answering is closed; kept, a few of them would exhaust the pool.
    query_timeout: Math.min(maxWaitMs, MAX_TIMER_MS),
    // An idle socket would keep the process from exiting.
    allowExitOnIdle: true,
    application_name: "loophost",
  });
  // An idle connection that breaks emits "error"; without a listener that would end the process.
  pool.on("error", () => undefined);
  return {
    pool,
    prepared: (name, text, values) => pool.query({ name, text, values }),
    end: () => pool.end(),
  };
}

/** Whether a text is the address of a database. */
export function isPostgresUrl(text: unknown): text is string {
  if (typeof text !== "string" || !/^postgres(ql)?:\/\//.test(text)) return false;
  // `postgres://user@/db`, as for a unix socket, is valid for PostgreSQL but is not a URL.
  return URL.canParse(text.replace(/^([^/]+:\/\/[^/@]*)@\//, "$1@localhost/"));
}

/** The address of a database with its password redacted. */
export function withoutPassword(url: string): string {
  return (
    url
      // Up to the last "@": a password may hold what should have been percent-encoded.
      .replace(/^([^/]+:\/\/[^:@/?#]*):.*@/, "$1@")
      .replace(/([?&])[^=&]*(?:password|passphrase)[^=&]*=[^&]*&?/gi, "$1")
      .replace(/[?&]$/, "")
  );
}
