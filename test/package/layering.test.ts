// Proves the import direction on the real source, and proves the prover on planted violations.

import { expect, it } from "vitest";

import { arrowsOf, circlesOf, layeringProblems } from "../support/layering.ts";
import { readSources } from "../support/source.ts";

it("finds every import in src/ in the allowed direction", () => {
  const sources = readSources();
  expect(sources.length).toBeGreaterThan(0);
  expect(layeringProblems(sources)).toEqual([]);
  expect(circlesOf(arrowsOf(sources))).toEqual([]);
});

it("finds a circle between rooms, type imports included", () => {
  const sources = [
    { path: "src/core/loop/a.ts", text: `import type { B } from "../journal/b.ts";` },
    { path: "src/core/journal/b.ts", text: `import "../loop/a.ts";` },
  ];
  expect(circlesOf(arrowsOf(sources))).toEqual(["core/loop -> core/journal -> core/loop"]);
});

it.each([
  ["src/index.ts", `export { run } from "./core/session/run-once.ts";`],
  ["src/core/journal/journal.ts", `import type { Store } from "../store.ts"; import "../async/abort.ts";`],
  ["src/server/index.ts", `import "../core/journal/ownership.ts";`],
  ["src/cli/main.ts", `import "../conformance/index.ts";`],
  ["src/core/run.ts", `import type { Tool } from "./tool.ts";`],
  ["src/stores/sqlite/index.ts", `import { DatabaseSync } from "node:sqlite"; import "../core/store.ts";`],
  ["src/providers/claude/index.ts", `import "../../core/run.ts"; import "./wire.ts"; import "hono";`],
  ["src/server/index.ts", `import "../stores/memory.ts"; import "../providers/local/index.ts";`],
  ["src/cli/main.ts", `import "../server/index.ts"; await import("../providers/claude/index.ts");`],
])("accepts what %s may import: %s", (path, text) => {
  expect(layeringProblems([{ path, text }])).toEqual([]);
});

it.each([
  ["src/index.ts", `export { claude } from "./providers/claude/index.ts";`, "the front door must not know"],
  ["src/core/run.ts", `import "./session/driver.ts";`, "core must not know core/session"],
  [
    "src/core/loop/machine.ts",
    `import type { J } from "../journal/journal.ts";`,
    "core/loop must not know core/journal",
  ],
  ["src/core/wire/sse.ts", `import "../loop/state.ts";`, "core/wire must not know core/loop"],
  ["src/core/cellar/a.ts", ``, "belongs to no part"],
  ["src/stores/memory.ts", `import "../core/session/driver.ts";`, "stores must not know core/session"],
  ["src/conformance/run.ts", `import "node:fs";`, "no node: import"],
  ["src/server/index.ts", `import "../conformance/index.ts";`, "server must not know conformance"],
  ["src/core/run.ts", `import "../stores/memory.ts";`, "core must not know stores"],
  ["src/core/run.ts", `type T = import("../server/index.ts").T;`, "core must not know server"],
  ["src/core/run.ts", `import { on } from "node:events";`, "no node: import"],
  ["src/core/run.ts", `import { z } from "zod";`, "no dependency"],
  ["src/core/run.ts", `import type { Tool } from "./tool";`, "ends in .ts"],
  ["src/core/run.ts", `import type { Tool } from "./tool.js";`, "ends in .ts"],
  ["src/core/run.ts", `import "../index.ts";`, "core must not know the front door"],
  ["src/stores/memory.ts", `import { log } from "../observe/log.ts";`, "stores must not know observe"],
  ["src/stores/memory.ts", `await import("../observe/log.ts");`, "stores must not know observe"],
  ["src/stores/memory.ts", `import { run } from "loophost";`, "import the file that defines"],
  ["src/stores/memory.ts", `await import(name);`, "cannot be checked"],
  ["src/stores/memory.ts", `import "../support/source.ts";`, "leaves src/"],
  [
    "src/providers/claude/a.ts",
    `import "../local/index.ts";`,
    "providers/claude must not know providers/local",
  ],
  ["src/providers/shared.ts", ``, "belongs to no part"],
  ["src/helpers/strings.ts", ``, "belongs to no part"],
  ["src/server/index.ts", `import "../cli/main.ts";`, "server must not know cli"],
  ["src/server/index.ts", `import "../testing/index.ts";`, "server must not know testing"],
  ["src/cli/main.ts", `import "../testing/index.ts";`, "cli must not know testing"],
  ["src/testing/index.ts", `export * from "./clock.ts";`, "name the exports"],
])("rejects a violation planted in %s: %s", (path, text, problem) => {
  expect(layeringProblems([{ path, text }])).toEqual([expect.stringContaining(problem)]);
});
