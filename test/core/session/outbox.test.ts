// What was delivered is on record, so that nobody delivers it again.

import { defineAgent, defineTool, openSession } from "loophost";
import { memoryStore } from "loophost/stores/memory";
import { scriptedProvider, settleMicrotasks } from "loophost/testing";
import { expect, it } from "vitest";

import { anything, call, done, needs } from "../../support/host-events.ts";

const note = defineTool({ name: "note", description: "Notes", input: anything, execute: () => "noted" });
const agent = defineAgent({ name: "a", instructions: "", tools: [note] });

it("a result the host has is not posted again by the next process, though the host tells the call once more", async () => {
  const store = memoryStore();
  const live = scriptedProvider({ turns: [[call("a", "note"), needs("a")], [done]] });
  const first = await openSession(agent, { provider: live, store });
  await first.send("go").result();
  await first.close();
  const posted = live.sent.filter(({ type }) => type === "tool_result");
  expect(posted).toHaveLength(1);

  const past = [{ type: "turn.began" }, call("a", "note"), needs("a")] as const;
  const provider = scriptedProvider({ past });
  await using next = await openSession(agent, { provider, store, sessionId: first.id });
  const run = next.resume();
  run.result().catch(() => undefined);
  await settleMicrotasks(); // time to post it, were it not on record
  provider.emit(done);
  await run.result();
  expect(provider.sent.filter(({ type }) => type === "tool_result")).toEqual([]);
});
