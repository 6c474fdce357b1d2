/** Files as the host keeps and shows them: all that is known of one but its bytes. */

import { invalid } from "../http/errors.ts";
import { newId } from "./ids.ts";
import { now } from "./time.ts";

/** A file. */
export type FileRecord = {
  readonly id: string;
  readonly type: "file";
  readonly filename: string;
  readonly mime_type: string;
  readonly size_bytes: number;
  readonly created_at: string;
  readonly downloadable: boolean;
  readonly expires_at: string | null;
  readonly scope: { readonly type: "session"; readonly id: string } | null;
};

const HOUR_SECONDS = 3_600;
const QUARTER_SECONDS = 7_776_000;
const ANYTHING = "application/octet-stream";

/** Types by the extension of a file's name, for uploads that do not say. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ["txt", "text/plain"],
  ["md", "text/markdown"],
  ["csv", "text/csv"],
  ["html", "text/html"],
  ["json", "application/json"],
  ["pdf", "application/pdf"],
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["gif", "image/gif"],
  ["webp", "image/webp"],
]);

/** Makes a file of an upload. */
export function createFile(file: File, expiresInSeconds: string | null): FileRecord {
  const at = now();
  const given = file.type.split(";")[0]?.trim().toLowerCase() ?? "";
  const name = file.name.split(/[/\\]/).at(-1) ?? "";
  const extension = name.includes(".") ? (name.split(".").at(-1)?.toLowerCase() ?? "") : "";
  const type = given === "" || given === ANYTHING ? (TYPES.get(extension) ?? ANYTHING) : given;
  const lifetime = readLifetime(expiresInSeconds);
  return {
    id: newId("file"),
    type: "file",
    filename: name || "unnamed",
    mime_type: type,
    size_bytes: file.size,
    created_at: at,
    downloadable: true,
    expires_at: lifetime === undefined ? null : new Date(Date.parse(at) + lifetime * 1_000).toISOString(),
    scope: null,
  };
}

/** Makes a session's own copy of a file. */
export function copyFile(file: FileRecord, sessionId: string): FileRecord {
  return {
    ...file,
    id: newId("file"),
    created_at: now(),
    scope: { type: "session", id: sessionId },
  };
}

/** Whether the bytes of a file are gone. */
export function isExpired({ expires_at: at }: FileRecord): boolean {
  return at !== null && Date.parse(at) <= Date.now();
}

function readLifetime(text: string | null): number | undefined {
  if (text === null) return undefined;
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < HOUR_SECONDS || seconds > QUARTER_SECONDS)
    throw invalid(`expires_in_seconds must be a whole number from ${HOUR_SECONDS} to ${QUARTER_SECONDS}.`);
  return seconds;
}
