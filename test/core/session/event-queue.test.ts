import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { LoophostError } from "../../../src/core/errors.ts";
import type { DeltaEvent, SessionEvent } from "../../../src/core/events.ts";
import { isDelta } from "../../../src/core/events.ts";
import { EventQueue } from "../../../src/core/session/event-queue.ts";
import { settleMicrotasks } from "../../../src/testing/manual-clock.ts";

const failure = new LoophostError("host_failed", "The host is gone.");

function message(text: string): SessionEvent {
  return { type: "message", text };
}

function delta(
  text: string,
  changes: { type?: DeltaEvent["type"]; thread?: string; messageId?: string; index?: number } = {},
): DeltaEvent {
  return { type: "text.delta", text, raw: { chunk: text }, ...changes };
}

/** Reads to the end. */
async function readAll(queue: EventQueue): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  for await (const event of queue.read()) events.push(event);
  return events;
}

describe("order", () => {
  const event = fc.oneof(
    { weight: 6, arbitrary: fc.string({ minLength: 1, maxLength: 3 }).map((text) => delta(text)) },
    {
      weight: 1,
      arbitrary: fc.string({ minLength: 1 }).map((text) => delta(text, { type: "thinking.delta" })),
    },
    { weight: 1, arbitrary: fc.constantFrom("a", "b").map((thread) => delta("x", { thread })) },
    { weight: 2, arbitrary: fc.constantFrom("m1", "m2").map((messageId) => delta("y", { messageId })) },
    { weight: 1, arbitrary: fc.constantFrom(0, 1).map((index) => delta("z", { messageId: "m1", index })) },
    { weight: 1, arbitrary: fc.string().map(message) },
    { weight: 1, arbitrary: fc.constant<SessionEvent>({ type: "deltas.retracted", reason: "again" }) },
  );
  /** How many events come before the reader asks for the next, again and again. */
  const pace = fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 200 })), {
    minLength: 1,
  });

  it("is kept: whole events stay whole and in place, and the text of deltas between them is the same [I10]", async () => {
    let merged = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 600, size: "max" }), pace, async (pushed, paces) => {
        const queue = new EventQueue();
        const reader = queue.read();
        const reads: Promise<IteratorResult<SessionEvent>>[] = [];
        let next = 0;
        for (let turn = 0; next < pushed.length; turn += 1) {
          const until = next + (paces[turn % paces.length] ?? 0) + 1;
          for (const one of pushed.slice(next, until)) queue.push(one);
          next = until;
          await Promise.all(reads.slice(-1)); // one next() at a time
          reads.push(reader.next());
        }
        queue.end();
        const early = await Promise.all(reads);
        const read = early.flatMap((result) => (result.done === true ? [] : [result.value]));
        for await (const one of reader) read.push(one);

        if (read.length < pushed.length) merged += 1;
        expect(joined(read)).toEqual(joined(pushed));
        expect(read.filter((one) => !isDelta(one))).toEqual(pushed.filter((one) => !isDelta(one)));
      }),
    );
    // A property that never merges says nothing about merging.
    expect(merged).toBeGreaterThan(10);
  });

  it("is kept when the reader comes only at the end", async () => {
    const queue = new EventQueue();
    const pushed = [message("a"), delta("b"), delta("c"), message("d")];
    for (const one of pushed) queue.push(one);
    queue.end();
    expect(await readAll(queue)).toEqual(pushed);
  });
});

describe("a slow reader", () => {
  it("gets the deltas it did not fetch as one: they cost their text and no more [I10]", async () => {
    const queue = new EventQueue();
    for (let count = 0; count < 100_000; count += 1) queue.push(delta("ab"));
    queue.end();
    const events = await readAll(queue);
    expect(events.length).toBeLessThan(100);
    expect(events.map((event) => (isDelta(event) ? event.text : "")).join("")).toBe("ab".repeat(100_000));
    // What was merged is no event of the host's any more.
    expect(events.at(-1)).toHaveProperty("raw", undefined);
  });

  it("gets every delta for itself while it keeps up", async () => {
    const queue = new EventQueue();
    const deltas = Array.from({ length: 60 }, (_, index) => delta(String(index)));
    for (const one of deltas) queue.push(one);
    queue.end();
    expect(await readAll(queue)).toEqual(deltas);
  });

  it("fails once too many whole events wait, after those that do [I10]", async () => {
    const queue = new EventQueue();
    for (let count = 0; count <= 10_000; count += 1) queue.push(message(String(count)));
    queue.push(message("ignored"));
    queue.end();
    const events: SessionEvent[] = [];
    const reading = (async () => {
      for await (const event of queue.read()) events.push(event);
    })();
    await expect(reading).rejects.toMatchObject({
      code: "slow_consumer",
      message: "10000 events of this run were not read. Read faster, or only await result().",
    });
    expect(events).toHaveLength(10_000);
    expect(events.at(-1)).toEqual(message("9999"));
  });

  it("does not fail because of deltas, however many", async () => {
    const queue = new EventQueue();
    for (let count = 0; count < 9_999; count += 1) queue.push(message("m"));
    for (let count = 0; count < 50_000; count += 1) queue.push(delta("d"));
    queue.end();
    expect(await readAll(queue)).toHaveLength(10_000);
  });

  it("that never quite catches up does not keep what it has read [I10]", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const queue = new EventQueue();
    const reader = queue.read();
    const first = new WeakRef(message("the first"));
    queue.push(first.deref() ?? message("never"));
    for (let count = 0; count < 100; count += 1) {
      queue.push(message(String(count)));
      await reader.next();
    }
    await settleMicrotasks(); // a WeakRef holds its target until the turn it was looked at is over
    collectGarbage();
    expect(first.deref()).toBeUndefined();
  });
});

describe("the end", () => {
  it("comes after what is unread, and stays [I12]", async () => {
    const queue = new EventQueue();
    queue.push(message("a"));
    queue.end();
    queue.end(failure); // too late
    queue.push(message("b")); // too late
    const reader = queue.read();
    expect(await reader.next()).toEqual({ value: message("a"), done: false });
    expect(await reader.next()).toEqual({ value: undefined, done: true });
    expect(await reader.next()).toEqual({ value: undefined, done: true });
    expect(await readAll(queue)).toEqual([]);
  });

  it("reaches a reader that waits [I12]", async () => {
    const queue = new EventQueue();
    const waiting = queue.read().next();
    queue.end();
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(await readAll(queue)).toEqual([]);
  });

  it("is an error after what is unread, for every reader that comes [I12]", async () => {
    const queue = new EventQueue();
    queue.push(message("a"));
    queue.end(failure);
    const reader = queue.read();
    expect(await reader.next()).toEqual({ value: message("a"), done: false });
    await expect(reader.next()).rejects.toBe(failure);
    expect(await reader.next()).toEqual({ value: undefined, done: true });
    await expect(readAll(queue)).rejects.toBe(failure);
  });

  it("is an error for a reader that waits [I12]", async () => {
    const queue = new EventQueue();
    const waiting = queue.read().next();
    queue.end(failure);
    await expect(waiting).rejects.toBe(failure);
    await expect(readAll(queue)).rejects.toBe(failure);
  });
});

describe("a reader that breaks off", () => {
  it("leaves the rest for the next one [I12]", async () => {
    const queue = new EventQueue();
    for (const text of ["a", "b", "c"]) queue.push(message(text));
    for await (const event of queue.read()) {
      expect(event).toEqual(message("a"));
      break;
    }
    queue.push(message("d"));
    queue.end();
    expect(await readAll(queue)).toEqual([message("b"), message("c"), message("d")]);
  });

  it("leaves nothing waiting, and takes nothing more [I12]", async () => {
    const queue = new EventQueue();
    const reader = queue.read();
    const waiting = reader.next();
    await reader.return?.();
    expect(await waiting).toEqual({ value: undefined, done: true });
    queue.push(message("a"));
    expect(await reader.next()).toEqual({ value: undefined, done: true });
    const second = queue.read();
    await reader.return?.(); // the first one again: not the second one's business
    expect(await second.next()).toEqual({ value: message("a"), done: false });
    expect(() => queue.read()).toThrow(/already being read/);
  });
});

describe("misuse", () => {
  it("by two readers at once is refused", () => {
    const queue = new EventQueue();
    queue.read();
    expect(() => queue.read()).toThrow(expect.objectContaining({ code: "invalid_options" }));
  });

  it("by next() before the last one settled is refused, and the last one goes on", async () => {
    const queue = new EventQueue();
    const reader = queue.read();
    const waiting = reader.next();
    await expect(reader.next()).rejects.toMatchObject({ code: "invalid_options" });
    queue.push(message("a"));
    expect(await waiting).toEqual({ value: message("a"), done: false });
  });
});

/** Events with neighbouring deltas of one kind made one: what must be the same however they were merged. */
function joined(events: readonly SessionEvent[]): SessionEvent[] {
  const result: SessionEvent[] = [];
  for (const event of events) {
    const last = result.at(-1);
    const isPiece =
      last !== undefined && isDelta(last) && isDelta(event) && messageOf(last) === messageOf(event);
    if (isPiece) result[result.length - 1] = { ...last, text: last.text + event.text };
    else result.push(isDelta(event) ? { ...event, raw: undefined } : event);
  }
  return result;
}

/** Which block of which message a delta is a piece of. */
function messageOf(event: DeltaEvent): string {
  const [id, index] = event.type === "text.delta" ? [event.messageId, event.index] : [];
  return JSON.stringify([event.type, event.thread, id, index]);
}
