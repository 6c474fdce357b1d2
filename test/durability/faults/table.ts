// What came of many runs, as two tables: by what befell them, and where those that failed did.

import type { Mishap } from "./faulty-run.ts";

/** What is kept of a run. */
export interface Done {
  readonly seed: number;
  readonly ended: "right" | "error" | "wrong" | "hang";
  readonly code?: string | undefined;
  /** Where it failed: the request, and how. */
  readonly failedAt?: string | undefined;
  readonly ranTwice: number;
  readonly sentTwice: number;
  readonly leftOver: number;
  /** How often each fault happened, by name. */
  readonly faults: Readonly<Record<string, number>>;
  /** What went wrong, in full. */
  readonly wrong?: string | undefined;
}

type Row = Record<string, string | number>;

/** A row for each kind of fault, with the runs that met it; a run of several kinds is in several rows. */
export function byFault(all: readonly Done[]): readonly Row[] {
  const names = [...new Set(all.flatMap(({ faults }) => Object.keys(faults)))].toSorted();
  const met = (name: string) => all.filter(({ faults }) => faults[name] !== undefined);
  return [
    ...names.map((name) => toRow(name, met(name), ({ faults }) => faults[name] ?? 0)),
    toRow(
      "none",
      all.filter(({ faults }) => Object.keys(faults).length === 0),
      () => 0,
    ),
    toRow("any", all, ({ faults }) => Object.values(faults).reduce((sum, times) => sum + times, 0)),
  ];
}

/** A row for each place where runs failed. */
export function byFailure(all: readonly Done[]): readonly Row[] {
  const failed = Map.groupBy(all, ({ failedAt }) => failedAt);
  return [...failed]
    .filter(([place]) => place !== undefined)
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([place = "", runs]) => ({ "failed at": place, runs: runs.length, code: runs[0]?.code ?? "" }));
}

/** What a fault is called in the table. */
export function nameOf({ fault }: Mishap): string {
  if (fault.how === "refuse") return `refuse ${fault.status}`;
  if (fault.how === "lose reply" && fault.lateMs !== undefined) return "lose reply, late";
  return fault.how === "delay" ? `delay ${fault.of ?? "request"}` : fault.how;
}

function toRow(fault: string, runs: readonly Done[], times: (one: Done) => number): Row {
  const sum = (of: (one: Done) => number) => runs.reduce((total, one) => total + of(one), 0);
  const ended = (how: Done["ended"]) => runs.filter((one) => one.ended === how).length;
  const failed = (code: string) => runs.filter((one) => one.ended === "error" && one.code === code).length;
  return {
    fault,
    runs: runs.length,
    faults: sum(times),
    right: ended("right"),
    host_rejected: failed("host_rejected"),
    host_failed: failed("host_failed"),
    host_unreachable: failed("host_unreachable"),
    wrong: ended("wrong"),
    "run twice": sum(({ ranTwice }) => ranTwice),
    "sent twice": sum(({ sentTwice }) => sentTwice),
    hangs: ended("hang"),
    "left over": sum(({ leftOver }) => leftOver),
  };
}
