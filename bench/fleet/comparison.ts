/** What an append costs when many sessions write at once: to a file, and to a database, grouped and not. */

import { fileURLToPath } from "node:url";

import { whyNot } from "../../test/sessions/fleet/places.ts";
import { whyNoPostgres } from "../../test/stores/postgres/server.ts";
import type { Comparison } from "../comparison.ts";
import type { SessionJob } from "./session-worker.ts";
import type { FleetJob } from "./worker.ts";

/** Sessions that write at once where a worker has all its places taken: its groups are as large as they get. */
const MANY = 200;

/** How much is measured. */
export interface FleetSizes {
  /** Appends in all. */
  readonly appends: number;
  /** Sessions that write, one append each at a time. */
  readonly sessions: number;
  /** Sessions that are run at once. */
  readonly running: number;
  /** Tool calls of each session, one a turn, where sessions are run. */
  readonly turns: number;
  /** Sessions that are parked. */
  readonly parked: number;
}

/** The comparison of engines: sessions that a worker runs. */
export function engineComparison({ running: sessions, turns, parked }: FleetSizes): Comparison {
  const engines = (["in-process", "postgres", "restate"] as const).filter(
    (engine) => whyNot(engine) === undefined,
  );
  return {
    name: "fleet sessions",
    what: `${sessions} sessions of ${turns} tool calls at once, made beforehand, run by one worker; a step is a reply or a call`,
    worker: fileURLToPath(new URL("./session-worker.ts", import.meta.url)),
    contenders: engines.map((engine) => ({
      label: engine === "in-process" ? "in process, SQLite" : engine,
      job: { engine, running: sessions, turns, parked } satisfies SessionJob,
    })),
    figures: [
      { key: "perSecond", what: "steps a second", against: "times" },
      {
        key: "cpuMs",
        what: "CPU a step in this process, its share of send() included, ms",
        against: "times",
      },
      { key: "wakeMs", what: "from send() to the tool of an idle session, median, ms" },
      { key: "wakeP99Ms", what: "the same, 99th percentile, ms" },
      { key: "parkedKb", what: `heap for each of ${parked} parked sessions, KB` },
    ],
    notes: ["Sender and worker are one process here; a database and a Restate are others."],
  };
}

/** The comparison of stores under many sessions; without PostgreSQL on this machine the file stands alone. */
export function fleetComparison(sizes: FleetSizes): Comparison {
  const job = (store: FleetJob["store"]) => ({ store, ...sizes }) satisfies FleetJob;
  return {
    name: "fleet",
    what: `${sizes.sessions} sessions at once, each appending entries of 0.5 KB, one after the other`,
    worker: fileURLToPath(new URL("./worker.ts", import.meta.url)),
    contenders: [
      { label: "SQLite store", job: job("sqlite") },
      ...(whyNoPostgres === undefined
        ? [
            { label: "PostgreSQL, a store each", job: job("postgres-each") },
            { label: "PostgreSQL, one store", job: job("postgres") },
            { label: `PostgreSQL, one store, ${MANY} sessions`, job: { ...job("postgres"), sessions: MANY } },
          ]
        : []),
    ],
    figures: [
      { key: "perSecond", what: "appends a second", against: "times" },
      { key: "medianMs", what: "an append, median, ms" },
      { key: "p99Ms", what: "an append, 99th percentile, ms" },
      { key: "cpuMs", what: "CPU an append in this process, ms", against: "times" },
    ],
    notes: [
      whyNoPostgres ??
        "PostgreSQL runs on this machine, over a unix socket, as it is installed: fsync and synchronous_commit on. It lies in the folder for temporary files, as the file of SQLite does. A store each, as in processes of their own, is a statement for every append; one store groups them.",
    ],
  };
}
