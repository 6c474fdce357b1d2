/**
 * Idempotency keys: the reply to a post is kept, so that a client that lost it can repeat the post, which returns the
 * same reply and has no second effect. An extension of this host; the official clients do not send the key. Here the latest
 * replies of this process; which key made what is kept in the store, too (`records/made-by-key.ts`, `session/post-keys.ts`).
 */

import { createHash } from "node:crypto";

import { CLIENT_GONE, invalid, MISDIRECTED } from "./errors.ts";

const MAX_REPLIES = 1_000;
const MAX_CHARS = 16 * 1024 * 1024;

interface Kept {
  readonly fingerprint: string;
  readonly reply: Promise<{ readonly status: number; readonly headers: Headers; readonly body: string }>;
  chars: number;
}

/** A post that may come again. */
export interface KeyedPost {
  /** What the client's key comes to. */
  readonly key: string;
  /** What was posted, and where: a key that comes back with something else is a mistake of the client's. */
  readonly fingerprint: string;
}

/** What a post to a path is known by. The boundary of a form is left out: it is another one at each try. */
export function keyedPost(key: string, path: string, type: string, body: Uint8Array): KeyedPost {
  const [, boundary] = /^multipart\/.*boundary="?([^";]+)/i.exec(type) ?? [];
  const said = boundary === undefined ? body : Buffer.from(body).toString("latin1").replaceAll(boundary, "");
  const hash = createHash("sha256").update(`${path}\n`).update(said);
  return { key: createHash("sha256").update(key).digest("hex"), fingerprint: hash.digest("hex") };
}

/** Recent replies, bounded: the oldest are dropped. */
export class ReplyMemory {
  readonly #kept = new Map<string, Kept>();
  #chars = 0;

  /**
   * Gives the reply kept under a key, or makes it and keeps it.
   *
   * @throws Refusal when the key was used for something else
   */
  async once(keyed: KeyedPost, make: () => Promise<Response>): Promise<Response> {
    const { key, fingerprint } = keyed;
    const known = this.#kept.get(key);
    if (known !== undefined) checkSame(known.fingerprint, fingerprint);
    const kept = known ?? this.#keep(key, fingerprint, make);
    const { status, headers, body } = await kept.reply;
    if (known !== undefined && isToOneAlone(status)) return this.once(keyed, make);
    return new Response(body, { status, headers });
  }

  #keep(key: string, fingerprint: string, make: () => Promise<Response>): Kept {
    const read = async () => {
      const response = await make();
      const { status, headers } = response;
      const body = await response.text();
      // A failed request may be retried under the same key.
      if (status >= 500 || isToOneAlone(status)) this.#forget(key);
      else this.#weigh(key, body.length);
      return { status, headers, body };
    };
    const reply = read();
    reply.catch(() => this.#forget(key));
    const kept = { fingerprint, chars: 0, reply };
    this.#kept.set(key, kept);
    this.#weigh(key, fingerprint.length);
    return kept;
  }

  #weigh(key: string, chars: number): void {
    const weighed = this.#kept.get(key);
    if (weighed === undefined) return;
    weighed.chars += chars;
    this.#chars += chars;
    for (const oldest of this.#kept.keys()) {
      if (this.#chars <= MAX_CHARS && this.#kept.size <= MAX_REPLIES) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#chars -= this.#kept.get(key)?.chars ?? 0;
    this.#kept.delete(key);
  }
}

/** Whether a reply is about who asked, and says nothing of the post: kept, it would be given to the client that comes again. */
function isToOneAlone(status: number): boolean {
  return status === CLIENT_GONE || status === MISDIRECTED;
}

/**
 * Checks that a key came back with what it was first used for.
 *
 * @throws Refusal when it did not
 */
export function checkSame(before: unknown, now: string): void {
  if (before !== now) throw invalid("This Idempotency-Key was used for another request; take a new one.");
}
