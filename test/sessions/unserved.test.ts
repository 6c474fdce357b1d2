// Sessions of an agent that a worker has not, because it was renamed or is another worker's.

import { defineAgent } from "loophost";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";
import { memoryStore } from "loophost/stores/memory";
import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

it("says once for each agent that it has not, and leaves its sessions to others", async () => {
  const store = memoryStore();
  const clock = manualClock();
  const told: string[] = [];
  const served = (name: string) => ({
    agent: defineAgent({ name, instructions: "" }),
    provider: local({ model: () => "done" }),
  });
  const poster = sessions({ store });
  for (const id of ["one", "two"]) await (await poster.create("renamed", { id })).send("Hi");
  await using app = sessions({
    store,
    clock,
    agents: [served("other")],
    onError: ({ code, message }) => told.push(`${code}: ${message}`),
  });
  await app.work();
  for (let second = 0; second < 5; second += 1) await clock.advance(1_000);
  expect(told).toEqual([expect.stringMatching(/^invalid_agent: No agent here is named "renamed"/)]);
  await using has = sessions({ store, agents: [served("renamed")] });
  await has.work();
  for (const id of ["one", "two"]) expect(await has.get(id).result()).toMatchObject({ text: "done" });
});
