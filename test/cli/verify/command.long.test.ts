// `loophost verify` as a command: against `loophost serve`-like hosts, and what it writes.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createClient } from "loophost/providers/claude";
import { embeddedHost } from "loophost/server";
import { replayProvider } from "loophost/testing";
import { expect, it, onTestFinished } from "vitest";

import { leaksIn } from "../../../src/cli/verify/redaction.ts";
import { loophost } from "../loophost.ts";
import { obedient } from "./obedient.ts";

async function hosted(): Promise<string> {
  const host = embeddedHost({ model: obedient });
  onTestFinished(() => host.close());
  return (await host.listen()).url;
}

it("tells what it will send, asks, and prints what is documented beside what was seen", async () => {
  const url = await hosted();
  const unasked = await loophost(["verify", "--provider", "claude", "--base-url", url]);
  expect(unasked.code).toBe(2);
  expect(unasked.stdout).toMatch(/about \d+ requests to a model, some [\d,]+ tokens in/);
  expect(unasked.stderr).toContain("needs a yes");

  const folder = mkdtempSync(join(tmpdir(), "loophost-verify-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const args = ["verify", "--provider", "claude", "--base-url", url, "--yes", "--record", folder];
  const { code, stdout } = await loophost(args);
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/\d\d as documented, 0 not, 1 not for this host\./),
  ]);
  // What was made there is gone, and what was written leaks nothing and can be given back.
  expect(await Array.fromAsync(createClient({ baseUrl: url }).sessions.list())).toEqual([]);
  const files = readdirSync(folder);
  expect(files).toEqual(
    expect.arrayContaining(["manifest.json", "claude.tool.one.jsonl", "claude.tool.one.requests.jsonl"]),
  );
  for (const file of files) expect(leaksIn(readFileSync(join(folder, file), "utf8")), file).toEqual([]);
  expect(replayProvider(readFileSync(join(folder, "claude.tool.one.jsonl"), "utf8")).name).toBe("claude");
});

it.each([
  [["verify"], 2, "Name the provider"],
  [["verify", "--provider", "nobody", "--yes"], 2, 'There is no provider "nobody"'],
  [["verify", "--provider", "openai", "--yes"], 4, "set OPENAI_API_KEY"],
  [["verify", "--provider", "claude", "--only", "none"], 2, 'There is no scenario "none"'],
])("%o ends with %i [A-253]", async (args, code, says) => {
  expect(await loophost(args)).toMatchObject({ code, stderr: expect.stringContaining(says) });
});
