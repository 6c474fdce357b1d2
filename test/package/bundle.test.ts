// What an import of the front door drags along: which modules, by name, before how many bytes.

import { gzipSync } from "node:zlib";

import { type OutputChunk, rolldown } from "rolldown";
import { expect, it } from "vitest";

import { ROOT } from "../support/source.ts";

const MAX_GZIP_BYTES = 15 * 1024;

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

  const bytes = gzipSync(chunks.map((chunk) => chunk.code).join("")).length;
  console.log(`front door: ${bytes} bytes gzipped, of at most ${MAX_GZIP_BYTES}`);
  expect(bytes).toBeLessThanOrEqual(MAX_GZIP_BYTES);
});
