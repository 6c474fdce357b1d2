/** How much of everything is measured: to quote, and to see that it runs. */

import type { FleetSizes } from "./fleet/comparison.ts";
import type { HostedSizes } from "./hosted/comparison.ts";
import type { JournalSizes } from "./journal/comparisons.ts";

/** How much of everything is measured. */
export interface Sizes {
  /** Whether the goals are meant for these sizes. */
  readonly isJudged: boolean;
  readonly rounds: number;
  /** Tool turns of the sessions whose cost a turn is compared. */
  readonly loops: readonly number[];
  /** Tool turns measured in all, in as many sessions as it takes. */
  readonly toolTurns: number;
  /** Turns a loop is warmed up with: a server that has run for a minute is the case of interest. */
  readonly warmTurns: number;
  readonly threadTurns: number;
  readonly crowd: number;
  readonly textChars: number;
  readonly textSessions: number;
  readonly argsSessions: number;
  readonly held: number;
  readonly kept: number;
  /** Pairs of processes a round that start with and without the core. */
  readonly imports: number;
  readonly journal: JournalSizes;
  readonly hosted: HostedSizes;
  readonly fleet: FleetSizes;
}

/** The sizes to quote. */
export const FULL: Sizes = {
  isJudged: true,
  rounds: 5,
  loops: [25, 100, 200, 400],
  toolTurns: 1_600,
  warmTurns: 1_000,
  threadTurns: 200,
  crowd: 200,
  textChars: 5_000_000,
  textSessions: 8,
  argsSessions: 40,
  held: 200,
  kept: 5_000,
  imports: 5,
  journal: { toolTurns: 100, alone: 40, atOnce: 50 },
  hosted: { sessions: 1_000, thinkMs: 2_000, warmUp: 200 },
  fleet: { appends: 40_000, sessions: 50, running: 200, turns: 10, parked: 1_000 },
};

/** Enough to see that everything runs, and no more. */
export const QUICK: Sizes = {
  isJudged: false,
  rounds: 1,
  loops: [25, 100],
  toolTurns: 100,
  warmTurns: 100,
  threadTurns: 100,
  crowd: 50,
  textChars: 1_000_000,
  textSessions: 1,
  argsSessions: 5,
  held: 50,
  kept: 200,
  imports: 3,
  journal: { toolTurns: 20, alone: 4, atOnce: 50 },
  hosted: { sessions: 50, thinkMs: 50, warmUp: 20 },
  fleet: { appends: 500, sessions: 50, running: 20, turns: 2, parked: 50 },
};
