/** Turns errors of PostgreSQL, and of the connection to it, into typed ones. */

import { LoophostError, messageOf } from "../../core/errors.ts";
import { isObject } from "../../core/json.ts";

/** Whether the connection was lost: the statement may have been done or not, and a retry may help. */
export function isLost(thrown: unknown): boolean {
  const code = codeOf(thrown);
  if (code === undefined) return LOST_WORDS.test(messageOf(thrown));
  return LOST.has(code) || code.startsWith("08") || isStandby(thrown);
}

/** Whether the database is a standby: the name may lead to the new primary soon. */
function isStandby(thrown: unknown): boolean {
  const code = codeOf(thrown);
  // Of a table that is not logged it says so in other words, and first.
  return code === STANDBY || (code === "0A000" && messageOf(thrown).includes("during recovery"));
}

/**
 * Whether the statement was rolled back because of a conflict (deadlock, serialization): it can simply be sent again.
 */
export function isConflict(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return code === "40001" || code === "40P01";
}

/**
 * Whether the statement was rolled back because it took too long: a row stayed locked for longer than it may wait, or it was
 * cancelled, by hand or by a `statement_timeout` of the database.
 */
export function isHeldUp(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return code === "55P03" || code === "57014";
}

/**
 * Whether a statement failed for one of its parts, as far as can be told: then each is to be tried alone, so that the others neither
 * fail nor wait with it.
 *
 * @param parts how many it has
 */
export function isForOne(thrown: unknown, parts: number): boolean {
  if (isHeldUp(thrown)) return true;
  // Errors of our own, that the store is closed say, are for all.
  return parts > 1 && !(isLost(thrown) || isConflict(thrown) || thrown instanceof LoophostError);
}

/**
 * Whether a prepared statement was not to be had: a pooler gave another connection, or a table changed. The statement was not run.
 */
export function isUnprepared(thrown: unknown): boolean {
  const code = codeOf(thrown);
  if (code === "0A000") return messageOf(thrown).includes("cached plan");
  return code === "26000" || code === "42P05";
}

/** The error for a reply that did not come in time. */
export class NoReply extends Error {
  readonly code = "08000";

  constructor(waitedMs: number) {
    super(`the database did not answer within ${waitedMs} ms`);
  }
}

/** The error for work on a database that failed; a refusal of our own passes through. */
export function storeFailed(thrown: unknown, place: string, doing: string): LoophostError {
  if (thrown instanceof LoophostError) return thrown;
  const code = isStandby(thrown) ? STANDBY : (codeOf(thrown) ?? "");
  const why = (Object.hasOwn(WHY, code) ? WHY[code] : undefined) ?? messageOf(thrown);
  const kind = code.startsWith("XX00") && code !== "XX000" ? "store_damaged" : "store_failed";
  return new LoophostError(kind, `${doing}: ${why} (${place}).`, { cause: thrown });
}

function codeOf(thrown: unknown): string | undefined {
  const code = isObject(thrown) ? thrown["code"] : undefined;
  return typeof code === "string" ? code : undefined;
}

// `pg` gives its own errors of a connection that broke no code.
const LOST_WORDS =
  /connection terminated|connection ended|client has encountered a connection error|timeout/i;

const STANDBY = "25006";

const LOST = new Set([
  "ECONNREFUSED",
  "ENOENT", // its socket is gone while it restarts
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "57P01", // the server shuts down
  "57P02", // the server crashed
  "57P03", // the server starts
  "57P05", // the connection was idle for too long
  "53300", // the server has no connection to spare
]);

// By PostgreSQL's error codes, https://www.postgresql.org/docs/current/errcodes-appendix.html
const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there; is the database running?",
  ENOENT: "there is no such socket; is the database running?",
  ENOTFOUND: "its host is not known",
  "28P01": "the password is wrong",
  "3D000": "there is no such database",
  "42501": "the database user may not do that",
  "42P01": "a table of the store is gone",
  "42P07": "the schema has tables of somebody else; give the store a schema of its own",
  "55P03": "somebody keeps it locked; see pg_stat_activity for transactions that stay open",
  "57014": "it was cancelled, by hand or by the statement_timeout of the database",
  "53100": "the disk of the database is full",
  "53300": "the database has no connection to spare",
  [STANDBY]: "the database is a standby, which cannot be written to",
  XX001: "the database is damaged",
  XX002: "an index of the database is damaged",
};
