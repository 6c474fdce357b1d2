// Deltas over a bus that loses, repeats and delays what is said.

import type { Clock, SessionEvent } from "loophost";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import { HeardDeltas, SaidDeltas } from "../../src/sessions/deltas.ts";

type Word = Parameters<HeardDeltas["add"]>[0];
type Delta = Extract<SessionEvent, { type: "text.delta" | "thinking.delta" }>;

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

it("tells a late follower of each block, message, thread and kind of text by itself", () => {
  const parts: readonly Delta[] = [
    { type: "thinking.delta", text: "Hm" },
    { type: "text.delta", text: "of A", messageId: "A", index: 0 },
    { type: "text.delta", text: "more of A", messageId: "A", index: 1 },
    { type: "text.delta", text: "of B", messageId: "B", index: 1 },
    { type: "text.delta", text: "of another thread", messageId: "B", index: 1, thread: "t" },
    { type: "thinking.delta", text: "Hm", thread: "t" },
  ];
  const words: Word[] = [];
  const owner = new SaidDeltas((word) => words.push(word), manualClock());
  for (const part of parts) for (const text of [part.text, "!"]) owner.add({ ...part, text }, 0);
  owner.follow();
  expect(words.map(({ event }) => event)).toEqual(parts.map((part) => ({ ...part, text: `${part.text}!` })));
});

it("keeps a thousand deltas for an event that is late, and none of what is beyond", () => {
  const word = (at: number): Word => ({
    say: "delta",
    after: 1,
    at,
    event: { type: "text.delta", text: "x" },
  });
  const shownOf = (count: number) => {
    const reader = new HeardDeltas();
    for (let at = 0; at < count; at += 1) reader.add(word(at));
    reader.pass({ seq: 1, entry: { type: "told", first: 0, events: [{ type: "message", text: "" }] } }, 0);
    return reader.due().length;
  };
  expect([shownOf(1_000), shownOf(1_001)]).toEqual([1_000, 0]);
});
