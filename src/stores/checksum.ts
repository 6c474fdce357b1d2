/**
 * Checksums (CRC-32), so that a bit that flipped on the disk is an error and never a wrong answer: a database reads a
 * damaged value as it is. Each entry's is chained to the one before, the first to the log's id, so that an entry that
 * is lost, moved or another log's is noticed too.
 */

import { crc32 } from "node:zlib";

import { LoophostError } from "../core/errors.ts";

/**
 * The checksum of a log's id: the start of its chain, and a second index by which its row is found when the first is
 * damaged.
 */
export function sumOfId(id: string): number {
  return crc32(id);
}

/** The checksum of an entry after the one before it. */
export function sumOfEntry(before: number, seq: number, text: string): number {
  // Seeded with the entry's number: an entry moved to another place does not match.
  return crc32(text, (before ^ Math.imul(seq, 0x9e3779b1)) >>> 0);
}

/** The checksum of a record in its place. */
export function sumOfRecord(collection: string, key: string, text: string): number {
  return crc32(`${collection}\0${key}\0${text}`);
}

/** The checksum of an inbox item, its taken mark included. */
export function sumOfItem(
  id: string,
  item: { readonly n: number; readonly key: string; readonly body: string; readonly taken: number },
): number {
  return crc32([item.n, item.taken, id, item.key, item.body].join("\0"));
}

/** The error for stored data that does not match its checksum. */
export function storeDamaged(where: string, what: string, wayOut = ""): LoophostError {
  return new LoophostError(
    "store_damaged",
    `${where} is damaged: ${what}. Nothing was changed; restore the store from a backup${wayOut}.`,
  );
}
