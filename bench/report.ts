/** From measurements to rows: medians over rounds, and ratios taken within a round, where both had the same machine. */

import type { ImportCost } from "./core.ts";
import type { Job, Measured } from "./job.ts";
import type { Scenario } from "./scenarios.ts";
import { median } from "./statistics.ts";

/** One row of the table. */
export interface Row {
  readonly name: string;
  readonly what: string;
  readonly unit: "ms CPU a turn" | "KB" | "ms CPU" | "times";
  readonly floor: number | undefined;
  readonly ours: number;
  readonly ratio: Spread | undefined;
  /** Wall clock a turn, in milliseconds. */
  readonly wall: { readonly floor: number; readonly ours: number } | undefined;
  readonly goal:
    | { readonly atMost: number; readonly of: "ratio" | "ours"; readonly isMet: boolean }
    | undefined;
  readonly notes: readonly string[];
}

/** A median, and how far the rounds lay apart. */
interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/** What was measured: every job once a round, in the order of rounds. */
export interface Measurements {
  of(job: Job): readonly Measured[];
  readonly imports: readonly ImportCost[];
  readonly coreSizeKb: number;
}

/** Makes the row of a scenario. */
export function toRow(scenario: Scenario, measurements: Measurements): Row {
  const { name, what, goal } = scenario;
  const base = { name, what, floor: undefined, ratio: undefined, wall: undefined, notes: [] };
  switch (scenario.kind) {
    case "time": {
      const [floor, ours] = [measurements.of(scenario.floor), measurements.of(scenario.ours)];
      const ratio = spreadOf(ratios(ours.map(cpu), floor.map(cpu)));
      const wall = { floor: median(floor.map((m) => m.wallMs)), ours: median(ours.map((m) => m.wallMs)) };
      const figures = { floor: median(floor.map(cpu)), ours: median(ours.map(cpu)), ratio, wall };
      return {
        ...base,
        ...figures,
        unit: "ms CPU a turn",
        goal: judge(goal, "ratio", ratio.median),
        notes: sent(floor, ours),
      };
    }
    case "growth": {
      const grown = ({ short, long }: { short: Job; long: Job }) =>
        ratios(measurements.of(long).map(cpu), measurements.of(short).map(cpu));
      const floor = grown({ short: scenario.short.floor, long: scenario.long.floor });
      const ours = grown({ short: scenario.short.ours, long: scenario.long.ours });
      const ratio = spreadOf(ratios(ours, floor));
      const figures = { floor: median(floor), ours: median(ours), ratio };
      return { ...base, ...figures, unit: "times", goal: judge(goal, "ratio", ratio.median) };
    }
    case "heap": {
      const floor = median(measurements.of(scenario.floor).map(heapKb));
      const ours = median(measurements.of(scenario.ours).map(heapKb));
      return { ...base, floor, ours, unit: "KB", goal: judge(goal, "ours", ours) };
    }
    case "core import": {
      const ours = median(measurements.imports.map(({ bareMs, withCoreMs }) => withCoreMs - bareMs));
      const bare = median(measurements.imports.map(({ bareMs }) => bareMs)).toFixed(1);
      const notes = [`bare node spends ${bare} ms`];
      return { ...base, ours, unit: "ms CPU", goal: judge(goal, "ours", ours), notes };
    }
    case "core size": {
      const ours = measurements.coreSizeKb;
      return { ...base, ours, unit: "KB", goal: judge(goal, "ours", ours) };
    }
  }
}

function judge(atMost: number | undefined, of: "ratio" | "ours", value: number): Row["goal"] {
  // Judged as it is shown, to two places.
  return atMost === undefined ? undefined : { atMost, of, isMet: Math.round(value * 100) / 100 <= atMost };
}

/** Says when the two did not send the same, since then their CPU is not for the same bytes. */
function sent(floor: readonly Measured[], ours: readonly Measured[]): string[] {
  const [theirs, own] = [floor, ours].map((measured) => median(measured.map((m) => m.sentBytes)) / 1024);
  if (theirs === undefined || own === undefined || Math.abs(own - theirs) < Math.max(1, theirs / 20))
    return [];
  return [`sends ${own.toFixed(1)} KB a turn, the floor ${theirs.toFixed(1)} KB`];
}

function cpu(measured: Measured): number {
  return measured.cpuMs;
}

function heapKb(measured: Measured): number {
  return measured.heapBytes / 1024;
}

function ratios(above: readonly number[], below: readonly number[]): number[] {
  return above.map((value, round) => value / (below[round] ?? Number.NaN));
}

function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), lowest: Math.min(...values), highest: Math.max(...values) };
}
