/**
 * The hosts that share a store: which there are, at which address each is reached, and which of them is gone.
 *
 *   D1  a host is in the directory before it has its first session, and says in each lease which host it is; its record is
 *       written and deleted by the fencing token of its own lease
 *   D2  a host is gone when its own lease can be claimed. Each looks after the next one only, in the order of their ids,
 *       so that many hosts ask the store no more often than each does alone
 *   D3  the sessions of a host that is gone are offered before it is forgotten: whoever does that may die, too, and is
 *       followed by the next
 */

import { randomBytes } from "node:crypto";

import type { Clock } from "../../core/clock.ts";
import { hasCode } from "../../core/errors.ts";
import { Ownership } from "../../core/journal/ownership.ts";
import type { Json } from "../../core/json.ts";
import type { Store } from "../../core/store.ts";
import { isJsonObject } from "../http/fields.ts";
import { newId } from "../records/ids.ts";

/** A host in the directory. */
export interface Peer {
  readonly id: string;
  /** Where it is reached: scheme, name and port. */
  readonly address: string;
  /** What another host has to send along, so that only those who can read the store are taken for one. */
  readonly secret: string;
}

const HOSTS = "host.hosts";
const MAX_HOSTS = 1_000;
const LOOK_EVERY_MS = 1_000;

/** A host's place among those that share its store. */
export class HostDirectory {
  readonly self: string = newId("host");
  readonly secret: string = randomBytes(32).toString("base64url");
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #onGone: (isThere: (hostId: string) => boolean) => Promise<void>;
  #isIn = false;
  #address = "";
  #lease: Ownership | undefined;
  /** The host to look after, as of the last look. */
  #next: string | undefined;
  /** Whether there may be sessions of hosts that are gone; at the beginning there may. */
  #isDue = true;
  #looking: Promise<unknown> = Promise.resolve();
  #cancelLook: () => void = () => undefined;

  /** @param onGone takes up the sessions of hosts that are not there any more; what it rejects with is tried again */
  constructor(store: Store, clock: Clock, onGone: (isThere: (hostId: string) => boolean) => Promise<void>) {
    this.#store = store;
    this.#clock = clock;
    this.#onGone = onGone;
  }

  /** Who has a session of this host's, in the words of its lease. */
  get owner(): string {
    return `${this.self} at ${this.#address}`;
  }

  /** Enters the directory. */
  async join(address: string): Promise<void> {
    this.#address = address;
    this.#isIn = true;
    await this.#enter();
  }

  /** Begins to look after the others. */
  watch(): void {
    // A store that is out of reach now is asked again.
    const looking = this.#look().catch(() => false);
    this.#looking = looking.then((isMore) => {
      const waitMs = isMore ? 0 : LOOK_EVERY_MS;
      if (this.#isIn) this.#cancelLook = this.#clock.after(waitMs, () => this.watch());
      return undefined;
    });
  }

  /** Leaves the directory; the sessions have to be let go of before. */
  async leave(): Promise<void> {
    this.#isIn = false;
    this.#cancelLook();
    await this.#looking;
    if (this.#lease === undefined) return;
    await forget(this.#store, this.self, this.#lease.fence).catch(() => undefined);
    await this.#lease.release();
    this.#lease = undefined;
  }

  /** A host by its id; undefined for one that is not, or no longer, there. */
  async find(id: string): Promise<Peer | undefined> {
    return toPeer(id, await this.#store.records.get(HOSTS, id));
  }

  async #enter(): Promise<void> {
    await this.#lease?.release();
    const { log } = this.#store;
    const sessionId = leaseOf(this.self);
    const { signal } = new AbortController();
    const { owner } = this;
    this.#lease = await Ownership.claim({
      log,
      sessionId,
      ifOwned: "take",
      clock: this.#clock,
      signal,
      owner,
    });
    const value = { address: this.#address, secret: this.secret };
    const records = [{ collection: HOSTS, key: this.self, value }];
    await log.append(sessionId, this.#lease.fence, [], { records });
  }

  /** Gives whether a host was gone: the one after it may be, too. */
  async #look(): Promise<boolean> {
    const there = (await listPeers(this.#store)).map(({ id }) => id);
    // This host slept through its lease and was taken for dead. Sessions that others took over meanwhile are safe: their
    // fencing tokens refuse what it still writes.
    if (!there.includes(this.self)) await this.#enter();
    if (this.#next !== undefined && !there.includes(this.#next)) this.#isDue = true;
    const next = there.find((id) => id > this.self) ?? there.find((id) => id !== this.self);
    const fence = next === undefined ? undefined : await claimIfGone(this.#store, next);
    this.#next = next;
    if (fence !== undefined) this.#isDue = true;
    if (!this.#isDue) return false;
    await this.#onGone(
      (id) => (there.includes(id) && (id !== next || fence === undefined)) || id === this.self,
    );
    this.#isDue = false;
    if (next === undefined || fence === undefined) return false;
    await forget(this.#store, next, fence);
    return true;
  }
}

/** The hosts that are in the directory of a store. */
export async function listPeers({ records }: Store): Promise<readonly Peer[]> {
  const kept = await records.list(HOSTS, "", MAX_HOSTS);
  return kept.flatMap(({ key, value }) => toPeer(key, value) ?? []);
}

/** Claims the lease of a host that is gone, for no time at all, and gives its fence; undefined while the host is there. */
export async function claimIfGone({ log }: Store, id: string): Promise<number | undefined> {
  try {
    return await log.claim(leaseOf(id), { owner: "another host", ttlMs: 0 });
  } catch (thrown) {
    if (hasCode(thrown, "session_owned")) return undefined;
    throw thrown;
  }
}

async function forget({ log }: Store, id: string, fence: number): Promise<void> {
  await log.append(leaseOf(id), fence, [], { records: [{ collection: HOSTS, key: id }] });
  await log.delete(leaseOf(id), fence);
}

/** The id of the host that has a session, by the refusal of a claim; undefined for another failure, or another owner. */
export function ownerIn(thrown: unknown): string | undefined {
  if (!hasCode(thrown, "session_owned")) return undefined;
  return /owned by (host_[0-9a-z]+) at /.exec(thrown.message)?.[1];
}

function leaseOf(hostId: string): string {
  return `host/at/${hostId}`;
}

function toPeer(id: string, value: Json | undefined): Peer | undefined {
  const { address, secret } = isJsonObject(value) ? value : {};
  return typeof address === "string" && typeof secret === "string" && /^https?:\/\//.test(address)
    ? { id, address, secret }
    : undefined;
}
