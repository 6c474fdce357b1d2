/** Making a session: the first entry of its log says whose it is, before any worker or loop host knows of it. */

import { sleep } from "../core/async/abort.ts";
import { checkOptions, must } from "../core/check-options.ts";
import type { Clock } from "../core/clock.ts";
import { hasCode, LoophostError } from "../core/errors.ts";
import type { JournalEntry } from "../core/journal/entry.ts";
import { StoredFacts } from "../core/journal/recorded.ts";
import { SessionIndex } from "../core/journal/session-index.ts";
import type { JsonObject } from "../core/json.ts";
import { isKeepable, isObject, withoutUndefined } from "../core/json.ts";
import type { Store } from "../core/store.ts";
import { KEPT_NAME } from "../stores/names.ts";
import { itemsOf } from "./inbox.ts";
import { SWEEP_LOG } from "./sweep-lease.ts";

/** How a session is made. */
export interface CreateOptions {
  /** What the application calls it. Default: a UUID. */
  readonly id?: string | undefined;
  /** Whose it is: places are shared out fairly between tenants. */
  readonly tenant?: string | undefined;
  /** Kept with the session, and given to the agent's `context`. */
  readonly about?: JsonObject | undefined;
}

type Created = Extract<JournalEntry, { type: "session.created" }>;

const LEASE_MS = 30_000;
const RETRY_MS = 20;
const MAX_TRIES = 200;

/** Makes a session, or finds the one there is; gives its id. */
export async function create(
  parts: { readonly store: Store; readonly clock: Clock },
  agent: string,
  options: CreateOptions,
): Promise<string> {
  checkOptions<CreateOptions>("create()", options, {
    id: KEPT_NAME,
    tenant: KEPT_NAME,
    about: must("plain data", (value) => isObject(value) && isKeepable(value)),
  });
  const { store, clock } = parts;
  const { id = crypto.randomUUID(), tenant, about } = options;
  if (id === SWEEP_LOG)
    throw new LoophostError(
      "invalid_options",
      `create(): the id "${id}" is taken by the workers. Take another.`,
    );
  // A UUID of our own nobody else has made, or posted to.
  const mayBeThere = options.id !== undefined;
  for (let tries = 1; ; tries += 1) {
    const before = mayBeThere ? await createdAs(store, id) : undefined;
    if (before !== undefined) return sameAgent(id, before, agent);
    try {
      const fence = await store.log.claim(id, { owner: "who creates it", ttlMs: LEASE_MS });
      // Looked up again: somebody may have been quicker. And what was posted to one of this id as it was deleted is not meant for this one.
      const [quicker, takes] = mayBeThere
        ? await Promise.all([createdAs(store, id), Array.fromAsync(itemsOf(store, id), ({ n }) => n)])
        : [undefined, []];
      if (quicker !== undefined) {
        await store.log.release(id, fence);
        return sameAgent(id, quicker, agent);
      }
      const entry: Created = { type: "session.created", agent, tenant, about };
      const facts = new StoredFacts();
      facts.apply(entry);
      const records = new SessionIndex(id).after([entry], facts);
      await store.log.append(id, fence, [toEntry(entry)], { records, takes, release: true });
      return id;
    } catch (thrown) {
      const isRace = hasCode(thrown, "session_owned", "stale_owner");
      if (!isRace || tries === MAX_TRIES) throw thrown;
      await sleep(RETRY_MS, clock, new AbortController().signal);
    }
  }
}

/** How a session was made; undefined when there is none. */
export async function createdAs(store: Store, id: string): Promise<Created | undefined> {
  const [first] = await store.log.read(id, 0, 1);
  if (first === undefined) return undefined;
  const { entry } = first;
  if (!isObject(entry) || entry["type"] !== "session.created")
    throw new LoophostError(
      "invalid_options",
      `Session ${id} was not made with create(): a store of openSession() holds it. Open it there.`,
    );
  // oxlint-disable-next-line no-unsafe-type-assertion -- a parse boundary: `create` alone writes it
  return entry as unknown as Created;
}

function sameAgent(id: string, before: Created, agent: string): string {
  if (before.agent === agent) return id;
  throw new LoophostError(
    "invalid_options",
    `Session ${id} was made with agent "${before.agent}", not "${agent}". Give the new one another id.`,
  );
}

function toEntry(entry: Created): JsonObject {
  // oxlint-disable-next-line no-unsafe-type-assertion -- plain data throughout
  return withoutUndefined({ ...entry, at: Date.now() }) as JsonObject;
}
