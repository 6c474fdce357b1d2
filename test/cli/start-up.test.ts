// How soon a command begins is a matter of how many modules it loads: Node reads, compiles and links each of them first.

import { dirname, join } from "node:path/posix";

import { expect, it } from "vitest";

import { readSources } from "../support/source.ts";

const TEXTS = new Map(readSources().map(({ path, text }) => [path, text]));

/** The modules that are loaded with one: what it imports, and so on; neither `import type` nor `import()`. */
function loadedWith(path: string, loaded = new Set<string>()): ReadonlySet<string> {
  if (loaded.has(path)) return loaded;
  loaded.add(path);
  const imports = (TEXTS.get(path) ?? "").matchAll(/^(?:import|export)(?! type)[^;]*?"(\.[^"]+)";/gm);
  for (const [, specifier = ""] of imports) loadedWith(join(dirname(path), specifier), loaded);
  return loaded;
}

const within = (loaded: ReadonlySet<string>, ...folders: readonly string[]): readonly string[] =>
  [...loaded].filter((path) => folders.some((folder) => path.startsWith(`src/${folder}/`)));

it("loads no command, and little else, for --version and --help", () => {
  const loaded = loadedWith("src/cli/command-line.ts");
  expect(within(loaded, "cli/commands")).toEqual(["src/cli/commands/all.ts"]);
  expect(within(loaded, "providers", "stores", "observe", "server", "sessions")).toEqual([]);
  expect(loaded.size).toBeLessThan(20);
});

it.each([
  ["run", 90],
  ["resume", 90],
  ["worker", 120],
  ["serve", 40],
  ["sessions", 120],
  ["approve", 120],
  ["interrupt", 120],
  ["provision", 60],
  ["store", 40],
])("loads for %s neither loop hosts, nor observers, nor a server, before it knows which", (name, most) => {
  const file = name === "approve" ? "decide" : name;
  const loaded = loadedWith(`src/cli/commands/${file}.ts`);
  expect(loaded.size).toBeGreaterThan(5);
  expect(within(loaded, "providers", "observe", "server", "stand-ins", "stores/sqlite")).toEqual([]);
  expect(loaded.size).toBeLessThan(most);
});
