// A cell of the kill matrix: what happens to whom, and what must be so afterwards.

import { setTimeout } from "node:timers/promises";

import type { Fleet } from "../fleet.ts";
import type { Outcome } from "../judge.ts";
import { begunIn } from "../judge.ts";
import type { Setting } from "../places.ts";

/** How one run of a cell is made. */
export interface CellRun {
  /** The number of the run, from 0. */
  readonly run: number;
  /** Milliseconds of work before it happens. */
  readonly afterMs: number;
  readonly ifCrashed: "answer" | "rerun";
  /** In the short form there are fewer sessions, and shorter waits. */
  readonly isShort: boolean;
}

/** A cell. */
export interface Cell {
  readonly what: string;
  /** In which settings there is such a thing. */
  readonly isIn: (setting: Setting) => boolean;
  /** How often it is run in the full form. Default 20. */
  readonly runs?: number;
  /** It needs more than a shared machine has: left out of the short form. */
  readonly isFullOnly?: boolean;
  /** Its Restate has three nodes. */
  readonly isOnCluster?: boolean;
  /** It waits for real: left out of the short form. */
  readonly isSlow?: boolean;
  /** What happens takes workers their store or engine away, so that how soon others go on is no matter of this cell. */
  readonly isOutage?: boolean;
  readonly play: (fleet: Fleet, run: CellRun) => Promise<Outcome & { readonly note?: string }>;
}

/** In every setting. */
export const everywhere = (): boolean => true;
/** Where sessions are in PostgreSQL. */
export const inPostgres = ({ engine }: Setting): boolean => engine !== "in-process";
/** Where Restate calls workers. */
export const withRestate = ({ engine }: Setting): boolean => engine === "restate";

/** Collects what is not as it should be. */
export function checks(): { readonly wrong: string[]; readonly check: (is: boolean, what: string) => void } {
  const wrong: string[] = [];
  return { wrong, check: (is, what) => void (is || wrong.push(what)) };
}

/** What sessions are asked: twice twelve steps of some 15 ms. */
export const STEPS: readonly string[] = ["go 12", "go 12"];

/** Waits until a worker has begun a tool, and some milliseconds more; one that gets no session in a while is let be. */
export async function underWay(fleet: Fleet, afterMs: number, pid: number): Promise<void> {
  const giveUpAt = performance.now() + 5_000;
  while (begunIn(fleet).every((one) => one.pid !== pid) && performance.now() < giveUpAt) await setTimeout(5);
  await setTimeout(afterMs);
}
