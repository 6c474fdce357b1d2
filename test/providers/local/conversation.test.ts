import { defineAgent, defineTool, openSession, run } from "loophost";
import type { ModelFunction, ModelPart, ModelRequest } from "loophost/providers/local";
import { local, openAICompatible } from "loophost/providers/local";
import { describe, expect, it } from "vitest";

import { startService } from "../../support/model-service.ts";
import { chatReply } from "./models/replies.ts";

const anything = { type: "object" } as const;
const toolCall = (id: string, input: unknown = {}, name = "look"): ModelPart => ({
  type: "tool_call",
  id,
  name,
  input,
});

/** A model that answers with a list of replies, one a call, and keeps what it was asked. */
function scripted(...replies: (string | readonly ModelPart[])[]) {
  const asked: ModelRequest[] = [];
  const model: ModelFunction = (request) => {
    asked.push(request);
    return replies[asked.length - 1] ?? "done";
  };
  return { model, asked };
}

function looker(answer: (input: unknown) => unknown = () => "seen") {
  const inputs: unknown[] = [];
  const look = defineTool({
    name: "look",
    description: "Looks",
    input: anything,
    execute: (input) => {
      inputs.push(input);
      return answer(input);
    },
  });
  return { agent: defineAgent({ name: "looker", instructions: "Look.", tools: [look] }), inputs };
}

describe("the conversation of the in-process host", () => {
  it("runs every call, though the model uses its ids again in each turn", async () => {
    const { agent, inputs } = looker();
    const { model } = scripted(
      [toolCall("0", { n: 1 }), toolCall("1", { n: 2 })],
      [toolCall("0", { n: 3 })],
      "done",
    );
    const result = await run(agent, { provider: local({ model }), prompt: "go" });
    expect(inputs).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(result.toolCalls.map(({ id }) => id)).toEqual(["0", "1", "0#2"]);
    const toolMessages = result.transcript?.filter((message) =>
      JSON.stringify(message).includes('"role":"tool"'),
    );
    expect(JSON.stringify(toolMessages?.[1])).toContain('"callId":"0"');
  });

  it("is seeded by an earlier transcript, verbatim, and reusable as it grows [A-031] [A-102] [B-16]", async () => {
    const { agent } = looker();
    const first = await run(agent, {
      provider: local({ model: scripted([toolCall("a")], "first").model }),
      prompt: "one",
    });
    const { model, asked } = scripted("second");
    const second = await run(agent, {
      provider: local({ model }),
      prompt: "two",
      history: first.transcript ?? [],
    });
    expect(asked[0]?.messages.slice(0, -1)).toEqual(first.transcript);
    expect(second.transcript).toHaveLength((first.transcript?.length ?? 0) + 2);
  });

  it.each([
    ["history", "x"],
    ["history[0]", [{ role: "system" }]],
    ["history[0]", [null]],
    [
      "history[1]",
      [
        { role: "user", content: [] },
        { role: "user", content: "hello" },
      ],
    ],
    ["history[0]", [{ role: "tool" }]],
  ])("refuses what is no transcript, naming %s", async (what, history) => {
    const { model } = scripted();
    const started = run(looker().agent, {
      provider: local({ model }),
      prompt: "x",
      history: history as never,
    });
    await expect(started).rejects.toMatchObject({
      code: "invalid_options",
      message: expect.stringContaining(`${what} is not`),
    });
  });

  it("does not hold a message its model has no form for, and goes on", async () => {
    await using service = await startService(chatReply({ content: "ok" }));
    const provider = local({ model: openAICompatible({ baseUrl: service.url, model: "m" }) });
    await using session = await openSession(looker().agent, { provider });
    const refused = session.send([{ type: "document", url: "https://example.com/a.pdf" }]).result();
    await expect(refused).rejects.toMatchObject({ code: "invalid_options" });
    const { transcript } = await session.send("hello").result();
    expect(transcript?.map(({ role }) => role)).toEqual(["user", "assistant"]);
  });

  it("leaves no call without a result: what was not answered is closed when the next message comes [F4-turn-limit]", async () => {
    const { agent } = looker();
    const { model, asked } = scripted([toolCall("a")], "fine");
    await using session = await openSession(agent, { provider: local({ model }), limits: { maxTurns: 1 } });
    await expect(session.send("go").result()).rejects.toMatchObject({ code: "max_turns_exceeded" });
    await session.send("again").result();
    expect(asked[1]?.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "user"]);
  });
});

describe("guards for weak models", () => {
  const guarded = (model: ModelFunction, guards: Parameters<typeof local>[0]["guards"] = true) =>
    local({ model, guards });

  it("answer a repeated call without running it, and go on when there is nothing else to run [A-097] [L-17]", async () => {
    const { agent, inputs } = looker();
    const { model, asked } = scripted(
      [toolCall("a", { x: 1, y: 2 })],
      [toolCall("b", { y: 2, x: 1 })],
      "done",
    );
    const result = await run(agent, { provider: guarded(model), prompt: "go" });
    expect(inputs).toHaveLength(1);
    expect(result.terminal).toBe("end_turn");
    expect(JSON.stringify(asked[2]?.messages.at(-1))).toContain("not run again");
    expect(
      result.events.some(
        (event) => event.type === "provider" && JSON.stringify(event.raw).includes("duplicate_call"),
      ),
    ).toBe(true);
  });

  it("let a call that failed be tried again [L-35]", async () => {
    let failures = 1;
    const { agent, inputs } = looker(() => {
      if (failures-- > 0) throw new Error("busy");
      return "seen";
    });
    const { model } = scripted([toolCall("a", { n: 1 })], [toolCall("b", { n: 1 })], "done");
    await run(agent, { provider: guarded(model), prompt: "go" });
    expect(inputs).toHaveLength(2);
  });

  it("advise the model after two failures of a tool in a row, not after a success between [A-098]", async () => {
    const fails = new Set([1, 2, 4]);
    const { agent } = looker((input) => {
      if (fails.has((input as { n: number }).n)) throw new Error(`no ${JSON.stringify(input)}`);
      return "seen";
    });
    const { model, asked } = scripted(...[1, 2, 3, 4].map((n) => [toolCall(`c${n}`, { n })]), "done");
    await run(agent, { provider: guarded(model), prompt: "go" });
    const advised = asked.map(({ messages }) => JSON.stringify(messages.at(-1)).includes("failed 2 times"));
    expect(advised).toEqual([false, false, true, false, false]);
  });

  it("ask for the final answer in the last turn, naming the terminal tool [A-099]", async () => {
    const { agent } = looker();
    const last = scripted([toolCall("a")], "answer");
    await run(agent, { provider: guarded(last.model), prompt: "go", limits: { maxTurns: 2 } });
    expect(JSON.stringify(last.asked[1]?.messages.at(-1))).toContain("last turn");
    const named = scripted([toolCall("a")], "answer");
    const terminal = defineAgent({ name: "t", instructions: "", tools: agent.tools, terminalTool: "look" });
    await run(terminal, { provider: guarded(named.model), prompt: "go", limits: { maxTurns: 2 } });
    expect(JSON.stringify(named.asked[1]?.messages.at(-1))).toContain("Call look now");
  });

  it("begin anew with every message, and are off unless asked for [A-100]", async () => {
    const { agent, inputs } = looker();
    const { model } = scripted([toolCall("a")], "one", [toolCall("b")], "two");
    await using session = await openSession(agent, { provider: guarded(model) });
    await session.send("first").result();
    await session.send("second").result();
    expect(inputs).toHaveLength(2);
    await run(agent, {
      provider: local({ model: scripted([toolCall("a")], [toolCall("b")], "done").model }),
      prompt: "go",
    });
    expect(inputs).toHaveLength(4);
  });
});

describe("compaction", () => {
  const spent = (tokens: number): ModelPart => ({ type: "usage", inputTokens: tokens });
  const long = "x".repeat(4_000);

  it("empties the oldest tool results first, and tells what was dropped", async () => {
    const { agent } = looker(() => long);
    const turns = Array.from({ length: 10 }, (_, index) => [
      toolCall(`c${index}`, { index }),
      spent(index < 9 ? 100 : 5_000),
    ]);
    const { model, asked } = scripted(...turns, "done");
    const result = await run(agent, {
      provider: local({ model, compaction: { aboveTokens: 4_000 } }),
      prompt: "go",
    });
    const compacted = result.events.find((event) => event.type === "context.compacted");
    expect(compacted).toMatchObject({ messagesBefore: 21, messagesAfter: 21 });
    const size = (index: number) => JSON.stringify(asked[index]?.messages).length;
    expect(size(10)).toBeLessThan(size(9));
    expect(JSON.stringify(asked[10]?.messages.at(-1))).toContain(long);
    expect(JSON.stringify(asked[10]?.messages[2])).toContain("left out");
  });

  it("has the model write a summary when that is not enough, keeping calls and results together", async () => {
    const { agent } = looker(() => "short");
    const turns = Array.from({ length: 6 }, (_, index) => [
      { type: "text", text: long } as const,
      toolCall(`c${index}`, { index }),
      spent(index < 5 ? 100 : 5_000),
    ]);
    const asked: ModelRequest[] = [];
    const model: ModelFunction = (request) => {
      asked.push(request);
      if (request.instructions.startsWith("Summarise"))
        return [{ type: "text", text: "the summary" }, spent(7)];
      return turns[asked.length - 1] ?? "done";
    };
    const provider = local({ model, compaction: { aboveTokens: 4_000 } });
    const { usage } = await run(agent, { provider, prompt: "go" });
    // The tokens of the summary are among those of the run.
    expect(usage.inputTokens).toBe(5 * 100 + 5_000 + 7);
    const after = asked.at(-1)?.messages ?? [];
    expect(JSON.stringify(after[0])).toContain("the summary");
    expect(after.filter(({ role }) => role === "tool").length).toBe(
      after.filter(({ role }) => role === "assistant").length,
    );
  });

  it("is the caller's to do otherwise", async () => {
    const { agent } = looker();
    const { model, asked } = scripted([toolCall("a"), spent(5_000)], "done");
    const compact = (messages: readonly unknown[]) => messages.slice(0, 1) as never;
    const result = await run(agent, {
      provider: local({ model, compaction: { aboveTokens: 4_000, compact } }),
      prompt: "go",
    });
    expect(asked[1]?.messages.map(({ role }) => role)).toEqual(["user"]);
    expect(result.events.find((event) => event.type === "context.compacted")).toMatchObject({
      messagesBefore: 3,
      messagesAfter: 1,
    });
  });
});
