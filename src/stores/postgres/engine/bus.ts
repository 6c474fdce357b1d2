/**
 * The bus over PostgreSQL: messages about sessions reach listening processes by LISTEN/NOTIFY.
 *
 * What is said while the connection that listens is away is lost (a reconnect). So once it listens again everybody who listens is
 * told to look into the store, and readers and those who run sessions find each other anew, as by "owner".
 */

import { contained } from "../../../core/async/contained.ts";
import type { Bus } from "../../../core/bus.ts";
import { checkOptions } from "../../../core/check-options.ts";
import type { Json } from "../../../core/json.ts";
import type { PostgresStoreOptions } from "../open.ts";
import { CHECKS, openDatabase } from "../open.ts";
import type { PostgresClient, PostgresPool } from "../pool.ts";
import { channelOf, Notices } from "./notices.ts";

/** Bytes of a message, at most: PostgreSQL limits a notification to 8,000. */
const MAX_BYTES = 7_900;
/** Milliseconds between two attempts to begin to listen. */
const RETRY_MS = 500;

/**
 * Makes a bus over a PostgreSQL database, by its address or a `Pool` of `pg`.
 *
 * @throws LoophostError `invalid_options`
 */
export function postgresBus(database: string | PostgresPool, options: PostgresStoreOptions = {}): Bus {
  checkOptions<PostgresStoreOptions>("postgresBus()", options, CHECKS);
  const { opened, direct } = openDatabase("postgresBus()", database, options);
  const channel = channelOf(opened.options.schema, "words");
  const listeners = new Map<string, Set<(what: Json) => void>>();
  let listening: Promise<void> | undefined;
  let closing: Promise<void> | undefined;
  let mayHaveMissed = false;
  // Race: what is said before LISTEN is in force may be answered at once, and the answer would reach nobody.
  const notices = new Notices(opened, channel, () => listening);

  async function listenOn(client: PostgresClient): Promise<void> {
    client.on("notification", (notice) => hear(notice));
    await client.query(`LISTEN ${channel}`);
    if (mayHaveMissed)
      for (const id of listeners.keys()) {
        tell(id, LOOK);
        say(id, { say: "owner" });
      }
    mayHaveMissed = true;
  }

  function listen(): void {
    listening ??= direct.add(listenOn).catch(() => {
      listening = undefined;
      mayHaveMissed = true;
      setTimeout(() => closing === undefined && listen(), RETRY_MS).unref();
    });
  }

  function hear(notice: unknown): void {
    const [id, what] = parse(notice) ?? [];
    if (id !== undefined && what !== undefined) tell(id, what);
  }

  function tell(id: string, what: Json): void {
    for (const listener of listeners.get(id) ?? []) contained(() => listener(what));
  }

  function say(id: string, what: Json): void {
    const text = JSON.stringify([id, what]);
    // A message that is too long is sent without its content; listeners read that from the store.
    notices.say(Buffer.byteLength(text) <= MAX_BYTES ? text : JSON.stringify([id, LOOK]));
  }

  async function close(): Promise<void> {
    listeners.clear();
    await notices.flush();
    await direct.close();
    await opened.close();
  }

  return {
    say,
    listen(id, listener) {
      const own = listeners.get(id) ?? new Set();
      listeners.set(id, own.add(listener));
      listen();
      return () => {
        own.delete(listener);
        if (own.size === 0) listeners.delete(id);
      };
    },
    close: () => (closing ??= close()),
  };
}

const LOOK: Json = { say: "look" };

function parse(notice: unknown): [id: string, what: Json] | undefined {
  const payload: unknown = Object(notice).payload;
  if (typeof payload !== "string") return undefined;
  try {
    const parsed: unknown = JSON.parse(payload);
    if (!Array.isArray(parsed) || typeof parsed[0] !== "string") return undefined;
    // oxlint-disable-next-line no-unsafe-type-assertion -- a parse boundary: what JSON.parse gives is JSON
    return [parsed[0], parsed[1] as Json];
  } catch {
    return undefined;
  }
}
