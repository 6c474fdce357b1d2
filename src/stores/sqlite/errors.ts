/** Turns SQLite's errors into typed ones. */

import { LoophostError, messageOf } from "../../core/errors.ts";
import { storeDamaged as damaged } from "../checksum.ts";

/** Whether another process has the file locked; a retry may help. */
export function isBusy(thrown: unknown): boolean {
  return primaryCode(thrown) === BUSY;
}

/** The error for work on a file that failed; a refusal of our own passes through. */
export function storeFailed(thrown: unknown, path: string, doing: string): LoophostError {
  if (thrown instanceof LoophostError) return thrown;
  const why = WHY[primaryCode(thrown) ?? -1] ?? messageOf(thrown);
  const code = primaryCode(thrown) === CORRUPT ? "store_damaged" : "store_failed";
  return new LoophostError(code, `${doing}: ${why} (${path}).`, { cause: thrown });
}

/** The error for stored data that does not match its checksum. */
export function storeDamaged(where: string, what: string): LoophostError {
  return damaged(where, what, ", or look at it with checkSqliteStore()");
}

const BUSY = 5;
const CORRUPT = 11;

// By SQLite's primary result codes, https://www.sqlite.org/rescode.html
const WHY: Readonly<Record<number, string>> = {
  [BUSY]: "another process keeps the file locked",
  8: "the file, or its folder, cannot be written to",
  10: "the disk failed, or has no room",
  [CORRUPT]: "the file is damaged; it was left as it is, restore it from a backup",
  13: "there is no room left on the disk",
  14: "the file cannot be opened; its folder has to exist, and to be ours to write to",
  26: "the file is not a SQLite database; it was left as it is",
};

/** The primary result code, which is the low byte of an extended one. */
function primaryCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !("errcode" in thrown) || typeof thrown.errcode !== "number")
    return undefined;
  return thrown.errcode & 0xff;
}
