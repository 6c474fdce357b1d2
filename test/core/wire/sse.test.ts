import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";

import type { ServerSentEvent } from "../../../src/core/wire/sse.ts";
import { createSseDecoder, readSse } from "../../../src/core/wire/sse.ts";

const encoder = new TextEncoder();

/** Decodes text that comes in pieces. */
function decode(...chunks: readonly string[]): ServerSentEvent[] {
  const events: ServerSentEvent[] = [];
  const feed = createSseDecoder((each) => events.push(each));
  for (const chunk of chunks) feed(chunk);
  return events;
}

/** A body that comes in pieces. */
function bodyOf(...chunks: readonly Uint8Array[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(Uint8Array.from(chunk));
      controller.close();
    },
  });
}

async function readAll(...chunks: readonly Uint8Array[]): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  await readSse(bodyOf(...chunks), (each) => events.push(each));
  return events;
}

function event(data: string, changes: Partial<ServerSentEvent> = {}): ServerSentEvent {
  return { event: "message", data, id: "", ...changes };
}

/** Streams and what they say; the first ones are the examples of the specification. */
const streams: Record<string, readonly [stream: string, events: readonly ServerSentEvent[]]> = {
  "several data lines": ["data: YHOO\ndata: +2\ndata: 10\n\n", [event("YHOO\n+2\n10")]],
  "comments, ids, and an event left unfinished": [
    ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
    [event("first event", { id: "1" }), event("second event")],
  ],
  "data lines that are empty": ["data\n\ndata\ndata\n\ndata:", [event(""), event("\n")]],
  "a space that may be there or not": ["data:test\n\ndata: test\n\n", [event("test"), event("test")]],
  "names of events": [
    "event: add\ndata: 73857293\n\nevent:\ndata: 1\n\nevent: a\nevent: b\ndata: 2\n\n",
    [event("73857293", { event: "add" }), event("1"), event("2", { event: "b" })],
  ],
  "a name without data, which is no event and is not kept": ["event: add\n\ndata: 1\n\n", [event("1")]],
  "an id that is kept for the events after it": [
    "id: 7\ndata: a\n\ndata: b\n\nid: 8\n\ndata: c\n\n",
    [event("a", { id: "7" }), event("b", { id: "7" }), event("c", { id: "8" })],
  ],
  "an id with a null in it, which is none": ["id: 7\nid: 8\0\ndata: a\n\n", [event("a", { id: "7" })]],
  "fields nobody knows": ["retry: 10\nfoo: bar\nDATA: x\ndata : y\ndata: z\n\n", [event("z")]],
  "colons in the data": ["data: a:b: c\n\ndata::\n\n", [event("a:b: c"), event(":")]],
  "returns for line ends": ["event: a\rdata: 1\r\rdata: 2\r\r", [event("1", { event: "a" }), event("2")]],
  "returns and feeds": [
    "event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n",
    [event("1", { event: "a" }), event("2")],
  ],
  "all three line ends": ["data: a\rdata: b\r\ndata: c\n\r\ndata: d\r\r\n", [event("a\nb\nc"), event("d")]],
  "a byte order mark": ["\uFEFFdata: a\n\n", [event("a")]],
  "a second byte order mark, which is a field nobody knows": [
    "\uFEFF\uFEFFdata: a\n\ndata: b\n\n",
    [event("b")],
  ],
  "a mark that comes later, and is text": ["data: \uFEFFa\n\n\uFEFFdata: b\n\n", [event("\uFEFFa")]],
  "characters of two, three and four bytes": ["data: é☃😀\nevent: ñ\n\n", [event("é☃😀", { event: "ñ" })]],
  "other characters that end lines elsewhere": [
    "data: a\u2028b\u0085c\vd\n\n",
    [event("a\u2028b\u0085c\vd")],
  ],
  "nothing at all": ["", []],
  "only line ends": ["\n\r\n\r\n\n", []],
};

describe.each(Object.entries(streams))("%s", (_, [stream, events]) => {
  const bytes = encoder.encode(stream);

  it("in one piece [A-114]", async () => {
    expect(decode(stream)).toEqual(events);
    expect(await readAll(bytes)).toEqual(events);
  });

  it("in two pieces, cut at every byte, and byte by byte [A-114] [B-46]", async () => {
    for (let at = 0; at <= bytes.length; at += 1)
      expect(await readAll(bytes.slice(0, at), bytes.slice(at)), `cut at ${at}`).toEqual(events);
    expect(await readAll(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(events);
    expect(decode(...Array.from(stream))).toEqual(events);
  });

  it("in any pieces, with empty ones between [A-114]", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
        const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
        const pieces = ends.map((end, index) => bytes.slice(ends[index - 1] ?? 0, end));
        expect(await readAll(...pieces)).toEqual(events);
      }),
      { numRuns: 30 },
    );
  });
});

it("decodes any events, however they are written and cut [A-114]", () => {
  const line = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll(/[\r\n\uFEFF]/gu, ""));
  const name = line.map((text) => text.trim() || "message");
  const anyEvent = fc.record({
    event: name,
    data: fc.array(line, { minLength: 1 }).map((lines) => lines.join("\n")),
  });
  const style = fc.record({
    end: fc.constantFrom("\n", "\r", "\r\n"),
    comment: fc.boolean(),
    size: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(anyEvent), style, (events, { end, comment, size }) => {
      const lines = events.flatMap(({ event: type, data }) => [
        ...(comment ? [": ping"] : []),
        `event: ${type}`,
        ...data.split("\n").map((text) => `data: ${text}`),
        "",
      ]);
      const stream = lines.map((text) => text + end).join("");
      const pieces = stream.match(new RegExp(`[^]{1,${size}}`, "g")) ?? [];
      expect(decode(...pieces)).toEqual(events.map((each) => ({ ...each, id: "" })));
    }),
  );
});

describe("a long event", () => {
  it("is not searched again at every piece of it [I10]", () => {
    const piece = "x".repeat(64);
    const count = 200_000;
    const events: ServerSentEvent[] = [];
    const feed = createSseDecoder((each) => events.push(each));
    const started = performance.now();
    feed("data: ");
    for (let index = 0; index < count; index += 1) feed(piece);
    feed("\n\n");
    expect(events[0]?.data).toHaveLength(64 * count);
    // Searched anew at each piece, these 12.8 MB would be read 100 000 times over, which takes an hour.
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it("has a limit, whether it is one line or many [I10]", () => {
    const tooLong = expect.objectContaining({ code: "host_protocol" });
    const piece = "x".repeat(16 * 1024 * 1024);
    const feedLine = createSseDecoder(() => undefined);
    feedLine("data: ");
    expect(() => [1, 2, 3, 4].forEach(() => feedLine(piece))).toThrow(tooLong);
    const feedLines = createSseDecoder(() => undefined);
    expect(() => [1, 2, 3, 4, 5].forEach(() => feedLines(`data: ${piece}\n`))).toThrow(tooLong);
  });
});

describe("reading a body", () => {
  it("drops an event that is unfinished when the body ends [A-118]", async () => {
    expect(await readAll(encoder.encode("data: a\n\ndata: b\n"))).toEqual([event("a")]);
    expect(await readAll(encoder.encode("data: a\n\ndata: é").slice(0, -1))).toEqual([event("a")]);
  });

  it("tells of bytes as they come, even where they are no event", async () => {
    const onBytes = vi.fn<() => void>();
    await readSse(bodyOf(encoder.encode(": ping\n"), encoder.encode("data: a\n")), () => undefined, {
      onBytes,
    });
    expect(onBytes).toHaveBeenCalledTimes(2);
  });

  it("lets go of the body when it ends [I12]", async () => {
    const body = bodyOf(encoder.encode("data: a\n\n"));
    await readSse(body, () => undefined);
    expect(body.locked).toBe(false);
  });

  it("cancels the body when the callback throws, and throws the same [I12]", async () => {
    const cancel = vi.fn<(reason: unknown) => void>();
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => controller.enqueue(encoder.encode("data: a\n\n")),
      cancel,
    });
    const thrown = new Error("not wanted");
    const reading = readSse(body, () => {
      throw thrown;
    });
    await expect(reading).rejects.toBe(thrown);
    expect(cancel).toHaveBeenCalledExactlyOnceWith(thrown);
    expect(body.locked).toBe(false);
  });

  it("throws what the body fails with, after the events before it [I12]", async () => {
    const lost = new Error("connection reset");
    const events: ServerSentEvent[] = [];
    let pulls = 0;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        pulls += 1;
        if (pulls > 1) throw lost;
        controller.enqueue(encoder.encode("data: a\n\ndata: b"));
      },
    });
    await expect(readSse(body, (each) => events.push(each))).rejects.toBe(lost);
    expect(events).toEqual([event("a")]);
  });
});
