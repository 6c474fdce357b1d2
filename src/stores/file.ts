/**
 * Records in one JSON file, to read, to diff and to commit: for handles of what was provisioned, and their tags. No
 * sessions.
 *
 *   F1  atomic: a write replaces the file by a rename, flushed to the disk before: a reader has the old file or the new
 *       one, whole
 *   F2  one process writes at a time; writes of this one are queued, each over what is in the file by then
 *   F3  a damaged file is reported and left as it is: an empty one in its place would silently lose tags
 */

import type { BigIntStats } from "node:fs";
import { readlinkSync, realpathSync } from "node:fs";
import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { LoophostError, messageOf } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { isObject } from "../core/json.ts";
import type { RecordStore } from "../core/store.ts";
import { fromText, toText } from "./json.ts";
import { pageOf } from "./page.ts";

/** A store that has records, and nothing else. */
export interface FileRecords {
  readonly records: RecordStore;
}

/**
 * The last write of each file, by its path. Race: two objects over one file share this queue, or one would lose what
 * the other wrote.
 */
const WRITING = new Map<string, Promise<void>>();

/** As many as Linux follows. */
const MAX_LINKS = 40;

type Collections = Map<string, Map<string, Json>>;

interface Seen {
  readonly stamp: string;
  readonly collections: Collections;
}

/**
 * Keeps records in a JSON file. One that is not there is empty, and made by the first write; its folder has to exist. Links are
 * followed, and kept.
 *
 * @param path of the file; one process writes to it at a time
 * @returns records that reject with `store_failed`, or `store_damaged` for a file that is not what was written
 * @throws LoophostError `invalid_options` without a path
 */
export function fileRecords(path: string): FileRecords {
  if (typeof path !== "string" || path === "")
    throw new LoophostError("invalid_options", "fileRecords() needs the path of a file.");
  let seen: Seen | undefined;

  const read = async (): Promise<Collections> => {
    const stamp = stampOf(await statOf(path));
    if (seen?.stamp === stamp) return seen.collections;
    const collections = await readAll(path);
    seen = { stamp, collections };
    return collections;
  };
  const change = (work: (collections: Collections) => void): Promise<void> => {
    const place = targetOf(path);
    const apply = async () => {
      const collections = copyOf(await read());
      work(collections);
      await replace(place, textOf(collections));
      seen = undefined;
    };
    const changed = (WRITING.get(place) ?? Promise.resolve()).then(apply);
    const done = changed
      .catch(() => undefined)
      .finally(() => {
        if (WRITING.get(place) === done) WRITING.delete(place);
      });
    WRITING.set(place, done);
    return changed;
  };

  const records: RecordStore = {
    get: async (collection, key) => structuredClone((await read()).get(collection)?.get(key)),
    put: async (collection, key, value) => {
      // A round trip through JSON, as a read gives it: what JSON refuses or drops shows now, not at a later read.
      const kept = fromText(toText(value));
      await change((all) => {
        const own = all.get(collection) ?? new Map<string, Json>();
        all.set(collection, own.set(key, kept));
      });
    },
    delete: async (collection, key) => {
      if ((await read()).get(collection)?.has(key) === true)
        await change((all) => void all.get(collection)?.delete(key));
    },
    list: async (collection, after, limit) => {
      const own = (await read()).get(collection) ?? new Map<string, Json>();
      const following = [...own].filter(([key]) => key > after).toSorted(byKey);
      const page = pageOf(following, limit, ([, value]) => toText(value));
      return page.map(([key, value]) => ({ key, value: structuredClone(value) }));
    },
  };
  return { records };
}

async function readAll(path: string): Promise<Collections> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (thrown) {
    if (isMissing(thrown)) return new Map();
    throw failed(thrown, `${path} could not be read`);
  }
  const whole = parse(text);
  if (!isObject(whole) || !Object.values(whole).every(isObject))
    throw new LoophostError(
      "store_damaged",
      `${path} is not a file of records any more. It is left as it is: mend it, or move it out of the way.`,
    );
  return new Map(Object.entries(whole).map(([collection, own]) => [collection, recordsIn(own)]));
}

function recordsIn(own: unknown): Map<string, Json> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: what JSON.parse gives is JSON
  return new Map(Object.entries(own as Record<string, Json>));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Without its cause, which quotes what was kept.
    return undefined;
  }
}

/** In order of collection and key, one record a line: small changes make small diffs. */
function textOf(collections: Collections): string {
  const lines = [...collections].toSorted(byKey).flatMap(([collection, own]) => {
    if (own.size === 0) return [];
    const records = [...own].toSorted(byKey).map(([key, value]) => `    ${toText(key)}: ${toText(value)}`);
    return [`  ${toText(collection)}: {\n${records.join(",\n")}\n  }`];
  });
  return lines.length === 0 ? "{}\n" : `{\n${lines.join(",\n")}\n}\n`;
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** Writes beside the file, flushes, and renames: a crash in between leaves the old file, and at worst one to be deleted. */
async function replace(path: string, text: string): Promise<void> {
  const mode = Number(((await statOf(path))?.mode ?? 0o600n) & 0o777n);
  const part = `${path}.${process.pid}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    const file = await open(part, "wx", mode);
    try {
      await file.chmod(mode); // the umask has no say in a mode that was there before
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
    await syncFolder(dirname(path));
  } catch (thrown) {
    await rm(part, { force: true }).catch(() => undefined);
    throw failed(thrown, `${path} could not be written`);
  }
}

/**
 * Where links lead to, also when nothing is there yet: a rename over a link would replace the link, and leave its file behind. Two ways
 * to one file come to the same path, which their writes are put in line by.
 */
function targetOf(path: string): string {
  let target = resolve(path);
  for (let links = 0; links < MAX_LINKS; links += 1) {
    try {
      target = join(realpathSync(dirname(target)), basename(target));
      target = resolve(dirname(target), readlinkSync(target));
    } catch {
      break; // no link, or no folder
    }
  }
  return target;
}

/** Flushes the folder, so that the rename survives a power cut, where folders can be flushed. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r").catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close().catch(() => undefined);
}

async function statOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw failed(thrown, `${path} could not be read`);
  }
}

/** A stamp of the file's state: a rename gives it another inode. */
function stampOf(stats: BigIntStats | undefined): string {
  return stats === undefined ? "" : `${stats.ino} ${stats.mtimeNs} ${stats.size}`;
}

function copyOf(collections: Collections): Collections {
  return new Map([...collections].map(([collection, own]) => [collection, new Map(own)]));
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
}

function failed(thrown: unknown, doing: string): LoophostError {
  return new LoophostError("store_failed", `${doing}: ${messageOf(thrown)}`, { cause: thrown });
}
