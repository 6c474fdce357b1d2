// A store with faults does what it was told to, no more and no less.

import type { Lease } from "loophost";
import { memoryStore } from "loophost/stores/memory";
import type { StoreFault } from "loophost/testing";
import { faultyStore, settleMicrotasks } from "loophost/testing";
import { expect, it } from "vitest";

const OWNER: Lease = { owner: "the test", ttlMs: Number.POSITIVE_INFINITY };

/** A claimed log in a store with faults, and what is really in it. */
async function faulty(...faults: StoreFault[]) {
  const sound = memoryStore();
  const store = faultyStore(sound, faults);
  const fence = await store.log.claim("s", OWNER);
  const append = (entry: string) => store.log.append("s", fence, [entry]);
  const kept = async () => (await sound.log.read("s", 0, 10)).map(({ entry }) => entry);
  return { store, append, kept };
}

it("fails the one call it was told to, which does nothing", async () => {
  const { append, kept } = await faulty({ on: "log.append", nth: 2, how: "fail" });
  await append("a");
  await expect(append("b")).rejects.toMatchObject({ code: "store_failed" });
  await append("c");
  expect(await kept()).toEqual(["a", "c"]);
});

it("counts every call when it was told no other", async () => {
  const { store, append, kept } = await faulty({ nth: 3, how: "fail" });
  await append("a");
  await expect(store.records.get("c", "k")).rejects.toThrow("A fault on purpose in records.get");
  expect(await kept()).toEqual(["a"]);
  expect(store.calls).toEqual(["log.claim", "log.append", "records.get"]);
});

it("loses the reply of a call that was done", async () => {
  const { append, kept } = await faulty({ on: "log.append", how: "lose" });
  await expect(append("a")).rejects.toMatchObject({ code: "store_failed" });
  expect(await kept()).toEqual(["a"]);
});

it("hangs until it is healed, and goes on then", async () => {
  const { store, append, kept } = await faulty({ on: "log.append", how: "hang" });
  const appended = append("a");
  await settleMicrotasks();
  expect(await kept()).toEqual([]);
  store.heal();
  await appended;
  await append("b");
  expect(await kept()).toEqual(["a", "b"]);
});

it("is full from a call on, for all that needs room, until it is healed", async () => {
  const { store, append, kept } = await faulty({ on: "log.append", nth: 2, how: "full" });
  await append("a");
  await expect(append("b")).rejects.toThrow("there is no room left");
  await expect(store.records.put("c", "k", 1)).rejects.toThrow("there is no room left");
  await store.records.delete("c", "k");
  expect(await store.log.read("s", 0, 10)).toHaveLength(1);
  store.heal();
  await append("c");
  expect(await kept()).toEqual(["a", "c"]);
});
