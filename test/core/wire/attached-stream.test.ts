import * as fc from "fast-check";
import { LoophostError } from "loophost";
import { manualClock, settleMicrotasks } from "loophost/testing";
import { describe, expect, it } from "vitest";

import type { AttachOptions, StreamSource } from "../../../src/core/wire/attached-stream.ts";
import { AttachedStream } from "../../../src/core/wire/attached-stream.ts";

/** A host that numbers its events, keeps all of them, and drops streams when told to. */
function numberedHost(pageSize = 3) {
  const history: number[] = [];
  const streams = new Set<{
    deliver: (event: number) => void;
    alive: () => void;
    end: (error?: unknown) => void;
  }>();
  const log: string[] = [];
  let refuse: LoophostError | undefined;
  let duringListing: (() => void) | undefined;
  const source: StreamSource<number> = {
    connect(signal, deliver, alive) {
      log.push("connect");
      if (refuse !== undefined) return Promise.reject(refuse);
      const ended = new Promise<void>((resolve, reject) => {
        const stream = {
          deliver,
          alive,
          end: (error?: unknown) => {
            streams.delete(stream);
            if (error === undefined) resolve();
            else reject(error);
          },
        };
        streams.add(stream);
        signal.addEventListener("abort", () => stream.end(signal.reason ?? new Error("aborted")));
      });
      return Promise.resolve({ ended });
    },
    async *list(order) {
      log.push(`list ${order}`);
      const all = order === "oldest first" ? [...history] : history.toReversed();
      duringListing?.();
      for (let at = 0; at === 0 || at < all.length; at += pageSize) {
        await Promise.resolve();
        yield all.slice(at, at + pageSize);
      }
    },
    keyOf: (event) => String(event),
  };
  return {
    source,
    log,
    streams,
    history,
    /** Something happens at the host; those listening are told, once or twice. */
    happen(count = 1, times = 1) {
      for (let index = 0; index < count; index += 1) {
        const event = history.length + 1;
        history.push(event);
        for (let time = 0; time < times; time += 1) for (const { deliver } of streams) deliver(event);
      }
    },
    drop: (error?: unknown) => [...streams].forEach(({ end }) => end(error)),
    refuseWith: (error: LoophostError | undefined) => void (refuse = error),
    duringListing: (callback: (() => void) | undefined) => void (duringListing = callback),
  };
}

function attach(source: StreamSource<number>, options: Partial<AttachOptions<number>> = {}) {
  const clock = manualClock();
  const told: (number | string)[] = [];
  const stream = new AttachedStream(source, {
    deliver: (event) => void told.push(event),
    onCatchUp: (mark) => void told.push(mark),
    onLost: (reason) => void told.push(`lost: ${reason}`),
    onRestored: () => void told.push("restored"),
    onFailed: (error) => void told.push(`failed: ${error.code}`),
    hasPast: false,
    clock,
    idleMs: 45_000,
    ...options,
  });
  const events = () => told.filter((entry) => typeof entry === "number");
  return { stream, clock, told, events };
}

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe("an attached stream", () => {
  it("opens before it lists, reads all pages, and tells what came meanwhile after them, once [I1] [A-159] [L-20]", async () => {
    const host = numberedHost();
    host.happen(7);
    host.duringListing(() => host.happen(1));
    const { stream, told, events } = attach(host.source, { hasPast: true });
    await stream.open();
    host.happen(1);
    expect(host.log).toEqual(["connect", "list oldest first"]);
    expect(events()).toEqual(range(9));
    expect(told[0]).toBe("started");
    expect(told.indexOf("ended")).toBeGreaterThan(told.indexOf(8));
    await stream.close();
  });

  it("delivers everything once and in order, whatever drops, repeats and is missed [I1] [L-19] [A-123] [A-116]", async () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant("happen" as const),
        count: fc.integer({ min: 1, max: 5 }),
        times: fc.integer({ min: 1, max: 2 }),
      }),
      fc.record({ do: fc.constant("drop" as const) }),
      fc.record({ do: fc.constant("end" as const) }),
      fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(100, 1_000, 60_000) }),
      fc.record({ do: fc.constant("catchUp" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat(6),
        async (steps, pageSize, past) => {
          const host = numberedHost(pageSize);
          host.happen(past);
          const { stream, clock, events } = attach(host.source, { hasPast: past > 0 });
          await stream.open();
          for (const action of steps) {
            if (action.do === "happen") host.happen(action.count, action.times);
            else if (action.do === "drop") host.drop(new Error("reset"));
            else if (action.do === "end") host.drop();
            else if (action.do === "catchUp") await stream.catchUp();
            else await clock.advance(action.ms);
          }
          await clock.advance(120_000);
          expect(events()).toEqual(range(host.history.length));
          await stream.close();
          expect(clock.waiting).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("takes silence for a lost stream, and a ping for life [I7]", async () => {
    const host = numberedHost();
    const { stream, clock, told } = attach(host.source, { idleMs: 45_000 });
    await stream.open();
    await clock.advance(40_000);
    for (const { alive } of host.streams) alive();
    await clock.advance(40_000);
    expect(told).toEqual([]);
    await clock.advance(10_000);
    expect(told[0]).toMatch(/lost: .*silent for 45000 ms/);
    expect(told.slice(1)).toEqual(["restored", "started", "ended"]);
    await stream.close();
  });

  it("is told to be back before what was missed, since whoever hears the end in there listens no more", async () => {
    const host = numberedHost();
    const { stream, clock, told } = attach(host.source);
    await stream.open();
    host.drop();
    host.happen(2);
    await clock.advance(10_000);
    expect(told.slice(1)).toEqual(["restored", "started", 1, 2, "ended"]);
    await stream.close();
  });

  it("waits longer each time until something new arrives; a stream that opens and drops is no progress [A-126]", async () => {
    const host = numberedHost();
    const { stream, clock } = attach(host.source);
    await stream.open();
    const attempts = () => host.log.filter((line) => line === "connect").length;
    for (let flap = 0; flap < 6; flap += 1) {
      host.drop(new Error("reset"));
      await clock.advance(500 * 2 ** flap);
    }
    expect(attempts()).toBe(7);
    host.drop(new Error("reset"));
    await clock.advance(5_000);
    expect(attempts()).toBe(7);
    await clock.advance(30_000);
    expect(attempts()).toBe(8);
    host.happen(1);
    host.drop(new Error("reset"));
    await clock.advance(500);
    expect(attempts()).toBe(9);
    await stream.close();
  });

  it("gives up on what will not get better, and keeps trying on what may [A-117]", async () => {
    const host = numberedHost();
    const { stream, clock, told } = attach(host.source);
    await stream.open();
    host.refuseWith(new LoophostError("host_failed", "busy", { status: 529 }));
    host.drop();
    await clock.advance(10_000);
    expect(told).toEqual(["lost: The event stream ended."]);
    host.refuseWith(new LoophostError("host_rejected", "gone", { status: 404 }));
    await clock.advance(60_000);
    expect(told.at(-1)).toBe("failed: host_rejected");
    expect(clock.waiting).toBe(0);
  });

  it("rejects open() when the stream cannot be opened, and leaves nothing behind [I12]", async () => {
    const host = numberedHost();
    host.refuseWith(new LoophostError("host_rejected", "no", { status: 401 }));
    const { stream, clock } = attach(host.source);
    await expect(stream.open()).rejects.toMatchObject({ status: 401 });
    expect(clock.waiting).toBe(0);
  });

  it("delivers nothing after close, also when it is waiting to try again [I12]", async () => {
    const host = numberedHost();
    const { stream, clock, events } = attach(host.source);
    await stream.open();
    host.drop();
    await settleMicrotasks();
    await stream.close();
    host.happen(3);
    await clock.advance(120_000);
    expect(events()).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  it("is opened again when it could not be opened at first, for as long as that may help [I7]", async () => {
    const host = numberedHost();
    host.refuseWith(new LoophostError("host_failed", "busy", { status: 529 }));
    const { stream, clock } = attach(host.source);
    const opened = stream.open();
    await clock.advance(1_000);
    host.refuseWith(undefined);
    await clock.advance(5_000);
    await opened;
    expect(host.streams.size).toBe(1);
    await stream.close();
  });

  it("survives that it breaks while the past is read, also when that breaks too [A-127] [I12]", async () => {
    const host = numberedHost();
    host.happen(4);
    host.duringListing(() => {
      host.duringListing(undefined);
      host.drop(new Error("reset"));
      throw new LoophostError("host_unreachable", "no list");
    });
    const { stream, clock, events } = attach(host.source, { hasPast: true });
    const opened = stream.open();
    await clock.advance(2_000);
    await opened;
    expect(events()).toEqual(range(4));
    await stream.close();
  });

  it("waits as long as a busy host asks for", async () => {
    const host = numberedHost();
    const { stream, clock } = attach(host.source);
    await stream.open();
    host.refuseWith(new LoophostError("host_rejected", "slow down", { status: 429, retryAfterMs: 60_000 }));
    host.drop();
    await clock.advance(1_000);
    host.refuseWith(undefined);
    const before = host.log.length;
    await clock.advance(58_000);
    expect(host.log).toHaveLength(before);
    await clock.advance(2_000);
    expect(host.streams.size).toBe(1);
    await stream.close();
  });

  it("is not opened again once nothing new will come", async () => {
    const host = numberedHost();
    const { stream, clock, told } = attach(host.source);
    await stream.open();
    stream.finish();
    host.drop();
    await clock.advance(60_000);
    expect(told).toEqual([]);
    expect(clock.waiting).toBe(0);
    await stream.close();
  });
});
