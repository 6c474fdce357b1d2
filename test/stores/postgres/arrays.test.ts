// What goes to the database in an array comes out of it as it was, whatever separates and quotes is in it.

import { Pool } from "pg";
import { describe, expect, it, onTestFinished } from "vitest";

import { fromJsonTexts, jsonTexts, plainArray, textArray } from "../../../src/stores/postgres/arrays.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "./server.ts";

const HARD = [
  "",
  " ",
  "null",
  "NULL",
  '"',
  "\\",
  '\\"',
  "{a,b}",
  ",",
  "a\nb",
  "\f\r\t\u0001",
  "é\u2028\u{1f600}",
  "'",
];

describe.skipIf(whyNoPostgres !== undefined)(`arrays${skipped}`, () => {
  async function ask(what: string, values: readonly unknown[]): Promise<unknown> {
    const pool = new Pool({ connectionString: (await sharedPostgres()).url, max: 1 });
    onTestFinished(() => pool.end());
    return (await pool.query(`SELECT ${what} AS it`, [...values])).rows[0].it;
  }

  it.each([[HARD], [[]]])("of texts", async (texts) => {
    expect(await ask("$1::text[]", [textArray(texts)])).toEqual(texts);
  });

  it("of numbers and booleans", async () => {
    expect(await ask("$1::float8[]", [plainArray([1, -2, 0, Number.MAX_SAFE_INTEGER])])).toEqual([
      1,
      -2,
      0,
      2 ** 53 - 1,
    ]);
    expect(await ask("$1::bool[]", [plainArray([true, false])])).toEqual([true, false]);
    expect(await ask("$1::int[]", [plainArray([])])).toEqual([]);
  });

  it.each([[[...HARD, "\0", "half \ud83d"].map((text) => JSON.stringify([text])).concat("1", '""')], [[]]])(
    "of JSON texts",
    async (texts) => {
      expect(await ask(fromJsonTexts("$1"), [jsonTexts(texts)])).toEqual(texts);
    },
  );

  it("of JSON texts, some of which are none", async () => {
    expect(await ask(fromJsonTexts("$1"), [jsonTexts(["1", null, "2", null])])).toEqual([
      "1",
      null,
      "2",
      null,
    ]);
  });
});
