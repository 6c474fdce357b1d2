/** What a measuring process is asked to do, and what it answers: plain data, passed as JSON. */

import type { Script } from "./script.ts";
import type { Setting } from "./task.ts";

/** One measurement, made in a fresh process. */
export interface Job {
  readonly by: "floor" | "ours";
  /** Whom they talk to: the scripted model over its wire, or the stand-in for AgentCore. */
  readonly over: "messages" | "agentcore";
  /** CPU and wall of the sessions; the heap each holds in mid-stream; or the heap each leaves behind. */
  readonly measure: "time" | "heap held" | "heap kept";
  readonly script: Script;
  readonly threads: Setting["threads"];
  readonly read: Setting["read"];
  readonly watchedBy: Setting["watchedBy"];
  readonly sessions: number;
  readonly atOnce: number;
  /** Sessions before the measured ones, as many at once. */
  readonly warmUp: { readonly script: Script; readonly sessions: number };
}

/** What a job measured. */
export interface Measured {
  /** User and system CPU of this process a turn, in milliseconds; all its threads, so compiling and collecting too. */
  readonly cpuMs: number;
  readonly wallMs: number;
  /** Request bytes a turn, as the server counted them; 0 where it does not. */
  readonly sentBytes: number;
  /** Heap a session, in bytes; 0 when time was measured. */
  readonly heapBytes: number;
}
