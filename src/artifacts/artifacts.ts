/**
 * The files of one session by name, which is all that a model can call them by.
 *
 *   N1  of several files with one name the newest counts; all of them are listed
 *   N2  a name is one part of a path: it can lead nowhere else, and nothing is sent for one that could
 */

import type { Artifact, ArtifactPlace, ArtifactStorage } from "../core/artifacts.ts";
import { sleep } from "../core/async/abort.ts";
import type { Checks } from "../core/check-options.ts";
import { atLeast, checkOptions, CLOCK, must, NAME, SIGNAL } from "../core/check-options.ts";
import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import { LoophostError, toLoophostError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import type { Provider } from "../core/provider.ts";
import type { ProvisionHandle } from "../core/provisioning.ts";
import type { ArtifactContent } from "./content.ts";
import { toStream } from "./content.ts";

/** Whose files they are, and how they are asked for. */
export interface ArtifactsOptions {
  /** What the session was made from, where it was. */
  readonly provisioned?: ProvisionHandle | undefined;
  readonly clock?: Clock | undefined;
}

/** What every call takes besides. */
export interface ArtifactOptions {
  readonly signal?: AbortSignal | undefined;
}

/** How a file is fetched. */
export interface GetOptions extends ArtifactOptions {
  /** Milliseconds to wait for a file of that name to be there: some hosts show what an agent wrote some seconds later. Default 0. */
  readonly waitMs?: number | undefined;
}

/** A file that was fetched. */
export interface FetchedArtifact extends Artifact {
  /** Its bytes, as they come; read them or cancel the stream. */
  readonly stream: ReadableStream<Uint8Array>;
  /**
   * All of it at once.
   *
   * @param maxBytes default 32 MiB
   * @throws LoophostError `reply_too_large`, or what the stream errors with
   */
  bytes(maxBytes?: number): Promise<Uint8Array>;
}

/** The files of one session. */
export interface Artifacts {
  /** All files, the newest first; several may have one name. */
  list(options?: ArtifactOptions): Promise<readonly Artifact[]>;
  /**
   * The newest file of a name.
   *
   * @throws LoophostError `artifact_not_found`
   */
  get(name: string, options?: GetOptions): Promise<FetchedArtifact>;
  /**
   * Keeps a file under a name. A stream is read as fast as the host takes it, and never held as a whole. Puts of one name at the
   * same time end with one of them, whole.
   *
   * @throws LoophostError `invalid_options` for a name that is none, before anything is sent; what the host says; when it is not
   *   clear whether it was kept, the message says so
   */
  put(name: string, content: ArtifactContent, options?: ArtifactOptions): Promise<Artifact>;
  /**
   * Deletes the newest file of a name.
   *
   * @throws LoophostError `artifact_not_found`
   */
  delete(name: string, options?: ArtifactOptions): Promise<void>;
}

const MAX_BYTES = 32 * 1024 * 1024;
const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 5_000;

/**
 * The files of a session.
 *
 * @param sessionId as `session.id` and a result's `sessionId` have it
 * @throws LoophostError `invalid_options` for a provider that keeps none
 */
export function artifacts(provider: Provider, sessionId: string, options: ArtifactsOptions = {}): Artifacts {
  const owner = "artifacts()";
  if (!isObject(provider) || typeof provider.open !== "function")
    throw refused(`${owner} needs a provider, such as claude().`);
  if (NAME(sessionId) !== undefined) throw refused(`${owner} needs the id of a session.`);
  checkOptions(owner, options, OPTIONS);
  const storage = provider.artifacts;
  if (storage === undefined)
    throw refused(
      `${owner}: ${provider.name} keeps no files${provider.name === "local" ? "; give local() an artifactsFolder" : ""}.`,
    );
  const { clock = systemClock, provisioned } = options;
  return new SessionArtifacts(storage, { sessionId, provisioned }, clock);
}

class SessionArtifacts implements Artifacts {
  readonly #storage: ArtifactStorage;
  readonly #place: ArtifactPlace;
  readonly #clock: Clock;

  constructor(storage: ArtifactStorage, place: ArtifactPlace, clock: Clock) {
    this.#storage = storage;
    this.#place = place;
    this.#clock = clock;
  }

  async list(options: ArtifactOptions = {}): Promise<readonly Artifact[]> {
    checkOptions("list()", options, ARTIFACT);
    const all = await this.#storage.list(this.#place, signalOf(options));
    return all.toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1));
  }

  async get(name: string, options: GetOptions = {}): Promise<FetchedArtifact> {
    checkOptions("get()", options, GET);
    checkName("get()", name);
    const artifact = await this.#find(name, options);
    const stream = await this.#storage.read(this.#place, artifact, signalOf(options));
    return { ...artifact, stream, bytes: (maxBytes = MAX_BYTES) => readAll(name, stream, maxBytes) };
  }

  async put(name: string, content: ArtifactContent, options: ArtifactOptions = {}): Promise<Artifact> {
    checkOptions("put()", options, ARTIFACT);
    checkName("put()", name);
    let sent = 0;
    const stream = toStream(content, (bytes) => (sent += bytes));
    const artifact = await this.#storage.write(this.#place, name, stream, signalOf(options));
    if (artifact.size === sent) return artifact;
    throw new LoophostError(
      "host_protocol",
      `put(): ${sent} bytes of ${name} were sent, and the host says that it has ${artifact.size}. Put it again.`,
    );
  }

  async delete(name: string, options: ArtifactOptions = {}): Promise<void> {
    checkOptions("delete()", options, ARTIFACT);
    checkName("delete()", name);
    await this.#storage.remove(this.#place, await this.#find(name, options), signalOf(options));
  }

  async #find(name: string, { waitMs = 0, signal }: GetOptions): Promise<Artifact> {
    const until = this.#clock.now() + waitMs;
    for (let pause = FIRST_WAIT_MS; ; pause = Math.min(pause * 2, MAX_WAIT_MS)) {
      const found = (await this.list({ signal })).find((artifact) => artifact.name === name);
      if (found !== undefined) return found;
      const leftMs = until - this.#clock.now();
      if (leftMs <= 0) throw notFound(name, this.#place.sessionId);
      await sleep(Math.min(pause, leftMs), this.#clock, signalOf({ signal })).catch((reason: unknown) => {
        throw toLoophostError(reason, "aborted", "get()");
      });
    }
  }
}

async function readAll(
  name: string,
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    bytes += piece.byteLength;
    if (bytes > maxBytes)
      throw new LoophostError(
        "reply_too_large",
        `${name} has more than ${maxBytes} bytes: read its stream, or pass bytes() a higher bound.`,
      );
    pieces.push(piece);
  }
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.byteLength;
  }
  return all;
}

// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const NOT_IN_A_NAME = /[\u0000-\u001f\u007f/\\]/;

/** A name that leads elsewhere, on any host: refused before it is put into a path, a command or a request. */
function checkName(owner: string, name: string): void {
  const isOne =
    typeof name === "string" &&
    name !== "" &&
    name !== "." &&
    name !== ".." &&
    name.isWellFormed() &&
    !NOT_IN_A_NAME.test(name) &&
    new TextEncoder().encode(name).length <= 255;
  if (!isOne)
    throw refused(
      `${owner} takes the name of a file of up to 255 bytes, without "/", "\\" and control characters.`,
    );
}

function signalOf({ signal }: ArtifactOptions): AbortSignal {
  return signal ?? new AbortController().signal;
}

function notFound(name: string, sessionId: string): LoophostError {
  return new LoophostError("artifact_not_found", `Session ${sessionId} has no file ${JSON.stringify(name)}.`);
}

function refused(message: string): LoophostError {
  return new LoophostError("invalid_options", message);
}

const OPTIONS: Checks<ArtifactsOptions> = {
  provisioned: must("what provision() gave", isObject),
  clock: CLOCK,
};
const ARTIFACT: Checks<ArtifactOptions> = { signal: SIGNAL };
const GET: Checks<GetOptions> = { ...ARTIFACT, waitMs: atLeast(0) };
