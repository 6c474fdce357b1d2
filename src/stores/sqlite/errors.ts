/** What SQLite says when something is wrong, in our words. */

import { LoophostError, messageOf } from "../../core/errors.ts";
import { storeDamaged as damaged } from "../checksum.ts";

/** Whether a thrown error says that another process has the file locked; asking again may help. */
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

/** The error for what is not as it was written to the file. */
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

/** The low byte of a result code says what, the rest only how exactly. */
function primaryCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !("errcode" in thrown) || typeof thrown.errcode !== "number")
    return undefined;
  return thrown.errcode & 0xff;
}
