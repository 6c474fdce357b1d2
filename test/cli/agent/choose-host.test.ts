import { defineAgent } from "loophost";
import { expect, it } from "vitest";

import { chooseHost, withModel } from "../../../src/cli/agent/agent-flags.ts";

const agent = defineAgent({ name: "support", instructions: "Be brief." });

it("asks no model of an agent that a harness runs, and one of every other", async () => {
  const baseUrl = "http://127.0.0.1:9";
  const harness = "arn:aws:bedrock-agentcore:eu-west-1:123456789012:harness/support-0123456789";

  const inHarness = await chooseHost("run", { provider: "agentcore", harness, "base-url": baseUrl }, agent);
  expect(inHarness.provider.name).toBe("agentcore");
  for (const provider of ["local", "claude"])
    await expect(chooseHost("run", { provider, "base-url": baseUrl }, agent), provider).rejects.toThrow(
      /support names no model; pass --model/,
    );
  const named = withModel(agent, { model: "scripted" });
  expect((await chooseHost("run", { provider: "local" }, named)).label).toMatch(/scripted/);
});
