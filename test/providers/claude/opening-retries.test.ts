// A session that is opened over a bad network says so while it waits: there is no run yet, but who watches the session is told.

import type { SessionEvent } from "loophost";
import { defineAgent, openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import { embeddedHost } from "loophost/server";
import { expect, it } from "vitest";

it("tells each retry as an event, with the wait before it, and once", async () => {
  await using host = embeddedHost({ model: () => "Hello." });
  let asked = 0;
  const provider = claude({
    baseUrl: "http://127.0.0.1:1",
    fetch: (input, init) => {
      asked += 1;
      return asked <= 2
        ? Promise.resolve(new Response("busy", { status: 503 }))
        : host.fetch(new Request(input, init));
    },
    retry: { firstDelayMs: 1 },
  });
  const events: SessionEvent[] = [];
  const agent = defineAgent({ name: "a", instructions: "", model: "any" });
  const opening = openSession(agent, { provider, onEvent: (event) => events.push(event) });
  await using session = await opening;
  expect(events).toMatchObject([
    { type: "retrying", attempt: 1, delayMs: expect.any(Number), reason: expect.stringContaining("503") },
    { type: "retrying", attempt: 2 },
  ]);
  const { events: ofRun } = await session.send("Hello").result();
  expect(ofRun.map(({ type }) => type)).not.toContain("retrying");
});
