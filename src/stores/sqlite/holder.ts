/**
 * Which process holds a lease, so that the lease of a process that was killed keeps nobody out. A process's number means
 * something only in its own PID namespace and since the last boot: in another container the living look dead.
 */

import { readFileSync, readlinkSync } from "node:fs";

/** A process as `/proc` tells it. */
export interface Holder {
  /** The boot and the PID namespace; empty where neither can be told. */
  readonly world: string;
  readonly pid: number;
  /** When it began, in clock ticks since the boot: numbers are used again. Empty for a process that is no more. */
  readonly started: string;
}

/** What is told of a process. */
export type LookUp = (pid: number) => Holder;

/** The name of a process, as it is kept with a lease; empty where it cannot be told from others. */
export function nameOf({ world, pid, started }: Holder): string {
  return world === "" || started === "" ? "" : `${world} ${pid} ${started}`;
}

/** Whether a holder was a process of this machine that is no more. Of any other only the lease can tell. */
export function isGone(holder: string, lookUp: LookUp = inProc): boolean {
  const [world = "", pid = ""] = holder.split(" ");
  const now = lookUp(Number(pid));
  return holder !== "" && now.world !== "" && now.world === world && nameOf(now) !== holder;
}

function inProc(pid: number): Holder {
  const started = startOf(pid);
  // Where `/proc` hides the processes of others, nothing can be told of them.
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
  // The name, in brackets, may hold anything; the 20th field after it is the start.
  const stat = textOf(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  const [state = "", ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // A zombie runs no more; only its parent has not looked.
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
