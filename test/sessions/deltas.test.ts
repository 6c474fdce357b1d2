// Deltas over a bus that loses, repeats and delays what is said, from processes that die.

import * as fc from "fast-check";
import type { Clock, SessionEvent } from "loophost";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import type { Json } from "../../src/core/json.ts";
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

/** What a reader has before him in the end, without what was retracted. */
function shown(words: readonly Word[], reader: HeardDeltas = new HeardDeltas()): string {
  return words
    .flatMap((word) => {
      reader.add(word);
      return reader.due();
    })
    .reduce((text, event) => (event.type === "deltas.retracted" ? "" : text + event.text), "");
}

/** The reader has the nth whole event. */
function pass(reader: HeardDeltas, first: number, event: SessionEvent): readonly SessionEvent[] {
  return reader.pass(
    { seq: 1, entry: { type: "told", first, events: [event] } as unknown as Json },
    0,
    event,
  );
}

/** Words of a process that dies and of its successor, in a mixed order, some of them lost or repeated. */
function twoWriters(): fc.Arbitrary<readonly Word[]> {
  const words = [...said(["a", "bc", "d", "efgh"], 0), ...said(["A", "BC", "D", "EFGH"], 0)];
  return fc
    .array(fc.nat(words.length - 1), { maxLength: 20 })
    .map((order) => order.flatMap((at) => words[at] ?? []));
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
  pass(reader, 0, { type: "message", text: "The end" });
  expect(reader.due()).toEqual([]);
  const words: Word[] = [];
  const owner = new SaidDeltas((word) => words.push(word), clock);
  owner.follow();
  await clock.advance(31_000);
  owner.add({ type: "text.delta", text: "x" }, 0);
  expect(words).toEqual([]);
});

it("retracts what a process wrote that died, once its successor writes or its turn begins again", () => {
  const [gone, next] = [said(["What I ", "wanted"], 0), said(["Some", "thing else"], 0)];
  const reader = new HeardDeltas();
  expect(shown([...gone, ...next], reader)).toBe("Something else");
  // Race: it goes on for a moment, because it does not know yet.
  expect(shown([...gone, ...said(["x"], 0)], reader)).toBe("x");
  expect(pass(reader, 0, { type: "turn.started", turn: 1 })).toMatchObject([{ type: "deltas.retracted" }]);
  expect(pass(reader, 1, { type: "turn.started", turn: 1 })).toEqual([]);
  for (const type of ["message", "turn.ended", "run.ended", "run.failed"] as const) {
    const other = new HeardDeltas();
    shown(gone, other);
    pass(other, 0, { type, text: "" } as never);
    expect(pass(other, 1, { type: "turn.started", turn: 2 })).toEqual([]);
  }
});

it("never mixes what two processes wrote, whatever is lost, repeated or late", () => {
  fc.assert(
    fc.property(twoWriters(), (words) => {
      const text = shown(words);
      expect("abcdefgh".startsWith(text) || "ABCDEFGH".startsWith(text)).toBe(true);
    }),
    { numRuns: 300 },
  );
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
    by: "",
    after: 1,
    at,
    event: { type: "text.delta", text: "x" },
  });
  const shownOf = (count: number) => {
    const reader = new HeardDeltas();
    for (let at = 0; at < count; at += 1) reader.add(word(at));
    pass(reader, 0, { type: "message", text: "" });
    return reader.due().length;
  };
  expect([shownOf(1_000), shownOf(1_001)]).toEqual([1_000, 0]);
});
