/**
 * A folder that can be read but not left.
 *
 *   F1  a path is judged after links were followed, and only what lies inside is opened
 *   F2  walking follows no link, so it ends, and it stops at MAX_FILES
 *   F3  what is binary, huge or not readable is named with its reason, never guessed at
 */

import type { Dirent } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";

import { LoophostError, messageOf } from "../../core/errors.ts";

const MAX_FILES = 2_000;
const MAX_TEXT_BYTES = 1_000_000;

/** A file, by its path from the folder. */
export interface FileEntry {
  readonly path: string;
  readonly bytes: number;
}

/** What a walk found, in the order of the alphabet. */
interface Walk {
  readonly files: readonly FileEntry[];
  /** Links, hidden entries, node_modules, and what could not be looked into. */
  readonly skipped: readonly string[];
  /** Whether there are more files than a walk takes. */
  readonly isCut: boolean;
}

/** The text of a file, or why it has none to read. */
type TextOrReason = { readonly text: string } | { readonly reason: "binary" | "too large" | "not readable" };

/** A folder to look at. */
export interface Folder {
  /** Finds the files under a path, which may be a file itself. Rejects when it is outside, or not there. */
  walk(path: string): Promise<Walk>;
  /** Reads a file of a walk. */
  read(file: FileEntry): Promise<TextOrReason>;
}

/**
 * Opens a folder.
 *
 * @throws LoophostError `invalid_agent` when it is missing, no folder, or not readable
 */
export async function openFolder(name: string): Promise<Folder> {
  const root = await realpath(name).catch(() => undefined);
  if (root === undefined) throw new LoophostError("invalid_agent", `There is no folder ${name}.`);
  if (!(await stat(root)).isDirectory()) throw new LoophostError("invalid_agent", `${name} is not a folder.`);
  await readdir(root).catch((thrown: unknown) => {
    throw new LoophostError("invalid_agent", `${name} cannot be read: ${messageOf(thrown)}`);
  });
  return {
    async walk(inside) {
      const start = await locate(root, inside);
      const found = await stat(start);
      const path = relative(root, start).replaceAll(sep, "/");
      if (found.isFile()) return { files: [{ path, bytes: found.size }], skipped: [], isCut: false };
      if (!found.isDirectory()) return { files: [], skipped: [path], isCut: false };
      return walk(root, path);
    },
    async read({ path, bytes }) {
      if (bytes > MAX_TEXT_BYTES) return { reason: "too large" };
      const content = await locate(root, path)
        .then((file) => readFile(file))
        .catch(() => undefined);
      if (content === undefined) return { reason: "not readable" };
      return content.includes(0) ? { reason: "binary" } : { text: content.toString("utf8") };
    },
  };
}

/** The real path behind one that is given from the folder. */
async function locate(root: string, path: string): Promise<string> {
  const wanted = resolve(root, path);
  // Checked before existence: whether a file outside exists must not leak either.
  if (!isWithin(root, wanted)) throw new Error(`${path} is outside the folder`);
  const real = await realpath(wanted).catch(() => undefined);
  if (real === undefined) throw new Error(`there is no ${path} in the folder`);
  if (!isWithin(root, real)) throw new Error(`${path} leads out of the folder`);
  return real;
}

function isWithin(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

async function walk(root: string, start: string): Promise<Walk> {
  const files: FileEntry[] = [];
  const skipped: string[] = [];
  const folders = [start];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => undefined);
    if (entries === undefined) skipped.push(`${folder}/`);
    for (const entry of entries ?? []) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (isPassedOver(entry)) skipped.push(entry.isDirectory() ? `${path}/` : path);
      else if (entry.isDirectory()) folders.push(path);
      else if (files.length === MAX_FILES) return { files: files.toSorted(byPath), skipped, isCut: true };
      else files.push({ path, bytes: (await stat(join(root, path)).catch(() => undefined))?.size ?? 0 });
    }
  }
  return { files: files.toSorted(byPath), skipped, isCut: false };
}

function isPassedOver(entry: Dirent): boolean {
  const isPlain = entry.isFile() || entry.isDirectory();
  return !isPlain || entry.name.startsWith(".") || entry.name === "node_modules";
}

function byPath(a: FileEntry, b: FileEntry): number {
  return a.path < b.path ? -1 : 1;
}
