// Sessions that are taken up again, stopped and gone on with.

import { expect, it } from "vitest";

import { defineAgent, defineTool, openSession } from "../../../src/index.ts";
import type { ModelFunction } from "../../../src/providers/local/models/function-model.ts";
import { memoryStore } from "../../../src/stores/memory.ts";
import { manualClock } from "../../../src/testing/manual-clock.ts";
import { providerFor, saidTo, standIn } from "./support.ts";

const callsOnce: ModelFunction = ({ messages }) => {
  const last = messages.at(-1);
  if (last?.role === "tool") return `It said: ${JSON.stringify(last.results[0]?.result.content)}`;
  if (JSON.stringify(last).includes("again")) return "Fine.";
  return [{ type: "tool_call", id: "tooluse_A", name: "look", input: { at: "x" } }];
};

const input = { type: "object", properties: { at: { type: "string" } } } as const;
const external = defineAgent({
  name: "looker",
  instructions: "Look.",
  tools: [defineTool({ name: "look", description: "Looks.", input })],
});

it("takes a waiting call up in another process, and resumes with its result alone [A-053] [A-056] [A-160]", async () => {
  const host = await standIn({ model: callsOnce });
  const store = memoryStore();
  const provider = providerFor(host);
  const first = await openSession(external, { provider, store });
  const { id: sessionId } = first;
  expect(host.requests).toEqual([]);
  await first.send("Go", { ifWaiting: "return" }).result();
  await first.close();
  const asked = host.requests.length;

  await using second = await openSession(external, { provider: providerFor(host), store, sessionId });
  expect(host.requests).toHaveLength(asked);
  const resumed = second.resume();
  for await (const event of resumed) if (event.type === "run.waiting") break;
  await second.answer("tooluse_A", {
    content: [{ type: "image", url: "https://x.test/a.png" }],
    isError: false,
  });
  const result = await resumed.result();
  expect(result.text).toContain("image at https://x.test/a.png");
  expect(result.toolCalls).toEqual([{ id: "tooluse_A", name: "look", input: { at: "x" } }]);
  expect(saidTo(host)[1]).toEqual([
    {
      role: "assistant",
      content: [{ toolUse: { toolUseId: "tooluse_A", name: "look", input: { at: "x" } } }],
    },
    {
      role: "user",
      content: [
        {
          toolResult: {
            toolUseId: "tooluse_A",
            status: "success",
            content: [{ text: expect.stringContaining("image at") }],
          },
        },
      ],
    },
  ]);
});

it("tells a call that waits only once it is on record, so that nobody sees one a crash would lose", async () => {
  const signal = new AbortController().signal;
  const content = [{ type: "text", text: "Go" }] as const;
  for (const isInterrupted of [false, true]) {
    const told: string[] = [];
    const writes: (() => void)[] = [];
    const connection = await providerFor(await standIn({ model: callsOnce })).open({
      agent: external,
      sessionId: undefined,
      history: undefined,
      cursor: undefined,
      emit: ({ type }) => void told.push(type),
      whenKept: () => new Promise((resolve) => void writes.push(resolve)),
      aroundModel: (_, work) => work(),
      traceContext: () => ({}),
      signal,
    });
    const sent = connection.send([{ type: "message", content }], signal);
    await expect.poll(() => writes).toHaveLength(1);
    writes[0]?.();
    await sent;
    await expect.poll(() => writes).toHaveLength(2);
    expect(told).not.toContain("call");
    if (isInterrupted) await connection.send([{ type: "interrupt" }], signal);
    writes[1]?.();
    await expect.poll(() => told.at(-1)).toBe("turn.done");
    await connection.close();
    expect(told.includes("call")).toBe(!isInterrupted);
  }
});

it("closes a call that was stopped before anything else is said", async () => {
  const host = await standIn({ model: callsOnce });
  await using session = await openSession(external, { provider: providerFor(host) });
  const run = session.send("Go");
  for await (const event of run) if (event.type === "run.waiting") await session.interrupt();
  expect((await run.result()).ending).toBe("interrupted");
  expect((await session.send("again").result()).text).toBe("Fine.");
  expect(JSON.stringify(saidTo(host)[1])).toContain("stopped by the user");
});

it("stops the machine where an interrupt is to do so, and what waited is gone with it", async () => {
  const host = await standIn({ model: callsOnce });
  const provider = providerFor(host, { onInterrupt: "stop" });
  await using session = await openSession(external, { provider });
  const run = session.send("Go");
  for await (const event of run) if (event.type === "run.waiting") await session.interrupt();
  expect((await run.result()).ending).toBe("interrupted");
  expect(host.requests.map(({ path }) => path.split("/").at(-1))).toEqual(["invoke", "stopruntimesession"]);
  expect((await session.send("again").result()).text).toBe("Fine.");
  expect(saidTo(host)).toHaveLength(2);
});

it("says that a turn was lost when the process died in its middle, and goes on with the session", async () => {
  const host = await standIn({ model: () => "Hello there." });
  const store = memoryStore();
  host.fail({ is: "silence", at: 2 });
  const agent = defineAgent({ name: "talker", instructions: "Talk." });
  const dying = await openSession(agent, { provider: providerFor(host), store });
  const { id: sessionId } = dying;
  for await (const event of dying.send("Hi")) if (event.type === "text.delta") break;
  await dying.close();

  await using session = await openSession(agent, { provider: providerFor(host), store, sessionId });
  const lost = session.resume().result();
  await expect(lost).rejects.toMatchObject({ code: "host_failed", hostCode: "turn_lost", mayRetry: false });
  expect((await session.send("Once more").result()).text).toBe("Hello there.");
  expect(saidTo(host)).toHaveLength(2);
});

it("merges its tools with those of the harness, and lets them in", async () => {
  const host = await standIn({ model: callsOnce });
  const [, id = ""] = host.harnessArn.split("harness/");
  const browser = { type: "agentcore_browser", name: "browser" };
  host.harnesses.update(id, { tools: [browser], allowedTools: ["browser"] });
  await using session = await openSession(external, { provider: providerFor(host, { tools: "merge" }) });
  await session.send("Go", { ifWaiting: "return" }).result();
  const { body } = host.requests.find(({ path }) => path === "/harnesses/invoke") ?? {};
  expect(body).toMatchObject({
    tools: [browser, { type: "inline_function", name: "look" }],
    allowedTools: ["browser", "@*/look", "look"],
  });
});

it("takes a call that has the id of an older one for a new one, in this process and in the next", async () => {
  const ran: unknown[] = [];
  const look = defineTool({
    name: "look",
    description: "Looks.",
    input,
    execute: ({ at }: Record<string, unknown>, { callId }) => {
      ran.push([callId, at]);
      return "seen";
    },
  });
  const agent = defineAgent({ name: "looker", instructions: "Look.", tools: [look] });
  let turn = 0;
  const host = await standIn({
    model: () => {
      turn += 1;
      // Numbered anew in each message, as some vendors do; every third has no call.
      return turn % 3 === 0
        ? "Done."
        : [{ type: "tool_call", id: "call_0", name: "look", input: { at: String(turn) } }];
    },
  });
  const store = memoryStore();
  const first = await openSession(agent, { provider: providerFor(host), store });
  await first.send("Go").result();
  await first.close();
  await using second = await openSession(agent, { provider: providerFor(host), store, sessionId: first.id });
  expect((await second.send("Go").result()).text).toBe("Done.");
  expect(ran).toEqual([
    ["call_0", "1"],
    ["call_0~2", "2"],
    ["call_0~3", "4"],
    ["call_0~4", "5"],
  ]);
});

it("stops the machine of a session that waits for a call nobody saw, so that it can be spoken to", async () => {
  const host = await standIn({ model: callsOnce });
  host.fail({ is: "reset", at: 2 });
  await using session = await openSession(external, { provider: providerFor(host) });
  await expect(session.send("Go").result()).rejects.toMatchObject({ code: "host_failed" });
  const run = session.send("again");
  const { text, events } = await run.result();
  expect(text).toBe("Fine.");
  expect(events).toContainEqual(expect.objectContaining({ type: "retrying" }));
  expect(host.requests.map(({ path }) => path.split("/").at(-1))).toEqual([
    "invoke",
    "invoke",
    "stopruntimesession",
    "invoke",
  ]);
});

it("can be spoken to at once when an answer was refused because an earlier process had sent it", async () => {
  const host = await standIn({ model: callsOnce });
  const store = memoryStore();
  let runs = 0;
  const look = defineTool({
    name: "look",
    description: "Looks.",
    input,
    execute() {
      host.fail({ is: "silence", at: 0 });
      return String((runs += 1));
    },
  });
  const looker = defineAgent({ name: "looker", instructions: "Look.", tools: [look] });
  const clock = manualClock();
  const dying = await openSession(looker, { provider: providerFor(host), store, clock });
  const lost = dying.send("Go").result();
  lost.catch(() => undefined);
  await expect.poll(() => saidTo(host).length).toBe(2);
  // It waits for the reply to begin, for so long.
  const closed = dying.close();
  await clock.advance(5_000);
  await closed;

  await using session = await openSession(looker, {
    provider: providerFor(host),
    store,
    sessionId: dying.id,
  });
  await expect(session.resume().result()).rejects.toMatchObject({
    hostCode: "turn_lost",
    mayRetry: false,
    message: expect.stringMatching(/answer to its call was refused.* handoff /),
  });
  expect((await session.send("again").result()).text).toBe("Fine.");
  expect([runs, saidTo(host).length]).toEqual([1, 4]);
});
