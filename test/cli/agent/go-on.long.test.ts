// The commands that are printed to go on with a stored session: as they stand they work, in a shell that has nothing set.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, expect, it } from "vitest";

import { recallAddress, rememberAddress } from "../../../src/cli/stored/session-address.ts";
import { sqliteStore } from "../../../src/stores/sqlite/index.ts";
import type { Started } from "../loophost.ts";
import { loophost, modelServer, start } from "../loophost.ts";

const SUPPORT = fileURLToPath(import.meta.resolve("../agents/support.ts"));

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loophost-go-on-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function serve(): Promise<Started & { url: string }> {
  const started = start(["serve", "--port", "0"]);
  let said = "";
  started.child.stdout.on("data", (text) => (said += text));
  await started.saw("Ctrl-C stops it.");
  return { ...started, url: /http:\S+/.exec(said)?.[0] ?? "" };
}

/** The words of the command that is printed at the end of a line, as a shell reads them. */
function commandIn(notes: string, introduction: string): string[] {
  const line = notes.split("\n").find((candidate) => candidate.includes(introduction)) ?? "";
  const command =
    line
      .split(introduction)[1]
      ?.trim()
      .replace(/^loophost /, "") ?? "";
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
}

it("prints a command that allows a call of a session on a host named by --base-url", async () => {
  const host = await serve();
  const store = join(folder, "with a space.db");
  const run = ["run", SUPPORT, "refund {}", "--provider", "claude", "--model", "m2", "--store", store];
  const waiting = await loophost([...run, "--base-url", host.url]);
  expect(waiting.code).toBe(6);
  const approve = commandIn(waiting.stderr, "to allow:");
  expect(approve.slice(3)).toEqual([SUPPORT, "--store", store, "--model", "m2"]);

  const recorded = await loophost([...approve, "--no-run"]);
  expect([recorded.code, recorded.stderr]).toEqual([0, expect.stringContaining(host.url.slice(7))]);
  const resumed = await loophost(commandIn(recorded.stderr, "To act on it:"));
  expect(resumed).toMatchObject({ code: 0, stdout: "refund answered: paid back\n" });
  host.child.kill("SIGINT");
  await host.ended;
});

it("goes to another host when told to, and stays with the session's until that works; forgets it with the session", async () => {
  const [first, second] = await Promise.all([serve(), serve()]);
  const store = join(folder, "moved.db");
  const run = ["run", SUPPORT, "--provider", "claude", "--store", store];
  const { stderr } = await loophost([...run, "hi", "--base-url", first.url]);
  const id = /^session (\S+) in /m.exec(stderr)?.[1] ?? "";
  const elsewhere = await loophost(["resume", id, SUPPORT, "--store", store, "--base-url", second.url]);
  expect(elsewhere.stderr).toContain(`claude at ${new URL(second.url).host}`);
  // It does not know the session, so it is not where the session is.
  expect(elsewhere.code).not.toBe(0);
  const again = await loophost(["resume", id, SUPPORT, "--store", store]);
  expect([again.code, again.stderr]).toEqual([0, expect.stringContaining(new URL(first.url).host)]);

  await loophost(["sessions", "delete", id, "--store", store]);
  const kept = sqliteStore(store);
  expect(await recallAddress(kept, id)).toEqual({});
  await kept.close();
  for (const host of [first, second]) host.child.kill("SIGINT");
  await Promise.all([first.ended, second.ended]);
});

it("prints the command that takes up a run which an outage ended", async () => {
  const store = join(folder, "outage.db");
  const env = { OPENAI_BASE_URL: "http://127.0.0.1:9/v1" };
  const failed = await loophost(["run", SUPPORT, "hi", "--store", store], { env });
  expect([failed.code, failed.stderr]).toEqual([
    5,
    expect.stringMatching(/\nloophost: .*\. To go on: .*\n$/),
  ]);
  await using model = await modelServer({ text: "Back again." });
  const resumed = await loophost(commandIn(failed.stderr, "To go on:"), { env: model.env });
  expect(resumed).toMatchObject({ code: 0, stdout: "Back again.\n" });
});

it("keeps no secret with the address of a host [I11]", async () => {
  const store = sqliteStore(":memory:");
  const baseUrl = "https://user:secret@agents.example.com:8443/base/?key=secret#secret";
  await rememberAddress(store, "s", { baseUrl, qualifier: "prod" });
  expect(await recallAddress(store, "s")).toEqual({
    baseUrl: "https://agents.example.com:8443/base",
    qualifier: "prod",
  });
  await store.close();
});
