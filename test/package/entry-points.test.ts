// The names each entry point offers, values and types, as a list to review: a new name is a decision, so it shows in a
// diff of entry-points.json. After deciding: npm test -- test/package/entry-points --update

import { existsSync } from "node:fs";

import { expect, it } from "vitest";

import manifest from "../../package.json" with { type: "json" };
import { exportedNames, unnamedTypes } from "../support/public-types.ts";
import { ROOT } from "../support/source.ts";

const entries = Object.entries(manifest.exports).map(([subpath, target]) => ({
  specifier: subpath.replace(".", manifest.name),
  source: target["loophost:source"].replace("./", ""),
}));

it("offers exactly the names in entry-points.json", async () => {
  const names: Record<string, object> = {};
  for (const { specifier, source } of entries) {
    // By the name a user writes, so this goes through the exports of package.json too.
    const module: object = await import(specifier);
    const { values, types } = exportedNames(source);
    expect(Object.keys(module).toSorted(), specifier).toEqual(values);
    names[specifier] = { values, types };
  }
  await expect(`${JSON.stringify(names, null, 2)}\n`).toMatchFileSnapshot("entry-points.json");
});

/** Handed from the suite to its checks; nobody but they looks inside. */
const OPAQUE = ["src/conformance/test-client.ts#TestClient"];

it("exports every type that a signature reaches, from the entry that has the signature or from the front door", () => {
  const unnamed = entries.flatMap(({ source }) => unnamedTypes([source, "src/index.ts"], OPAQUE));
  expect(unnamed).toEqual([]);
  // Proves that it can fail.
  expect(unnamedTypes(["src/stores/memory.ts"])).toContain(
    "Store (src/core/store.ts) is reached by memoryStore",
  );
});

it("points every condition of an entry at the same file, in src/ and in dist/", () => {
  for (const target of Object.values(manifest.exports)) {
    const source = target["loophost:source"];
    expect(existsSync(ROOT + source), source).toBe(true);
    // The condition is private and comes first; a later place would let the build win over the source.
    expect(Object.keys(target)).toEqual(["loophost:source", "types", "default"]);
    expect(target.types).toBe(source.replace("./src/", "./dist/").replace(/\.ts$/, ".d.ts"));
    expect(target.default).toBe(source.replace("./src/", "./dist/").replace(/\.ts$/, ".js"));
  }
});
