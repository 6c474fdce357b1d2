// docs/how-it-works.md says what becomes of a call in every state for every input; the machine agrees in every cell.

import { expect, it } from "vitest";

import { codesIn, readPage, rowsUnder } from "../../support/pages.ts";
import type { Cell, InputType, Status } from "./call-table.ts";
import { cellOf, INPUTS, STATUSES } from "./call-table.ts";

it("does in every state what the page says, for every input", () => {
  const said = new Map(
    rowsUnder(readPage("docs/how-it-works.md"), "States and inputs").map(([input = "", ...cells]) => [
      codesIn(input)[0],
      cells,
    ]),
  );
  const types = Object.keys(INPUTS) as InputType[];
  expect(new Set(said.keys())).toEqual(new Set(types));
  // A record over both unions, so that the compiler knows of a state or an input that is missing.
  const table = Object.fromEntries(
    types.map((type) => [type, Object.fromEntries(STATUSES.map((status) => [status, cellOf(status, type)]))]),
  ) as Record<InputType, Record<Status, Cell>>;
  for (const type of types) {
    const cells = STATUSES.map((status) => (table[type][status] === status ? "·" : table[type][status]));
    expect(said.get(type), type).toEqual(cells);
  }
});

it("names every state", () => {
  const all: Record<Status, true> = {
    seen: true,
    running: true,
    asking: true,
    awaiting: true,
    answered: true,
    posting: true,
    posted: true,
  };
  expect(Object.keys(all)).toEqual(STATUSES);
});
