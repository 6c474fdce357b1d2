/** Rows in columns, each as wide as its widest cell. */

import { columnsOf, fit, pad } from "./columns.ts";

const MAX_CELL = 60;

/** The lines of a table; control characters in what hosts say become blanks. */
export function* tableOf(head: readonly string[], rows: readonly (readonly string[])[]): Generator<string> {
  const shown = [head, ...rows].map((row) => row.map((cell) => fit(cell.replace(/\p{Cc}/gu, " "), MAX_CELL)));
  const widths = head.map((_, column) => Math.max(...shown.map((row) => columnsOf(row[column] ?? ""))));
  for (const row of shown)
    yield row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd();
}
