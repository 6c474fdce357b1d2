/** The files of a session at the host: what it was given, and what the agent wrote into the folder for outputs. */

import type { Artifact, ArtifactStorage } from "../../../core/artifacts.ts";
import { onAbort } from "../../../core/async/abort.ts";
import { isString } from "../../../core/check-options.ts";
import { LoophostError, messageOf, toLoophostError } from "../../../core/errors.ts";
import { reworded, toHostError } from "../api/host-error.ts";
import type { ClaudeWireObject, Requests } from "../api/requests.ts";
import { pathTo } from "../api/requests.ts";
import { mediaTypeOf } from "./files.ts";

/** Where an agent writes what its session is to keep: the host shows those files some seconds later, and no others. */
export const OUTPUTS_FOLDER = "/mnt/session/outputs/";

/** Where in a session's machine a file of this name is put. Anthropic's own service has that below the folder of uploads. */
const DATA_FOLDER = "/data/";
const UPLOADS_FOLDER = "/mnt/session/uploads";
const MAX_ATTACHING = 10;
/** Milliseconds that deleting what nobody needs may hold up a put. */
const DELETING_MS = 30_000;

/** The files of the sessions of one provider. */
export function claudeArtifacts(requests: () => Requests, idleMs: number): ArtifactStorage {
  return {
    async list({ sessionId }, signal) {
      const files = await Array.fromAsync(
        requests().list(["files"], { scope_id: sessionId, limit: 1_000 }, { signal }),
      );
      // The host lists none for a session that is not there, too.
      if (files.length === 0)
        await ofSession(sessionId, requests().read(["sessions", sessionId], {}, { signal }));
      return files.map(toArtifact);
    },
    read: (_, artifact, signal) => open(requests(), { artifact, idleMs, signal }),
    write: ({ sessionId }, name, content, signal) => put(requests(), { sessionId, name, content, signal }),
    async remove({ sessionId }, { id }, signal) {
      const resources = requests().list(["sessions", sessionId, "resources"], {}, { signal });
      for (const resource of await Array.fromAsync(resources))
        if (resource["file_id"] === id)
          await ifThere(requests().delete(["sessions", sessionId, "resources", resource.id], { signal }));
      await ifThere(requests().delete(["files", id], { signal }));
    },
  };
}

interface Putting {
  readonly sessionId: string;
  readonly name: string;
  readonly content: ReadableStream<Uint8Array>;
  readonly signal: AbortSignal;
}

/**
 * Uploads, and gives the file to the session, which gets a copy with an id of its own. Then the upload goes, and what it replaced:
 * nobody else would delete them.
 */
async function put(requests: Requests, { sessionId, name, content, signal }: Putting): Promise<Artifact> {
  const { body, contentType } = toMultipart(name, content);
  const advice = "List the session's files to see; putting it again does no harm.";
  const upload = () =>
    requests.api.uploadStream(pathTo(["files"]), body, contentType, signal).catch((thrown: unknown) => {
      // The body is read by now: even a request that certainly was not taken cannot be made again.
      const error = toHostError(thrown, `Uploading ${name}`);
      throw reworded(error, error.message, { mayRetry: false });
    });
  const uploaded = await requests.once(upload, { advice }, { signal });
  const { id } = uploaded;
  if (!isString(id)) throw new LoophostError("host_protocol", `The host gave no id for ${name}. ${advice}`);
  const path = `${DATA_FOLDER}${name}`;
  const attached = await attach(requests, { sessionId, path, fileId: id, signal }).catch(
    async (thrown: unknown) => {
      const error = toHostError(thrown, `Putting ${name}`);
      const note = await deleteFiles(requests, [id]);
      throw note === undefined ? error : reworded(error, `${error.message} ${note}`);
    },
  );
  const useless = [id, ...attached.replaced].filter((file) => file !== attached.fileId);
  const note = await deleteFiles(requests, useless);
  if (note !== undefined)
    throw new LoophostError("host_failed", `${name} is put. ${note}`, { mayRetry: false });
  return { ...toArtifact({ ...uploaded, id }), id: attached.fileId };
}

interface Attaching {
  readonly sessionId: string;
  readonly path: string;
  readonly fileId: string;
  readonly signal: AbortSignal;
}

/** What has its place now. */
interface Attached {
  /** The id of the session's copy, or of the one that another put has replaced it with at once. */
  readonly fileId: string;
  /** The ids of the files that had the place before. */
  readonly replaced: readonly string[];
}

/**
 * Gives a file its place in the session's machine, which holds one at a time: what was there before goes first. When several are put at
 * once, the first to come has the place, and the others count as replaced by it: if each drove out the one before, it would be a
 * livelock.
 */
async function attach(requests: Requests, { sessionId, path, fileId, signal }: Attaching): Promise<Attached> {
  const resources = ["sessions", sessionId, "resources"];
  const there = async () =>
    (await Array.fromAsync(requests.list(resources, {}, { signal }))).filter(
      ({ mount_path: at }) => at === path || at === `${UPLOADS_FOLDER}${path}`,
    );
  const before = await ofSession(sessionId, there());
  for (const { id } of before) await ifThere(requests.delete([...resources, id], { signal }));
  const replaced = before.map(({ file_id: old }) => old).filter(isString);
  const toAttached = ({ file_id: copy }: ClaudeWireObject) => ({
    fileId: isString(copy) ? copy : fileId,
    replaced,
  });
  const add = async () =>
    toAttached(
      await requests.post(resources, { type: "file", file_id: fileId, mount_path: path }, { signal }),
    );
  // Somebody has the place by now: this put, the reply to which was lost, or one at the same time.
  const find = async () => {
    const taker = (await there()).find(({ id }) => before.every((other) => other.id !== id));
    return taker && toAttached(taker);
  };
  for (let tries = 1; ; tries += 1) {
    try {
      return await requests.once(add, { find, advice: "List the session's resources to see." }, { signal });
    } catch (thrown) {
      const { status } = toLoophostError(thrown, "host_failed", "");
      if ((status !== 400 && status !== 409) || tries >= MAX_ATTACHING) throw thrown;
      const taken = await find();
      if (taken !== undefined) return taken;
    }
  }
}

/** Deletes files that nobody needs; gives what is to be said of those that stayed. */
async function deleteFiles(requests: Requests, ids: Iterable<string>): Promise<string | undefined> {
  const notes = await Promise.all(
    Array.from(ids, async (id) => {
      const deleting = ifThere(requests.delete(["files", id], { signal: AbortSignal.timeout(DELETING_MS) }));
      return deleting.then(
        () => undefined,
        (thrown: unknown) => `${id} (${messageOf(thrown)})`,
      );
    }),
  );
  const left = notes.filter((note) => note !== undefined);
  return left.length === 0 ? undefined : `Left at the host, for you to delete: ${left.join(", ")}.`;
}

/** A form with one file, written as it is read: a FormData would hold all of it. */
function toMultipart(
  name: string,
  content: ReadableStream<Uint8Array>,
): { readonly body: ReadableStream<Uint8Array>; readonly contentType: string } {
  const boundary = `loophost-${crypto.randomUUID()}`;
  const encoder = new TextEncoder();
  // As browsers write it; the name has no control characters.
  const filename = name.replaceAll('"', "%22");
  const head =
    `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${filename}"\r\n` +
    `content-type: ${mediaTypeOf(name)}\r\n\r\n`;
  const around = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(head)),
    flush: (controller) => controller.enqueue(encoder.encode(`\r\n--${boundary}--\r\n`)),
  });
  return { body: content.pipeThrough(around), contentType: `multipart/form-data; boundary=${boundary}` };
}

interface Reading {
  readonly artifact: Artifact;
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

/** The bytes of a file as they come. One that falls silent is given up, and one that ends early is an error: nobody else would tell. */
async function open(
  requests: Requests,
  { artifact, idleMs, signal }: Reading,
): Promise<ReadableStream<Uint8Array>> {
  const { id, name, size } = artifact;
  const body = await requests.api
    .downloadStream(pathTo(["files", id, "content"]), signal)
    .catch((thrown: unknown) => {
      const error = toHostError(thrown, `Reading ${name}`);
      if (error.status !== 404) throw error;
      throw new LoophostError("artifact_not_found", `The host has no file ${name} any more.`, {
        cause: error,
        status: 404,
      });
    });
  const reader = body.getReader();
  let problem: LoophostError | undefined;
  const stop = (failure: LoophostError) => {
    problem ??= failure;
    reader.cancel(failure).catch(() => undefined);
  };
  const unlink = onAbort([signal], (reason) => stop(toLoophostError(reason, "aborted", `Reading ${name}`)));
  const silent = new LoophostError("host_unreachable", `Reading ${name}: nothing came for ${idleMs} ms.`);
  let missing = size;
  const next = async () => {
    const cancel = requests.clock.after(idleMs, () => stop(silent));
    try {
      const { done, value } = await reader.read();
      if (problem !== undefined) throw problem;
      missing -= value?.byteLength ?? 0;
      if (done && missing !== 0)
        throw new LoophostError(
          "host_protocol",
          `Reading ${name}: it ended ${missing} bytes off its ${size} bytes.`,
        );
      return done ? undefined : value;
    } catch (thrown) {
      unlink();
      throw toHostError(thrown, `Reading ${name}`);
    } finally {
      cancel();
    }
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const piece = await next();
        if (piece !== undefined) return controller.enqueue(piece);
        unlink();
        return controller.close();
      },
      cancel(reason) {
        unlink();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

async function ofSession<T>(sessionId: string, asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (thrown) {
    const error = toLoophostError(thrown, "host_failed", `Session ${sessionId}`);
    if (error.status !== 404) throw error;
    throw new LoophostError("session_not_found", `The host has no session "${sessionId}".`, {
      cause: error,
      status: 404,
    });
  }
}

async function ifThere(deleting: Promise<void>): Promise<void> {
  try {
    await deleting;
  } catch (thrown) {
    if (toLoophostError(thrown, "host_failed", "").status !== 404) throw thrown;
  }
}

function toArtifact(file: ClaudeWireObject): Artifact {
  const { filename, size_bytes: size, created_at: at } = file;
  const createdAtMs = (typeof at === "string" && Date.parse(at)) || 0;
  if (typeof filename !== "string")
    throw new LoophostError("host_protocol", `The host lists a file without a name (${file.id}).`);
  return { name: filename, size: typeof size === "number" ? size : 0, createdAtMs, id: file.id, raw: file };
}
