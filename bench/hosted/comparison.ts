/** Many hosted sessions in one client process: by hand, by ours, and by the official SDK, over the embedded host. */

import { fileURLToPath } from "node:url";

import type { Comparison } from "../comparison.ts";
import type { Script } from "../script.ts";
import { EVERYDAY } from "../script.ts";
import type { HostedJob } from "./worker.ts";

/** How much is measured. */
export interface HostedSizes {
  readonly sessions: number;
  readonly warmUp: number;
  /** What a model takes for a turn where it is not in a hurry. */
  readonly thinkMs: number;
}

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

/** The comparison over the embedded host. */
export function hostedComparison({ sessions, thinkMs, warmUp }: HostedSizes): Comparison {
  const script: Script = { ...EVERYDAY, toolTurns: 10, preface: 0 };
  const jobBy = (by: HostedJob["by"]): HostedJob => ({ by, script, sessions, thinkMs, warmUp });
  return {
    name: "hosted",
    what: `${sessions} sessions of ${script.toolTurns} tool turns at once in one process, over the embedded host`,
    worker: WORKER,
    contenders: [
      { label: "floor", job: jobBy("floor") },
      { label: "ours", job: jobBy("ours") },
      { label: "official toolRunner", job: jobBy("official") },
    ],
    figures: [
      { key: "requests", what: "requests a session" },
      { key: "rushCpuMs", what: "CPU of the client a turn, ms", against: "times" },
      { key: "rushHostCpuMs", what: "CPU of the host a turn, ms", against: "times" },
      { key: "rushWallS", what: "all sessions, s", against: "times" },
      {
        key: "paceCpuMs",
        what: `CPU of the client a turn, turns of ${thinkMs / 1000} s, ms`,
        against: "times",
      },
      {
        key: "outMedianMs",
        what: `a call is out, turns of ${thinkMs / 1000} s, median, ms`,
        against: "more",
      },
      {
        key: "outP99Ms",
        what: `a call is out, turns of ${thinkMs / 1000} s, 99th percentile, ms`,
        against: "more",
      },
      { key: "heldKb", what: "heap a session holds half-way, KB", against: "more" },
      { key: "keptKb", what: "heap a finished session leaves, KB", against: "more" },
    ],
    notes: [
      "The host is a process of its own, its store in memory; the model it asks is a function that takes no time, or the time said.",
      "A call is out from the moment the model makes it to the moment the model is asked again: the host's part, two ways over the wire, and the client's part. Those sessions begin evenly spread over one turn's time; all others at the same moment.",
      "Half-way, every session has its stream open and waits for the model. Connections are counted in; for what is left behind, they are cut.",
      "The official runner does not read the closing text; the other two do.",
    ],
  };
}
