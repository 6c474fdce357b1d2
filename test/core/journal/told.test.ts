// What goes on record of what readers are shown: whole events without an entry of their own, each once.

import type { SessionEvent } from "loophost";
import { expect, it } from "vitest";

import { ToldEvents } from "../../../src/core/journal/told.ts";

const message = (id: string): SessionEvent => ({ type: "message", text: "hello", raw: { id } });

it("takes whole events once, and no delta, progress or end, which would be told twice or keep what is gone", () => {
  const told = new ToldEvents();
  const none: SessionEvent[] = [
    { type: "text.delta", text: "he" },
    { type: "tool.progress", id: "a", name: "t", progress: 1 },
    { type: "run.waiting", on: [] },
    { type: "run.failed", code: "timeout", message: "late" },
  ];
  expect(none.map((event) => told.add(event, new Set()))).toEqual([false, false, false, false]);
  expect(told.add(message("m1"), new Set())).toBe(true);
  expect(told.add(message("m1"), new Set())).toBe(false);
  expect(told.add(message("m2"), new Set(["message m2"]))).toBe(false);
  expect(told.take()).toEqual([message("m1")]);
  expect(told.size).toBe(0);
});

it("takes nothing that cannot be kept: one such event would fail the write of all the others", () => {
  const told = new ToldEvents();
  let deep: unknown = [];
  for (let depth = 0; depth < 1_000; depth += 1) deep = [deep];
  expect(told.add({ type: "tool.called", id: "a", name: "t", input: deep }, new Set())).toBe(false);
  expect(told.add({ type: "tool.called", id: "a", name: "t", input: 1 }, new Set())).toBe(true);
  expect(told.size).toBe(1);
});

it("goes into several entries when more has come than one has places for", () => {
  const told = new ToldEvents();
  const event = (id: string): SessionEvent => ({ type: "provider", raw: { id, secret: "s" } });
  for (let n = 0; n < 5_000; n += 1) told.add(event(`e${n}`), new Set());
  const first = told.take();
  expect([first.length, told.size]).toEqual([4_000, 1_000]);
  // What still waits is told once, what is on its way to the record may be asked about there.
  expect([told.add(event("e4500"), new Set()), told.add(event("e0"), new Set(["provider e0"]))]).toEqual([
    false,
    false,
  ]);
  expect(told.take()).toHaveLength(1_000);
  expect(first[0]).toEqual({ type: "provider", raw: { id: "e0" } });
});

it("takes an event of the past by its host's id, and one without for told: nobody could tell it from what was", () => {
  const told = new ToldEvents();
  const turn: SessionEvent = { type: "turn.started", turn: 1 };
  expect(told.add(turn, new Set(), true)).toBe(false);
  expect(told.add({ ...turn, raw: { id: "e1" } }, new Set(["turn.started e1"]), true)).toBe(false);
  expect(told.add({ ...turn, raw: { id: "e2" } }, new Set(), true)).toBe(true);
  expect([told.add(turn, new Set()), told.add(turn, new Set())]).toEqual([true, true]);
  const posted: SessionEvent = { type: "tool.posted", id: "a" };
  expect([told.add(posted, new Set(), true), told.add(posted, new Set())]).toEqual([true, false]);
});
