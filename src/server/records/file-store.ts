/**
 * The files of a host: what is known of them, and their bytes in pieces, both in the records of the store.
 *
 * A file is listed once all its pieces are there, and is not listed any more before the first piece goes.
 */

import type { RecordStore } from "../../core/store.ts";
import { found, notFound } from "../http/errors.ts";
import type { KeyedPost } from "../http/idempotency.ts";
import { Collection } from "./collection.ts";
import type { FileRecord } from "./file-record.ts";
import { copyFile, isExpired } from "./file-record.ts";
import type { Turns } from "./turns.ts";
import { turnsOfOne } from "./turns.ts";

/** Bytes of one piece. Stores keep JSON, so a piece is base64 of a third more. */
const PIECE = 768 * 1_024;

/** The files of a host. */
export class FileStore {
  /** What is known of each file. */
  readonly records: Collection<FileRecord>;
  readonly #store: RecordStore;

  /** @param turns at uploads under an Idempotency-Key. Default: the host is alone with its files */
  constructor(store: RecordStore, turns: Turns = turnsOfOne(store)) {
    this.#store = store;
    this.records = new Collection(store, "host.files", undefined, turns);
  }

  /** Keeps a new file, and gives back what is known of it; or of the one that was made under its key before. */
  async add(file: FileRecord, bytes: Uint8Array<ArrayBuffer>, keyed?: KeyedPost): Promise<FileRecord> {
    const before = await this.records.madeBy(keyed);
    if (before !== undefined) return before;
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let start = 0, piece = 0; start < whole.length; start += PIECE, piece += 1)
      await this.#store.put(piecesOf(file.id), keyOf(piece), whole.toString("base64", start, start + PIECE));
    const kept = await this.records.add(file, keyed);
    if (kept.id !== file.id) await this.#dropBytes(file);
    return kept;
  }

  /** Makes a session's own copy of a file. */
  async copy(id: string, sessionId: string): Promise<FileRecord> {
    const copy = copyFile(await this.get(id), sessionId);
    return this.add(copy, await this.bytes(id));
  }

  /**
   * What is known of a file.
   *
   * @throws Refusal when there is no such file
   */
  async get(id: string): Promise<FileRecord> {
    return found(await this.records.get(id), `File ${id}`);
  }

  /**
   * The bytes of a file.
   *
   * @throws Refusal when there is no such file, or its time is over
   */
  async bytes(id: string): Promise<Uint8Array<ArrayBuffer>> {
    const file = await this.get(id);
    if (isExpired(file)) {
      await this.#dropBytes(file);
      throw notFound(
        `The content of file ${id}, which expired at ${String(file.expires_at)},`,
        "file_expired",
      );
    }
    const pieces: Buffer[] = [];
    for (let piece = 0; piece * PIECE < file.size_bytes; piece += 1) {
      const kept = await this.#store.get(piecesOf(id), keyOf(piece));
      if (typeof kept !== "string") throw notFound(`The content of file ${id}`);
      pieces.push(Buffer.from(kept, "base64"));
    }
    return Buffer.concat(pieces);
  }

  /** A file as a model is given it: text as it is, all else as base64. */
  async read(id: string): Promise<{ readonly mediaType: string; readonly data: string }> {
    const { mime_type: type } = await this.get(id);
    const bytes = Buffer.from(await this.bytes(id));
    if (type === "application/json") return { mediaType: "text/plain", data: bytes.toString("utf8") };
    return { mediaType: type, data: bytes.toString(type.startsWith("text/") ? "utf8" : "base64") };
  }

  /** Deletes a file; idempotent. */
  async delete(id: string): Promise<void> {
    const file = await this.records.get(id);
    if (file === undefined) return;
    await this.records.delete(id);
    await this.#dropBytes(file);
  }

  async #dropBytes({ id, size_bytes: size }: FileRecord): Promise<void> {
    for (let piece = 0; piece * PIECE < size; piece += 1)
      await this.#store.delete(piecesOf(id), keyOf(piece));
  }
}

function piecesOf(id: string): string {
  return `host.files/${id}`;
}

function keyOf(piece: number): string {
  return String(piece).padStart(6, "0");
}
