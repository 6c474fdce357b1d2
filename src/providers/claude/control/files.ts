/** Files at the host: bytes under a name. Nothing here knows of a file system. */

import type { Checks } from "../../../core/check-options.ts";
import { atLeast, checkOptions, checkSome, must, NAME, STRING } from "../../../core/check-options.ts";
import type { CallOptions, Requests, ClaudeWireObject } from "../api/requests.ts";
import { pathTo } from "../api/requests.ts";

/** A file at the host, as the wire has it. */
export interface ClaudeFile extends ClaudeWireObject {
  readonly type: "file";
  readonly filename: string;
  readonly mime_type: string;
  readonly size_bytes: number;
  readonly created_at: string;
}

/** A file to upload. */
export interface NewFile {
  readonly name: string;
  readonly bytes: Uint8Array | Blob | string;
  /** Default: by the name's extension, else `application/octet-stream`. */
  readonly mediaType?: string | undefined;
  /** From an hour to ninety days; for ever when absent. */
  readonly expiresInSeconds?: number | undefined;
}

/** Which files to list. */
export interface FileQuery {
  /** A session: only what it has made or was given. */
  readonly scope_id?: string | undefined;
  readonly ids?: readonly string[] | undefined;
  /** How many to ask for at a time. */
  readonly limit?: number | undefined;
}

/** How a file is read. */
export interface DownloadOptions extends CallOptions {
  /** Bytes it may have. Default 32 MiB; those of a session come as a stream from `artifacts()`. */
  readonly maxBytes?: number | undefined;
}

/** What can be done with files. */
export interface Files {
  upload(file: NewFile, options?: CallOptions): Promise<ClaudeFile>;
  get(id: string, options?: CallOptions): Promise<ClaudeFile>;
  /** Reads a file whole. Rejects with `reply_too_large` when it has more bytes than `maxBytes`. */
  download(id: string, options?: DownloadOptions): Promise<Uint8Array>;
  list(query?: FileQuery, options?: CallOptions): AsyncIterable<ClaudeFile>;
  delete(id: string, options?: CallOptions): Promise<void>;
}

/** The files of a host. */
export function createFiles(requests: Requests): Files {
  const path = ["files"];
  return {
    upload: async (file, options) => {
      checkOptions("files.upload()", file, FILE, ["name", "bytes"]);
      const form = toForm(file);
      const advice = `List the files to see whether there is a new one named ${JSON.stringify(file.name)}.`;
      return requests.once(() => requests.upload(path, form, options), { advice }, options);
    },
    get: (id, options) => requests.read(["files", id], {}, options),
    download: async (id, options = {}) => {
      checkSome("files.download()", options, { maxBytes: atLeast(0) });
      const { maxBytes = MAX_BYTES, signal } = options;
      return requests.api.download(pathTo(["files", id, "content"]), maxBytes, signal);
    },
    list: (query, options) => requests.list(path, query, options),
    delete: (id, options) => requests.delete(["files", id], options),
  };
}

const MAX_BYTES = 32 * 1024 * 1024;

const FILE: Checks<NewFile> = {
  name: NAME,
  bytes: must(
    "bytes, a Blob or a string",
    (value) => typeof value === "string" || value instanceof Blob || ArrayBuffer.isView(value),
  ),
  mediaType: STRING,
  expiresInSeconds: atLeast(1),
};

/** The media type that goes with a file's name. */
export function mediaTypeOf(name: string): string {
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase();
  return MEDIA_TYPES.get(extension ?? "") ?? "application/octet-stream";
}

const MEDIA_TYPES: ReadonlyMap<string, string> = new Map([
  ["csv", "text/csv"],
  ["gif", "image/gif"],
  ["htm", "text/html"],
  ["html", "text/html"],
  ["jpeg", "image/jpeg"],
  ["jpg", "image/jpeg"],
  ["json", "application/json"],
  ["md", "text/markdown"],
  ["pdf", "application/pdf"],
  ["png", "image/png"],
  ["txt", "text/plain"],
  ["webp", "image/webp"],
  ["xml", "application/xml"],
  ["zip", "application/zip"],
]);

function toForm({ name, bytes, mediaType = mediaTypeOf(name), expiresInSeconds }: NewFile): FormData {
  const form = new FormData();
  // The host refuses a part that does not say what it is.
  form.append("file", new Blob([bytes], { type: mediaType }), name);
  if (expiresInSeconds !== undefined) form.append("expires_in_seconds", String(expiresInSeconds));
  return form;
}
