// Sessions that outlive their process: real processes over one SQLite file, one of them killed.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";

import type { Ended, ModelServer } from "./loophost.ts";
import { loophost, modelServer, start } from "./loophost.ts";

const SUPPORT = fileURLToPath(import.meta.resolve("./agents/support.ts"));
const LEDGER = fileURLToPath(import.meta.resolve("./agents/ledger.ts"));

let folder = "";
let stores = 0;
let store = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loophost-stored-"));
});
beforeEach(() => {
  stores += 1;
  store = join(folder, `${stores}.db`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The variables a command over the store needs. */
function over(model: ModelServer): { env: Record<string, string> } {
  return { env: { ...model.env, LOOPHOST_STORE: store, LEDGER: `${store}.ledger` } };
}

/** Runs the support agent once in a new session; gives its id, too. */
async function begin(model: ModelServer, ...flags: string[]): Promise<Ended & { id: string }> {
  const ended = await loophost(["run", SUPPORT, "hi", ...flags], over(model));
  return { ...ended, id: idIn(ended.stderr) };
}

function idIn(notes: string): string {
  return /^session (\S+) in /m.exec(notes)?.[1] ?? "no id";
}

/** The columns of a session's row in the table, but the last. */
async function rowOf(id: string): Promise<string[]> {
  const { stdout } = await loophost(["sessions", "--store", store]);
  const row = stdout.split("\n").find((line) => line.startsWith(id)) ?? "";
  return row.split(/ {2,}/).slice(1, -1);
}

it("keeps a session in a file, tells its id, and goes on with what was said in it", async () => {
  await using model = await modelServer({ text: "Hello." }, { text: "Again." });
  const { code, stdout, stderr, id } = await begin(model);
  expect([code, stdout]).toEqual([0, "Hello.\n"]);
  expect(stderr).toMatch(/\nsession local_\S+ in \S+\.db\n$/);
  expect(await rowOf(id)).toEqual(["support", "local", "idle", "1"]);

  const second = await loophost(["run", SUPPORT, "and now?", "--session", id], over(model));
  expect([second.code, second.stdout]).toEqual([0, "Again.\n"]);
  expect(model.requests[1]).toMatchObject({
    messages: [
      { role: "system" },
      { content: "hi" },
      { role: "assistant", content: "Hello." },
      { content: "and now?" },
    ],
  });
  expect(await rowOf(id)).toEqual(["support", "local", "idle", "2"]);
});

it("takes up a run whose process was killed over a tool; what had run does not run again [I2] [I3] [I4] [I6]", async () => {
  await using model = await modelServer(
    { tool: ["note", {}] },
    { tool: ["slow", {}] },
    { text: "All noted." },
  );
  await writeFile(`${store}.ledger`, "");
  const killed = start(["run", LEDGER, "go", "--json"], over(model));
  await killed.saw('"type":"tool.started","id":"call_2"');
  // The event is told before the tool runs; it has to have begun.
  await expect.poll(() => readFile(`${store}.ledger`, "utf8")).toContain("slow");
  killed.child.kill("SIGKILL");
  const id = /"sessionId":"([^"]+)"/.exec((await killed.ended).stdout)?.[1] ?? "";
  expect(await rowOf(id)).toEqual(["keeper", "local", "running", "1"]);
  const { stdout: shown } = await loophost(["sessions", "show", id, "--store", store]);
  expect(shown).toContain("  ✓ note  call_1  5 B\n");
  expect(shown).toMatch(
    / … slow {2}call_2 {2}has no result yet\n +not ended: a process is at it, or died over it/,
  );

  // The lease of a process of this machine ends with it: nobody has to wait, or to take anything over.
  const resumed = await loophost(["resume", id, LEDGER], over(model));
  expect([resumed.code, resumed.stdout]).toEqual([0, "All noted.\n"]);
  expect(resumed.stderr).toContain("end_turn · 3 turns · 2 tool calls");
  expect((await readFile(`${store}.ledger`, "utf8")).trim().split("\n")).toEqual([
    `note ${id}:call_1`,
    `slow ${id}:call_2`,
    `slow ${id}:call_2`,
  ]);
  expect(model.requests).toHaveLength(3);

  const again = await loophost(["resume", id, LEDGER], over(model));
  expect([again.code, again.stdout]).toEqual([0, "All noted.\n"]);
  expect(model.requests).toHaveLength(3);
});

it("waits for a session that another process has open, if told to [I6]", async () => {
  await using model = await modelServer({ tool: ["wait", {}] }, { text: "Free at last." });
  const first = start(["run", SUPPORT, "hi", "--json"], over(model));
  await first.saw("tool.started");
  const { stdout } = await loophost(["sessions", "--store", store]);
  const id = /^local_\S+/m.exec(stdout)?.[0] ?? "";
  const second = start(["resume", id, SUPPORT, "--wait"], over(model));
  await second.saw("another process has the session open");
  first.child.kill("SIGINT");
  expect(await first.ended).toMatchObject({ code: 130 });
  expect(await second.ended).toMatchObject({ code: 0, stdout: "Free at last.\n" });
});

it("allows a call that waits, from another process, and goes on", async () => {
  await using model = await modelServer({ tool: ["refund", { sum: 5 }] }, { text: "Paid." });
  const { code, stderr, id } = await begin(model);
  expect(code).toBe(6);
  const rest = `${id} call_1 ${SUPPORT} --store ${store}`;
  const waits = [
    "  ? refund  call_1  waits for approval",
    '    {"sum":5}',
    `    to allow:  loophost approve ${rest}`,
    `    to deny:   loophost deny ${rest}`,
  ];
  expect(stderr).toContain(`${waits.join("\n")}\n`);
  expect(stderr).toContain("loophost: The run stopped at calls that wait: refund for approval. ");
  const { stdout: shown } = await loophost(["sessions", "show", id, "--store", store]);
  expect(shown).toContain(waits.join("\n").replaceAll(SUPPORT, "<agent-file>"));
  expect(await rowOf(id)).toEqual(["support", "local", "waiting", "1", "call_1"]);

  const approved = await loophost(["approve", id, "call_1", SUPPORT], over(model));
  expect([approved.code, approved.stdout]).toEqual([0, "Paid.\n"]);
  expect(approved.stderr).toContain('✓ refund {"sum":5}');
  expect(await rowOf(id)).toEqual(["support", "local", "idle", "1"]);
});

it("records a refusal, and tells the model why once the session is resumed", async () => {
  await using model = await modelServer({ tool: ["refund", {}] }, { text: "Then not." });
  const { id } = await begin(model);
  const deny = ["deny", id, "call_1", SUPPORT, "--why", "too much", "--no-run"];
  const denied = await loophost(deny, over(model));
  expect([denied.code, denied.stdout]).toEqual([0, ""]);
  expect(denied.stderr).toContain(
    `Recorded. To act on it: loophost resume ${id} ${SUPPORT} --store ${store}\n`,
  );
  expect(model.requests).toHaveLength(1);
  expect(await rowOf(id)).toEqual(["support", "local", "running", "1"]);

  expect(await loophost(["resume", id, SUPPORT], over(model))).toMatchObject({
    code: 0,
    stdout: "Then not.\n",
  });
  expect(JSON.stringify(model.requests[1])).toContain("This call was not allowed: too much.");
  expect(await rowOf(id)).toEqual(["support", "local", "idle", "1"]);
});

it("gives the answer to a call that waits for one, and refuses to approve it", async () => {
  await using model = await modelServer(
    { tool: ["ask_customer", { question: "Which?" }] },
    { text: "Thanks." },
  );
  const { code, stderr, id } = await begin(model);
  expect(code).toBe(6);
  expect(stderr).toContain(
    `    to answer: loophost answer ${id} call_1 ${SUPPORT} --store ${store} "<text>"\n`,
  );
  const wrong = await loophost(["approve", id, "call_1", SUPPORT], over(model));
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('loophost: Call "call_1" waits for an answer, not for approval.\n');
  expect(wrong.stderr).toContain('    {"question":"Which?"}\n');

  await writeFile(`${store}.txt`, "Order 42, please.");
  const answered = await loophost(["answer", id, "call_1", SUPPORT, "--file", `${store}.txt`], over(model));
  expect([answered.code, answered.stdout]).toEqual([0, "Thanks.\n"]);
  expect(JSON.stringify(model.requests.at(-1))).toContain("Order 42, please.");
});

it("says which calls wait when asked about another", async () => {
  await using model = await modelServer({ tool: ["refund", {}] });
  const { id } = await begin(model);
  const { code, stderr } = await loophost(["approve", id, "call_9", SUPPORT], over(model));
  expect(stderr).toContain('loophost: Call "call_9" does not wait for approval. Waiting: call_1.\n');
  expect(code).toBe(2);
});

it("refuses an agent that changed, and goes on with it when told to", async () => {
  await using model = await modelServer({ text: "Hello." });
  const { id } = await begin(model);
  const changed = ["run", SUPPORT, "hi", "--session", id, "--model", "other"];
  const { code, stderr } = await loophost(changed, over(model));
  expect(stderr).toMatch(
    /\nloophost: Agent "support": its model changed\. To go on, pass --changed-agent\.\n$/,
  );
  expect(code).toBe(3);
  expect(await loophost([...changed, "--changed-agent"], over(model))).toMatchObject({ code: 0 });
  expect(model.requests[1]).toMatchObject({ model: "other" });
  const { stdout } = await loophost(["sessions", "show", id, "--store", store]);
  expect(stdout).toContain("  The agent was changed.\n");
});

const TIME = "11-21 05:03:21  ";

it("shows what happened in a session, and exports its log", async () => {
  await using model = await modelServer(
    { text: "Let me look.", tool: ["lookup_order", { id: "42" }] },
    { tool: ["lookup_order", { id: "7" }] },
    { text: "One of two." },
  );
  const { id } = await begin(model);
  const { code, stdout, stderr } = await loophost(["sessions", "show", id, "--store", store]);
  expect([code, stderr]).toEqual([0, ""]);
  const [head, status, ...lines] = stdout.split("\n");
  expect(head).toBe(`${id} · support · local`);
  expect(status).toMatch(/^idle · 1 run · updated \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  expect(lines[1]).toMatch(/^\d\d-\d\d \d\d:\d\d:\d\d {2}run_1/);
  expect(lines.map((line) => line.slice(TIME.length))).toEqual([
    "",
    'run_1  "hi"',
    "  turn 1 · 1,200 tokens in, 34 out",
    "    Let me look.",
    '  → lookup_order {"id":"42"}  call_1  11 B',
    "  ✓ lookup_order  call_1  7 B",
    "  turn 2 · 1,200 tokens in, 34 out",
    '  → lookup_order {"id":"7"}  call_2  10 B',
    "  ✗ lookup_order  call_2  Error: no order 7",
    "  turn 3 · 1,200 tokens in, 34 out",
    "    One of two.",
    "  ended: completed · 3 turns · 3,600 tokens in, 102 out",
    "",
  ]);

  const exported = await loophost(["sessions", "export", id, "--entries", "--store", store]);
  const types = exported.stdout
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line).type);
  expect([types[0], types[1], types.at(-1)]).toEqual(["session.opened", "run.started", "run.ended"]);

  expect(await loophost(["sessions", "delete", id, "--store", store])).toMatchObject({ code: 0, stdout: "" });
  expect(await loophost(["sessions", "show", id, "--store", store])).toMatchObject({ code: 8 });
});

it("goes on with a session of a claude host without being told again whose it is", async () => {
  const host = start(["serve", "--port", "0"]);
  let said = "";
  host.child.stdout.on("data", (text) => (said += text));
  await host.saw("Ctrl-C stops it.");
  const url = /http:\S+/.exec(said)?.[0] ?? "";
  const env = { LOOPHOST_STORE: store, ANTHROPIC_BASE_URL: url };
  const first = await loophost(["run", SUPPORT, 'lookup_order {"id":"42"}', "--provider", "claude"], { env });
  const id = idIn(first.stderr);
  expect(await rowOf(id)).toEqual(["support", "claude", "idle", "1"]);
  const second = await loophost(["run", SUPPORT, 'lookup_order {"id":"42"}', "--session", id], { env });
  expect(second).toMatchObject({ code: 0, stdout: "lookup_order answered: shipped\n" });
  const { stdout } = await loophost(["sessions", "show", id, "--store", store]);
  expect(stdout.match(/✓ lookup_order {2}\S+ {2}7 B/g)).toHaveLength(2);
  host.child.kill("SIGINT");
  expect(await host.ended).toMatchObject({ code: 0 });
});

it("ends with 8 and one line for a store or a session that is not there, or is none", async () => {
  await using model = await modelServer({ text: "Hello." });
  await begin(model);
  const missing = await loophost(["sessions", "show", "nobody", "--store", store]);
  expect(missing).toMatchObject({ code: 8, stdout: "" });
  expect(missing.stderr).toMatch(/^loophost: There is no session "nobody" in [^\n]+\n$/);
  const resumed = await loophost(["resume", "nobody", SUPPORT], over(model));
  expect([resumed.code, resumed.stderr]).toEqual([8, expect.stringContaining('no session "nobody"')]);

  const text = join(folder, "text.db");
  await writeFile(text, "This is no database. ".repeat(100));
  const refused = await loophost(["sessions", "--store", text]);
  expect(refused).toMatchObject({ code: 8, stdout: "" });
  expect(refused.stderr).toMatch(/^loophost: [^\n]+\n$/);
  expect(await loophost(["sessions", "--store", join(folder, "nowhere.db")])).toMatchObject({
    code: 8,
    stderr: `loophost: There is no store ${join(folder, "nowhere.db")}.\n`,
  });
});
