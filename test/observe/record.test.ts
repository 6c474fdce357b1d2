import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Provider, SessionEvent, SessionResult } from "loophost";
import { defineAgent, defineTool, openSession, run } from "loophost";
import type { RecordOptions } from "loophost/observe";
import { compareRecordings, readRecording, recordTo } from "loophost/observe";
import { agentcore } from "loophost/providers/agentcore";
import { claude } from "loophost/providers/claude";
import type { ModelFunction } from "loophost/providers/local";
import { local } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { replayProvider, scriptedProvider } from "loophost/testing";
import { agentCoreStandIn } from "loophost/testing/agentcore";
import { describe, expect, it, onTestFinished } from "vitest";

import { anything, done } from "../support/host-events.ts";

const model: ModelFunction = ({ messages }) =>
  messages.at(-1)?.role === "tool"
    ? [
        { type: "text", text: "Both " },
        { type: "text", text: "are on their way." },
        { type: "usage", inputTokens: 20, outputTokens: 4 },
      ]
    : [
        { type: "text", text: "Looking both up." },
        { type: "tool_call", id: "A", name: "look_up", input: { id: 1 } },
        { type: "tool_call", id: "B", name: "look_up", input: { id: 2 } },
        { type: "usage", inputTokens: 10, outputTokens: 3 },
      ];
const lookUp = defineTool({
  name: "look_up",
  description: "Looks an order up.",
  input: anything,
  execute: ({ id }: Record<string, unknown>) => `order ${String(id)}`,
});
const agent = defineAgent({ name: "clerk", instructions: "Look up.", model: "any", tools: [lookUp] });

const providers: Record<string, () => Promise<Provider>> = {
  local: async () => local({ model }),
  claude: async () => {
    const host = embeddedHost({ model });
    const { url } = await host.listen();
    onTestFinished(() => host.close());
    return claude({ baseUrl: url });
  },
  agentcore: async () => {
    const standIn = await agentCoreStandIn({ model });
    onTestFinished(() => standIn.close());
    const { url, harnessArn } = standIn;
    return agentcore({ harnessArn, baseUrl: url, controlBaseUrl: url });
  },
};

/** A run and all it told, but for what is never the same twice: how long tools took, and in which order they finished. */
async function hold(
  provider: Provider,
  observer = {},
): Promise<{ told: string[]; whole: string[]; result: object }> {
  const events: SessionEvent[] = [];
  await using session = await openSession(agent, { provider, observers: [observer] });
  const started = session.send("Orders 1 and 2");
  for await (const event of started) events.push(event);
  const shown = (all: readonly SessionEvent[]) =>
    all.map((event) => JSON.stringify({ ...event, durationMs: undefined })).toSorted();
  const { transcript: _, events: whole, ...result } = await started.result();
  return { told: shown(events), whole: shown(whole), result: comparable(result) };
}

function comparable(result: Omit<SessionResult, "transcript" | "events">): object {
  return JSON.parse(JSON.stringify(result));
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "loophost-record-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function onlyFile(of: string): string {
  const [name = ""] = readdirSync(of);
  return join(of, name);
}

describe.each(Object.keys(providers))("a recording of %s", (name) => {
  it('with deltas: "all" replays to the same events and result', async () => {
    const to = folder();
    const first = await hold((await providers[name]?.())!, recordTo(to, { deltas: "all" }));
    const again = await hold(replayProvider(readFileSync(onlyFile(to), "utf8")));
    expect(again).toEqual(first);
  });

  it("at its defaults replays to the same whole events, result and text", async () => {
    const to = folder();
    const first = await hold((await providers[name]?.())!, recordTo(to));
    const again = await hold(replayProvider(readRecording(readFileSync(onlyFile(to), "utf8"))));
    expect(again.whole).toEqual(first.whole);
    expect(again.result).toEqual(first.result);
  });
});

describe("a recording's file", () => {
  const say = (text: string) => scriptedProvider({ turns: [[{ type: "message", text }, done]] });
  const record = (observer: ReturnType<typeof recordTo>, provider: Provider = say("secret-canary")) =>
    run(agent, { provider, prompt: "go", observers: [observer] });

  it("is for this user alone, in a folder that is made", async () => {
    const to = join(folder(), "deep", "down");
    await record(recordTo(to));
    expect(statSync(onlyFile(to)).mode & 0o777).toBe(0o600);
    expect(statSync(to).mode & 0o777).toBe(0o700);
  });

  it("holds what redact gives, and nothing of what it fails on", async () => {
    for (const redact of [(text: string) => text.replaceAll("secret-canary", "[x]"), fail] as const) {
      const to = folder();
      await record(recordTo(to, { redact }));
      const text = readFileSync(onlyFile(to), "utf8");
      expect(text).not.toContain("secret-canary");
      expect(readRecording(text).entries.map(({ event }) => event.type)).toEqual(
        expect.arrayContaining(["run.started", "message", "run.ended"]),
      );
    }
  });

  it("stays in the folder, whatever a host calls its session", async () => {
    const to = join(folder(), "in");
    const provider = say("hi");
    const open: Provider["open"] = async (request) => ({
      ...(await provider.open(request)),
      sessionId: "../../out/x",
    });
    await record(recordTo(to), { ...provider, open });
    expect(readdirSync(to)).toHaveLength(1);
    expect(existsSync(join(to, "..", "..", "out"))).toBe(false);
  });

  it("is that of one session alone: ids that differ only in what no name may hold, or beyond its length", async () => {
    const to = folder();
    const recorder = recordTo(to);
    const long = "q".repeat(200);
    const ids = ["a/b", "a_b", "a.b", "../a_b", "s.1", `${long}1`, `${long}2`];
    for (const sessionId of ids) {
      const provider = say("hi");
      const open: Provider["open"] = async (request) => ({ ...(await provider.open(request)), sessionId });
      await record(recorder, { ...provider, open });
    }
    const heads = readdirSync(to).map((file) => readRecording(readFileSync(join(to, file), "utf8")).head);
    expect(heads.map(({ sessionId }) => sessionId).toSorted()).toEqual(ids.toSorted());
  });

  it("that a crash tore off is read again once the session goes on in it, wherever it was torn", async () => {
    const to = folder();
    await record(recordTo(to));
    const whole = readFileSync(onlyFile(to));
    const all = readRecording(whole.toString()).entries.length;
    for (const cut of [
      1,
      30,
      whole.indexOf("\n"),
      whole.indexOf("\n") + 9,
      whole.length - 20,
      whole.length - 1,
    ]) {
      writeFileSync(onlyFile(to), whole.subarray(0, cut));
      await record(recordTo(to));
      const left =
        whole
          .subarray(0, cut + 1)
          .toString()
          .split("\n").length - 2;
      expect(readRecording(readFileSync(onlyFile(to), "utf8")).entries, `cut at ${cut}`).toHaveLength(
        all + Math.max(left, 0),
      );
    }
  });

  it("is bounded: a full one makes room for the next, which begins with a head", async () => {
    const to = folder();
    const recorder = recordTo(to, { maxBytes: 2_000 });
    const provider = scriptedProvider({
      turns: [
        [...Array.from({ length: 40 }, (_, n) => ({ type: "message", text: `message ${n}` }) as const), done],
      ],
    });
    await record(recorder, provider);
    expect(readdirSync(to).toSorted()).toEqual(["scripted_1.1.jsonl", "scripted_1.jsonl"]);
    for (const file of readdirSync(to)) {
      expect(statSync(join(to, file)).size).toBeLessThan(2_600);
      expect(readRecording(readFileSync(join(to, file), "utf8")).head.sessionId).toBe("scripted_1");
    }
  });

  it("that cannot be written stops its recording, is told once, and ends no run", async () => {
    const to = join(folder(), "file");
    writeFileSync(to, "");
    const errors: unknown[] = [];
    const result = await record(recordTo(to, { onError: (error) => errors.push(error) }));
    expect([result.ending, errors.length]).toEqual(["completed", 1]);
  });

  it("leaves the host's own events out where that is asked for, and merges pieces", async () => {
    const lines: string[] = [];
    const options: RecordOptions = { raw: false };
    const provider = scriptedProvider({
      turns: [
        [
          { type: "text.delta", text: "he", raw: { of: "theirs" } },
          { type: "text.delta", text: "llo" },
          { type: "message", text: "hello", raw: { of: "theirs" } },
          done,
        ],
      ],
    });
    await record(
      recordTo((line) => lines.push(line), options),
      provider,
    );
    const text = lines.join("\n");
    expect(text).not.toContain("theirs");
    const { entries } = readRecording(`${text}\n`);
    expect(entries.flatMap(({ event }) => (event.type === "text.delta" ? event.text : []))).toEqual([
      "hello",
    ]);
  });

  it("that a crash tore off reads up to its last whole line; one that is none says which line", async () => {
    const lines: string[] = [];
    await record(recordTo((line) => lines.push(line)));
    const whole = `${lines.join("\n")}\n`;
    expect(readRecording(whole.slice(0, -20)).entries).toHaveLength(lines.length - 2);
    // Joined, or saved by an editor: a last line that is whole counts, with or without its line break.
    expect(readRecording(lines.join("\n"))).toEqual(readRecording(whole));
    // As Windows writes text.
    expect(readRecording(`\uFEFF${whole.replaceAll("\n", "\r\n")}`)).toEqual(readRecording(whole));
    expect(() => readRecording(`${lines[0]}\ntorn\n${lines[1]}\n`)).toThrow(/Line 2.*not JSON/);
    expect(() => readRecording(`${lines[0]}\n{}\n`)).toThrow(/Line 2/);
    expect(() => readRecording("{}\n")).toThrow(/Line 1/);
    expect(() => readRecording("")).toThrow(/Line 1/);
  });
});

it("two recordings are compared by what was done: the first call that differs, or another end [A-249]", async () => {
  const recorded = async (...ids: number[]) => {
    const lines: string[] = [];
    const calls = ids.map(
      (id, index) => ({ type: "call", id: `c${index}`, name: "look_up", input: { id } }) as const,
    );
    const asks = {
      type: "turn.done",
      ending: "requires_action",
      stopReason: "",
      needs: calls.map(({ id }) => id),
    } as const;
    const provider = scriptedProvider({ turns: [[...calls, asks], [done]] });
    await run(agent, { provider, prompt: "go", observers: [recordTo((line) => lines.push(line))] });
    return readRecording(`${lines.join("\n")}\n`);
  };
  const [a, same, other, fewer] = [
    await recorded(1, 2),
    await recorded(1, 2),
    await recorded(1, 3),
    await recorded(1),
  ];
  expect(compareRecordings(a, same).partAt).toBeUndefined();
  expect(compareRecordings(a, other).partAt).toBe(1);
  expect(compareRecordings(a, fewer).partAt).toBe(1);
  expect(compareRecordings(fewer, a).partAt).toBe(1);
});

function fail(): string {
  throw new Error("no");
}
