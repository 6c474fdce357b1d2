/**
 * The tail record: how many transactions a store has seen, in a small file beside it, so that lost commits are noticed.
 * SQLite reads a damaged write-ahead file up to the damage and takes what comes after for never written.
 *
 *   T1  a number is written after its transaction is on the disk and before anyone is told; it is not synced: after a
 *       kill it is there, after a power cut it may be behind, and is never ahead
 *   T2  each number has a slot of its own, so that a slower process does not write over a later one
 */

import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";

const SLOTS = 64;
const SLOT_BYTES = 20;

/** The tail record of a store file. */
export class TailRecord {
  readonly #path: string;
  #file: number | undefined;

  constructor(storePath: string) {
    this.#path = `${storePath}-tail`;
  }

  /** The highest number on record for a store; 0 when there is none, or it is another store's. */
  last(storeId: string): number {
    const bytes = this.#read();
    const slots = Array.from({ length: Math.floor(bytes.length / SLOT_BYTES) }, (_, index) =>
      bytes.subarray(index * SLOT_BYTES, (index + 1) * SLOT_BYTES),
    );
    const sound = slots.filter((slot) => slot.readUInt32LE(16) === crc32(slot.subarray(0, 16)));
    const ours = sound.filter((slot) => slot.subarray(0, 8).equals(Buffer.from(storeId, "hex")));
    return Math.max(0, ...ours.map((slot) => Number(slot.readBigUInt64LE(8))));
  }

  /** Opens the file before the commit: after it nothing may fail any more. */
  prepare(): void {
    // Created if missing, and never truncated: another process may have written to it just now.
    this.#file ??= openSync(this.#path, constants.O_RDWR | constants.O_CREAT, 0o600);
  }

  /** Notes that a transaction is on the disk. */
  note(storeId: string, number: number): void {
    const slot = Buffer.alloc(SLOT_BYTES);
    slot.write(storeId, "hex");
    slot.writeBigUInt64LE(BigInt(number), 8);
    slot.writeUInt32LE(crc32(slot.subarray(0, 16)), 16);
    try {
      if (this.#file !== undefined) writeSync(this.#file, slot, 0, SLOT_BYTES, (number % SLOTS) * SLOT_BYTES);
    } catch {
      // The commit is on the disk: a full disk costs this check, not the write.
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #read(): Buffer {
    try {
      return readFileSync(this.#path);
    } catch {
      return Buffer.alloc(0);
    }
  }
}

/** How many transactions the tail record knows of that are not in the file. */
export function lostCommits(db: DatabaseSync, path: string): number {
  const find = db.prepare("SELECT id, commits FROM meta");
  // Read first: what another process writes meanwhile is in the file before it is in this record.
  const noted = new TailRecord(path).last(String(find.get()?.["id"] ?? ""));
  return Math.max(0, noted - Number(find.get()?.["commits"] ?? 0));
}
