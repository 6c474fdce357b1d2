/** Rows as a table to read: Markdown, so that it can be pasted as it is. */

import { arch, cpus, loadavg, release, totalmem, type } from "node:os";

import manifest from "../package.json" with { type: "json" };
import type { Row } from "./report.ts";

/** Where and when something was measured. */
export interface Surroundings {
  readonly date: string;
  readonly machine: string;
  readonly versions: string;
  /** Processes that wanted a core in the minute before. */
  readonly load: string;
}

/** Looks at where this runs. */
export function surroundings(): Surroundings {
  const cores = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cores[0]?.model ?? "unknown CPU"}, ${cores.length} cores (${arch()}), ${gigabytes} GB, ${type()} ${release()}`,
    versions: `Node ${process.version}, undici ${process.versions["undici"] ?? "none"}, loophost ${manifest.version}`,
    load: (loadavg()[0] ?? 0).toFixed(2),
  };
}

/** Makes the table. */
export function toTable(rows: readonly Row[]): string {
  const head = ["scenario", "what", "unit", "floor", "ours", "ratio", "goal", "", "wall: floor", "ours"];
  const body = rows.map(toCells);
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...body.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (isFigure(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, column) => "-".repeat(width - 1) + (isFigure(column) ? ":" : "-"));
  return [line(head), line(rule), ...body.map(line)].join("\n");
}

/** What a reader must know to judge the figures. */
export function toNotes(
  rows: readonly Row[],
  { rounds, isQuick }: { rounds: number; isQuick: boolean },
): string {
  return [
    isQuick
      ? "Quick: one round at small sizes shows that everything runs; these are not figures to quote, nor to judge."
      : `Medians of ${rounds} rounds; each figure from a fresh process, floor and ours in turns.`,
    "CPU is user and system time of the whole measuring process, compiling and garbage collection included, after a warm-up. A turn is one model call.",
    "Ratios are taken within a round; in brackets the lowest and the highest. Memory is in KB of 1024 bytes.",
    "The floor is a hand-written fetch loop for this one task: no validation, deadlines, retries, events or journal.",
    "Wall clock is a turn's too, with the model server on the same machine in its own process; at many sessions at once it is the throughput.",
    "The import is of the source compiled file by file, as it is published.",
    ...rows.flatMap((row) => row.notes.map((note) => `${row.name}: ${note}.`)),
  ]
    .map((note) => `- ${note}`)
    .join("\n");
}

function toCells({ name, what, unit, floor, ours, ratio, goal, wall }: Row): string[] {
  return [
    name,
    what,
    unit,
    figure(floor),
    figure(ours),
    ratio === undefined
      ? ""
      : `${ratio.median.toFixed(2)}x (${ratio.lowest.toFixed(2)}-${ratio.highest.toFixed(2)})`,
    goal === undefined ? "" : `<= ${goal.atMost}${goal.of === "ratio" ? "x" : ""}`,
    goal === undefined ? "" : goal.isMet ? "met" : "NOT MET",
    figure(wall?.floor),
    figure(wall?.ours),
  ];
}

function figure(value: number | undefined): string {
  if (value === undefined) return "";
  return value.toFixed(Math.abs(value) < 10 ? 2 : 1);
}

function isFigure(column: number): boolean {
  return column >= 3 && column !== 7;
}
