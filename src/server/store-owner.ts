/**
 * Whose a store is: one host's, by the lease on a log of the host's own, kept alive for as long as the host is open; or that of
 * several, which are in its directory.
 *
 * It is cooperative: a host whose store was taken over by force notices at its next renewal.
 */

import { hostname } from "node:os";

import type { Clock } from "../core/clock.ts";
import { hasCode, LoophostError } from "../core/errors.ts";
import { Ownership } from "../core/journal/ownership.ts";
import type { IfOwned } from "../core/session.ts";
import type { LogStore, Store } from "../core/store.ts";
import { isGone as isHolderGone, OURSELVES as HOLDER } from "../stores/sqlite/holder.ts";
import type { EmbeddedHostOptions } from "./options.ts";
import type { HostDirectory } from "./peers/directory.ts";
import { claimIfGone, listPeers } from "./peers/directory.ts";

/** A host's claim on its store. */
export interface StoreClaim {
  /**
   * Resolves when the host owns the store; a failed attempt is retried.
   *
   * @throws LoophostError `session_owned` when another host owns it, and that is neither waited for nor taken over
   */
  hold(): Promise<void>;
  /** Releases the lease, for good. */
  release(): Promise<void>;
}

/** What a host does about its store. */
export interface StoreEvents {
  readonly onHeld: () => void;
  /** Somebody took the store. */
  readonly onLost: (loss: LoophostError) => void;
}

/** Claims the store of a host. */
export function claimStore(
  { store, ifOwned = "fail" }: Pick<EmbeddedHostOptions, "store" | "ifOwned">,
  clock: Clock,
  { onHeld, onLost }: StoreEvents,
): StoreClaim {
  let owning: Promise<Ownership | undefined> | undefined;
  const closed = new AbortController();
  const claim = async (): Promise<Ownership | undefined> => {
    closed.signal.throwIfAborted();
    // A store in memory that the host made itself needs no lease.
    const owner = store && (await own(store.log, ifOwned, clock, closed.signal));
    try {
      if (store !== undefined) await refuseIfShared(store);
    } catch (thrown) {
      await owner?.release();
      throw thrown;
    }
    owner?.whenLost(onLost);
    onHeld();
    return owner;
  };
  return {
    async hold() {
      owning ??= claim();
      await owning.catch((thrown: unknown) => {
        owning = undefined;
        throw thrown;
      });
    },
    async release() {
      closed.abort(new LoophostError("aborted", "The host was closed before it had its store."));
      const owner = await owning?.catch(() => undefined);
      await owner?.release();
    },
  };
}

/** A claim on a store that other hosts may share. */
export interface StoreShare extends StoreClaim {
  /**
   * Resolves when the host is among those that share the store, at an address.
   *
   * @throws LoophostError `session_owned` when a host is alone with it
   */
  join(address: string): Promise<void>;
}

/**
 * Shares the store of a host.
 *
 * @param address where the host is reached; undefined when that is known once it listens
 */
export function shareStore(
  { log }: Store,
  directory: HostDirectory,
  address: string | undefined,
): StoreShare {
  let joining: Promise<void> | undefined;
  const enter = async (where: string) => {
    // Both first say that they are there and then look for the other, so that one of two at least finds it.
    await directory.join(where);
    try {
      await refuseIfAlone(log);
    } catch (thrown) {
      await directory.leave();
      throw thrown;
    }
    directory.watch();
  };
  const join = (where: string) =>
    (joining ??= enter(where).catch((thrown: unknown) => {
      joining = undefined;
      throw thrown;
    }));
  return {
    join,
    async hold() {
      if (joining === undefined && address === undefined)
        throw new LoophostError(
          "invalid_options",
          'advertise: "auto" is the address of listen(); call that first.',
        );
      await (joining ?? join(address ?? ""));
    },
    async release() {
      await joining?.catch(() => undefined);
      await directory.leave();
    },
  };
}

const ALONE = "host/owner";

/** Refuses a store that a host is alone with. */
async function refuseIfAlone(log: LogStore): Promise<void> {
  const claim = (force: boolean) => log.claim(ALONE, { owner: OURSELVES, ttlMs: 0, force });
  await claim(false).catch((thrown: unknown) => {
    if (!hasCode(thrown, "session_owned")) throw thrown;
    if (isGone(thrown.message)) return claim(true);
    throw new LoophostError(
      "session_owned",
      `This store is in use by the host of ${nameIn(thrown.message)}, which is alone with it. Close that host, or give it an address, too (advertise).`,
      { cause: thrown },
    );
  });
}

/** Refuses a store that hosts share. */
async function refuseIfShared(store: Store): Promise<void> {
  for (const { id, address } of await listPeers(store))
    if ((await claimIfGone(store, id)) === undefined)
      throw new LoophostError(
        "session_owned",
        `This store is shared by the host at ${address}. Give this one an address, too (advertise), or close that one.`,
      );
}

async function own(log: LogStore, ifOwned: IfOwned, clock: Clock, signal: AbortSignal): Promise<Ownership> {
  const claim = (how: IfOwned) =>
    Ownership.claim({ log, sessionId: ALONE, ifOwned: how, clock, signal, owner: OURSELVES });
  try {
    return await claim(ifOwned === "wait" ? "fail" : ifOwned);
  } catch (thrown) {
    if (!hasCode(thrown, "session_owned")) throw thrown;
    if (isGone(thrown.message)) return claim("take");
    if (ifOwned === "wait") return claim("wait");
    throw new LoophostError(
      "session_owned",
      `This store is in use by the host of ${nameIn(thrown.message)}. Close that host, choose another store, or set ifOwned: "wait" waits for its end, "take" ends it. If it was killed on another machine, its lease lapses within 30 seconds.`,
      { cause: thrown },
    );
  }
}

/** When this process started: process ids are reused, in containers at every start. */
const STARTED: number = Date.now() - process.uptime() * 1_000;
const SAME_START_MS = 2_000;

const OWNER: RegExp = /process (\d+) on (\S+), started (\S+Z)(?: \{([^}]*)\})?/;

/** Identifies this host, so that others can tell whether it is still alive. */
const OURSELVES: string =
  `process ${process.pid} on ${hostname()}, started ${new Date(STARTED).toISOString()}` +
  (HOLDER === "" ? "" : ` {${HOLDER}}`);

/** An owner, as a refusal names it. */
function nameIn(refusal: string): string {
  return OWNER.exec(refusal)?.[0] ?? "another process";
}

/** Whether an owner, as a refusal names it, was a process of this machine that is no more. */
function isGone(refusal: string): boolean {
  const [, pid, machine, started, holder = ""] = OWNER.exec(refusal) ?? [];
  if (pid === undefined || started === undefined || machine !== hostname()) return false;
  // A process id means something only in its own PID namespace: seen from another container, living processes look
  // dead.
  if (holder !== "" || HOLDER !== "") return isHolderGone(holder);
  if (Number(pid) === process.pid) return Math.abs(Date.parse(started) - STARTED) > SAME_START_MS;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (thrown) {
    // Any other error (EPERM) means that such a process exists.
    return thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH";
  }
}
