// A store between processes: some that write at once, and one that is killed.

import type { Store, StoredEntry } from "loophost";
import { describe, expect, it } from "vitest";

import { newSchema, openedStore as openedDatabase } from "./postgres/schemas.ts";
import { sharedPostgres, skipped, whyNoPostgres } from "./postgres/server.ts";
import { newStorePath, openedStore as openedFile } from "./sqlite/files.ts";
import type { MessageEntry, Task } from "./writers.ts";
import { startWriter } from "./writers.ts";

/** What a writer puts into a log, three of a batch at a time. */
interface Written {
  readonly writer: string;
  readonly batch: number;
  readonly part: number;
  readonly fence: number;
}

/** Lets writers write at the same moment; gives what each said. */
async function writeTogether(path: string, tasks: readonly Task[]): Promise<MessageEntry[][]> {
  const writers = await Promise.all(tasks.map((task) => startWriter(path, task)));
  const said = await Promise.all(writers.map((writer) => Array.fromAsync(writer.write())));
  expect(said.flat().flatMap(({ why }) => why ?? [])).toEqual([]);
  return said;
}

async function readLog(store: Store, id: string): Promise<{ seq: number; written: Written }[]> {
  const entries: StoredEntry[] = [];
  for (let page = await store.log.read(id, 0, 500); page.length > 0;) {
    entries.push(...page);
    page = await store.log.read(id, entries.length, 500);
  }
  return entries.map(({ seq, entry }) => ({ seq, written: entry as unknown as Written }));
}

/** Holds for every log, whatever happened to its writers. */
function expectWhole(log: readonly { seq: number; written: Written }[]): void {
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
  expect(log.map(({ written }) => written.part)).toEqual(log.map((_, index) => index % 3));
  // Whoever was replaced wrote nothing from then on.
  const fences = log.map(({ written }) => written.fence);
  expect(fences).toEqual(fences.toSorted((a, b) => a - b));
}

/** A place for a store, empty at first: a file, or an address and a schema. */
interface Kind {
  readonly name: string;
  readonly newPlace: () => Promise<string>;
  readonly openedStore: (place: string) => Store;
}

const file: Kind = {
  name: "a file",
  newPlace: () => Promise.resolve(newStorePath()),
  openedStore: openedFile,
};
const database: Kind = {
  name: "a database",
  newPlace: async () => `${(await sharedPostgres()).url}#${newSchema()}`,
  openedStore(place) {
    const [address = "", schema] = place.split("#");
    return openedDatabase(address, { schema });
  },
};
const kinds = whyNoPostgres === undefined ? [file, database] : [file];

/** More batches than anybody has written before he is killed. */
const ENDLESS = 1_000_000;

const nameOf = ({ writer, batch }: Pick<Written, "writer" | "batch">) => `${writer}:${batch}`;

describe.for(kinds)(`processes that share $name${skipped}`, ({ newPlace, openedStore }) => {
  it("write to logs of their own, all at once and from the first moment on", async () => {
    const path = await newPlace();
    const names = ["a", "b", "c"];
    const said = await writeTogether(
      path,
      names.map((name) => ({ name, batches: 200, logs: [name] })),
    );
    const store = openedStore(path);
    for (const [index, name] of names.entries()) {
      const log = await readLog(store, name);
      expectWhole(log);
      expect(log).toHaveLength(600);
      expect(said[index]?.map(({ last }) => last)).toEqual(
        Array.from({ length: 200 }, (_, n) => (n + 1) * 3),
      );
    }
  });

  it("take one log from each other, and none writes a thing after it lost it [I6]", async () => {
    const names = ["a", "b"];
    let wasLost = false;
    // Two processes that are not in each other's way prove nothing: they get more to do until they are.
    for (let count = 200; !wasLost && count <= 3_200; count *= 2) {
      const path = await newPlace();
      const said = await writeTogether(
        path,
        names.map((name) => ({ name, batches: count, logs: ["s"] })),
      );
      const log = await readLog(openedStore(path), "s");
      expectWhole(log);
      const batches = log.filter(({ written }) => written.part === 0).map(({ written }) => nameOf(written));
      const expected = names.flatMap((writer) =>
        Array.from({ length: count }, (_, batch) => nameOf({ writer, batch })),
      );
      expect(batches.toSorted()).toEqual(expected.toSorted());
      wasLost = said.flat().some(({ stale }) => stale !== undefined);
    }
    expect(wasLost).toBe(true);
  });
});

describe.for(kinds)(`a process that is killed, over %s${skipped}`, ({ newPlace, openedStore }) => {
  it("leaves all it was told is written, and nothing by halves, a dozen times in a row [I3]", async () => {
    const path = await newPlace();
    const logs = ["p", "q", "r"];
    const acknowledged: { id: string; name: string; last: number }[] = [];
    for (let round = 0; round < 12; round += 1) {
      const name = `writer ${round}`;
      const killAt = 1 + Math.floor(Math.random() * 800);
      const writer = await startWriter(path, { name, batches: ENDLESS, logs });
      let said = 0;
      for await (const { id, batch = -1, last = -1 } of writer.write()) {
        acknowledged.push({ id, name: nameOf({ writer: name, batch }), last });
        if ((said += 1) === killAt) writer.kill();
      }
      expect(said).toBeLessThan(ENDLESS);
    }
    const store = openedStore(path);
    for (const id of logs) {
      const log = await readLog(store, id);
      expectWhole(log);
      const there = new Map(log.map(({ seq, written }) => [nameOf(written), seq]));
      for (const { name, last } of acknowledged.filter((one) => one.id === id))
        expect(there.get(name), name).toBe(last);
    }
  });
});

describe("a file that may not grow any more", () => {
  it("fails the write that has no room, and keeps all before it", async () => {
    const path = newStorePath();
    // A real limit of the system: no file of this process gets longer than so many blocks of 512 bytes.
    const limited = ["sh", "-c", 'trap "" XFSZ; ulimit -f 400; exec "$@"', "sh"];
    const writer = await startWriter(path, { name: "w", batches: 10_000, logs: ["s"] }, limited);
    const said = await Array.fromAsync(writer.write());
    expect(said.at(-1)).toMatchObject({ failed: "store_failed" });
    const log = await readLog(openedFile(path), "s");
    expectWhole(log);
    expect(log.length).toBe(said.at(-2)?.last);
    expect(log.length).toBeGreaterThan(10);
  });
});
