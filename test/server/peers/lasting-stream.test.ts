// A stream that is passed on and outlives the host that serves it.

import { manualClock, settleMicrotasks } from "loophost/testing";
import { expect, it } from "vitest";

import type { LastingOptions } from "../../../src/server/peers/lasting-stream.ts";
import { lastingStream } from "../../../src/server/peers/lasting-stream.ts";

const utf8 = new TextEncoder();

/** The body of a host's reply, fed by hand. */
function served() {
  let feed: ReadableStreamDefaultController<Uint8Array> | undefined;
  const state = { isCancelled: false, reads: 0 };
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => void (feed = controller),
      pull: () => void (state.reads += 1),
      cancel: () => void (state.isCancelled = true),
    },
    { highWaterMark: 0 },
  );
  return {
    body,
    state,
    say: (text: string) => feed?.enqueue(utf8.encode(text)),
    die: () => feed?.error(new Error("other side closed")),
    end: () => feed?.close(),
  };
}

const event = (n: number) => `id: ${n}\nevent: agent.message\ndata: {"n":${n}}\n\n`;
const PING = 'event: ping\ndata: {"type":"ping"}\n\n';

/** A lasting stream over the first of some hosts, the others in reserve; what was asked for, and what the client has. */
function lasting(
  hosts: readonly (ReturnType<typeof served> | number)[],
  options: Partial<LastingOptions> = {},
) {
  const [first, ...others] = hosts;
  const clock = manualClock();
  const asked: number[] = [];
  const closed = new AbortController();
  const body = lastingStream(typeof first === "object" ? first.body : served().body, {
    after: 4,
    clock,
    maxSilentMs: 60_000,
    signal: closed.signal,
    async reopen(after) {
      asked.push(after);
      const next = others.shift() ?? 500;
      return typeof next === "number"
        ? new Response(null, { status: next })
        : new Response(next.body, { headers: { "content-type": "text/event-stream" } });
    },
    ...options,
  });
  const reader = body.getReader();
  const seen = { text: "", isOver: false };
  const reading = (async () => {
    for (let read = await reader.read(); !read.done; read = await reader.read())
      seen.text += new TextDecoder().decode(read.value);
    seen.isOver = true;
  })();
  return { asked, seen, reading, reader, clock, closed };
}

it("goes on behind the last whole event when its host dies, and passes on no half of one", async () => {
  const [one, two] = [served(), served()];
  const { asked, seen } = lasting([one, two]);
  one.say(event(5) + PING + event(6).slice(0, 20));
  await settleMicrotasks();
  expect(seen.text).toBe(event(5) + PING);
  one.die();
  await settleMicrotasks();
  two.say(event(6) + event(7));
  await settleMicrotasks();
  expect(asked).toEqual([5]);
  expect(seen.text).toBe(event(5) + PING + event(6) + event(7));
});

it("begins again where it was opened when its host dies before it said anything", async () => {
  const [one, two] = [served(), served()];
  const { asked } = lasting([one, two]);
  one.die();
  await settleMicrotasks();
  expect(asked).toEqual([4]);
});

it("takes a host that says nothing, no ping either, for one that hangs", async () => {
  const [one, two] = [served(), served()];
  const { asked, clock } = lasting([one, two]);
  await settleMicrotasks();
  one.say(PING);
  await clock.advance(59_000);
  expect(asked).toEqual([]);
  await clock.advance(2_000);
  expect(asked).toEqual([4]);
  expect(one.state.isCancelled).toBe(true);
});

it("tries again while nobody has the session, and ends when it is gone", async () => {
  const one = served();
  const { asked, seen, clock, reading } = lasting([one, 503, 500, 404]);
  one.end();
  await settleMicrotasks();
  await clock.advance(50);
  await clock.advance(100);
  await reading;
  expect([asked, seen.isOver]).toEqual([[4, 4, 4], true]);
});

it("gives up after a minute", async () => {
  const one = served();
  const { seen, clock } = lasting([one]);
  one.end();
  await clock.advance(70_000);
  expect(seen.isOver).toBe(true);
});

it("is left by its client, or ended with its host: the other host's stream is left, too", async () => {
  const [one, two] = [served(), served()];
  const left = lasting([one]);
  await left.reader.cancel();
  expect(one.state.isCancelled).toBe(true);
  const ended = lasting([two]);
  ended.closed.abort();
  await ended.reading;
  expect([two.state.isCancelled, ended.asked]).toEqual([true, []]);
});

it("reads no further than its client does (backpressure)", async () => {
  const one = served();
  const body = lastingStream(one.body, {
    after: 0,
    clock: manualClock(),
    maxSilentMs: 60_000,
    signal: new AbortController().signal,
    reopen: () => Promise.reject(new Error("not asked")),
  });
  await settleMicrotasks();
  expect(one.state.reads).toBe(0);
  const reader = body.getReader();
  const read = reader.read();
  await settleMicrotasks();
  expect(one.state.reads).toBe(1);
  one.say(event(1));
  await read;
  await settleMicrotasks();
  expect(one.state.reads).toBe(1);
  await reader.cancel();
});
