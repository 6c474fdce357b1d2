// Every store keeps the contract; and the contract catches stores that do not.

import { describe, expect, it } from "vitest";

import type { Store } from "../../src/core/store.ts";
import { fileRecords } from "../../src/stores/file.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import type { StoreFault } from "../../src/testing/faults/store.ts";
import { faultyStore } from "../../src/testing/faults/store.ts";
import type { OpenStore, PassTime, StoreCase } from "../../src/testing/store-contract/case.ts";
import { storeContract } from "../../src/testing/store-contract/index.ts";
import { newStorePath, openedStore } from "../stores/sqlite/files.ts";
import { brokenStores } from "./broken-stores.ts";

/** An empty place for a store, and its time. */
interface Place {
  readonly open: OpenStore;
  readonly passTime: PassTime;
}

const stores: Readonly<Record<string, () => Place>> = {
  memory: () => placeInMemory((store) => store),
  SQLite: placeInFile,
};

describe.each(Object.entries(stores))("the %s store", (_, newPlace) => {
  for (const storeCase of storeContract) {
    it(`${storeCase.name}${isOwnership(storeCase) ? " [I6]" : ""}`, async () => {
      const { open, passTime } = newPlace();
      await expect(storeCase.check(open, passTime)).resolves.toBeUndefined();
    });
  }
});

describe("records in a file", () => {
  for (const { name, check } of storeContract.filter((one) => one.name.startsWith("records")))
    it(`${name} [A-175]`, async () => {
      const path = `${newStorePath()}.json`;
      const open = () => Promise.resolve({ ...memoryStore(), ...fileRecords(path) });
      await expect(check(open, () => undefined)).resolves.toBeUndefined();
    });
});

describe("the contract", () => {
  it.each(Object.entries(brokenStores))("catches a store that %s", async (_, { store, noticedBy }) => {
    const mustNotice = storeContract.filter(({ name }) => name.startsWith(noticedBy));
    expect(mustNotice).toHaveLength(1);
    for (const { check } of mustNotice) {
      const { open, passTime } = placeInMemory(store);
      await expect(check(open, passTime)).rejects.toThrow(Error);
    }
  });

  it("has no case that cannot fail", () => {
    const noticed = Object.values(brokenStores).map(({ noticedBy }) => noticedBy);
    const unproven = storeContract.filter(({ name }) => !noticed.some((start) => name.startsWith(start)));
    expect(unproven).toEqual([]);
  });

  it("says what it expected and what it got", async () => {
    const { open, passTime } = placeInMemory(
      (sound) => brokenStores["counts from 0"]?.store(sound, Date.now) ?? sound,
    );
    const numbering = storeContract.find(({ name }) => name.startsWith("log.append numbers"));
    await expect(numbering?.check(open, passTime)).rejects.toThrow(
      'the log differs from what was appended: expected [{"entry":"a","seq":1},',
    );
  });

  it("lets no call of a store fail unnoticed", async () => {
    const unnoticed: string[] = [];
    for (const storeCase of storeContract) {
      const { calls } = await checkWith(storeCase, []);
      for (const [index, call] of calls.entries()) {
        // Of a long row of equal calls its ends: the inbox is filled with a thousand.
        if (index > 50 && calls[index - 1] === call && calls[index + 1] === call) continue;
        const { noticed } = await checkWith(storeCase, [{ nth: index + 1, how: "fail" }]);
        if (!noticed) unnoticed.push(`${storeCase.name}: ${call}`);
      }
    }
    // The calls that have to fail anyway.
    expect(unnoticed).toEqual([
      "log.append writes all entries or none: log.append",
      "log.append writes nothing when a record that goes along cannot be written: log.append",
      "inbox items are not taken by an append that is refused or fails: log.append",
      "inbox items come back as they were posted, whatever session, key and body are: inbox.post",
    ]);
  });
});

/** Runs a case over a store with faults. */
async function checkWith({ check }: StoreCase, faults: readonly StoreFault[]) {
  let faulty = faultyStore(memoryStore(), faults);
  const { open, passTime } = placeInMemory((sound) => (faulty = faultyStore(sound, faults)));
  const noticed = await check(open, passTime).then(
    () => false,
    () => true,
  );
  return { noticed, calls: faulty.calls };
}

/** A place in memory is the store itself: opened twice, it is the same one. */
function placeInMemory(broken: (sound: Store, now: () => number) => Store): Place {
  let now = 0;
  const store = broken(memoryStore({ now: () => now }), () => now);
  return { open: () => Promise.resolve(store), passTime: (ms) => void (now += ms) };
}

/** A place in a file: opened twice, it has two connections, as two processes would. */
function placeInFile(): Place {
  let now = 0;
  const path = newStorePath();
  return {
    open: () => Promise.resolve(openedStore(path, { now: () => now })),
    passTime: (ms) => void (now += ms),
  };
}

function isOwnership({ name }: StoreCase): boolean {
  return /^log\.(claim|renew|release)|stale owner/.test(name);
}
