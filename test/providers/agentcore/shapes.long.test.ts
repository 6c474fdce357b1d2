// Replies of every shape, cut in two at every byte, and cut off at every byte.

import { expect, it } from "vitest";

import { read } from "./frames.ts";
import { SHAPES } from "./shapes.ts";

it.each(Object.entries(SHAPES))("comes to the same wherever it is cut: %s [A-078]", (_, { bytes }) => {
  const whole = read(bytes);
  for (let at = 0; at <= bytes.length; at += 1) expect(read(bytes, at), `cut at ${at}`).toEqual(whole);
});

it.each(Object.entries(SHAPES))("is no success where it is cut off: %s [A-059]", (_, { bytes }) => {
  const places = Array.from(bytes, (_byte, at) => at);
  // Whole frames up to an end are a reply, whatever would have followed.
  const cutOff = places.map((at) => read(bytes.subarray(0, at))).filter(({ end }) => end === undefined);
  expect(cutOff.length).toBeGreaterThan(bytes.length - 8);
  for (const { error } of cutOff) expect(error).toMatchObject({ name: "LoophostError", mayRetry: false });
});
