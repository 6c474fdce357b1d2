// What a campaign runs, in which order: every cell once, then again; cells that wait for real some at a time.

import type { Planned } from "./campaign.ts";
import { CELLS } from "./campaign.ts";
import type { Setting } from "./places.ts";
import { whyNot } from "./places.ts";

/** Which runs are asked for. */
export interface Asked {
  readonly short: boolean;
  readonly engine?: string | undefined;
  readonly provider?: string | undefined;
  readonly cell?: string | undefined;
  readonly runs?: string | undefined;
}

/** Cells that wait for real and share no server with what they break: so many runs of them side by side. */
const AT_ONCE = 4;

/** The runs that are asked for, in rounds: a campaign whose time is over has had every cell. */
export function planned(asked: Asked): readonly Planned[] {
  const all: Planned[] = [];
  for (const engine of ["in-process", "postgres", "restate"] as const) {
    if (asked.engine !== undefined && asked.engine !== engine) continue;
    const why = whyNot(engine);
    if (why !== undefined) console.log(`${engine} is left out: ${why}`);
    else
      for (const provider of ["local", "claude"] as const)
        if (asked.provider === undefined || asked.provider === provider)
          all.push(...plannedIn({ engine, provider }, asked));
  }
  return all.toSorted((a, b) => a.run - b.run);
}

function plannedIn(setting: Setting, asked: Asked): readonly Planned[] {
  return Object.entries(CELLS).flatMap(([cell, { isIn, runs = 20 }]) => {
    const isAsked = asked.cell === undefined ? !asked.short || isInShort(cell, setting) : asked.cell === cell;
    if (!isAsked || !isIn(setting)) return [];
    const times = Number(asked.runs ?? (asked.short ? shortRuns(cell, setting) : runs));
    return Array.from({ length: times }, (_, run) => ({ ...setting, cell, run }));
  });
}

/** Runs to be made one group after another, those of a group at the same time. */
export function grouped(runs: readonly Planned[]): readonly (readonly Planned[])[] {
  const groups: Planned[][] = [];
  let waiting: Planned[] = [];
  for (const one of runs) {
    if (CELLS[one.cell]?.isSlow !== true) groups.push([one]);
    else if (waiting.push(one) === 1) groups.push(waiting);
    if (waiting.length === AT_ONCE) waiting = [];
  }
  return groups;
}

/** In a few minutes: cells that wait for nothing, and at a host those that kill workers. */
function isInShort(name: string, { provider }: Setting): boolean {
  const { isSlow = false, isFullOnly = false } = CELLS[name] ?? {};
  if (isSlow || isFullOnly) return false;
  return provider === "local" || name === "K1" || name === "K8";
}

function shortRuns(name: string, { provider }: Setting): number {
  if (name === "K15" || name === "K18" || name === "K16") return 1;
  return provider === "local" ? 3 : 2;
}
