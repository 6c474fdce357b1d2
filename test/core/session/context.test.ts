// The context a tool names is asked for where a session is opened with its agent.

import type { Agent, Tool, ToolContext } from "loophost";
import { defineAgent, defineTool, openSession, run } from "loophost";
import { scriptedProvider } from "loophost/testing";
import { describe, expectTypeOf, it } from "vitest";

describe("the type of context", () => {
  interface Tenant {
    readonly tenant: string;
  }
  interface Clocked {
    readonly now: () => number;
  }
  const shape = { description: "Does it", input: { type: "object" } } as const;
  const ofTenant = defineTool({
    name: "a",
    ...shape,
    execute: (_, { context }: ToolContext<Tenant>) => context.tenant,
  });
  const ofClock = defineTool({
    name: "b",
    ...shape,
    needsApproval: (_, { context }: ToolContext<Clocked>) => context.now() > 0,
  });
  const ofNone = defineTool({ name: "c", ...shape, execute: () => "done" });
  const made = (tools: readonly Tool[]) => defineAgent({ name: "a", instructions: "", tools });
  const provider = scriptedProvider();

  it("goes from the tools to the agent: what all of them need together", () => {
    const both = defineAgent({ name: "a", instructions: "", tools: [ofTenant, ofClock, ofNone] });
    expectTypeOf(both).toEqualTypeOf<Agent<undefined, Tenant & Clocked>>();
    expectTypeOf(defineAgent({ name: "a", instructions: "", tools: [ofNone] })).toEqualTypeOf<
      Agent<undefined>
    >();
    expectTypeOf(defineAgent({ name: "a", instructions: "" })).toEqualTypeOf<Agent<undefined>>();
    // A list whose tools nobody named, as MCP servers give, needs nothing.
    expectTypeOf(made([ofTenant])).toEqualTypeOf<Agent<undefined>>();
  });

  it("is asked for where a session is opened, and where an agent is run", async () => {
    const agent = defineAgent({ name: "a", instructions: "", tools: [ofTenant, ofNone] });
    await (await openSession(agent, { provider, context: { tenant: "acme" } })).close();
    // @ts-expect-error -- the tools need a context
    await (await openSession(agent, { provider })).close();
    // @ts-expect-error -- of another kind
    await (await openSession(agent, { provider, context: { tenant: 5 } })).close();
    const typed = () => run(agent, { provider, prompt: "go", context: { tenant: "acme" } });
    // @ts-expect-error -- the tools need a context
    const untyped = () => run(agent, { provider, prompt: "go" });
    expectTypeOf(typed).returns.toEqualTypeOf<ReturnType<typeof untyped>>();
    const free = defineAgent({ name: "a", instructions: "", tools: [ofNone] });
    await (await openSession(free, { provider })).close();
    await (await openSession(free, { provider, context: 5 })).close();
  });

  it("does not keep a tool or an agent from being passed on as any tool or agent", () => {
    expectTypeOf(ofTenant).toExtend<Tool>();
    const agent = defineAgent({ name: "a", instructions: "", tools: [ofTenant] });
    expectTypeOf(agent).toExtend<Agent>();
  });
});
