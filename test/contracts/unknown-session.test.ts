// What an id comes to that nobody has used: where hosts make the ids it is refused, where callers do it begins a conversation.

import { defineAgent, openSession } from "loophost";
import { agentcore } from "loophost/providers/agentcore";
import { claude } from "loophost/providers/claude";
import { local } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { expect, it } from "vitest";

const agent = defineAgent({ name: "support", instructions: "", model: "any" });
const sessionId = "3b1f0c1e-6d0e-4f53-9a53-0c1d3b6f2a11";
const harnessArn = "arn:aws:bedrock-agentcore:eu-west-1:123456789012:harness/support-AbCdEf1234";

it.each([local({ model: () => "Hello." }), agentcore({ harnessArn })])(
  "begins a conversation under it at $name",
  async (provider) => {
    await using session = await openSession(agent, { provider, sessionId });
    expect(session.id).toBe(sessionId);
  },
);

it("is session_not_found at claude", async () => {
  await using host = embeddedHost({ model: () => "Hello." });
  const { url } = await host.listen();
  const opened = openSession(agent, { provider: claude({ baseUrl: url }), sessionId });
  await expect(opened).rejects.toMatchObject({ code: "session_not_found" });
});
