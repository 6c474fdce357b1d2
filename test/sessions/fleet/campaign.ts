// The kill matrix: which cells there are, and one run of one of them.

import { pickAt } from "../../../src/testing/faults/random.ts";
import type { Cell } from "./cells/cell.ts";
import { loadCells } from "./cells/load.ts";
import { outageCells } from "./cells/outages.ts";
import { postCells } from "./cells/posts.ts";
import { readerCells } from "./cells/readers.ts";
import { workerCells } from "./cells/workers.ts";
import { Fleet } from "./fleet.ts";
import type { Outcome } from "./judge.ts";
import type { Places, Setting } from "./places.ts";

/** All cells by name. */
export const CELLS: Readonly<Record<string, Cell>> = {
  ...workerCells,
  ...postCells,
  ...outageCells,
  ...readerCells,
  ...loadCells,
};

/** What one run came to. */
export interface RunResult extends Outcome {
  readonly ms: number;
  readonly note?: string;
}

/** One run, and what came of it. */
export interface RecordedRun extends Setting {
  readonly cell: string;
  readonly run: number;
  readonly result: RunResult;
}

/** Runs a cell once; what it throws is something wrong as well. Even runs answer calls that were under way, odd ones run them again. */
export async function runCell(
  at: Places,
  setting: Setting,
  name: string,
  { run, seed, isShort }: { readonly run: number; readonly seed: number; readonly isShort: boolean },
): Promise<RunResult> {
  const startedAt = performance.now();
  const ifCrashed = run % 2 === 0 ? "answer" : "rerun";
  const cell = CELLS[name];
  if (cell === undefined) throw new Error(`There is no cell ${name}, only ${Object.keys(CELLS).join(", ")}.`);
  const ms = () => Math.round(performance.now() - startedAt);
  try {
    await using fleet = await Fleet.open(at, setting, ifCrashed);
    const how = { run, afterMs: 50 + pickAt(400, seed, run), ifCrashed, isShort } as const;
    return { ...(await cell.play(fleet, how)), ms: ms() };
  } catch (thrown) {
    const wrong = [thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)];
    return { latencies: [], repeated: 0, lost: 0, rerun: 0, unknown: 0, wrong, ms: ms() };
  }
}
