/**
 * What is remembered of what was provisioned: in this process by provider, and in a store for other processes.
 *
 *   M1  one provider makes one thing once, however many ask for it at the same time
 *   M2  a store that fails, hangs or holds something odd costs a look at the host, and never the provisioning
 *   M3  what failed is not remembered
 */

import { SharedWork } from "../core/async/shared-work.ts";
import type { Clock } from "../core/clock.ts";
import { LoophostError, toLoophostError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { isObject } from "../core/json.ts";
import type { Provider } from "../core/provider.ts";
import type { ProvisionHandle } from "../core/provisioning.ts";
import type { RecordStore } from "../core/store.ts";
import type { RecordsOf } from "./options.ts";
import { within } from "./within.ts";

/** The collection of a store that holds what was provisioned. */
export const PROVISIONS = "provisions";
/** The collection that holds tags. */
export const TAGS = "provision-tags";

/** How long a store may hold up provisioning. */
const STORE_MS = 5_000;
const MAX_KNOWN = 1_000;
const PAGE = 100;

/** What remembering needs. */
export interface Memory {
  readonly provider: Provider;
  readonly store: RecordsOf | undefined;
  readonly clock: Clock;
  readonly onProblem: (error: LoophostError) => void;
}

/** What is to be remembered, and how it is told from others. */
export interface Remembered {
  readonly key: string;
  /** What is written with the handle, to list it by. */
  readonly about: JsonObject;
  /** What a remembered handle must say to be this one. */
  readonly name: string;
  readonly digest: string;
  /** The ids it must have, by what they are called in a handle. */
  readonly ids: readonly string[];
}

interface Known {
  readonly work: SharedWork<ProvisionHandle>;
  handle: ProvisionHandle | undefined;
}

const known = new WeakMap<Provider, Map<string, Known>>();

/** The handle that is remembered, or else the one that is made. */
export function remember(
  memory: Memory,
  what: Remembered,
  { isTrusted, signal }: { readonly isTrusted: boolean; readonly signal: AbortSignal },
  make: (signal: AbortSignal) => Promise<ProvisionHandle>,
): Promise<ProvisionHandle> {
  const ours = known.get(memory.provider) ?? new Map<string, Known>();
  known.set(memory.provider, ours);
  const before = ours.get(what.key);
  if (isTrusted && before?.work.isStopped === false) return before.work.join(signal);
  const have = async (stop: AbortSignal): Promise<ProvisionHandle> => {
    const stored = isTrusted ? await lookUp(memory, what) : undefined;
    if (stored !== undefined) return stored;
    const handle = await make(stop);
    await keep(memory, what, handle);
    return handle;
  };
  // What became of it is noted here and not by a caller, who may have given up by then while others still wait.
  const work = new SharedWork(async (stop) => {
    try {
      const handle = await have(stop);
      entry.handle = handle;
      return handle;
    } catch (thrown) {
      if (ours.get(what.key) === entry) ours.delete(what.key);
      throw thrown;
    }
  });
  const entry: Known = { work, handle: undefined };
  ours.set(what.key, entry);
  const [oldest] = ours.keys();
  if (ours.size > MAX_KNOWN && oldest !== undefined) ours.delete(oldest);
  return work.join(signal);
}

/**
 * Forgets handles that are of no use any more, here and in the store, with the tags that point at them.
 *
 * @throws LoophostError what the store says
 */
export async function forget(
  { provider, store }: Pick<Memory, "provider" | "store">,
  isGone: (handle: Readonly<Record<string, unknown>>) => boolean,
): Promise<void> {
  const ours = known.get(provider);
  for (const [key, { handle }] of ours ?? []) if (handle !== undefined && isGone(handle)) ours?.delete(key);
  if (store === undefined) return;
  for (const collection of [PROVISIONS, TAGS])
    for await (const { key, value } of allRecords(store.records, collection, "")) {
      const handle = isObject(value) ? value["handle"] : undefined;
      if (isObject(handle) && handle["provider"] === provider.name && isGone(handle))
        await store.records.delete(collection, key);
    }
}

/** The records of a collection whose keys begin alike, over all pages. */
export async function* allRecords(
  records: RecordStore,
  collection: string,
  start: string,
): AsyncGenerator<{ readonly key: string; readonly value: Json }, void, undefined> {
  for (let after = start; ;) {
    const page = await records.list(collection, after, PAGE);
    for (const record of page) {
      if (!record.key.startsWith(start)) return;
      yield record;
    }
    const last = page.at(-1);
    if (last === undefined || last.key <= after) return;
    after = last.key;
  }
}

async function lookUp(memory: Memory, what: Remembered): Promise<ProvisionHandle | undefined> {
  const value = await inTime(memory, (records) => records.get(PROVISIONS, what.key));
  const handle = isObject(value) ? value["handle"] : undefined;
  return isHandleOf(handle, memory.provider, what) ? handle : undefined;
}

function keep(memory: Memory, { key, about }: Remembered, handle: ProvisionHandle): Promise<void> {
  return inTime(memory, (records) => records.put(PROVISIONS, key, { ...about, handle }));
}

/** Stores are edited by hand: a handle without an id of what it names would be refused by every session. */
function isHandleOf(
  handle: unknown,
  provider: Provider,
  { name, digest, ids }: Remembered,
): handle is ProvisionHandle {
  if (!isObject(handle) || handle["provider"] !== provider.name) return false;
  return handle["name"] === name && handle["digest"] === digest && ids.every((id) => isFull(handle[id]));
}

function isFull(id: unknown): boolean {
  return typeof id === "string" && id !== "";
}

/** Asks the store, which may fail or never answer: then it is told of, and what was asked is undefined. */
async function inTime<T>(
  { store, clock, onProblem }: Memory,
  ask: (records: RecordStore) => Promise<T>,
): Promise<T | undefined> {
  if (store === undefined) return undefined;
  const late = new LoophostError("store_failed", `The store did not answer within ${STORE_MS} ms.`);
  try {
    return await within({ clock, ms: STORE_MS, late }, () => ask(store.records));
  } catch (thrown) {
    onProblem(toLoophostError(thrown, "store_failed", "What was provisioned could not be looked up or kept"));
    return undefined;
  }
}
