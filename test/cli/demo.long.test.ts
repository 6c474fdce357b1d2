// `loophost demo` over real folders: the same agent, in process and over HTTP, and a verdict on all.

import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, it } from "vitest";

import { loophost, modelServer } from "./loophost.ts";

let base = "";
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "loophost-demo-"));
});
afterAll(() => rm(base, { recursive: true, force: true }));

async function folder(name: string, files: Record<string, string | Buffer>): Promise<string> {
  const path = join(base, name);
  await mkdir(path);
  for (const [file, content] of Object.entries(files)) await writeFile(join(path, file), content);
  return path;
}

it("runs the same calls on all three hosts and reports what is really in the folder [A-001]", async () => {
  const path = await folder("notes", {
    "tides.md": "# Tides\n\nThe harbour at noon. The harbour at night.\nA harbour.\n",
    "short.txt": "Nothing of the kind, harbour aside.",
    "photo.bin": Buffer.from([0, 1, 2, 3]),
  });
  const { code, stdout, stderr } = await loophost(["demo", path]);
  expect(stderr).toBe("");
  expect(stdout).toContain("Model   scripted (built in");
  const timeline = [
    "  ✓ list_files",
    "  ✓ measure",
    '  ✓ read_file {"path":"tides.md"}',
    '  ✓ read_file {"path":"short.txt"}',
    '  ✓ search_text {"text":"harbour"}',
  ];
  for (const line of timeline) expect(stdout.split(line), line).toHaveLength(4);
  expect(stdout).toContain(
    [
      "The folder holds 3 files, 102 B.",
      "2 text files have 5 lines and 18 words.",
      "Not measured: photo.bin (binary).",
      'The longest is tides.md, 12 words; it opens with "# Tides".',
      'The word used most in tides.md and short.txt is "harbour": 3 lines of 2 files have it, most of all tides.md (2).',
    ].join("\n"),
  );
  expect(stdout).toContain("✓ The same 5 tool calls, the same inputs, the same order, the same answer.");
  expect(code).toBe(0);
});

it("has a sensible word for an empty folder", async () => {
  const { code, stdout } = await loophost(["demo", await folder("empty", {})]);
  expect(stdout).toContain("The folder holds no files.");
  expect(stdout).toContain("✓ The same 1 tool call,");
  expect(code).toBe(0);
});

it("has a sensible word for a folder without text", async () => {
  const { code, stdout } = await loophost(["demo", await folder("binary", { "a.bin": Buffer.from([0]) })]);
  expect(stdout).toContain("None of them is text.\nNot measured: a.bin (binary).");
  expect(code).toBe(0);
});

it("looks at the docs of this repository unless told otherwise", async () => {
  const { code, stdout } = await loophost(["demo"]);
  expect(stdout).toMatch(/^Folder {2}docs \(\d+ files?\)$/m);
  expect(code).toBe(0);
});

// The super-user reads everything, so there is nothing to see for it.
it.skipIf(process.getuid?.() === 0)("names the files it may not read", async () => {
  const path = await folder("locked", { "a.txt": "open", "b.txt": "closed" });
  await chmod(join(path, "b.txt"), 0);
  const { code, stdout } = await loophost(["demo", path]);
  expect(stdout).toContain("Not measured: b.txt (not readable).");
  expect(code).toBe(0);
});

it("says that the runs differ, and how, when a model does not answer twice alike", async () => {
  const path = await folder("model", { "a.txt": "text" });
  await using model = await modelServer({ text: "One." }, { tool: ["list_files", {}] }, { text: "Two." });
  const { code, stdout } = await loophost(["demo", path, "--model", "m"], { env: model.env });
  expect(stdout).toContain("✗ The runs differ.\n  The first made 0 tool calls, the second 1.\n");
  expect(stdout).toContain("A language model answers anew each time");
  expect(code).toBe(0);
});

it("ends with 6 when a run ends without an answer", async () => {
  const path = await folder("refused", { "a.txt": "text" });
  await using model = await modelServer({ finish: "content_filter" });
  expect(await loophost(["demo", path, "--model", "m"], { env: model.env })).toMatchObject({ code: 6 });
});

it("needs a model's name for an endpoint that has many", async () => {
  const { code, stderr } = await loophost(["demo", base], {
    env: { OPENAI_BASE_URL: "http://127.0.0.1:9/v1" },
  });
  expect([code, stderr]).toEqual([
    2,
    "loophost: No model is named; pass --model <id>. See: loophost demo --help\n",
  ]);
});
