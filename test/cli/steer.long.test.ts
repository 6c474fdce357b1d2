// Sessions that a worker runs, spoken to from the command line: in a process of its own, while the worker is at it, and while
// there is none.

import { fileURLToPath } from "node:url";

import { expect, it, onTestFinished } from "vitest";

import { newStorePath, openedStore } from "../stores/sqlite/files.ts";
import { loophost, start } from "./loophost.ts";

const SUPPORT = fileURLToPath(import.meta.resolve("./agents/support.ts"));

/** A store, a worker over it once it is asked for, and what the command line says about it. */
function setUp() {
  const file = newStorePath();
  const cli = (...args: readonly string[]) => loophost(args, { env: { LOOPHOST_STORE: file } });
  const work = async () => {
    const worker = start(["worker", SUPPORT, "--model", "scripted", "--store", file]);
    onTestFinished(() => void worker.child.kill("SIGKILL"));
    await worker.saw("Ctrl-C drains it.");
    return worker;
  };
  return { file, cli, work };
}

it("sends, follows, decides and answers while nobody is there; a worker does it all once it comes", async () => {
  const { cli, work } = setUp();
  const sent = await cli("sessions", "send", "s1", "refund {}", "--agent", "support", "--tenant", "acme");
  expect(sent).toMatchObject({ code: 0, stdout: "Sent to s1; a worker goes on with it.\n" });
  const follower = cli("sessions", "follow", "s1", "--until-idle");
  const worker = await work();
  const parked = await follower;
  expect(parked.code).toBe(6);
  const [, callId = ""] = /loophost approve s1 (\S+) --store/.exec(parked.stderr) ?? [];
  worker.child.kill("SIGKILL");
  await worker.ended;

  const yes = await cli("approve", "s1", callId);
  expect(yes).toMatchObject({
    code: 0,
    stdout: `call ${callId} is allowed. A worker goes on with it.\n`,
    stderr: expect.stringContaining("refund"),
  });
  expect(await cli("approve", "s1", callId)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("It was decided so before"),
  });
  const no = await cli("deny", "s1", callId, SUPPORT, "--why", "too late", "--json");
  expect(JSON.parse(no.stdout)).toMatchObject({ applied: false, isNew: false, decision: { allow: true } });
  expect([no.code, no.stderr]).toEqual([2, expect.stringContaining("that counts: it is allowed")]);

  await work();
  const done = await cli("sessions", "follow", "s1", "--until-idle");
  expect([done.code, done.stdout]).toEqual([0, "refund answered: paid back\n"]);
  // Decided once it is over: the first decision is still the one.
  expect((await cli("deny", "s1", callId)).code).toBe(2);

  const asked = await cli("sessions", "send", "s1", "ask_customer {}", "--follow");
  expect(asked.code).toBe(6);
  const [, question = ""] = /loophost answer s1 (\S+) --store \S+ "<text>"/.exec(asked.stderr) ?? [];
  expect(await cli("approve", "s1", question)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("waits for an answer, not for approval"),
  });
  expect(await cli("answer", "s1", question, "blue")).toMatchObject({ code: 0 });
  const answered = await cli("sessions", "follow", "s1", "--until-idle", "--json");
  const events = answered.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(events.at(-1)).toMatchObject({ type: "run.ended", ending: "completed" });
  const { seq } = events.at(-2);
  const rest = await cli("sessions", "follow", "s1", "--until-idle", "--json", "--after", String(seq));
  expect(
    rest.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual(events.slice(-1));
});

it("stops a run in another process, tells a message once under its key, and lists by tenant and status", async () => {
  const { cli, work } = setUp();
  await work();
  await cli("sessions", "send", "s2", "wait {}", "--agent", "support", "--tenant", "acme");
  await expect.poll(async () => (await cli("sessions", "--json")).stdout).toContain("running");
  const stopped = await cli("interrupt", "s2");
  expect(stopped).toMatchObject({ code: 0, stdout: "s2 is asked to stop.\n" });
  const over = await cli("sessions", "follow", "s2", "--until-idle");
  expect([over.code, over.stderr]).toEqual([130, expect.stringContaining("ended: interrupted")]);
  expect((await cli("interrupt", "s2")).stdout).toBe("s2 has no run open to be stopped.\n");

  const send = () => cli("sessions", "send", "s2", 'lookup_order {"id":"42"}', "--key", "k", "--json");
  const receipts = await Promise.all([send(), send()]);
  expect(receipts.filter(({ stdout }) => JSON.parse(stdout).isNew)).toHaveLength(1);
  expect((await cli("sessions", "follow", "s2", "--until-idle")).stdout).toContain(
    "lookup_order answered: shipped\n",
  );

  const rows = async (...flags: string[]) =>
    (await cli("sessions", "list", "--json", ...flags)).stdout.split("\n").length - 1;
  expect(await rows("--tenant", "acme", "--status", "idle")).toBe(1);
  expect([await rows("--tenant", "other"), await rows("--status", "failed")]).toEqual([0, 0]);
  expect((await cli("sessions", "show", "s2")).stdout).toContain("interrupted");
});

it("ends with 130 when it is told to stop following a run, which goes on", async () => {
  const { file } = setUp();
  const args = ["sessions", "send", "s4", "wait {}", "--agent", "support", "--follow", "--store", file];
  const follower = start(args);
  const store = openedStore(file);
  await expect.poll(() => store.inbox.read("s4", 1)).toHaveLength(1);
  follower.child.kill("SIGTERM");
  expect(await follower.ended).toMatchObject({
    code: 130,
    stderr: expect.stringContaining("Interrupted; the session goes on."),
  });
});

it("prunes what nobody spoke to for long, and leaves what waits, runs or has something to do", async () => {
  const { cli, file, work } = setUp();
  await cli("sessions", "send", "todo", "hello", "--agent", "other");
  await work();
  await cli("sessions", "send", "parked", "refund {}", "--agent", "support", "--follow");
  await cli("sessions", "send", "done", "hello", "--agent", "support", "--follow");
  expect((await cli("sessions", "prune", "--older-than", "1d")).stderr).toContain("Deleted 0 of before");
  const dry = await cli("sessions", "prune", "--older-than", "0s", "--dry-run");
  expect(dry.stdout).toMatch(/^done {2}support /);
  expect(dry.stderr).toMatch(/^Would delete 1 of before .* 2 as old stay/);
  expect((await cli("sessions", "show", "done")).code).toBe(0);
  expect((await cli("sessions", "prune", "--older-than", "0s")).stderr).toContain("Deleted 1 of before");
  expect((await cli("sessions", "show", "done")).code).toBe(8);
  const { log } = openedStore(file);
  expect(await log.read("parked", 0, 1)).toHaveLength(1);
});

it("says what is not there, and how a session that no worker runs is spoken to", async () => {
  const { cli, file } = setUp();
  const model = { OPENAI_BASE_URL: "http://127.0.0.1:1/v1" };
  const run = await loophost(["run", SUPPORT, "hello", "--model", "scripted", "--store", file], {
    env: model,
  });
  const [, id = ""] = /^session (\S+) in /m.exec(run.stderr) ?? [];
  const said = await Promise.all([
    cli("sessions", "send", id, "again"),
    cli("interrupt", id),
    cli("approve", id, "call_1"),
    cli("sessions", "send", "nobody", "hello"),
    cli("interrupt", "nobody"),
    cli("sessions", "send", "new", "hello", "--agent", "support"),
  ]);
  expect(said.map(({ code }) => code)).toEqual([2, 2, 2, 8, 8, 0]);
  expect(said[0].stderr).toContain(`Say it with: loophost run <agent-file> "…" --session ${id}`);
  expect(said[1].stderr).toContain("Stop it where it runs");
  expect(said[2].stderr).toContain("The agent file is missing");
  const typo = await cli("approve", "new", "call_1");
  expect([typo.code, typo.stderr]).toEqual([2, expect.stringContaining('no call "call_1" in session new')]);
  expect(await cli("sessions", "follow", id)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('use "sessions show"'),
  });
});
