// Every store keeps the contract; and the contract catches stores that do not.

import { describe, expect, it } from "vitest";

import type { Store } from "../../src/core/store.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import type { OpenStore } from "../../src/testing/store-contract.ts";
import { storeContract } from "../../src/testing/store-contract.ts";
import { brokenStores } from "./broken-stores.ts";

/** Makes a new, empty place, and gives the way to open it. */
type NewPlace = () => OpenStore;

const stores: Readonly<Record<string, NewPlace>> = {
  memory: () => alwaysThis(memoryStore()),
};

describe.each(Object.entries(stores))("the %s store", (_, newPlace) => {
  for (const { name: title, check } of storeContract) {
    const isFencing = title.startsWith("log.claim") || title.includes("stale owner");
    it(`${title}${isFencing ? " [I6]" : ""}`, async () => {
      await expect(check(newPlace())).resolves.toBeUndefined();
    });
  }
});

describe("the contract", () => {
  it.each(Object.entries(brokenStores))("catches a store that %s", async (_, { store, noticedBy }) => {
    const mustNotice = storeContract.filter(({ name }) => name.startsWith(noticedBy));
    expect(mustNotice).toHaveLength(1);
    for (const { check } of mustNotice)
      await expect(check(alwaysThis(store(memoryStore())))).rejects.toThrow(Error);
  });

  it("has no case that cannot fail", () => {
    const noticed = Object.values(brokenStores).map(({ noticedBy }) => noticedBy);
    const unproven = storeContract.filter(({ name }) => !noticed.some((start) => name.startsWith(start)));
    expect(unproven).toEqual([]);
  });

  it("says what it expected and what it got", async () => {
    const broken = brokenStores["counts from 0"]?.store(memoryStore()) ?? memoryStore();
    const numbering = storeContract.find(({ name }) => name.startsWith("log.append numbers"));
    await expect(numbering?.check(alwaysThis(broken))).rejects.toThrow(
      'the log differs from what was appended: expected [{"entry":"a","seq":1},',
    );
  });
});

/** A place in memory is the store itself: opened twice, it is the same one. */
function alwaysThis(store: Store): OpenStore {
  return () => Promise.resolve(store);
}
