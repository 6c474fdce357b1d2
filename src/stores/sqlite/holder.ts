/**
 * Which process holds a lease: a killed process must not keep others out until its lease expires. A process id means
 * something only in its own PID namespace and since the last boot: seen from another container, living processes look
 * dead.
 */

import { readFileSync, readlinkSync } from "node:fs";

/** A process, as described by `/proc`. */
export interface Holder {
  /** The boot id and the PID namespace; empty where neither can be read. */
  readonly world: string;
  readonly pid: number;
  /**
   * Its start time, in clock ticks since the boot, because process ids are reused. Empty for a process that has ended.
   */
  readonly started: string;
}

/** What is told of a process. */
export type LookUp = (pid: number) => Holder;

/** The name of a process, as it is kept with a lease; empty where it cannot be told from others. */
export function nameOf({ world, pid, started }: Holder): string {
  return world === "" || started === "" ? "" : `${world} ${pid} ${started}`;
}

/** Whether a holder was a process of this machine that has ended. Of any other, only the lease's expiry tells. */
export function isGone(holder: string, lookUp: LookUp = inProc): boolean {
  const [world = "", pid = ""] = holder.split(" ");
  const now = lookUp(Number(pid));
  return holder !== "" && now.world !== "" && now.world === world && nameOf(now) !== holder;
}

function inProc(pid: number): Holder {
  const started = startOf(pid);
  // Where `/proc` hides the processes of others (hidepid), nothing is known of them.
  return { world: started === "" && isHidden(pid) ? "" : WORLD, pid, started };
}

function isHidden(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return textOf(() => readFileSync(`/proc/${pid}/stat`, "utf8")) === "";
  } catch (thrown) {
    return !(thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH");
  }
}

function startOf(pid: number): string {
  // The name, in brackets, may hold blanks and brackets; the start time is the 20th field after it.
  const stat = textOf(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  const [state = "", ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // A zombie has ended; its parent has not reaped it yet.
  return state === "Z" || state === "X" ? "" : (fields[18] ?? "");
}

function textOf(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return "";
  }
}

function worldOfOurs(): string {
  const boot = textOf(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
  const namespace = textOf(() => readlinkSync("/proc/self/ns/pid"));
  return boot === "" || namespace === "" ? "" : `${boot}/${namespace}`;
}

const WORLD: string = worldOfOurs();

/** This process, as it is kept with its leases. */
export const OURSELVES: string = nameOf(inProc(process.pid));
