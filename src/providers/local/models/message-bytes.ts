/**
 * The messages of a conversation as they go over the wire: JSON in UTF-8, each written once, one behind the other.
 *
 * A request is then a view of what is there. Joining strings instead costs a tenth more, and encoding them for every
 * request half as much again as soon as there is a single character in the conversation that is not Latin.
 */

import { wellFormedJson } from "./sendable.ts";

/** A growing JSON list of messages behind a fixed beginning. */
export class MessageBytes {
  #bytes: Uint8Array<ArrayBuffer>;
  #length: number;
  readonly #starts: number[] = [];

  /** @param head the request up to and with the bracket that opens its messages */
  constructor(head: string) {
    this.#bytes = ENCODER.encode(wellFormedJson(head));
    this.#length = this.#bytes.length;
  }

  get count(): number {
    return this.#starts.length;
  }

  /** Adds a message at the end. */
  add(json: string): void {
    this.#starts.push(this.#length);
    this.replace(this.count - 1, json);
  }

  /** Writes a message anew; what follows it moves up. */
  replace(index: number, json: string): void {
    const start = this.#starts[index] ?? this.#length;
    const end = this.#starts[index + 1] ?? this.#length;
    const written = ENCODER.encode(wellFormedJson(json));
    const comma = index === 0 ? 0 : 1;
    const grown = comma + written.length - (end - start);
    this.#makeRoom(grown);
    this.#bytes.copyWithin(end + grown, end, this.#length);
    this.#bytes[start] = COMMA; // over which the first message is written
    this.#bytes.set(written, start + comma);
    this.#length += grown;
    for (let after = index + 1; after < this.count; after += 1)
      this.#starts[after] = (this.#starts[after] ?? 0) + grown;
  }

  /** The request. A view, to be sent before the next message comes: fetch takes its copy when it is called. */
  body(): Uint8Array<ArrayBuffer> {
    this.#makeRoom(TAIL.length);
    this.#bytes.set(TAIL, this.#length);
    return this.#bytes.subarray(0, this.#length + TAIL.length);
  }

  /** The same messages behind another beginning. */
  bodyAfter(head: string): Uint8Array<ArrayBuffer> {
    const start = ENCODER.encode(wellFormedJson(head));
    const messages = this.body().subarray(this.#starts[0] ?? this.#length);
    const body = new Uint8Array(start.length + messages.length);
    body.set(start);
    body.set(messages, start.length);
    return body;
  }

  #makeRoom(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const roomier = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    roomier.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = roomier;
  }
}

const ENCODER = new TextEncoder();
const TAIL = ENCODER.encode("]}");
const COMMA = 0x2c;
