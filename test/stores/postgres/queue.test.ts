// The write queue of the PostgreSQL store: what waits is bounded, and what is written together is what may be.

import { expect, it } from "vitest";

import type { Chain } from "../../../src/stores/postgres/queue.ts";
import { LogQueue } from "../../../src/stores/postgres/queue.ts";

const append = (id: string, texts: readonly string[] = [id]) => ({
  id,
  fence: 1,
  texts,
  records: [],
  takes: [],
  release: false,
});

/** A queue whose statements are let through by hand. */
function heldQueue() {
  const statements: (readonly Chain[])[] = [];
  const open: (() => void)[] = [];
  const queue = new LogQueue(async (chains) => {
    statements.push(chains);
    await new Promise<void>((resolve) => open.push(resolve));
    for (const { appends } of chains) for (const { resolve, texts } of appends) resolve(texts.length);
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return {
    queue,
    ids: () => statements.map((chains) => chains.map(({ id }) => id)),
    letThrough: async () => {
      for (const resolve of open.splice(0)) resolve();
      await turn();
      await turn();
    },
    turn,
  };
}

it("refuses what would fill the memory while the database is away, and takes it once there is room", async () => {
  const { queue, letThrough, turn } = heldQueue();
  const half = ["x".repeat(128_000_000)];
  const waiting = [queue.append(append("a", half)), queue.append(append("b", half))];
  await turn();
  expect(() => queue.append(append("c"))).toThrow(expect.objectContaining({ code: "store_failed" }));
  await letThrough();
  await letThrough();
  await Promise.all(waiting);
  const later = queue.append(append("c"));
  await turn();
  await letThrough();
  expect(await later).toBe(1);
});

it("has two statements under way at most, and no more in one than a reply can wait for", async () => {
  const { queue, ids, letThrough, turn } = heldQueue();
  const texts = Array.from({ length: 400 }, () => "x");
  const written = ["a", "b", "c", "d"].map(async (id) => queue.append(append(id, texts)));
  await turn();
  expect(ids()).toEqual([["a"]]);
  written.push(queue.append(append("a")));
  await turn();
  expect(ids()).toEqual([["a"], ["b"]]);
  written.push(queue.append(append("b")));
  await turn();
  expect(ids()).toHaveLength(2);
  while (ids().flat().length < 6) await letThrough();
  await letThrough();
  expect(await Promise.all(written)).toEqual([400, 400, 400, 400, 1, 1]);
  await queue.idle();
});
