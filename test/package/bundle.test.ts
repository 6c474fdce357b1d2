// What an import of the front door drags along: which modules, by name, before how many bytes.

import { expect, it } from "vitest";

import { bundle, growth, gzipBytes, loadedAtOnce, moduleSizes, storedSizes } from "../support/bundle.ts";

const KB = 1024;

/** What an import loads at once; with what the first store adds (decisions/006); what checks plain JSON Schemas. */
const LIMITS = { atOnce: 21 * KB, withStore: 25 * KB, jsonSchema: 9 * KB };

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
  const schema = chunks.filter(
    (chunk) => chunk.isDynamicEntry && /json-?schema/.test(chunk.facadeModuleId ?? ""),
  );
  const bytes = {
    atOnce: gzipBytes(loadedAtOnce(chunks)),
    withStore: gzipBytes(chunks.filter((chunk) => !schema.includes(chunk))),
    jsonSchema: gzipBytes(schema),
  };
  console.log(
    `front door: ${bytes.atOnce} bytes gzipped, of at most ${LIMITS.atOnce}; with a store ${bytes.withStore}; JSON Schema ${bytes.jsonSchema} of at most ${LIMITS.jsonSchema}`,
  );
  const over = Object.entries(LIMITS).filter(([name, limit]) => bytes[name as keyof typeof bytes] > limit);
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
