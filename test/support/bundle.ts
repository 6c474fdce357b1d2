// Bundles the front door as an application would, and says which module weighs what.

import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

import { type OutputChunk, rolldown } from "rolldown";

import { ROOT } from "./source.ts";

const TABLE = `${ROOT}test/package/bundle-sizes.json`;

/** Bytes of each module, minified by nothing: they are for comparing, not for adding up to the limit. */
export type ModuleSizes = Readonly<Record<string, number>>;

/** The chunks of the front door, minified; the first import loads some, a store and plain JSON Schemas load the rest. */
export async function bundle(): Promise<OutputChunk[]> {
  const build = await rolldown({
    input: `${ROOT}src/index.ts`,
    resolve: { conditionNames: ["loophost:source"] },
    platform: "neutral",
    // A module that is not found stays an import in the output; it must stop the build instead.
    onLog: (level, log) => {
      if (level === "warn") throw new Error(log.message);
    },
  });
  const { output } = await build.generate({ format: "esm", minify: true });
  await build.close();
  return output.filter((file) => file.type === "chunk");
}

/**
 * The entry, and what it imports in turn without being asked to.
 *
 * @param later modules that are imported when they are first needed, such as `src/core/journal/stored-journal.ts`
 */
export function loaded(chunks: readonly OutputChunk[], ...later: readonly string[]): readonly OutputChunk[] {
  const roots = later.map((module) => {
    const found = chunks.find(({ facadeModuleId }) => facadeModuleId === ROOT + module);
    if (found === undefined) throw new Error(`No chunk begins with ${module}.`);
    return found;
  });
  const wanted = new Set(
    [...chunks.filter((chunk) => chunk.isEntry), ...roots].map((chunk) => chunk.fileName),
  );
  for (const name of wanted)
    for (const needed of chunks.find(({ fileName }) => fileName === name)?.imports ?? []) wanted.add(needed);
  return chunks.filter((chunk) => wanted.has(chunk.fileName));
}

/** What chunks weigh on the wire. */
export function gzipBytes(chunks: readonly OutputChunk[]): number {
  return gzipSync(chunks.map((chunk) => chunk.code).join("")).length;
}

/** Modules by path, with their bytes. */
export function moduleSizes(chunks: readonly OutputChunk[]): ModuleSizes {
  const sizes = chunks.flatMap((chunk) =>
    Object.entries(chunk.modules).map(([id, { renderedLength }]) => [id.replace(ROOT, ""), renderedLength]),
  );
  return Object.fromEntries(sizes.toSorted(([a], [b]) => String(a).localeCompare(String(b))));
}

/** The stored table, as of the last `npm run accept-bundle`. */
export function storedSizes(): ModuleSizes {
  return JSON.parse(readFileSync(TABLE, "utf8"));
}

/** Stores what the modules weigh now. */
export function storeSizes(sizes: ModuleSizes): void {
  writeFileSync(TABLE, `${JSON.stringify(sizes, null, 2)}\n`);
}

/** One line for each module that grew or is new, the one that grew most first. */
export function growth(before: ModuleSizes, now: ModuleSizes): string[] {
  return Object.entries(now)
    .map(([path, bytes]) => ({ path, bytes: bytes - (before[path] ?? 0), isNew: before[path] === undefined }))
    .filter(({ bytes }) => bytes > 0)
    .toSorted((a, b) => b.bytes - a.bytes)
    .map(({ path, bytes, isNew }) => `${path} +${bytes}${isNew ? " (new)" : ""}`);
}
