// Contenders side by side: what is held against the first of them is taken within a round.

import { expect, it } from "vitest";

import type { Comparison, Figures } from "../../bench/comparison.ts";
import { compare } from "../../bench/comparison.ts";
import { toComparedTable } from "../../bench/table.ts";

const comparison: Comparison = {
  name: "lamps",
  what: "two lamps",
  worker: "none",
  contenders: [
    { label: "old", job: {} },
    { label: "new", job: {} },
  ],
  figures: [
    { key: "watts", what: "power", against: "times" },
    { key: "warmUpMs", what: "warm-up", against: "more" },
    { key: "lumens", what: "light" },
  ],
  notes: ["Both in the same socket."],
};

/** The second round saw a slower machine, and what only one of them has is in no round of the other. */
const measured: Record<string, Figures[]> = {
  old: [
    { watts: 10, warmUpMs: 1 },
    { watts: 40, warmUpMs: 5 },
    { watts: 12, warmUpMs: 2 },
  ],
  new: [
    { watts: 20, warmUpMs: 4, lumens: 800 },
    { watts: 60, warmUpMs: 9, lumens: 800 },
    { watts: 30, warmUpMs: 6, lumens: 800 },
  ],
};

it("takes medians over rounds, and ratios and differences within them", () => {
  const { rows } = compare(comparison, ({ label }) => measured[label] ?? []);
  expect(rows).toEqual([
    { what: "power", cells: { old: { value: 12 }, new: { value: 30, times: 2 } } },
    { what: "warm-up", cells: { old: { value: 2 }, new: { value: 6, more: 4 } } },
    { what: "light", cells: { old: { value: Number.NaN }, new: { value: 800 } } },
  ]);
});

it("shows a column for each, and nothing where there is no figure", () => {
  const table = toComparedTable(compare(comparison, ({ label }) => measured[label] ?? []));
  expect(table.split("\n").map((line) => line.replace(/ +/g, " ").replace(/-+/g, "-"))).toEqual([
    "lamps: two lamps",
    "",
    "| | old | new |",
    "| - | -: | -: |",
    "| power | 12.0 | 30.0 (2.00x) |",
    "| warm-up | 2.00 | 6.00 (+4.00) |",
    "| light | | 800.0 |",
  ]);
});
