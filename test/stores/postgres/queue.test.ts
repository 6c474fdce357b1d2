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
    return [];
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return {
    queue,
    /** What each statement appends. */
    appends: () =>
      statements.map((chains) => chains.flatMap((one) => one.appends.flatMap(({ texts }) => texts))),
    /** The logs of each statement. */
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

it("writes what one log appends together, and nothing behind a release or under another token", async () => {
  const { queue, appends, letThrough, turn } = heldQueue();
  const written = [
    queue.append(append("a", ["1"])),
    queue.append({ ...append("a", ["2"]), release: true }),
    queue.append({ ...append("a", ["3"]), fence: 2 }),
    queue.append({ ...append("a", ["4"]), fence: 3 }),
  ];
  await turn();
  for (let statement = 0; statement < 3; statement += 1) await letThrough();
  await Promise.all(written);
  expect(appends()).toEqual([["1", "2"], ["3"], ["4"]]);
  const behind = [queue.append({ ...append("b", ["1"]), release: true }), queue.append(append("b", ["2"]))];
  await turn();
  for (let statement = 0; statement < 2; statement += 1) await letThrough();
  await Promise.all(behind);
  expect(appends().slice(3)).toEqual([["1"], ["2"]]);
});
