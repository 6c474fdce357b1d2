// What an import of the front door drags along: which modules, by name, before how many bytes.

import { gzipSync } from "node:zlib";

import { type OutputChunk, rolldown } from "rolldown";
import { expect, it } from "vitest";

import { ROOT } from "../support/source.ts";

const MAX_GZIP_BYTES = 15 * 1024;
const MAX_GZIP_BYTES_WITH_STORE = 17 * 1024;

async function bundle(): Promise<OutputChunk[]> {
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

it("bundles the front door from core/ alone, without node:, in 15 KB", async () => {
  const chunks = await bundle();

  const modules = chunks.flatMap((chunk) => chunk.moduleIds).map((id) => id.replace(ROOT, ""));
  expect(modules).toContain("src/index.ts");
  expect(modules.filter((id) => id !== "src/index.ts" && !id.startsWith("src/core/"))).toEqual([]);

  const imports = chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports]);
  const own = new Set(chunks.map((chunk) => chunk.fileName));
  expect(imports.filter((name) => !own.has(name))).toEqual([]);

  // What an import loads at once; what only a store needs comes with the first store (decisions/006).
  const sizeOf = (parts: readonly OutputChunk[]) =>
    gzipSync(parts.map((chunk) => chunk.code).join("")).length;
  const bytes = sizeOf(loadedAtOnce(chunks));
  console.log(
    `front door: ${bytes} bytes gzipped, of at most ${MAX_GZIP_BYTES}; with a store ${sizeOf(chunks)}`,
  );
  expect(bytes).toBeLessThanOrEqual(MAX_GZIP_BYTES);
  expect(sizeOf(chunks)).toBeLessThanOrEqual(MAX_GZIP_BYTES_WITH_STORE);
});

/** The entry, and what it imports in turn without being asked to. */
function loadedAtOnce(chunks: readonly OutputChunk[]): readonly OutputChunk[] {
  const wanted = new Set(chunks.filter((chunk) => chunk.isEntry).map((chunk) => chunk.fileName));
  for (const name of wanted)
    for (const needed of chunks.find(({ fileName }) => fileName === name)?.imports ?? []) wanted.add(needed);
  return chunks.filter((chunk) => wanted.has(chunk.fileName));
}
