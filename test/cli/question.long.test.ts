// The question whether a call may run, at a real terminal: what it shows, and who decides.

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { readLog } from "loophost/stores/sessions";
import { sqliteStore } from "loophost/stores/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { ModelServer } from "./loophost.ts";
import { loophost, modelServer, start } from "./loophost.ts";

const SUPPORT = fileURLToPath(import.meta.resolve("./agents/support.ts"));
const HAS_TERMINALS = existsSync("/usr/bin/script");
const COMMAND = `echo fine # ${"and fine ".repeat(20)}\u202e; rm -rf /`;
const REFUND = { tool: ["refund", { command: COMMAND }] } as const;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loophost-question-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const ask = (model: ModelServer, ...flags: string[]) =>
  start(["run", SUPPORT, "hi", ...flags], { env: { ...model.env, TERM: "xterm" }, isAtTerminal: true });

/** What the one session of a store has on record. */
async function typesIn(file: string): Promise<{ id: string; types: unknown[] }> {
  const store = sqliteStore(file);
  const [found] = await store.records.list("sessions", "", 1);
  const types = [];
  for await (const { entry } of readLog(store, found?.key ?? "")) types.push(Object(entry).type);
  await store.close();
  return { id: found?.key ?? "", types };
}

describe.skipIf(!HAS_TERMINALS)("at a terminal", () => {
  it.each([
    ["y\r", "paid back"],
    ["n\r", "the user refused this call"],
    ["\r", "the user refused this call"],
    ["yn\r", "the user refused this call"],
  ])("shows the whole input, and takes %j for its answer", async (keys, result) => {
    await using model = await modelServer(REFUND, { text: "Done." });
    const run = ask(model);
    await run.saw("Run it? [y/N]");
    run.type(keys);
    const { code, stdout } = await run.ended;
    expect(code).toBe(0);
    expect(stdout).toContain(JSON.stringify(COMMAND).replace("\u202e", "\\u202e"));
    expect(JSON.stringify(model.requests.at(-1))).toContain(result);
  });

  it.each([
    ["Ctrl-C", "\u0003", 130, "loophost: Interrupted. Nothing was decided."],
    ["Ctrl-D", "\u0004", 6, "loophost: The run stopped at calls that wait: refund for approval."],
  ])("leaves a call undecided at %s, for another process to decide", async (name, key, code, says) => {
    await using model = await modelServer(REFUND, { text: "Done." });
    const store = join(folder, `${name}.db`);
    const run = ask(model, "--store", store);
    await run.saw("Run it? [y/N]");
    run.type(key);
    const ended = await run.ended;
    expect(ended.stdout).toContain(says);
    expect(ended.code).toBe(code);
    expect(model.requests).toHaveLength(1);
    const { id, types } = await typesIn(store);
    expect(types).toContain("run.waiting");
    expect(types).not.toContain("decided");

    const approved = await loophost(["approve", id, "call_1", SUPPORT, "--store", store], { env: model.env });
    expect(approved).toMatchObject({ code: 0, stdout: "Done.\n" });
    expect(JSON.stringify(model.requests.at(-1))).toContain("paid back");
  });

  it("leaves a call undecided when its window is closed", async () => {
    await using model = await modelServer(REFUND, { text: "Done." });
    const store = join(folder, "window.db");
    const run = ask(model, "--store", store);
    await run.saw("Run it? [y/N]");
    run.child.kill("SIGKILL"); // the terminal goes, and hangs up on what runs in it
    await run.ended;
    const { id, types } = await typesIn(store);
    expect(types).not.toContain("decided");
    const denied = ["deny", id, "call_1", SUPPORT, "--store", store, "--wait"];
    expect(await loophost(denied, { env: model.env })).toMatchObject({ code: 0, stdout: "Done.\n" });
  });
});
