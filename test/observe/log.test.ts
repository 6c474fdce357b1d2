import { defineAgent, defineTool, run } from "loophost";
import type { LogRecord } from "loophost/observe";
import { logTo } from "loophost/observe";
import { scriptedProvider } from "loophost/testing";
import { expect, it } from "vitest";

import { anything, call, done, needs } from "../support/host-events.ts";

const CANARIES = ["prompt-canary", "input-canary", "result-canary", "answer-canary", "error-canary"];
const look = defineTool({
  name: "look",
  description: "Looks.",
  input: anything,
  execute: () => "result-canary",
});
const breaks = defineTool({
  name: "breaks",
  description: "Breaks.",
  input: anything,
  execute: () => Promise.reject(new Error("error-canary")),
});
const agent = defineAgent({ name: "a", instructions: "prompt-canary", tools: [look, breaks] });

async function logged(
  options: Parameters<typeof logTo>[1],
): Promise<{ lines: string[]; records: LogRecord[] }> {
  const lines: string[] = [];
  const records: LogRecord[] = [];
  const observer = logTo((line, record) => {
    lines.push(line);
    records.push(record);
  }, options);
  const provider = scriptedProvider({
    turns: [
      [
        { type: "text.delta", text: "answer-canary" },
        call("x", "look", { of: "input-canary" }),
        call("y", "breaks"),
        needs("x", "y"),
      ],
      [{ type: "message", text: "answer-canary" }, { type: "stream.lost", reason: "error-canary" }, done],
    ],
  });
  await run(agent, {
    provider,
    prompt: "prompt-canary",
    observers: [observer],
    metadata: { tenant: "t1", session: "theirs", tool: "theirs" },
  });
  return { lines, records };
}

it("writes a line of JSON for each fact, by its level, with the session's metadata and never what was said [A-236]", async () => {
  const { lines, records } = await logged({});
  expect(records.map(({ level, msg }) => `${level} ${msg}`)).toEqual([
    "info run.started",
    "info tool.finished",
    "warn tool.finished",
    "warn stream.lost",
    "info run.ended",
  ]);
  expect(lines.map((line) => JSON.parse(line))).toEqual(
    records.map((record) => JSON.parse(JSON.stringify(record))),
  );
  for (const record of records)
    expect(record).toMatchObject({ session: "scripted_1", run: "run_1", tenant: "t1", agent: "a" });
});

it.each(["debug", "info", "warn", "error"] as const)(
  "at level %s nothing that was said is written, in any form",
  async (level) => {
    for (const format of ["json", "text"] as const) {
      const { lines } = await logged({ level, format });
      for (const canary of CANARIES) expect(lines.join("\n")).not.toContain(canary);
    }
  },
);

it("writes words for people, and further fields", async () => {
  const { lines } = await logged({ format: "text", level: "warn", fields: () => ({ trace: "t r" }) });
  expect(lines[0]).toMatch(
    /^\S+ warn tool\.finished session=scripted_1 run=run_1 agent=a .*tenant=t1 tool=breaks trace="t r"/,
  );
});

it("tells what a run took with its end", async () => {
  const { records } = await logged({});
  expect(records.at(-1)).toMatchObject({ msg: "run.ended", turn: 2, ms: expect.any(Number) });
});

it("keeps a line one line, and a terminal as it is, whatever tools and metadata are called", async () => {
  const lines: string[] = [];
  const evil = "x\n2026 error run.failed\u001B[2J\u009B2J\u2028y";
  const provider = scriptedProvider({ turns: [[call("x", evil, {}), needs("x")], [done]] });
  const observers = [logTo((line) => lines.push(line), { format: "text", level: "debug" })];
  await run(agent, { provider, prompt: "go", observers, metadata: { [evil]: evil } });
  // oxlint-disable-next-line no-control-regex -- those are what must not be there
  for (const line of lines) expect(line).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u2028\u2029]/);
  expect(lines.join("\n")).toContain("\\u009b2J");
});

it("says what is wrong with its options", () => {
  expect(() => logTo("file" as never)).toThrow(/function/);
  expect(() => logTo(console.error, { level: "all" as never })).toThrow(/level/);
});
