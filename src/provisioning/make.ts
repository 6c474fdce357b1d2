/** Makes the parts of one handle within one deadline, and releases what it made when it cannot have them all. */

import type { Agent } from "../core/agent.ts";
import { onAbort } from "../core/async/abort.ts";
import { deadline } from "../core/async/deadline.ts";
import type { Clock } from "../core/clock.ts";
import { LoophostError, messageOf, toLoophostError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { isObject } from "../core/json.ts";
import type {
  Ensured,
  EnsureRequest,
  Provisioning,
  ProvisionProgress,
  ResourceKind,
} from "../core/provisioning.ts";
import { within } from "./within.ts";

/** A part of what is to be made. */
export interface Part {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly digest: string;
}

/** How parts are made. */
export interface Making {
  readonly owner: string;
  readonly agent: Agent | undefined;
  readonly environment: JsonObject | undefined;
  readonly hosts: readonly string[];
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly onProgress: (progress: ProvisionProgress) => void;
  readonly signal: AbortSignal;
}

type Ids = Ensured["ids"];

/** How long a provider that is told to stop has to release what it made, and to say so. */
const GRACE_MS = 30_000;
/** How long releasing may hold up the error that made it necessary. */
const RELEASE_MS = 30_000;

/**
 * Makes all parts, one after the other, and gives their ids.
 *
 * @throws LoophostError
 */
export async function make(provisioning: Provisioning, parts: readonly Part[], making: Making): Promise<Ids> {
  const { clock, timeoutMs, owner } = making;
  const stop = new AbortController();
  const cancel = deadline(clock, timeoutMs, () => stop.abort(tooLong(owner, timeoutMs)));
  const unlink = onAbort([making.signal], (reason) => stop.abort(toLoophostError(reason, "aborted", owner)));
  const until = clock.now() + timeoutMs;
  const made: { kind: ResourceKind; ids: Ids }[] = [];
  let ids: Ids = {};
  try {
    for (const { kind, name, digest } of parts) {
      const { agent, environment, hosts, onProgress } = making;
      const leftMs = Math.max(1, until - clock.now());
      const request = { kind, name, digest, agent, environment, hosts, onProgress, timeoutMs: leftMs };
      stop.signal.throwIfAborted();
      const ensured = await ensureOne(provisioning, { ...request, signal: stop.signal }, clock);
      if (ensured.isNew) made.push({ kind, ids: ensured.ids });
      ids = { ...ids, ...ensured.ids };
    }
    stop.signal.throwIfAborted();
    return ids;
  } catch (thrown) {
    const error = toLoophostError(thrown, "provision_failed", owner);
    const left = await Promise.all(made.toReversed().map((one) => release(provisioning, one, clock)));
    throw withNote(
      error,
      left.filter((note) => note !== undefined),
    );
  } finally {
    cancel();
    unlink();
  }
}

/** One part. A provider that heeds no signal is given up a while after it was told to stop, and what it makes too late is released. */
async function ensureOne(provisioning: Provisioning, request: EnsureRequest, clock: Clock): Promise<Ensured> {
  const { kind, name, signal } = request;
  const ensuring = (async () => checkEnsured(await provisioning.ensure(request), name))();
  const gaveUp = Promise.withResolvers<never>();
  let cancel: (() => void) | undefined;
  const unlink = onAbort([signal], (reason) => (cancel = clock.after(GRACE_MS, () => gaveUp.reject(reason))));
  try {
    return await Promise.race([ensuring, gaveUp.promise]);
  } catch (thrown) {
    ensuring
      .then(({ ids, isNew }) => (isNew ? release(provisioning, { kind, ids }, clock) : undefined))
      .catch(() => undefined);
    // What a provider says of a request that was cut short is not the reason.
    if (signal.aborted && !(thrown instanceof LoophostError && thrown.code.startsWith("provision_")))
      throw signal.reason;
    throw thrown;
  } finally {
    unlink();
    cancel?.();
  }
}

function checkEnsured(ensured: unknown, name: string): Ensured {
  const { ids, isNew } = isObject(ensured) ? ensured : {};
  const texts = isObject(ids)
    ? Object.entries(ids).filter((entry): entry is [string, string] => typeof entry[1] === "string")
    : [];
  if (isObject(ids) && texts.length > 0 && texts.length === Object.keys(ids).length)
    return { ids: Object.fromEntries(texts), isNew: isNew === true };
  throw new LoophostError("provision_failed", `The provider gave no ids of ${name}.`);
}

/** Releases what was made; never rejects, since it must not hide why it was needed. Gives what is to be said of it. */
async function release(
  provisioning: Provisioning,
  { kind, ids }: { readonly kind: ResourceKind; readonly ids: Ids },
  clock: Clock,
): Promise<string | undefined> {
  const late = new LoophostError("timeout", `It took more than ${RELEASE_MS} ms`);
  try {
    await within({ clock, ms: RELEASE_MS, late }, (signal) => provisioning.release(kind, ids, signal));
    return undefined;
  } catch (thrown) {
    return `The ${kind} ${Object.values(ids).join(", ")}, which was made for it, is left: release it (${messageOf(thrown)}).`;
  }
}

function withNote(error: LoophostError, notes: readonly string[]): LoophostError {
  if (notes.length === 0) return error;
  const { code, message, status, hostCode, requestId, mayRetry } = error;
  const details = { cause: error, status, hostCode, requestId, mayRetry };
  return new LoophostError(code, [message, ...notes].join(" "), details);
}

function tooLong(owner: string, timeoutMs: number): LoophostError {
  return new LoophostError(
    "provision_timeout",
    `${owner}: it was not ready within ${timeoutMs} ms. Raise timeoutMs.`,
  );
}
