// The table of a campaign: a row for each cell in each setting.

import type { RecordedRun } from "./campaign.ts";
import { CELLS } from "./campaign.ts";

/** A row, and whether it is as it should be. */
export interface Row {
  readonly cells: readonly string[];
  readonly isWrong: boolean;
}

/** The next step of a session whose worker is gone: within so many milliseconds. */
const NEXT_STEP_MS = 1_000;

const HEAD = [
  "cell",
  "engine",
  "host",
  "runs",
  "repeated",
  "lost",
  "rerun",
  "unknown",
  "wrong",
  "next step ms p50 / p99 / worst",
  "",
];

/** The rows of what was run. */
export function rowsOf(
  runs: readonly RecordedRun[],
  { isLateWrong }: { readonly isLateWrong: boolean },
): readonly Row[] {
  const groups = Map.groupBy(runs, ({ cell, engine, provider }) => `${cell}|${engine}|${provider}`);
  return [...groups].map(([key, group]) => {
    const [cell = "", engine = "", provider = ""] = key.split("|");
    const results = group.map(({ result }) => result);
    const latencies = results.flatMap((result) => result.latencies).toSorted((a, b) => a - b);
    const at = (share: number) => latencies[Math.ceil(latencies.length * share) - 1];
    const sum = (pick: (result: (typeof results)[number]) => number) =>
      results.reduce((total, one) => total + pick(one), 0);
    const [repeated, lost] = [sum((one) => one.repeated), sum((one) => one.lost)];
    const wrong = sum((one) => one.wrong.length);
    const { isOutage = false, isSlow = false } = CELLS[cell] ?? {};
    const isLate = !isOutage && !isSlow && (at(0.99) ?? 0) > NEXT_STEP_MS;
    return {
      isWrong: repeated + lost + wrong > 0 || (isLate && isLateWrong),
      cells: [
        cell,
        engine,
        provider,
        results.length,
        repeated,
        lost,
        sum((one) => one.rerun),
        sum((one) => one.unknown),
        wrong,
        latencies.length === 0 ? "" : `${at(0.5)} / ${at(0.99)} / ${at(1)}${isLate ? " LATE" : ""}`,
        results.findLast(({ note }) => note !== undefined)?.note ?? "",
      ].map(String),
    };
  });
}

/** The table as text. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(({ cells }) => cells)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
