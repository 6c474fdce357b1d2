/**
 * Contenders side by side at the same work, each measured in fresh processes: several figures of each, held against the
 * first contender's. Where one floor and one figure are enough there is a row in the table of scenarios instead.
 */

import { median } from "./statistics.ts";

/** Named numbers, as a measuring process prints them. */
export type Figures = Readonly<Record<string, number>>;

/** One comparison. */
export interface Comparison {
  readonly name: string;
  readonly what: string;
  /** The program that measures: takes a job as JSON, prints figures as JSON. */
  readonly worker: string;
  /** The first is what the others are held against. */
  readonly contenders: readonly Contender[];
  readonly figures: readonly FigureKind[];
  readonly notes: readonly string[];
}

/** Who does the work. */
export interface Contender {
  readonly label: string;
  readonly job: object;
}

/** A row of the table. */
export interface FigureKind {
  /** Its name among the figures. */
  readonly key: string;
  readonly what: string;
  /** How a contender's is held against the first one's: as so many times it, as so much more, or not at all. */
  readonly against?: "times" | "more" | undefined;
}

/** A comparison that was made. */
export interface Compared {
  readonly name: string;
  readonly what: string;
  readonly rows: readonly ComparedRow[];
  readonly notes: readonly string[];
}

/** A figure of all contenders. */
export interface ComparedRow {
  readonly what: string;
  /** By contender. */
  readonly cells: Readonly<Record<string, Cell>>;
}

/** Medians over rounds; those against the first contender are taken within a round, where both had the same machine. */
interface Cell {
  /** NaN for a figure this contender has not. */
  readonly value: number;
  readonly times?: number;
  readonly more?: number;
}

/** Makes the figures of a comparison. `of` gives what was measured of a contender, once a round. */
export function compare(
  { name, what, contenders, figures, notes }: Comparison,
  of: (contender: Contender) => readonly Figures[],
): Compared {
  const [base] = contenders;
  const rows = figures.map(({ key, what: title, against }): ComparedRow => {
    const valuesOf = (contender: Contender) => of(contender).map((measured) => measured[key] ?? Number.NaN);
    const baseValues = base === undefined ? [] : valuesOf(base);
    const cellOf = (contender: Contender): Cell => {
      const values = valuesOf(contender);
      const beside = (combine: (own: number, first: number) => number) =>
        median(values.map((value, round) => combine(value, baseValues[round] ?? Number.NaN)));
      return {
        value: median(values),
        ...(contender !== base && against === "times" && { times: beside((own, first) => own / first) }),
        ...(contender !== base && against === "more" && { more: beside((own, first) => own - first) }),
      };
    };
    return {
      what: title,
      cells: Object.fromEntries(contenders.map((contender) => [contender.label, cellOf(contender)])),
    };
  });
  return { name, what, rows, notes };
}
