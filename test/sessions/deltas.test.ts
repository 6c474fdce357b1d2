// Deltas over a bus that loses, repeats and delays what is said.

import type { Clock } from "loophost";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import { HeardDeltas, SaidDeltas } from "../../src/sessions/deltas.ts";

type Word = Parameters<HeardDeltas["add"]>[0];

/** What an owner says of a message in pieces, to a follower who comes before the nth of them. */
function said(pieces: readonly string[], followsBefore: number, clock: Clock = manualClock()): Word[] {
  const words: Word[] = [];
  const owner = new SaidDeltas((word) => words.push(word), clock);
  for (const [index, text] of pieces.entries()) {
    if (index === followsBefore) owner.follow();
    owner.add({ type: "text.delta", text }, 0);
  }
  return words;
}

function shown(words: readonly Word[]): string {
  const reader = new HeardDeltas();
  return words
    .flatMap((word) => {
      reader.add(word);
      return reader.due();
    })
    .map(({ text }) => text)
    .join("");
}

const PIECES = ["the ", "the ", "the ", "end"];

it("shows what was written before somebody followed, and after that", () => {
  for (let at = 0; at < PIECES.length; at += 1) expect(shown(said(PIECES, at))).toBe("the the the end");
});

it("shows nothing twice, and nothing after a gap until it is filled", () => {
  const words = said(PIECES, 0);
  expect(shown(words.flatMap((word) => [word, word]))).toBe("the the the end");
  expect(shown(words.filter((_, index) => index !== 1))).toBe("the ");
  expect(shown([...words.filter((_, index) => index !== 1), ...said(PIECES, 3)])).toBe("the the the end");
});

it("is void once the whole event is there, and says nothing when nobody follows", async () => {
  const clock = manualClock();
  const reader = new HeardDeltas();
  for (const word of said(PIECES, 0)) reader.add(word);
  reader.pass(
    { seq: 1, entry: { type: "told", first: 0, events: [{ type: "message", text: "The end" }] } },
    0,
  );
  expect(reader.due()).toEqual([]);
  const words: Word[] = [];
  const owner = new SaidDeltas((word) => words.push(word), clock);
  owner.follow();
  await clock.advance(31_000);
  owner.add({ type: "text.delta", text: "x" }, 0);
  expect(words).toEqual([]);
});
