// Custom tools, answered by hand and by the tool runner of each release of the official SDK.

import type Anthropic from "@anthropic-ai/sdk";
import { describe, expect, it } from "vitest";

import { answer, call, message, scripted } from "../server/support.ts";
import { RELEASES } from "./releases.ts";
import { logOf, serve } from "./support.ts";

describe.each(RELEASES)("the official SDK $version", (release) => {
  it("sees a call, answers it by hand, and reads the reply [S7-sdk]", async () => {
    await using server = await serve(
      release,
      scripted([call("c1", "add", { a: 2, b: 3 })], ({ messages }) => JSON.stringify(messages.at(-1))),
    );
    const id = await server.session(["add"]);
    await using stream = await server.follow(id);
    const { events } = server.client.beta.sessions;
    await events.send(id, { events: [message("2+3?")] });
    const use = await stream.until("agent.custom_tool_use");
    expect(use).toMatchObject({ name: "add", input: { a: 2, b: 3 } });
    const idle = await stream.idle("requires_action");
    expect(idle["stop_reason"]).toEqual({ type: "requires_action", event_ids: [use.id] });
    await events.send(id, { events: [answer(use.id, "five")] });
    await stream.idle("end_turn");
    expect(JSON.stringify(await stream.until("agent.message"))).toContain("five");
  });

  it("runs two calls of one turn with its tool runner, each once [S7-runner]", async () => {
    await using server = await serve(
      release,
      scripted([call("c1", "double", { n: 1 }), call("c2", "double", { n: 2 })], "2 and 4"),
    );
    const id = await server.session(["double"]);
    await server.client.beta.sessions.events.send(id, { events: [message("Double 1 and 2.")] });
    const doubled: number[] = [];
    const runner = server.client.beta.sessions.events.toolRunner(id, {
      // How long it stays after the turn is over; there is no way to be told at once.
      maxIdleMs: 50,
      tools: [doubler((n) => doubled.push(n))],
    });
    const ran: unknown[] = [];
    for await (const { name, posted, isError } of runner) ran.push({ name, posted, isError });
    expect(ran).toEqual(Array.from({ length: 2 }, () => ({ name: "double", posted: true, isError: false })));
    expect(doubled.toSorted((a, b) => a - b)).toEqual([1, 2]);
    const log = await logOf(server.client, id);
    expect(log.filter(({ type }) => type === "user.custom_tool_result")).toHaveLength(2);
    expect(log.at(-1)).toMatchObject({ stop_reason: { type: "end_turn" } });
  });
});

/** A tool in the form the runner takes. */
function doubler(
  onRun: (n: number) => void,
): Parameters<Anthropic["beta"]["sessions"]["events"]["toolRunner"]>[1]["tools"][number] {
  return {
    type: "custom",
    name: "double",
    description: "Doubles a number",
    input_schema: { type: "object" },
    parse: (input: unknown) => input,
    run: (input: unknown) => {
      const { n } = input as { n: number };
      onRun(n);
      return String(2 * n);
    },
  };
}
