/**
 * One host per store: a lease on a log of the host's own, renewed while the host is open.
 *
 * It is cooperative: a host whose store was taken over by force notices at its next renewal.
 */

import { hostname } from "node:os";

import type { Clock } from "../core/clock.ts";
import { LoophostError } from "../core/errors.ts";
import { Ownership } from "../core/journal/ownership.ts";
import type { IfOwned } from "../core/session.ts";
import type { LogStore } from "../core/store.ts";
import { isGone as isHolderGone, OURSELVES as HOLDER } from "../stores/sqlite/holder.ts";
import type { EmbeddedHostOptions } from "./options.ts";

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

async function own(log: LogStore, ifOwned: IfOwned, clock: Clock, signal: AbortSignal): Promise<Ownership> {
  const claim = (how: IfOwned) =>
    Ownership.claim({ log, sessionId: "host/owner", ifOwned: how, clock, signal, owner: OURSELVES });
  try {
    return await claim(ifOwned === "wait" ? "fail" : ifOwned);
  } catch (thrown) {
    if (!(thrown instanceof LoophostError) || thrown.code !== "session_owned") throw thrown;
    if (isGone(thrown.message)) return claim("take");
    if (ifOwned === "wait") return claim("wait");
    const [other = "another process"] = OWNER.exec(thrown.message) ?? [];
    throw new LoophostError(
      "session_owned",
      `This store is in use by the host of ${other}. Close that host, choose another store, or set ifOwned: "wait" waits for its end, "take" ends it. If it was killed on another machine, its lease lapses within 30 seconds.`,
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
