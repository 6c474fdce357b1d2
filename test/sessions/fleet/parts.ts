// What processes of the campaign are made of, as their first argument says it: stores, engines and buses by their addresses.

import type { Store } from "loophost";
import { postgresBus, postgresEngine } from "loophost/engines/postgres";
import type { RestateEngineOptions } from "loophost/engines/restate";
import { restateEngine } from "loophost/engines/restate";
import type { Bus, Engine } from "loophost/sessions";
import { postgresStore } from "loophost/stores/postgres";
import { sqliteStore } from "loophost/stores/sqlite";

import type { AgentOptions } from "./agent.ts";
import type { Trouble } from "./trouble.ts";

/** Where sessions are, and what wakes them. */
export interface Parts {
  /** The path of a file, or the address of a database. */
  readonly where: string;
  /** The schema in a database. */
  readonly schema?: string | undefined;
  readonly engine: "in-process" | "postgres" | "restate";
  readonly restate?: RestateEngineOptions | undefined;
}

/** What a worker is started with. */
export interface WorkerJob extends AgentOptions, Parts {
  /** The address of the loop host; without one it is the worker itself. */
  readonly claude?: string | undefined;
  readonly graceMs: number;
  readonly maxActivations?: number | undefined;
  /** What its store does to it. */
  readonly trouble?: Trouble | undefined;
  /** It is of a release of loophost that writes entries of a type this one does not know. */
  readonly newer?: { readonly needs?: number | undefined } | undefined;
}

/** What a poster is started with: it posts so many times, and may be killed between inbox and wake. */
export interface PosterJob extends Parts {
  readonly id: string;
  readonly post: "send" | "approve" | "deny";
  /** The text, or the call. */
  readonly what: string;
  readonly key?: string | undefined;
  readonly times: number;
  readonly diesInWake?: boolean | undefined;
}

/** What a reader is started with. */
export interface ReaderJob extends Parts {
  readonly id: string;
  readonly after: number;
}

/** Opens the parts. */
export function openParts({ where, schema, engine, restate }: Parts): {
  readonly store: Store;
  readonly engine: Engine | undefined;
  readonly bus: Bus | undefined;
} {
  const isDatabase = where.startsWith("postgres");
  return {
    store: isDatabase ? postgresStore(where, { schema }) : sqliteStore(where),
    bus: isDatabase ? postgresBus(where, { schema }) : undefined,
    engine:
      engine === "postgres"
        ? postgresEngine(where, { schema })
        : restate === undefined
          ? undefined
          : restateEngine(restate),
  };
}
