/** What the journal costs: the same run without a store, with one in memory, and with one in a SQLite file. */

import { fileURLToPath } from "node:url";

import type { Comparison, Contender, FigureKind } from "../comparison.ts";
import type { Script } from "../script.ts";
import { EVERYDAY } from "../script.ts";
import type { JournalJob } from "./worker.ts";

/** How much is measured. */
export interface JournalSizes {
  readonly toolTurns: number;
  /** Sessions one after the other. */
  readonly alone: number;
  readonly atOnce: number;
}

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

/** The comparisons of stores. */
export function journalComparisons({ toolTurns, alone, atOnce }: JournalSizes): Comparison[] {
  const script: Script = { ...EVERYDAY, toolTurns, preface: 0 };
  const work = `${toolTurns} tool turns, model and tool being functions that take no time`;
  return [
    {
      name: "journal",
      what: `${work}; one session at a time`,
      worker: WORKER,
      contenders: jobs({ script, sessions: alone, atOnce: 1, warmUp: Math.ceil(alone / 4) }),
      figures: FIGURES,
      notes: [
        "A call is out from the moment the model makes it to the moment the model is asked again: the tool, and all that is written on the way.",
        "The file is as sqliteStore() opens it: journal mode WAL, synchronous FULL, the writes of a moment in one commit. It lies in the folder for temporary files; TMPDIR names another.",
      ],
    },
    {
      name: "journal-crowd",
      what: `${work}; ${atOnce} sessions at once`,
      worker: WORKER,
      contenders: jobs({ script, sessions: atOnce, atOnce, warmUp: atOnce }),
      figures: FIGURES,
      notes: [
        "Wall clock a call is that of all sessions divided by all their calls: what a call costs when its waits are shared.",
      ],
    },
  ];
}

function jobs(work: Omit<JournalJob, "store">): readonly Contender[] {
  return [
    { label: "no store", job: { store: "none", ...work } satisfies JournalJob },
    { label: "memory store", job: { store: "memory", ...work } satisfies JournalJob },
    { label: "SQLite store", job: { store: "sqlite", ...work } satisfies JournalJob },
  ];
}

const FIGURES: readonly FigureKind[] = [
  { key: "outMedianMs", what: "a call is out, median, ms", against: "more" },
  { key: "outP99Ms", what: "a call is out, 99th percentile, ms", against: "more" },
  { key: "wallMs", what: "wall clock a call, ms", against: "more" },
  { key: "cpuMs", what: "CPU a call, ms", against: "times" },
  { key: "appends", what: "writes to the log a call" },
  { key: "diskMs", what: "one page written to this disk and flushed, ms" },
];
