/**
 * Files of sessions in a folder of this machine: one folder for each session, one file for each name.
 *
 *   A1  a file is written beside its name and renamed: whoever reads has the one before, or this one, whole
 *   A2  nothing outside the session's folder is read or written: names are one part of a path, and links are not followed
 */

import type { FileHandle } from "node:fs/promises";

import type { Artifact, ArtifactStorage } from "../../core/artifacts.ts";
import { onAbort } from "../../core/async/abort.ts";
import { digestOf } from "../../core/digest.ts";
import { LoophostError, messageOf } from "../../core/errors.ts";

/** The prefix of files that are being written; such files are no artifacts. */
const PART = ".loophost-part-";
const LEFT_MS = 24 * 60 * 60 * 1_000;
/** Bytes of one piece. */
const PIECE = 256 * 1_024;

/** The files of sessions in a folder, which is made when it is needed. */
export function folderArtifacts(folder: string): ArtifactStorage {
  return {
    async list({ sessionId }) {
      const { fs, path } = await load();
      const own = await folderOf(folder, sessionId);
      const entries = await fs.readdir(own, { withFileTypes: true }).catch((thrown: unknown) => {
        if (isMissing(thrown)) return [];
        throw failed(thrown, "The artifacts could not be listed");
      });
      const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith(PART));
      const found = await Promise.all(
        files.map(async ({ name }) => {
          // Race: deleted between the listing and this.
          const stats = await fs.lstat(path.join(own, name)).catch(() => undefined);
          return stats?.isFile() === true ? toArtifact(name, stats) : undefined;
        }),
      );
      return found.filter((artifact) => artifact !== undefined);
    },

    async read({ sessionId }, { name }, signal) {
      const { fs, path, constants } = await load();
      const file = path.join(await folderOf(folder, sessionId), checked(name));
      const open = async () => {
        try {
          // A symbolic link could lead out of the folder.
          return await fs.open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
        } catch (thrown) {
          if (isMissing(thrown))
            throw new LoophostError("artifact_not_found", `There is no file ${name} any more.`);
          throw failed(thrown, `${name} could not be read`);
        }
      };
      await (await open()).close();
      return piecesOf(open, signal);
    },

    async write({ sessionId }, name, content, signal) {
      const { fs, path } = await load();
      const own = await folderOf(folder, sessionId);
      const part = path.join(own, `${PART}${crypto.randomUUID()}`);
      try {
        await fs.mkdir(own, { recursive: true });
        await removeLeft(own);
        const handle = await fs.open(part, "wx", 0o600);
        let stats: { size: number; mtimeMs: number };
        try {
          const into = new WritableStream<Uint8Array>({ write: (piece) => handle.writeFile(piece) });
          await content.pipeTo(into, { signal });
          await handle.sync();
          // Before the rename: after it the name may be another's, put at the same time.
          stats = await handle.stat();
        } finally {
          await handle.close();
        }
        await fs.rename(part, path.join(own, checked(name)));
        return toArtifact(name, stats);
      } catch (thrown) {
        await fs.rm(part, { force: true }).catch(() => undefined);
        if (signal.aborted)
          throw new LoophostError("aborted", `Writing ${name} was aborted.`, { cause: thrown });
        throw failed(thrown, `${name} could not be written`);
      }
    },

    async remove({ sessionId }, { name }) {
      const { fs, path } = await load();
      const file = path.join(await folderOf(folder, sessionId), checked(name));
      await fs.rm(file, { force: true }).catch((thrown: unknown) => {
        throw failed(thrown, `${name} could not be deleted`);
      });
    },
  };
}

/**
 * The bytes of a file, as they are asked for. It is opened with the first of them: one that was fetched and never read would stay open,
 * which leaks a file descriptor, and ends the process in releases of Node that refuse to close it at garbage collection.
 */
function piecesOf(open: () => Promise<FileHandle>, signal: AbortSignal): ReadableStream<Uint8Array> {
  let file: FileHandle | undefined;
  const unlink = onAbort([signal], () => close().catch(() => undefined));
  async function close(): Promise<void> {
    unlink();
    await file?.close();
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          signal.throwIfAborted();
          file ??= await open();
          const { bytesRead, buffer } = await file.read(new Uint8Array(PIECE));
          if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead));
          await close();
          controller.close();
        } catch (thrown) {
          await close();
          throw thrown;
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
}

/** Removes what writers left that were killed, or the disk would fill: files nobody has written to for a day. */
async function removeLeft(own: string): Promise<void> {
  const { fs, path } = await load();
  for (const name of await fs.readdir(own).catch(() => []))
    if (name.startsWith(PART)) {
      const stats = await fs.lstat(path.join(own, name)).catch(() => undefined);
      if (stats !== undefined && Date.now() - stats.mtimeMs > LEFT_MS)
        await fs.rm(path.join(own, name), { force: true }).catch(() => undefined);
    }
}

/** Loaded with the first use: the in-process loop host runs where there are no files, too. */
async function load() {
  const [fs, path, { constants }] = await Promise.all([
    import("node:fs/promises"),
    import("node:path"),
    import("node:fs"),
  ]);
  return { fs, path, constants };
}

/**
 * The folder of a session, as an absolute path: Node's mkdir hangs on a relative one once the working directory was deleted.
 * The session's id may be the user's: it is escaped, or hashed where it is too long for a name.
 */
async function folderOf(folder: string, sessionId: string): Promise<string> {
  const { path } = await load();
  const escaped = encodeURIComponent(sessionId.toWellFormed()).replace(/[.~!'()*]/g, escapedCharacter);
  const name =
    escaped.length <= 200 ? escaped : `${escaped.slice(0, 100)}-${(await digestOf(sessionId)).slice(0, 32)}`;
  return path.resolve(folder, name);
}

function escapedCharacter(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

/** Names are checked by the caller; checked again here, since a path is built from it (path traversal). */
function checked(name: string): string {
  if (name.startsWith(PART) || /^\.{0,2}$|[/\\]/.test(name))
    throw new LoophostError("invalid_options", `${JSON.stringify(name)} is not the name of a file.`);
  return name;
}

function toArtifact(name: string, { size, mtimeMs }: { size: number; mtimeMs: number }): Artifact {
  return { name, size, createdAtMs: Math.floor(mtimeMs), id: name };
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
}

function failed(thrown: unknown, doing: string): LoophostError {
  if (thrown instanceof LoophostError) return thrown;
  return new LoophostError("store_failed", `${doing}: ${messageOf(thrown)}`, { cause: thrown });
}
