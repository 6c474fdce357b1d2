/** Stored sessions as a table. */

import type { SessionSummary } from "../../stores/sessions.ts";
import { columnsOf, pad } from "./columns.ts";
import { formatTime, printable } from "./format.ts";

const HEAD = ["session", "agent", "provider", "status", "runs", "waiting", "updated"];

/** The lines of the table, the session written to last at the top. */
export function sessionTable(sessions: readonly SessionSummary[]): readonly string[] {
  const latestFirst = sessions.toSorted((a, b) => b.updatedAt - a.updatedAt);
  const rows = [HEAD, ...latestFirst.map(toRow)];
  const widths = HEAD.map((_, column) =>
    rows.reduce((width, row) => Math.max(width, columnsOf(row[column] ?? "")), 0),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function toRow({ sessionId, agent, provider, status, runs, waiting, updatedAt }: SessionSummary): string[] {
  const cells = [sessionId, agent, provider, status, String(runs), waiting.join(" "), formatTime(updatedAt)];
  // In one line: an id may have a line break in it.
  return cells.map((cell) => printable(cell).replace(/\s/g, " "));
}
