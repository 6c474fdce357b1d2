// What is written beside a run, and shown again: --log, --record, replay, compare.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, it, onTestFinished } from "vitest";

import { loophost, modelServer } from "./loophost.ts";

const SUPPORT = fileURLToPath(import.meta.resolve("./agents/support.ts"));

it("a run is logged and recorded, shown again, and compared with another", async () => {
  const folder = mkdtempSync(join(tmpdir(), "loophost-cli-record-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const runs = join(folder, "runs");
  const log = join(folder, "run.log");
  const record = async (id: string) => {
    await using model = await modelServer({ tool: ["lookup_order", { id }] }, { text: "Shipped." });
    const before = new Set(readdirSyncOr(runs));
    const { code } = await loophost(["run", SUPPORT, "Where is it?", "--record", runs, "--log", log], {
      env: model.env,
    });
    expect(code).toBe(0);
    return join(runs, readdirSync(runs).find((name) => !before.has(name)) ?? "");
  };
  const [one, same, other] = [await record("42"), await record("42"), await record("43")];

  expect([statSync(one).mode & 0o777, statSync(log).mode & 0o777]).toEqual([0o600, 0o600]);
  const lines = readFileSync(log, "utf8").trimEnd().split("\n");
  expect(
    lines.map((line) => (JSON.parse(line) as { msg: string }).msg).filter((msg) => msg === "run.ended"),
  ).toHaveLength(3);
  expect(lines.join("\n")).not.toContain("Shipped.");

  const shown = await loophost(["replay", one]);
  expect([shown.code, shown.stdout]).toEqual([0, "Shipped.\n"]);
  expect(shown.stderr).toContain('✓ lookup_order {"id":"42"}');
  expect(shown.stderr).toContain("completed · 2 turns · 1 tool call");
  const events = await loophost(["replay", one, "--json"]);
  expect(events.stdout.split("\n")[0]).toContain('"run.started"');

  expect(await loophost(["compare", one, same])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("They did the same."),
  });
  const parted = await loophost(["compare", one, other]);
  expect(parted.code).toBe(1);
  expect(parted.stdout).toContain('- call lookup_order {"id":"42"}\n+ call lookup_order {"id":"43"}');
  writeFileSync(join(folder, "utf16.jsonl"), `\uFEFF${readFileSync(one, "utf8")}`, "utf16le");
  expect((await loophost(["replay", join(folder, "utf16.jsonl")])).stdout).toBe("Shipped.\n");
  const [head] = readFileSync(one, "utf8").split("\n");
  const edited = join(folder, "edited.jsonl");
  writeFileSync(edited, `${head}\n{"at":1,"run":"r","event":{"type":"tool.finished"}}\n`);
  expect(await loophost(["replay", edited])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("an event in it lacks what belongs to its type"),
  });
  expect(await loophost(["replay", SUPPORT])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("Line 1"),
  });
  expect(await loophost(["compare", one, join(folder, "none")])).toMatchObject({ code: 8 });
});

it("a stored session is exported in the same format: shown again, and the same as what was recorded", async () => {
  const folder = mkdtempSync(join(tmpdir(), "loophost-cli-export-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [runs, exported] = [join(folder, "runs"), join(folder, "exported.jsonl")];
  const store = ["--store", join(folder, "sessions.db")];
  await using model = await modelServer({ tool: ["lookup_order", { id: "42" }] }, { text: "Shipped." });
  await loophost(["run", SUPPORT, "Where is it?", "--record", runs, ...store], { env: model.env });
  const recorded = readdirSync(runs)[0] ?? "";
  const { stdout, code } = await loophost(["sessions", "export", recorded.replace(".jsonl", ""), ...store]);
  expect(code).toBe(0);
  writeFileSync(exported, stdout);
  expect((await loophost(["replay", exported])).stdout).toBe("Shipped.\n");
  expect((await loophost(["compare", join(runs, recorded), exported])).code).toBe(0);
});

function readdirSyncOr(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
