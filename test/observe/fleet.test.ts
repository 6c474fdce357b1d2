// Sessions that a worker runs, watched as any other.

import { defineAgent } from "loophost";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";
import { expect, it } from "vitest";

import { collect } from "./collector.ts";

it("a worker's sessions are observed, under their own ids, with their tenant", async () => {
  const collected = await collect();
  const agent = defineAgent({ name: "echo", instructions: "", model: "m" });
  await using app = sessions({
    agents: [{ agent, provider: local({ model: () => "hello" }) }],
    observers: [collected.observer],
  });
  await app.work();
  const session = await app.create("echo", { tenant: "t1" });
  await session.send("hi");
  await expect
    .poll(() => collected.tree("loophost.ending"))
    .toBe("invoke_agent echo ending=completed\n  chat m");
  expect(collected.spans[0]?.attributes).toMatchObject({
    "gen_ai.conversation.id": session.id,
    "loophost.metadata.tenant": "t1",
  });
});
