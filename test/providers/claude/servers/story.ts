// What a user does with any server: says something, has three tools run, stops a run, loses the stream, comes back.

import { defineAgent, defineTool, openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import { expect } from "vitest";

import type { Differences } from "./other-server.ts";
import { startOtherServer } from "./other-server.ts";

/** Plays the whole story on a server with these differences; fails where something is lost, repeated or waited out. */
export async function playStory(how: Differences): Promise<void> {
  await using server = await startOtherServer(how);
  const ran: number[] = [];
  const double = defineTool({
    name: "double",
    description: "Doubles.",
    input: { type: "object" },
    execute({ n }) {
      ran.push(Number(n));
      if (Number(n) === 2) server.cut();
      return String(Number(n) * 2);
    },
  });
  const agent = defineAgent({
    name: "a",
    instructions: "",
    model: "m",
    tools: [double],
    limits: { runTimeoutMs: 8_000 },
  });
  const provider = claude({ baseUrl: server.url, apiKey: "key", retry: { firstDelayMs: 1 } });
  const session = await openSession(agent, { provider });
  const first = await session.send("hello").result();
  expect([first.text, first.ending], "the first message").toEqual(["You said hello.", "completed"]);
  const tools = await session.send("three").result();
  expect(
    [tools.text, ran.toSorted((a, b) => a - b), tools.toolCalls.length],
    "three tools, and a stream that is cut",
  ).toEqual(["Results: 2, 4, 6.", [1, 2, 3], 3]);
  const waiting = session.send("wait");
  for await (const event of waiting) if (event.type === "turn.started") break;
  await session.interrupt();
  expect((await waiting.result()).ending, "an interrupted run").toBe("interrupted");
  expect((await session.send("next").result()).text, "the message after it").toBe("You said next.");
  await session.close();
  const again = await openSession(agent, { provider, sessionId: session.id });
  expect((await again.send("back").result()).text, "attached to again").toBe("You said back.");
  await again.close();
  expect(server.heard, "what the server heard").toEqual(["hello", "three", "wait", "next", "back"]);
  expect(server.results.toSorted(), "the results it got").toEqual(["2", "4", "6"]);
}
