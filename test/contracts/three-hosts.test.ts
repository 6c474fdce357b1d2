// One agent on three loop hosts: the same calls, and the same fields in the result. Turns apart: AgentCore hands calls off one
// after the other, each in a turn of its own.

import { execFileSync } from "node:child_process";

import { defineAgent, defineTool, run } from "loophost";
import type { Provider } from "loophost";
import { agentcore } from "loophost/providers/agentcore";
import { claude } from "loophost/providers/claude";
import { local } from "loophost/providers/local";
import type { ModelFunction } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { agentCoreStandIn } from "loophost/testing/agentcore";
import { expect, it, onTestFinished } from "vitest";

const model: ModelFunction = ({ messages }) => {
  const last = messages.at(-1);
  if (last?.role === "tool")
    return [
      { type: "text", text: last.results.map(({ result }) => JSON.stringify(result.content)).join(" ") },
      { type: "usage", inputTokens: 20, outputTokens: 4 },
    ];
  return [
    { type: "text", text: "Looking both up." },
    { type: "tool_call", id: "tooluse_A", name: "look_up", input: { id: 1 } },
    { type: "tool_call", id: "tooluse_B", name: "look_up", input: { id: 2 } },
    { type: "usage", inputTokens: 10, outputTokens: 3 },
  ];
};

const lookUp = defineTool({
  name: "look_up",
  description: "Looks an order up.",
  input: { type: "object", properties: { id: { type: "number" } }, required: ["id"] },
  execute: ({ id }: Record<string, unknown>) => `order ${String(id)}`,
});
const agent = defineAgent({ name: "clerk", instructions: "Look up.", model: "any", tools: [lookUp] });

async function hosts(): Promise<readonly Provider[]> {
  const standIn = await agentCoreStandIn({ model });
  const host = embeddedHost({ model });
  const listening = await host.listen();
  onTestFinished(async () => {
    await standIn.close();
    await listening.close();
    await host.close();
  });
  const { url, harnessArn } = standIn;
  return [
    local({ model }),
    claude({ baseUrl: listening.url }),
    agentcore({ harnessArn, baseUrl: url, controlBaseUrl: url }),
  ];
}

it("runs one agent on three hosts to the same calls and the same result", async () => {
  const results = [];
  for (const provider of await hosts()) {
    const result = await run(agent, { provider, prompt: "Orders 1 and 2" });
    const { terminal, ending, text, usage, toolCalls, serverToolCalls, output } = result;
    const calls = toolCalls.map(({ name, input }) => ({ name, input }));
    results.push({
      terminal,
      ending,
      text,
      usage,
      calls,
      serverToolCalls,
      output,
      fields: Object.keys(result),
    });
  }
  const [here, hosted, harness] = results;
  expect(here).toMatchObject({
    ending: "completed",
    calls: [
      { name: "look_up", input: { id: 1 } },
      { name: "look_up", input: { id: 2 } },
    ],
  });
  expect(harness).toEqual(here);
  expect(hosted).toEqual({ ...here, fields: expect.any(Array) });
});

it("loads no AWS package before the first request [A-054]", () => {
  const program = `
    import { registerHooks } from "node:module";
    let asked = 0;
    registerHooks({
      resolve(specifier, context, next) {
        if (/aws-sdk|smithy/.test(specifier)) asked += 1;
        return next(specifier, context);
      },
    });
    const { agentcore } = await import("loophost/providers/agentcore");
    agentcore({ harnessArn: "arn:aws:bedrock-agentcore:us-west-2:123456789012:harness/Demo-AbCdEf1234" });
    const before = asked;
    await import("@aws-sdk/client-bedrock-agentcore");
    console.log(before, asked > 0);
  `;
  const args = ["--conditions=loophost:source", "--input-type=module", "-e", program];
  expect(execFileSync(process.execPath, args, { encoding: "utf8" }).trim()).toBe("0 true");
});

it("names the package to install when there is none [A-085]", () => {
  const program = `
    import { registerHooks } from "node:module";
    registerHooks({
      resolve(specifier, context, next) {
        if (/^@aws-sdk/.test(specifier)) throw Object.assign(new Error("none"), { code: "ERR_MODULE_NOT_FOUND" });
        return next(specifier, context);
      },
    });
    const { defineAgent, run } = await import("loophost");
    const { agentcore, createClient } = await import("loophost/providers/agentcore");
    const harnessArn = "arn:aws:bedrock-agentcore:us-west-2:123456789012:harness/Demo-AbCdEf1234";
    const tell = ({ code, message }) => console.log(code, message);
    const agent = defineAgent({ name: "a", instructions: "" });
    await run(agent, { provider: agentcore({ harnessArn }), prompt: "Hi" }).catch(tell);
    await createClient().harnesses.get("x").catch(tell);
  `;
  const args = ["--conditions=loophost:source", "--input-type=module", "-e", program];
  const said = execFileSync(process.execPath, args, { encoding: "utf8" }).trim().split("\n");
  expect(said).toEqual([
    "missing_dependency agentcore() needs the package @aws-sdk/client-bedrock-agentcore: npm install @aws-sdk/client-bedrock-agentcore",
    "missing_dependency agentcore() needs the package @aws-sdk/client-bedrock-agentcore-control: npm install @aws-sdk/client-bedrock-agentcore-control",
  ]);
});
