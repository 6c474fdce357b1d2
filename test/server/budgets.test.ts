// Budgets: what sessions cost, and what happens when they may cost no more.

import { describe, expect, it } from "vitest";

import type { HostUnderTest } from "./support.ts";
import { answer, call, follow, message, refusal, say, scripted, startHost } from "./support.ts";

/** A cent for each token that is read, two for each that is written. */
const PRICES = { m: { inputPerMillion: 1_000_000, outputPerMillion: 2_000_000 } };
const limit = (amount: string) => ({ type: "limit", max_list_cost: { amount, currency: "USD" } }) as const;
const usage = { type: "usage", inputTokens: 10, outputTokens: 5 } as const;

async function sessionWith(
  { client }: HostUnderTest,
  budget: object | undefined,
  model = "m",
): Promise<string> {
  const agent = await client.beta.agents.create({
    name: "helper",
    model,
    tools: [{ type: "custom", name: "a", description: "a", input_schema: { type: "object" } }],
  });
  const environment = await client.beta.environments.create({ name: "dev" });
  const session = await client.beta.sessions.create({
    agent: agent.id,
    environment_id: environment.id,
    ...(budget !== undefined && { budget: budget as never }),
  });
  return session.id;
}

describe("a session with a budget", () => {
  it.each([
    ["tells none", []],
    ["tells what is no number", [{ type: "usage", inputTokens: Number.NaN } as const]],
  ])("stops when it cannot count, because the model %s", async (_, told) => {
    await using server = await startHost(scripted([...told, call("c1", "a")], "never"), { prices: PRICES });
    const id = await sessionWith(server, limit("20"));
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    const use = await stream.until("agent.custom_tool_use");
    await stream.idle("requires_action");
    await server.client.beta.sessions.events.send(id, { events: [answer(use.id, "1")] });
    await stream.idle("budget_reached");
    expect(await server.client.beta.sessions.retrieve(id)).not.toHaveProperty("is_uncounted");
  });

  it("stops when it is used up, after what it waits for, and goes on by itself once it is raised [S7-budget]", async () => {
    await using server = await startHost(
      scripted([usage, call("c1", "a")], [usage, { type: "text", text: "done" }]),
      {
        prices: PRICES,
      },
    );
    const id = await sessionWith(server, limit("20"));
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    await stream.idle("requires_action");
    const use = await stream.until("agent.custom_tool_use");
    await server.client.beta.sessions.events.send(id, { events: [answer(use.id, "1")] });
    await stream.idle("budget_reached");
    expect(stream.types().slice(-5)).toEqual([
      "session.status_running",
      "session.thread_status_running",
      "session.thread_status_idle",
      "session.usage",
      "session.status_idle",
    ]);
    expect(stream.events.at(-2)).toMatchObject({
      budget: limit("20"),
      usage: { list_cost: { amount: "20", currency: "USD" } },
    });
    const { events } = server.client.beta.sessions;
    expect(await refusal(events.send(id, { events: [message("more")] }))).toBe("400 invalid_request_error");
    await events.send(id, { events: [{ type: "user.interrupt" }] }); // does not end it either

    const update = (budget: object | null) =>
      server.client.beta.sessions.update(id, { budget: budget as never });
    expect(await refusal(update(limit("20")))).toBe("400 budget_not_raised");
    expect(await update(limit("100"))).toMatchObject({ budget: limit("100") });
    await stream.idle("end_turn");
    expect(await stream.until("session.updated")).toMatchObject({ budget: limit("100") });
    expect(await server.client.beta.sessions.retrieve(id)).toMatchObject({
      usage: { list_cost: { amount: "40" } },
    });
    await update(null);
    expect(await refusal(update(limit("1000")))).toBe("400 budget_create_only");
  });

  it("that is done when it is used up has ended its turn", async () => {
    await using server = await startHost(() => [usage, { type: "text", text: "done" }], { prices: PRICES });
    const id = await sessionWith(server, limit("1"));
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    await stream.idle("end_turn");
    const more = server.client.beta.sessions.events.send(id, { events: [message("more")] });
    expect(await refusal(more)).toBe("400 invalid_request_error");
  });

  it("that is used up grades nothing before it is raised [S7-budget]", async () => {
    let gradings = 0;
    await using server = await startHost(
      ({ instructions, messages, tools }) => {
        if (!instructions.includes("rubric")) return [usage, { type: "text", text: "done" }];
        if (messages.at(-1)?.role === "tool") return "graded";
        gradings += 1;
        return [call("g", tools[0]?.name ?? "", { result: "satisfied", explanation: "as it is" })];
      },
      { prices: PRICES },
    );
    const id = await sessionWith(server, limit("1"));
    await using stream = await follow(server.client, id);
    const rubric = { type: "text", content: "Is it done?" } as const;
    await server.client.beta.sessions.events.send(id, {
      events: [{ type: "user.define_outcome", description: "Do it", rubric }],
    });
    await stream.idle("budget_reached");
    expect(gradings).toBe(0);
    await server.client.beta.sessions.update(id, { budget: limit("1000") });
    await stream.idle("end_turn");
    expect(gradings).toBe(1);
    expect(stream.types().filter((type) => type === "agent.message")).toHaveLength(1);
  });

  it("needs a model with a price, and an amount in cents", async () => {
    await using server = await startHost(() => "ok", { prices: PRICES });
    expect(await refusal(sessionWith(server, limit("100"), "other"))).toBe("400 model_not_budgetable");
    for (const amount of ["0", "1.5", "-1", "many"])
      expect(await refusal(sessionWith(server, limit(amount)))).toBe("400 invalid_request_error");
  });

  it("given later is refused: only a session made with one has one", async () => {
    await using server = await startHost(() => "ok", { prices: PRICES });
    const id = await sessionWith(server, undefined);
    const update = server.client.beta.sessions.update(id, { budget: limit("5") });
    expect(await refusal(update)).toBe("400 budget_create_only");
  });
});
