/** Rows as a table to read: Markdown, so that it can be pasted as it is. */

import { readFileSync } from "node:fs";
import { arch, cpus, loadavg, release, tmpdir, totalmem, type } from "node:os";

import manifest from "../package.json" with { type: "json" };
import type { Compared, ComparedRow } from "./comparison.ts";
import type { Row } from "./report.ts";

/** Where and when something was measured. */
export interface Surroundings {
  readonly date: string;
  readonly machine: string;
  readonly versions: string;
  /** Where files are written. */
  readonly folder: string;
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
    versions: `Node ${process.version}, undici ${process.versions["undici"] ?? "none"}, SQLite ${process.versions["sqlite"] ?? "none"}, loophost ${manifest.version}`,
    folder: `${tmpdir()} on ${fileSystemOf(tmpdir())}`,
    load: (loadavg()[0] ?? 0).toFixed(2),
  };
}

/** Makes the table. */
export function toTable(rows: readonly Row[]): string {
  const head = ["scenario", "what", "unit", "floor", "ours", "ratio", "goal", "", "wall: floor", "ours"];
  const body = rows.map(toCells);
  return layOut(head, body, (column) => column >= 3 && column !== 7);
}

/** Makes the table of a comparison. */
export function toComparedTable({ name, what, rows }: Compared): string {
  const labels = Object.keys(rows[0]?.cells ?? {});
  const body = rows.map((row) => [row.what, ...labels.map((label) => toCell(row, label))]);
  return `${name}: ${what}\n\n${layOut(["", ...labels], body, (column) => column > 0)}`;
}

/** What a reader must know to judge the figures. */
export function toNotes(
  rows: readonly Row[],
  compared: readonly Compared[],
  { rounds, isQuick }: { rounds: number; isQuick: boolean },
): string {
  return [
    isQuick
      ? "Quick: one round at small sizes shows that everything runs; these are not figures to quote, nor to judge."
      : `Medians of ${rounds} rounds; each figure from a fresh process, the contenders in turns.`,
    "CPU is user and system time of the whole measuring process, compiling and garbage collection included, after a warm-up. A turn is one model call.",
    "Ratios and differences are taken within a round. Memory is in KB of 1024 bytes.",
    "The floor is a hand-written fetch loop for this one task: no validation, deadlines, retries, events or journal.",
    ...(rows.length === 0 ? [] : SCENARIO_NOTES),
    ...rows.flatMap((row) => row.notes.map((note) => `${row.name}: ${note}.`)),
    ...compared.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`)),
  ]
    .map((note) => `- ${note}`)
    .join("\n");
}

const SCENARIO_NOTES = [
  "In brackets behind a ratio, the lowest and the highest.",
  "Wall clock is a turn's too, with the model server on the same machine in its own process; at many sessions at once it is the throughput.",
  "The import is of the source compiled file by file, as it is published.",
];

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

function toCell({ cells }: ComparedRow, label: string): string {
  const { value, times, more } = cells[label] ?? { value: Number.NaN };
  if (Number.isNaN(value)) return "";
  if (times !== undefined) return `${figure(value)} (${times.toFixed(2)}x)`;
  return more === undefined ? figure(value) : `${figure(value)} (${more < 0 ? "" : "+"}${figure(more)})`;
}

/** A number to three digits or so. */
function figure(value: number | undefined): string {
  if (value === undefined) return "";
  const size = Math.abs(value);
  return value.toFixed(size < 1 ? 3 : size < 10 ? 2 : 1);
}

function layOut(
  head: readonly string[],
  body: readonly (readonly string[])[],
  isFigure: (column: number) => boolean,
): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...body.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (isFigure(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, column) => "-".repeat(width - 1) + (isFigure(column) ? ":" : "-"));
  return [line(head), line(rule), ...body.map(line)].join("\n");
}

/** The file system a folder is on, as Linux tells it. */
function fileSystemOf(folder: string): string {
  try {
    const mounts = readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .map((line) => line.split(" "));
    const under = mounts.filter(([, at = ""]) => at === "/" || `${folder}/`.startsWith(`${at}/`));
    const [nearest] = under.toSorted(([, a = ""], [, b = ""]) => b.length - a.length);
    return nearest?.[2] ?? "an unknown file system";
  } catch {
    return "an unknown file system";
  }
}
