/** Shared by all stores: the errors of leases. */

import { LoophostError } from "../core/errors.ts";

/** A lease somebody holds. */
export interface HeldLease {
  readonly owner: string;
  /** When it lapses, in milliseconds since 1970. */
  readonly until: number;
}

/** The error for a claim on a log that is somebody else's. */
export function sessionOwned(id: string, { owner, until }: HeldLease): LoophostError {
  const end = Number.isFinite(until) ? `until ${new Date(until).toISOString()}` : "with no end";
  return new LoophostError(
    "session_owned",
    `Session ${id} is owned by ${owner}, ${end}. Wait, close it there, or take it over.`,
  );
}

/** The error for an owner that was replaced (fenced off), or released the log itself. */
export function staleOwner(id: string): LoophostError {
  return new LoophostError(
    "stale_owner",
    `Session ${id} is not owned by this writer any more; it may not go on.`,
  );
}
