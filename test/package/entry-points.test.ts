// The names each entry point offers at run time, as a list to review: a new name is a decision, so it shows in a
// diff of entry-points.json. After deciding: npm test -- test/package/entry-points --update

import { existsSync } from "node:fs";

import { expect, it } from "vitest";

import manifest from "../../package.json" with { type: "json" };
import { ROOT } from "../support/source.ts";

it("offers exactly the names in entry-points.json", async () => {
  const names: Record<string, string[]> = {};
  for (const subpath of Object.keys(manifest.exports)) {
    const specifier = subpath.replace(".", manifest.name);
    // By the name a user writes, so this goes through the exports of package.json too.
    const module: object = await import(specifier);
    names[specifier] = Object.keys(module).toSorted();
  }
  await expect(`${JSON.stringify(names, null, 2)}\n`).toMatchFileSnapshot("entry-points.json");
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
