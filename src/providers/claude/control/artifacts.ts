/** The files of a session at the host: what it was given, and what the agent wrote into the folder for outputs. */

import type { Artifact, ArtifactStorage } from "../../../core/artifacts.ts";
import { onAbort } from "../../../core/async/abort.ts";
import { LoophostError, toLoophostError } from "../../../core/errors.ts";
import { reworded, toHostError } from "../api/host-error.ts";
import type { ClaudeWireObject, Requests } from "../api/requests.ts";
import { pathTo } from "../api/requests.ts";
import { mediaTypeOf } from "./files.ts";

/** Where an agent writes what its session is to keep: the host shows those files some seconds later, and no others. */
export const OUTPUTS_FOLDER = "/mnt/session/outputs/";

/** Where in a session's machine a file of this name is put. */
const DATA_FOLDER = "/data/";
const MAX_ATTACHING = 5;

/** The files of the sessions of one provider. */
export function claudeArtifacts(requests: () => Requests, idleMs: number): ArtifactStorage {
  return {
    async list({ sessionId }, signal) {
      const files = await Array.fromAsync(
        requests().list(["files"], { scope_id: sessionId, limit: 1_000 }, { signal }),
      );
      return files.map(toArtifact);
    },
    read: (_, artifact, signal) => open(requests(), { artifact, idleMs, signal }),
    write: ({ sessionId }, name, content, signal) => put(requests(), { sessionId, name, content, signal }),
    async remove({ sessionId }, { id }, signal) {
      for await (const resource of resourcesOf(requests(), sessionId, signal))
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

/** Uploads, and gives the file to the session, which gets a copy with an id of its own. */
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
  if (typeof id !== "string")
    throw new LoophostError("host_protocol", `The host gave no id for ${name}. ${advice}`);
  try {
    const resource = await attach(requests, sessionId, { id, name, signal });
    const fileId = resource["file_id"];
    const file = await requests.read(["files", typeof fileId === "string" ? fileId : id], {}, { signal });
    return toArtifact(file);
  } catch (thrown) {
    await requests.delete(["files", id], {}).catch(() => undefined);
    throw thrown;
  }
}

/** A place in the machine is taken once: what was put there before goes, and who puts at the same time is waited for. */
async function attach(
  requests: Requests,
  sessionId: string,
  { id, name, signal }: { readonly id: string; readonly name: string; readonly signal: AbortSignal },
): Promise<ClaudeWireObject> {
  const path = `${DATA_FOLDER}${name}`;
  const resource = { type: "file", file_id: id, mount_path: path };
  for (let tries = 1; ; tries += 1) {
    for await (const other of resourcesOf(requests, sessionId, signal))
      if (other["mount_path"] === path)
        await ifThere(requests.delete(["sessions", sessionId, "resources", other.id], { signal }));
    try {
      const advice = "List the session's resources to see.";
      const add = () => requests.post(["sessions", sessionId, "resources"], resource, { signal });
      return await requests.once(add, { advice }, { signal });
    } catch (thrown) {
      const { status } = toLoophostError(thrown, "host_failed", "");
      if ((status !== 400 && status !== 409) || tries >= MAX_ATTACHING) throw thrown;
      const isTaken = (await Array.fromAsync(resourcesOf(requests, sessionId, signal))).some(
        (other) => other["mount_path"] === path,
      );
      if (!isTaken) throw thrown;
    }
  }
}

function resourcesOf(
  requests: Requests,
  sessionId: string,
  signal: AbortSignal,
): AsyncGenerator<ClaudeWireObject, void, undefined> {
  return requests.list(["sessions", sessionId, "resources"], {}, { signal });
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
