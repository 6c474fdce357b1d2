// What an import of the front door drags along: which modules, by name, before how many bytes.

import { expect, it } from "vitest";

import { bundle, growth, gzipBytes, loaded, moduleSizes, storedSizes } from "../support/bundle.ts";

/** What an import loads at once, and with the parts that are loaded when a session first needs them. */
const LIMITS: readonly (readonly [part: string, limit: number, ...modules: readonly string[]])[] = [
  ["at once", 21_280],
  ["with a store (decisions/006)", 24_820, "src/core/journal/stored-journal.ts"],
  ["without node:crypto", 21_840, "src/core/journal/sha256.ts"],
  ["with observers", 21_940, "src/core/session/observed-watch.ts"],
  ["with plain JSON Schema (decisions/011)", 26_020, "src/core/json-schema/check.ts"],
];

const chunks = await bundle();

it("bundles the front door from core/ alone, without node:", () => {
  const modules = Object.keys(moduleSizes(chunks));
  expect(modules).toContain("src/index.ts");
  expect(modules.filter((id) => id !== "src/index.ts" && !id.startsWith("src/core/"))).toEqual([]);
  const imports = chunks.flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports]);
  const own = new Set(chunks.map((chunk) => chunk.fileName));
  expect(imports.filter((name) => !own.has(name))).toEqual([]);
});

it("loads no more than the limits allow, and says which module grew", () => {
  const parts = LIMITS.map(([part, limit, ...modules]) => ({
    part,
    limit,
    bytes: gzipBytes(loaded(chunks, ...modules)),
  }));
  console.log(parts.map(({ part, bytes, limit }) => `${part} ${bytes} bytes of ${limit}`).join("; "));
  const over = parts.filter(({ bytes, limit }) => bytes > limit);
  const grown = growth(storedSizes(), moduleSizes(chunks));
  expect(
    over,
    `too large. Grown since the stored table, in bytes before minifying:\n${grown.join("\n")}`,
  ).toEqual([]);
});

it("names what grew, the most first, and what is new", () => {
  expect(growth({ a: 10, b: 10, c: 10 }, { a: 11, b: 9, c: 30, d: 5 })).toEqual([
    "c +20",
    "d +5 (new)",
    "a +1",
  ]);
});
