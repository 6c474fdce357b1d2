// Workers that are drained, hurried and killed, beside others on the same store.

import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { SessionRef } from "loophost/sessions";
import { sessions } from "loophost/sessions";
import { expect, it, onTestFinished } from "vitest";

import { newStorePath, openedStore } from "../stores/sqlite/files.ts";
import type { Started } from "./loophost.ts";
import { start } from "./loophost.ts";

const PACE = fileURLToPath(import.meta.resolve("./agents/pace.ts"));

const lines = async (file: string): Promise<readonly string[]> =>
  (await readFile(file, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");

/** Starts workers over one file, and gives a session of theirs. */
async function setUp(...workers: readonly (readonly string[])[]) {
  const file = newStorePath();
  const ledger = join(dirname(file), "ledger");
  const run = async (flags: readonly string[]): Promise<Started> => {
    const args = ["worker", PACE, "--model", "scripted", "--store", file, ...flags];
    const worker = start(args, { env: { LEDGER: ledger } });
    onTestFinished(() => void worker.child.kill("SIGKILL"));
    await worker.saw("Ctrl-C drains it.");
    return worker;
  };
  const started = await Promise.all(workers.map(run));
  const app = sessions({ store: openedStore(file) });
  const chat = await app.create("pace");
  const begun = (times = 1) =>
    expect
      .poll(async () => (await lines(ledger)).filter((line) => line.startsWith("began")).length)
      .toBe(times);
  return { started, run, file, chat, ledger, begun };
}

/** The worker that has said that it runs the session. */
function whoRuns(started: readonly Started[], chat: SessionRef): readonly [Started, Started | undefined] {
  const index = started.findIndex(({ said }) => said.stdout.includes(`${chat.id} runs`));
  const [runs] = started.slice(index);
  if (runs === undefined) throw new Error("nobody runs it");
  return [runs, started.find((_, other) => other !== index)];
}

it("waits for a tool when it is drained; another worker goes on after it, and the tool ran once", async () => {
  const { started, chat, ledger, begun } = await setUp([], []);
  await chat.send('take {"ms":1500}');
  await begun();
  const [runs, other] = whoRuns(started, chat);
  runs.child.kill("SIGTERM");
  expect((await runs.ended).code).toBe(0);
  expect(await lines(ledger)).toEqual([expect.stringMatching(/^began/), expect.stringMatching(/^ended/)]);
  expect(await chat.result()).toMatchObject({ text: "take answered: taken", turns: 2 });
  expect(other?.said.stdout).toContain(`${chat.id} completed`);
  expect(await lines(ledger)).toHaveLength(2);
});

it("lets go of a tool that outlasts the grace, and of everything at the second signal", async () => {
  const { started, run, chat, begun } = await setUp(["--grace-ms", "200"]);
  await chat.send('take {"ms":60000}');
  await begun();
  started[0]?.child.kill("SIGTERM");
  expect((await started[0]?.ended)?.code).toBe(0);
  const patient = await run(["--grace-ms", "60000"]);
  await begun(2);
  patient.child.kill("SIGTERM");
  await patient.saw("Draining: 1 at work.");
  patient.child.kill("SIGTERM");
  expect((await patient.ended).code).toBe(130);
});

it("drains, and ends with 1, when nobody reads its output any more: a supervisor starts it again", async () => {
  const { started, chat } = await setUp([]);
  started[0]?.child.stdout.destroy();
  await chat.send('take {"ms":1}');
  const ended = await started[0]?.ended;
  expect(ended).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("Nobody reads the output any more"),
  });
});

it("ends with 8 when the file of its store was removed: it would look into the old one for ever", async () => {
  const { started, file } = await setUp(["--port", "0"]);
  const [, url = ""] = /Health {2}(\S+)\/healthz/.exec(started[0]?.said.stderr ?? "") ?? [];
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  await rm(file);
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  const ended = await started[0]?.ended;
  expect(ended).toMatchObject({ code: 8, stderr: expect.stringContaining("removed or replaced") });
});

it("goes on with what a killed worker had, from its last step", async () => {
  const { started, chat, ledger, begun } = await setUp([], []);
  await chat.send('take {"ms":600}');
  await begun();
  const [runs] = whoRuns(started, chat);
  runs.child.kill("SIGKILL");
  expect(await chat.result()).toMatchObject({ text: "take answered: taken" });
  expect(await lines(ledger)).toHaveLength(3);
});
