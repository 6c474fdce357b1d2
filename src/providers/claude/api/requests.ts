/**
 * Requests of the control plane, each retried as far as that is safe.
 *
 *   Q1  idempotent: what only reads, or has the same effect twice, is retried while that may help
 *   Q2  what creates something is retried only when it was certainly not created; when that is unclear it is looked up
 *   Q3  what stays unclear is an error that says so, and how to find out
 */

import { sleep } from "../../../core/async/abort.ts";
import { contained } from "../../../core/async/contained.ts";
import type { RetryPolicy } from "../../../core/async/retry.ts";
import { backoffMs, retryPolicy, withRetry } from "../../../core/async/retry.ts";
import { checkSome } from "../../../core/check-options.ts";
import type { Clock } from "../../../core/clock.ts";
import { systemClock } from "../../../core/clock.ts";
import { LoophostError, toLoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import type { ClaudeApi } from "./client.ts";
import { connectClaude } from "./client.ts";
import { mayHaveBeenTaken, reworded } from "./host-error.ts";
import { listPages } from "./page-list.ts";
import type { ClaudeConnectionOptions } from "./settings.ts";
import { steadyApi } from "./steady-api.ts";

/** An object of the wire, as the host sent it: new fields are there before they have a type here. */
export interface ClaudeWireObject {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** What every call of the control plane takes besides. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Where something is: `["sessions", id]` is `/v1/sessions/{id}`. */
export type Path = readonly string[];

/** How to find out about something that may have been made. */
export interface LookUp<T> {
  /** Contract: resolves with what was made, undefined when it is not there. */
  readonly find?: ((look: number) => Promise<T | undefined>) | undefined;
  /** What the user can do, as a sentence. */
  readonly advice: string;
}

const MAX_PAIRS = 16;
const TAG = "loophost_request";

/** Connects to the service; throws as `findAccess` does. */
export function connectRequests(options: ClaudeConnectionOptions): Requests {
  return new Requests(steadyApi(connectClaude(options), options), options);
}

/** Sends requests; which method is called says what may be repeated. */
export class Requests {
  readonly api: ClaudeApi;
  readonly clock: Clock;
  readonly #policy: RetryPolicy;
  readonly #onRetry: ClaudeConnectionOptions["onRetry"];

  constructor(api: ClaudeApi, { clock = systemClock, retry, onRetry }: ClaudeConnectionOptions = {}) {
    this.api = api;
    this.clock = clock;
    this.#policy = retryPolicy(retry);
    this.#onRetry = onRetry;
  }

  /** Reads one object. */
  async read<T extends ClaudeWireObject>(
    path: Path,
    query: object = {},
    options: CallOptions = {},
  ): Promise<T> {
    return toObject(await this.api.get(pathTo(path), { ...query }, options.signal));
  }

  /** Reads a list, over all its pages. */
  async *list<T extends ClaudeWireObject>(
    path: Path,
    query: object = {},
    { signal = NEVER }: CallOptions = {},
  ): AsyncGenerator<T, void, undefined> {
    for await (const page of listPages(this.api, pathTo(path), { ...query }, signal))
      for (const item of page) yield toObject(item);
  }

  /** Posts, once. */
  async post<T extends ClaudeWireObject>(
    path: Path,
    body?: unknown,
    { signal }: CallOptions = {},
  ): Promise<T> {
    return toObject(await this.api.post(pathTo(path), body, signal));
  }

  /** Uploads, once. */
  async upload<T extends ClaudeWireObject>(
    path: Path,
    form: FormData,
    { signal }: CallOptions = {},
  ): Promise<T> {
    return toObject(await this.api.upload(pathTo(path), form, signal));
  }

  /** Posts an idempotent change, with retries. */
  change<T extends ClaudeWireObject>(path: Path, body?: unknown, options?: CallOptions): Promise<T> {
    return this.repeat(() => this.post<T>(path, body, options), options);
  }

  /** Deletes, with retries: a 404 on a retry means that the first attempt deleted it. */
  delete(path: Path, options: CallOptions = {}): Promise<void> {
    return this.repeat(async (attempt) => {
      await this.api.delete(pathTo(path), options.signal).catch((thrown: unknown) => {
        if (attempt === 1 || toError(thrown).status !== 404) throw thrown;
      });
    }, options);
  }

  /** Creates something; after a lost reply it is found by a tag in its metadata. */
  async create<T extends ClaudeWireObject>(path: Path, body: object, options: CallOptions = {}): Promise<T> {
    checkSome(`${path.join(".")}.create()`, body, {});
    const given = "metadata" in body && isObject(body.metadata) ? body.metadata : {};
    const tag = crypto.randomUUID();
    const tagged = { ...body, metadata: { ...given, [TAG]: tag } };
    const hasRoom = Object.keys(tagged.metadata).length <= MAX_PAIRS;
    const post = () => this.post<T>(path, hasRoom ? tagged : body, options);
    const lookUp = hasRoom
      ? {
          find: (look: number) => this.#findTagged<T>(path, tag, look, options),
          advice: `List ${pathTo(path)} to see: in its metadata ${TAG} is "${tag}".`,
        }
      : { advice: `List ${pathTo(path)} to see.` };
    return this.once(post, lookUp, options);
  }

  /** Retries idempotent work. */
  async repeat<T>(work: (attempt: number) => Promise<T>, { signal = NEVER }: CallOptions = {}): Promise<T> {
    try {
      const onRetry = (...about: [number, number, LoophostError]) =>
        contained(() => this.#onRetry?.(...about));
      return await withRetry(work, { policy: this.#policy, clock: this.clock, signal, toError, onRetry });
    } catch (thrown) {
      throw toLoophostError(thrown, signal.aborted ? "aborted" : "host_failed", "The request was given up");
    }
  }

  /** Does work that must not be repeated; an ambiguous failure is resolved by looking it up. */
  once<T>(work: () => Promise<T>, { find, advice }: LookUp<T>, options: CallOptions = {}): Promise<T> {
    return this.repeat(async () => {
      try {
        return await work();
      } catch (thrown) {
        const error = toError(thrown);
        if (options.signal?.aborted === true || !mayHaveBeenTaken(error)) throw error;
        const found = find && (await this.#look(find, options));
        if (found !== undefined) return found;
        // The host itself answered, so it is done with the request: what it does not have now was not created.
        if (error.status === 500 && find !== undefined) throw error;
        throw unclear(error, advice);
      }
    }, options);
  }

  /** Looks it up several times: a request whose connection broke may still be under way. */
  async #look<T>(
    find: (look: number) => Promise<T | undefined>,
    { signal = NEVER }: CallOptions,
  ): Promise<T | undefined> {
    for (let look = 0; look < this.#policy.attempts && !signal.aborted; look += 1) {
      // Errors of the lookup are ignored: the caller gets the error of the request itself.
      if (look > 0) await sleep(backoffMs(look, this.#policy), this.clock, signal).catch(() => undefined);
      const found = await find(look).catch(() => undefined);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * Lists begin with the newest, so a new object is among the first. Pages are small, and smaller at each further
   * attempt: records may be large, and the network just lost a reply.
   */
  async #findTagged<T extends ClaudeWireObject>(
    path: Path,
    tag: string,
    look: number,
    { signal = NEVER }: CallOptions,
  ): Promise<T | undefined> {
    const limit = Math.max(1, Math.floor(20 / 4 ** look));
    let seen = 0;
    for await (const page of listPages(this.api, pathTo(path), { limit }, signal)) {
      const found = page.find((item) => tagOf(item) === tag);
      if (found !== undefined) return toObject<T>(found);
      seen += page.length;
      if (seen >= MAX_LOOKED) return undefined;
    }
    return undefined;
  }
}

/**
 * A path as the wire has it.
 *
 * @throws LoophostError `invalid_options` for an id that would lead elsewhere
 */
export function pathTo(path: Path): string {
  for (const segment of path) {
    if (typeof segment !== "string" || /^\.{0,2}$/.test(segment))
      throw new LoophostError("invalid_options", `${JSON.stringify(segment) ?? "undefined"} is not an id.`);
  }
  return `/v1/${path.map(encodeURIComponent).join("/")}`;
}

/** Newest objects that are searched for one just created. */
const MAX_LOOKED = 100;

const NEVER = new AbortController().signal;

/** An object of the wire, by its having an id. Which one it is the caller knows, by what was asked for. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the parse boundary of every type of the wire
function toObject<T extends ClaudeWireObject>(body: unknown): T {
  if (isObject(body) && typeof body["id"] === "string") {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: the id is checked, the rest is the host's word
    return body as T;
  }
  throw new LoophostError("host_protocol", "The host answered with an object that has no id.");
}

function toError(thrown: unknown): LoophostError {
  return toLoophostError(thrown, "host_failed", "The request failed");
}

function tagOf(item: unknown): unknown {
  return isObject(item) && isObject(item["metadata"]) ? item["metadata"][TAG] : undefined;
}

function unclear(error: LoophostError, advice: string): LoophostError {
  const message = `${error.message.replace(/\.?$/, ".")} It may have been done all the same. ${advice}`;
  return reworded(error, message, { mayRetry: false });
}
