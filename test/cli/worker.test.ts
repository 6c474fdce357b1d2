// loophost worker: a process that runs what others say to sessions, is asked how it is, and drains.

import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { sessions } from "loophost/sessions";
import { expect, it } from "vitest";

import { newStorePath, openedStore } from "../stores/sqlite/files.ts";
import { loophost, start } from "./loophost.ts";

const AGENTS = fileURLToPath(import.meta.resolve("./agents"));
const SUPPORT = join(AGENTS, "support.ts");

it("runs the agents of a folder, says how it is, and ends with 0 when told to stop", async () => {
  const file = newStorePath();
  const worker = start(["worker", AGENTS, "--model", "scripted", "--store", file, "--port", "0"]);
  await worker.saw("Ctrl-C drains it.");
  await using app = sessions({ store: openedStore(file) });
  const chat = await app.create("support", { id: "order-42" });
  await chat.send('lookup_order {"id":"42"}');
  expect(await chat.result()).toMatchObject({ text: "lookup_order answered: shipped" });
  await chat.send("refund {}");
  expect(await chat.result()).toMatchObject({ terminal: "requires_action" });
  await worker.saw("waits for approval of refund");
  // It tells nobody that it is parked, and is in nobody's way.
  const [callId = ""] = (await chat.summary())?.waiting ?? [];
  expect(await chat.approve(callId)).toMatchObject({ applied: true });
  expect(await chat.result()).toMatchObject({ text: "refund answered: paid back" });

  const { said } = worker;
  const [, url = ""] = /Health {2}(\S+)\/healthz/.exec(said.stderr) ?? [];
  const statusOf = async (path: string, method = "GET") => (await fetch(url + path, { method })).status;
  expect(await statusOf("/healthz")).toBe(200);
  expect(await statusOf("/readyz?x=1")).toBe(200);
  expect([await statusOf("/"), await statusOf("/healthz", "POST")]).toEqual([404, 404]);
  worker.child.kill("SIGTERM");
  const ended = await worker.ended;
  expect(ended.code).toBe(0);
  expect(ended.stderr).toContain("keeper (local · scripted (built in)), pace (");
  expect(ended.stdout).toMatch(/ order-42 runs\n.*\n.* order-42 completed · /);
});

it("says what is wrong before it takes any session", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loophost-worker-"));
  await writeFile(join(folder, "helper.mjs"), "export default 1;");
  const store = ["--store", join(folder, "x.db")];
  const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
    [[SUPPORT], 2, /pass --store/],
    [[SUPPORT, ...store, "--max", "0.5"], 2, /--max must be a whole number of at least 1/],
    [[SUPPORT, AGENTS, ...store], 3, /both have an agent named "support"/],
    [[folder, ...store], 3, /helper\.mjs is left out[^]*No file in .* has an agent as its default export/],
  ];
  const ended = await Promise.all(wrong.map(([args]) => loophost(["worker", ...args])));
  for (const [index, [, code, words]] of wrong.entries())
    expect(ended[index]).toMatchObject({ code, stderr: expect.stringMatching(words) });
});
