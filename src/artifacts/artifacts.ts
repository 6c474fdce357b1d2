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
import { hasCode, LoophostError, toLoophostError } from "../core/errors.ts";
import { checkHandle } from "../core/handle.ts";
import { isObject } from "../core/json.ts";
import type { Provider } from "../core/provider.ts";
import type { ProvisionHandle } from "../core/provisioning.ts";
import type { ArtifactContent } from "./content.ts";
import { toSending } from "./content.ts";
import type { FetchedArtifact } from "./fetched.ts";
import { fetched } from "./fetched.ts";

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

const FIRST_WAIT_MS = 250;
const MAX_WAIT_MS = 5_000;
const MAX_LOOKS = 5;

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
  if (provisioned !== undefined)
    checkHandle(
      `${owner}: provisioned`,
      { provider: provider.name, ...(provider.provisioning ?? { kinds: [], ids: {} }) },
      provisioned,
    );
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
    return this.#list(signalOf("list()", options));
  }

  async get(name: string, options: GetOptions = {}): Promise<FetchedArtifact> {
    checkOptions("get()", options, GET);
    checkName("get()", name);
    const signal = signalOf("get()", options);
    for (let looks = 1; ; looks += 1) {
      const artifact = await this.#find("get()", name, signal, options.waitMs);
      try {
        return fetched(artifact, await this.#storage.read(this.#place, artifact, signal), signal);
      } catch (thrown) {
        // A race: it was replaced since it was found, and the new one is found by another look.
        const isGone = hasCode(thrown, "artifact_not_found");
        if (!isGone || looks >= MAX_LOOKS) throw thrown;
      }
    }
  }

  async put(name: string, content: ArtifactContent, options: ArtifactOptions = {}): Promise<Artifact> {
    const sending = toSending(content);
    let artifact: Artifact;
    try {
      checkOptions("put()", options, ARTIFACT);
      checkName("put()", name);
      const signal = signalOf("put()", options);
      artifact = await this.#storage.write(this.#place, name, sending.stream, signal);
    } catch (thrown) {
      sending.cancel(thrown);
      throw sending.failure ?? thrown;
    }
    if (artifact.size === sending.bytes) return artifact;
    throw new LoophostError(
      "host_protocol",
      `put(): ${sending.bytes} bytes of ${name} were sent, and the host says that it has ${artifact.size}. Put it again.`,
    );
  }

  async delete(name: string, options: ArtifactOptions = {}): Promise<void> {
    checkOptions("delete()", options, ARTIFACT);
    checkName("delete()", name);
    const signal = signalOf("delete()", options);
    await this.#storage.remove(this.#place, await this.#find("delete()", name, signal), signal);
  }

  async #list(signal: AbortSignal): Promise<readonly Artifact[]> {
    const all = await this.#storage.list(this.#place, signal);
    return all.toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1));
  }

  async #find(owner: string, name: string, signal: AbortSignal, waitMs = 0): Promise<Artifact> {
    const until = this.#clock.now() + waitMs;
    for (let pause = FIRST_WAIT_MS; ; pause = Math.min(pause * 2, MAX_WAIT_MS)) {
      const found = (await this.#list(signal)).find((artifact) => artifact.name === name);
      if (found !== undefined) return found;
      const leftMs = until - this.#clock.now();
      if (leftMs <= 0) throw notFound(name, this.#place.sessionId);
      await sleep(Math.min(pause, leftMs), this.#clock, signal).catch((reason: unknown) => {
        throw toLoophostError(reason, "aborted", owner);
      });
    }
  }
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

/** The signal of a call. One that is aborted already ends it before anything is asked: not every storage looks. */
function signalOf(owner: string, { signal = new AbortController().signal }: ArtifactOptions): AbortSignal {
  if (signal.aborted) throw toLoophostError(signal.reason, "aborted", owner);
  return signal;
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
