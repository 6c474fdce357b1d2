// The kill matrix: which cells there are, and one run of one of them.

import { setTimeout } from "node:timers/promises";

import { pickAt } from "../../../src/testing/faults/random.ts";
import type { Cell } from "./cells/cell.ts";
import { failoverCells } from "./cells/failovers.ts";
import { loadCells, PARKED } from "./cells/load.ts";
import { outageCells } from "./cells/outages.ts";
import { postCells } from "./cells/posts.ts";
import { readerCells } from "./cells/readers.ts";
import { releaseCells } from "./cells/releases.ts";
import { storeCells } from "./cells/stores.ts";
import { sweepCells } from "./cells/sweeps.ts";
import { workerCells } from "./cells/workers.ts";
import { Fleet } from "./fleet.ts";
import type { Outcome } from "./judge.ts";
import type { Places, Setting } from "./places.ts";

/** All cells by name. */
export const CELLS: Readonly<Record<string, Cell>> = {
  ...workerCells,
  ...storeCells,
  ...sweepCells,
  ...releaseCells,
  ...postCells,
  ...outageCells,
  ...failoverCells,
  ...readerCells,
  ...loadCells,
};

/** What one run came to. */
export interface RunResult extends Outcome {
  readonly ms: number;
  readonly note?: string;
}

/** One run of a cell. */
export interface Planned extends Setting {
  readonly cell: string;
  /** Its number, from 0. */
  readonly run: number;
}

/** One run, and what came of it. */
export interface RecordedRun extends Planned {
  readonly seed: number;
  readonly result: RunResult;
}

/** A run that hangs ends so long after its start; the parked are watched besides. */
const DEADLINE_MS = 15 * 60_000;

/** Runs a cell once; what it throws is something wrong as well. Even runs answer calls that were under way, odd ones run them again. */
export async function runCell(
  at: Places,
  { cell: name, run, engine, provider }: Planned,
  { seed, isShort }: { readonly seed: number; readonly isShort: boolean },
): Promise<RunResult> {
  const startedAt = performance.now();
  const ifCrashed = run % 2 === 0 ? "answer" : "rerun";
  const cell = CELLS[name];
  if (cell === undefined) throw new Error(`There is no cell ${name}, only ${Object.keys(CELLS).join(", ")}.`);
  const ms = () => Math.round(performance.now() - startedAt);
  const over = new AbortController();
  try {
    await using fleet = await Fleet.open(at, { engine, provider }, ifCrashed, cell.isOnCluster);
    const how = { run, afterMs: 50 + pickAt(400, seed, run), ifCrashed, isShort } as const;
    const deadlineMs = DEADLINE_MS + PARKED.minutes * 60_000;
    const hangs = setTimeout(deadlineMs, undefined, { signal: over.signal }).then(() => {
      throw new Error(`it did not end within ${deadlineMs / 60_000} minutes`);
    });
    const outcome = await Promise.race([cell.play(fleet, how), hangs]);
    return { ...outcome, wrong: [...outcome.wrong, ...outcome.disturbed], ms: ms() };
  } catch (thrown) {
    const wrong = [thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)];
    return { latencies: [], repeated: 0, lost: 0, rerun: 0, unknown: 0, disturbed: [], wrong, ms: ms() };
  } finally {
    over.abort();
  }
}
