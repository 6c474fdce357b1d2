// A bit that flips in a store's files while no process has them open, and what comes of reading all there is.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import type { Json } from "loophost";
import { LoophostError } from "loophost";
import { checkSqliteStore, sqliteStore } from "loophost/stores/sqlite";

import { chanceAt } from "../../../src/testing/faults/random.ts";
import { newStorePath } from "./files.ts";

/** The files of a store whose process was killed. */
export interface LeftFiles {
  readonly files: Readonly<Record<"" | "-wal" | "-tail", Buffer>>;
  readonly logs: Readonly<Record<string, readonly Json[]>>;
}

/** What comes of a flip: nothing, an error that says so, or an answer that is not what was written. */
export interface Outcomes {
  whole: number;
  said: number;
  wrong: number;
  lost: number;
  /** Of those said, how many the check of the whole store found. */
  found: number;
}

/** Writes sessions, a part of them to the file itself and a part still in its write-ahead file. */
export async function leftFiles(): Promise<LeftFiles> {
  const path = newStorePath();
  const logs: Record<string, Json[]> = {};
  const write = async (store: ReturnType<typeof sqliteStore>, round: number) => {
    for (const id of ["one", "two", "three"]) {
      const fence = await store.log.claim(id, { owner: "the test", ttlMs: 0 });
      for (let n = 0; n < 12; n += 1) {
        const entry = { round, n, text: `${id} `.repeat(n * 9) };
        await store.log.append(id, fence, [entry]);
        (logs[id] ??= []).push(entry);
      }
    }
  };
  const first = sqliteStore(path);
  await write(first, 1);
  await first.close();
  const second = sqliteStore(path);
  await write(second, 2);
  const read = (suffix: string) => readFileSync(path + suffix);
  const files = { "": read(""), "-wal": read("-wal"), "-tail": read("-tail") };
  await second.close();
  return { files, logs };
}

/** Flips one bit at a time among the bytes in use. */
export async function flipBits({ files, logs }: LeftFiles, flips: number, seed: number): Promise<Outcomes> {
  const outcomes: Outcomes = { whole: 0, said: 0, wrong: 0, lost: 0, found: 0 };
  const inUse = (["", "-wal"] as const).map((suffix) => ({
    suffix,
    places: [...files[suffix].keys()].filter((at) => files[suffix][at] !== 0),
  }));
  const path = newStorePath();
  mkdirSync(dirname(path), { recursive: true });
  for (let flip = 0; flip < flips; flip += 1) {
    const { suffix, places } = inUse[flip % 2]!;
    const bytes = Buffer.from(files[suffix]);
    const at = places[Math.floor(chanceAt(seed, flip, 1) * places.length)]!;
    bytes[at]! ^= 1 << Math.floor(chanceAt(seed, flip, 2) * 8);
    const damaged = `${path}${flip}`;
    for (const [name, content] of Object.entries({ ...files, [suffix]: bytes }))
      writeFileSync(damaged + name, content);
    const check = await checkSqliteStore(damaged).catch(() => undefined);
    const outcome = await readAll(damaged, logs);
    outcomes[outcome] += 1;
    if (outcome === "said" && (check === undefined || check.damage.length > 0)) outcomes.found += 1;
    if (outcome === "wrong" || outcome === "lost") console.error({ suffix, at, flip, outcome });
  }
  return outcomes;
}

async function readAll(path: string, logs: LeftFiles["logs"]): Promise<"whole" | "said" | "wrong" | "lost"> {
  let store: ReturnType<typeof sqliteStore> | undefined;
  let outcome: "whole" | "said" | "wrong" | "lost" = "whole";
  try {
    store = sqliteStore(path);
    for (const [id, entries] of Object.entries(logs)) {
      const read = await readLog(store, id);
      const isSame = JSON.stringify(read) === JSON.stringify(entries.slice(0, read.length));
      if (!isSame) return "wrong";
      if (read.length < entries.length) outcome = "lost";
    }
    return outcome;
  } catch (thrown) {
    if (thrown instanceof LoophostError && /^store_(failed|damaged)$/.test(thrown.code)) return "said";
    throw thrown;
  } finally {
    await store?.close();
  }
}

async function readLog(store: ReturnType<typeof sqliteStore>, id: string): Promise<Json[]> {
  const all: Json[] = [];
  for (;;) {
    const page = await store.log.read(id, all.length, 7);
    if (page.length === 0) return all;
    all.push(...page.map(({ entry }) => entry));
  }
}
