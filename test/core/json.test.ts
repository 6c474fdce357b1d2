// What can be kept as JSON.

import { expect, it } from "vitest";

import { isKeepable } from "../../src/core/json.ts";

const nested = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);

it.each([null, 1, "x", undefined, {}, [1, { a: undefined }], nested(200)])("keeps %j", (value) => {
  expect(isKeepable(value)).toBe(true);
});

it("keeps nothing deeper than 200, circular, with a bigint in it, or longer than its room", () => {
  const circular: unknown[] = [];
  circular.push(circular, circular);
  expect([nested(201), nested(100_000), circular, [{ a: 10n }]].map((value) => isKeepable(value))).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(isKeepable(["xxx", "xxx"], 200, { chars: 8 })).toBe(true);
  expect(isKeepable(["xxx", "xxx"], 200, { chars: 6 })).toBe(false);
});

it("ends for what holds one thing many times over", () => {
  let wide: unknown = [];
  for (let level = 0; level < 100; level += 1) wide = [wide, wide];
  expect(isKeepable(wide, 200, { chars: 10_000 })).toBe(false);
});
