// `loophost run` against a model on loopback: what it prints where, and what it ends with.

import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";

import type { LoopStep } from "loophost";
import { replaySteps } from "loophost/testing";
import { expect, it } from "vitest";

import type { SessionEvent } from "../../src/core/events.ts";
import type { Reply } from "./loophost.ts";
import { loophost, modelServer, start } from "./loophost.ts";

const SUPPORT = fileURLToPath(import.meta.resolve("./agents/support.ts"));

const LOOKUP: Reply[] = [
  { text: "Let me look.", tool: ["lookup_order", { id: "42" }] },
  { text: "Order 42 was shipped." },
];

it("prints the agent's words, and beside them each call with time and size, and the tokens", async () => {
  await using model = await modelServer(...LOOKUP);
  const { code, stdout, stderr } = await loophost(["run", SUPPORT, "Where is order 42?"], { env: model.env });
  expect([code, stdout]).toEqual([0, "Let me look.\nOrder 42 was shipped.\n"]);
  expect(stderr).toMatch(/^support · local · test-model at 127\.0\.0\.1:\d+\n/);
  expect(stderr).toMatch(/ {2}✓ lookup_order \{"id":"42"\} {2}(?:<1|\d+) ms {2}7 B\n/);
  expect(stderr).toMatch(/\nend_turn · 2 turns · 1 tool call · 2,400 tokens in, 68 out · /);
  expect(stderr).not.toContain("\u001b");
});

it("prints one event per line with --json, and nothing else, whatever a tool prints", async () => {
  await using model = await modelServer(...LOOKUP);
  const { code, stdout, stderr } = await loophost(["run", SUPPORT, "hi", "--json"], { env: model.env });
  const events = stdout
    .trimEnd()
    .split("\n")
    .map((line): SessionEvent => JSON.parse(line));
  expect(code).toBe(0);
  const types = events.map(({ type }) => type);
  expect([types[0], types.at(-1)]).toEqual(["run.started", "run.ended"]);
  expect(types).toEqual(expect.arrayContaining(["tool.called", "tool.finished", "message", "usage"]));
  expect(
    events
      .filter((event) => event.type === "text.delta")
      .map(({ text }) => text)
      .join(""),
  ).toBe("Let me look.Order 42 was shipped.");
  expect(stderr).toBe("a tool may print\n");
});

it("reads the prompt from standard input, and asks the model that --model names", async () => {
  await using model = await modelServer({ text: "ok" });
  await loophost(["run", SUPPORT, "-", "--model", "other"], { env: model.env, stdin: "from a pipe" });
  expect(model.requests[0]).toMatchObject({
    model: "other",
    messages: [{ role: "system" }, { role: "user", content: "from a pipe" }],
  });
});

it.each<[code: number, replies: Reply[], problem: string]>([
  [
    6,
    [{ finish: "length", text: "cut" }],
    'The run ended without an answer: max_tokens (stop reason "length").',
  ],
  [6, [{ finish: "content_filter" }], "The run ended without an answer: refusal"],
  [
    6,
    [{ tool: ["refund", {}] }],
    "calls that wait: refund for approval. Run it in a terminal to be asked, or with --yes",
  ],
  [6, [{ tool: ["ask_customer", {}] }], "calls that wait: ask_customer for answer."],
  [7, [{ tool: ["lookup_order", { id: "42" }] }], "more than 3 turns"],
])("ends with %i after %j", async (code, replies, problem) => {
  await using model = await modelServer(...replies);
  const ended = await loophost(["run", SUPPORT, "hi"], { env: model.env });
  expect(ended.stderr).toContain(`loophost: The run `);
  expect(ended.stderr).toContain(problem);
  expect(ended.code).toBe(code);
});

it("allows what asks for approval with --yes", async () => {
  await using model = await modelServer({ tool: ["refund", {}] }, { text: "Done." });
  const { code, stderr } = await loophost(["run", SUPPORT, "hi", "--yes"], { env: model.env });
  expect(stderr).toContain("✓ refund");
  expect(code).toBe(0);
});

it("shows a failed call with what the model was told", async () => {
  await using model = await modelServer({ tool: ["lookup_order", { id: "7" }] }, { text: "Sorry." });
  const { code, stderr } = await loophost(["run", SUPPORT, "hi"], { env: model.env });
  expect(stderr).toMatch(/✗ lookup_order \{"id":"7"\} {2}(?:<1|\d+) ms {2}Error: no order 7/);
  expect(code).toBe(0);
});

it.each<[code: number, env: Record<string, string>, flags: string[], problem: string]>([
  [4, {}, [], "The local host needs a model: set ANTHROPIC_API_KEY or OPENAI_BASE_URL, or try"],
  [4, { ANTHROPIC_API_KEY: "", OPENAI_BASE_URL: "" }, [], "The local host needs a model"],
  [4, { OPENAI_API_KEY: "sk-secret" }, [], "OPENAI_BASE_URL"],
  [4, {}, ["--provider", "claude"], "The claude host needs an API key: set ANTHROPIC_API_KEY."],
  [4, {}, ["--provider", "claude", "--base-url", "http://example.com"], "needs an API key"],
  [2, {}, ["--provider", "claude", "--base-url", "nonsense"], "nonsense is not an address"],
  [2, { OPENAI_BASE_URL: "nonsense" }, [], "OPENAI_BASE_URL must be an http or https address"],
  [2, { OPENAI_BASE_URL: "http://me:sk-secret@host/v1" }, [], "OPENAI_BASE_URL must be"],
  [5, { OPENAI_BASE_URL: "http://127.0.0.1:9/v1" }, [], "127.0.0.1:9"],
  [5, {}, ["--provider", "claude", "--base-url", "http://127.0.0.1:9"], "onnect"],
])(
  "ends with %i and one line without secrets or stack for the surroundings %j %j [I11]",
  async (code, env, flags, problem) => {
    const ended = await loophost(["run", SUPPORT, "hi", ...flags], { env });
    const lines = ended.stderr.trimEnd().split("\n");
    expect(lines.at(-1)).toMatch(/^loophost: /);
    expect(lines.at(-1)).toContain(problem);
    expect(ended.stderr).not.toMatch(/\n\s+at |sk-secret/);
    expect(ended).toMatchObject({ code, stdout: "" });
  },
);

it("asks the Anthropic Messages API when there is a key for it, which it does not print [I11]", async () => {
  await using model = await modelServer({ text: "not its wire" });
  const base = new URL(model.env.OPENAI_BASE_URL).origin;
  const env = { ANTHROPIC_API_KEY: "sk-ant-secret", ANTHROPIC_BASE_URL: base, ...model.env };
  const { stderr } = await loophost(["run", SUPPORT, "hi"], { env });
  expect(stderr).toContain("test-model (Anthropic)");
  expect(stderr).not.toContain("sk-ant-secret");
  expect(model.requests[0]).toMatchObject({ max_tokens: expect.any(Number) });
});

it.each(["a silent model", "a tool that never ends"])("stops %s at Ctrl-C", async (what) => {
  await using model = await modelServer(
    what === "a silent model" ? "silence" : { text: "Wait.", tool: ["wait", {}] },
  );
  const run = start(["run", SUPPORT, "hi", "--json"], { env: model.env });
  await run.saw(what === "a silent model" ? "turn.started" : "tool.started");
  run.child.kill("SIGINT");
  const { code, stderr } = await run.ended;
  const during = what === "a silent model" ? "" : " while wait (call_1) ran";
  expect([code, stderr]).toEqual([130, `loophost: Interrupted${during}.\n`]);
});

it("prints at Ctrl-C how to go on in a stored session: by saying more, for what was stopped is over", async () => {
  const folder = mkdtempSync(join(tmpdir(), "loophost-"));
  await using model = await modelServer({ text: "Wait.", tool: ["wait", {}] }, { text: "Gladly." });
  const run = start(["run", SUPPORT, "hi", "--store", join(folder, "a b.db")], { env: model.env });
  await run.saw("Wait.");
  run.child.kill("SIGINT");
  const { code, stderr } = await run.ended;
  const [, command = ""] = /To go on: loophost (.*)\n$/.exec(stderr) ?? [];
  const words = [...command.matchAll(/["']([^"']*)["']|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare ?? "",
  );
  const more = words.map((word) => (word === "<message>" ? "Go on, please." : word));
  const { stdout } = await loophost(more, { env: model.env });
  // What the tool was stopped in may be taken up before.
  expect([code, stdout]).toEqual([130, expect.stringMatching(/Gladly\.\n$/)]);
  expect(JSON.stringify(model.requests.at(-1))).toContain("Go on, please.");
  rmSync(folder, { recursive: true });
});

it("leaves at Ctrl-C while it waits for a store that another process holds locked", async () => {
  const folder = mkdtempSync(join(tmpdir(), "locked-"));
  const store = join(folder, "sessions.db");
  const args = ["run", SUPPORT, "hello", "--model", "scripted", "--store", store];
  expect((await loophost(args)).code).toBe(0);
  const other = new DatabaseSync(store);
  other.exec("BEGIN IMMEDIATE");
  const run = start(args);
  await run.saw("scripted (built in)");
  const before = performance.now();
  run.child.kill("SIGINT");
  const { code } = await run.ended;
  // The store itself would wait for five seconds.
  expect([code, performance.now() - before < 4_000]).toEqual([130, true]);
  other.close();
  rmSync(folder, { recursive: true });
});

it("leaves at the second Ctrl-C while a tool blocks the event loop", async () => {
  await using model = await modelServer({ tool: ["spin", {}] });
  const running = start(["run", SUPPORT, "hi"], { env: { ...model.env, TERM: "xterm" }, isAtTerminal: true });
  await running.saw("spinning");
  // A key pressed before the last one was looked at counts with it.
  const pressing = setInterval(() => running.type("\u0003"), 200);
  const { code } = await running.ended;
  clearInterval(pressing);
  // Killed; a shell between us and it says that it was interrupted.
  expect(code === 130 || code === 137, String(code)).toBe(true);
});

it("leaves no watcher behind", async () => {
  await using model = await modelServer({ text: "done" });
  const ended = await loophost(["run", SUPPORT, "hi"], { env: model.env, isAtTerminal: true });
  expect(ended.code).toBe(0);
});

it("ends quietly when the reader of its output goes away", async () => {
  await using model = await modelServer({ tool: ["lookup_order", { id: "42" }] });
  const run = start(["run", SUPPORT, "hi", "--json"], { env: model.env });
  await run.saw("turn.started");
  run.child.stdout.destroy();
  const { code, stderr } = await run.ended;
  expect(stderr.replaceAll("a tool may print\n", "")).toBe("");
  expect(code).toBe(0);
});

it("writes the steps of the loop with --steps, which replaySteps replays; a file that is there is left alone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "loophost-steps-"));
  const file = join(folder, "steps.jsonl");
  try {
    await using model = await modelServer(...LOOKUP);
    const ask = ["run", SUPPORT, "Where is order 42?", "--steps", file];
    expect(await loophost(ask, { env: model.env })).toMatchObject({ code: 0 });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const steps = readFileSync(file, "utf8")
      .trimEnd()
      .split("\n")
      .map((line): LoopStep => JSON.parse(line));
    expect(steps.map(({ input }) => input.type)).toEqual(
      expect.arrayContaining(["start", "call", "finished"]),
    );
    expect(replaySteps(steps)).toBeUndefined();
    const without = steps.filter(({ input }) => input.type !== "finished");
    expect(replaySteps(without)).toMatchObject({ step: expect.any(Number) });

    const again = await loophost(ask, { env: model.env });
    expect(again).toMatchObject({ code: 2, stdout: "" });
    expect(again.stderr).toContain(`${file} is there already`);
    expect(readFileSync(file, "utf8").trimEnd().split("\n")).toHaveLength(steps.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
