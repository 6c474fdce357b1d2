// The demo's tools can look at everything in their folder, and at nothing else.

import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, it } from "vitest";

import { analystOf } from "../../../src/cli/demo/analyst.ts";
import { openFolder } from "../../../src/cli/demo/folder.ts";

let base = "";

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "loophost-folder-"));
  const root = join(base, "root");
  await mkdir(join(root, "sub", "node_modules"), { recursive: true });
  await writeFile(join(root, "a.md"), "# Title\n\nTwo words\n");
  await writeFile(join(root, "sub", "b.txt"), "one Title more");
  await writeFile(join(root, "sub", "logo.bin"), Buffer.from([1, 0, 2]));
  await writeFile(join(root, "sub", "node_modules", "x.js"), "not looked at");
  await writeFile(join(root, "huge.log"), "x".repeat(1_000_001));
  await writeFile(join(base, "root-secret.txt"), "secret");
  await symlink(join(base, "root-secret.txt"), join(root, "link.txt"));
  await symlink(base, join(root, "up"));
});

afterAll(() => rm(base, { recursive: true, force: true }));

async function use(name: string, input: Record<string, unknown>): Promise<unknown> {
  const agent = analystOf(await openFolder(join(base, "root")), undefined);
  const tool = agent.tools.find((candidate) => candidate.name === name);
  return tool?.execute?.(input, {
    signal: new AbortController().signal,
    callId: "c",
    sessionId: "s",
    idempotencyKey: "k",
    context: undefined,
    metadata: {},
    traceContext: {},
    progress: () => undefined,
  });
}

it("lists what is there, and names what it passes over", async () => {
  expect(await use("list_files", {})).toEqual({
    total: 4,
    total_is_complete: true,
    bytes: 1_000_037,
    files: [
      { path: "a.md", bytes: 19 },
      { path: "huge.log", bytes: 1_000_001 },
      { path: "sub/b.txt", bytes: 14 },
      { path: "sub/logo.bin", bytes: 3 },
    ],
    skipped: ["link.txt", "up", "sub/node_modules/"],
  });
});

it("measures text, and says of the rest why not", async () => {
  expect(await use("measure", {})).toMatchObject({
    text_files: 2,
    lines: 4,
    words: 7,
    bytes: 33,
    not_measured: [
      { path: "huge.log", reason: "too large" },
      { path: "sub/logo.bin", reason: "binary" },
    ],
  });
  expect(await use("measure", { path: "sub/b.txt" })).toMatchObject({ text_files: 1, lines: 1, words: 3 });
});

it("searches lines, whatever their case", async () => {
  expect(await use("search_text", { text: "title" })).toEqual({
    text: "title",
    lines: 2,
    files: 2,
    most: [
      { path: "a.md", lines: 1 },
      { path: "sub/b.txt", lines: 1 },
    ],
    first: [
      { path: "a.md", line: 1, text: "# Title" },
      { path: "sub/b.txt", line: 1, text: "one Title more" },
    ],
  });
});

it("reads a file from a line on", async () => {
  expect(await use("read_file", { path: "a.md", first_line: 3 })).toEqual({
    path: "a.md",
    lines: 3,
    first_line: 3,
    text: "Two words",
  });
  await expect(use("read_file", { path: "sub/logo.bin" })).rejects.toThrow("sub/logo.bin is binary");
  await expect(use("read_file", { path: "huge.log" })).rejects.toThrow("huge.log is too large");
  await expect(use("read_file", { path: "sub" })).rejects.toThrow("sub is not a file");
});

it.each([
  ["..", "is outside the folder"],
  ["../root-secret.txt", "is outside the folder"],
  ["../nothing-here", "is outside the folder"],
  ["sub/../../root-secret.txt", "is outside the folder"],
  ["/etc/passwd", "is outside the folder"],
  ["link.txt", "leads out of the folder"],
  ["up", "leads out of the folder"],
  ["up/root-secret.txt", "leads out of the folder"],
  ["nothing-here", "there is no nothing-here"],
])("does not follow %s out of its folder", async (path, problem) => {
  for (const tool of ["list_files", "measure", "read_file"])
    await expect(use(tool, { path }), tool).rejects.toThrow(problem);
  await expect(use("search_text", { path, text: "secret" })).rejects.toThrow(problem);
});
