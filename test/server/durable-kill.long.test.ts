// Hosts in processes of their own, over SQLite, killed at the moments that matter and started again on the same file and
// port: the official client, and our own, go on.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import Anthropic, { BadRequestError } from "@anthropic-ai/sdk";
import { defineAgent, defineTool, openSession } from "loophost";
import { claude } from "loophost/providers/claude";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import type { HostProcess } from "./host-process.ts";
import { startHostProcess } from "./host-process.ts";
import type { SeenEvent } from "./support.ts";
import { answer, createSession, follow, listed, say, stopOf } from "./support.ts";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "loophost-host-"));
  file = join(folder, "host.db");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const clientOf = ({ url }: HostProcess): Anthropic =>
  new Anthropic({ baseURL: url, apiKey: "any", maxRetries: 0 });

/** Answers whatever waits, by the list, until a run has ended so many times. */
async function finish(client: Anthropic, id: string, ends: number): Promise<SeenEvent[]> {
  await using stream = await follow(client, id);
  for (let from = 0; ;) {
    const events = await listed(client, id);
    const answered = new Set(events.map((event) => event["custom_tool_use_id"]));
    const open = events.find((event) => event.type === "agent.custom_tool_use" && !answered.has(event.id));
    if (open !== undefined) {
      await client.beta.sessions.events.send(id, { events: [answer(open.id, "42")] });
      continue;
    }
    if (idlesOf(events).filter((reason) => reason === "end_turn").length === ends) return events;
    await stream.until("session.status_idle", from);
    from = stream.events.length;
  }
}

const idlesOf = (events: readonly SeenEvent[]): string[] =>
  events.filter(({ type }) => type === "session.status_idle").map(stopOf);

/** Everything but model requests, which may be made again. */
const shapeOf = (events: readonly SeenEvent[]): string[] =>
  events.map(({ type }) => type).filter((type) => !type.startsWith("span."));

const ONE_RUN = [
  "session.status_running",
  "session.thread_status_running",
  "user.message",
  "agent.custom_tool_use",
  "agent.custom_tool_use",
  "session.thread_status_idle",
  "session.usage",
  "session.status_idle",
  "user.custom_tool_result",
  "session.thread_status_idle",
  "session.usage",
  "session.status_idle",
  "user.custom_tool_result",
  "session.status_running",
  "session.thread_status_running",
  "agent.custom_tool_use",
  "session.thread_status_idle",
  "session.usage",
  "session.status_idle",
  "user.custom_tool_result",
  "session.status_running",
  "session.thread_status_running",
  "agent.message",
  "session.thread_status_idle",
  "session.usage",
  "session.status_idle",
];

describe("a host killed", () => {
  it("while the model is asked asks it again by itself, and its old request is told as failed", async () => {
    const first = await startHostProcess(file, { holds: true });
    const id = await createSession(clientOf(first), ["a", "b"]);
    const stream = await follow(clientOf(first), id);
    await say(clientOf(first), id, "go");
    await first.asked(1);
    await stream.until("span.model_request_start");
    await first.kill();

    await using second = await startHostProcess(file);
    await second.asked(1); // nobody has said a word to it yet
    const events = await finish(clientOf(second), id, 1);
    expect(shapeOf(events)).toEqual(ONE_RUN);
    const [begun] = events.filter(({ type }) => type === "span.model_request_start");
    expect(events.find((event) => event["model_request_start_id"] === begun?.id)).toMatchObject({
      is_error: true,
    });
  });

  it("while calls wait still has them, under the same ids; what was answered is not asked for again", async () => {
    const first = await startHostProcess(file);
    const client = clientOf(first);
    const id = await createSession(client, ["a", "b"]);
    const stream = await follow(client, id);
    await say(client, id, "go");
    const idle = await stream.idle("requires_action");
    const [one, two] = (idle["stop_reason"] as { event_ids: string[] }).event_ids;
    await client.beta.sessions.events.send(id, { events: [answer(one, "1")] });
    await first.kill();

    await using second = await startHostProcess(file);
    const again = clientOf(second);
    expect(await again.beta.sessions.retrieve(id)).toMatchObject({ status: "idle" });
    await expect(again.beta.sessions.events.send(id, { events: [answer(one, "1")] })).rejects.toBeInstanceOf(
      BadRequestError,
    );
    await again.beta.sessions.events.send(id, { events: [answer(two, "2")] });
    expect(shapeOf(await finish(again, id, 1))).toEqual(ONE_RUN);
  });

  it("right after the last answer was posted goes on with it", async () => {
    const first = await startHostProcess(file);
    const client = clientOf(first);
    const id = await createSession(client, ["a", "b"]);
    const stream = await follow(client, id);
    await say(client, id, "go");
    const idle = await stream.idle("requires_action");
    const [one, two] = (idle["stop_reason"] as { event_ids: string[] }).event_ids;
    await client.beta.sessions.events.send(id, { events: [answer(one, "1")] });
    await client.beta.sessions.events.send(id, { events: [answer(two, "2")] });
    await first.kill();

    await using second = await startHostProcess(file);
    expect(shapeOf(await finish(clientOf(second), id, 1))).toEqual(ONE_RUN);
  });

  it("between two runs knows the conversation", async () => {
    const first = await startHostProcess(file);
    const id = await createSession(clientOf(first), ["a", "b"]);
    await say(clientOf(first), id, "go");
    await finish(clientOf(first), id, 1);
    await first.kill();

    await using second = await startHostProcess(file);
    await say(clientOf(second), id, "again");
    const events = await finish(clientOf(second), id, 2);
    expect(shapeOf(events)).toEqual([...ONE_RUN, ...ONE_RUN]);
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
  });

  it("under our own client is hardly noticed: no tool runs twice, and the result is whole [S7-restart]", async () => {
    const first = await startHostProcess(file);
    let second: HostProcess | undefined;
    const ran: string[] = [];
    const tool = (name: string) =>
      defineTool({
        name,
        description: `The tool ${name}`,
        input: { type: "object" },
        execute: async (_input, { callId }) => {
          ran.push(callId);
          if (ran.length !== 1) return "42";
          await first.kill();
          second = await startHostProcess(file, { port: first.port });
          return "42";
        },
      });
    const agent = defineAgent({
      name: "helper",
      instructions: "Help.",
      model: "m",
      tools: [tool("a"), tool("b")],
    });
    const session = await openSession(agent, { provider: claude({ baseUrl: first.url, apiKey: "any" }) });
    const result = await session.send("go").result();
    expect(result).toMatchObject({ terminal: "end_turn", text: "done", turns: 3 });
    expect(new Set(ran).size).toBe(ran.length);
    expect(ran).toHaveLength(3);
    await session.close();
    await second?.kill();
  });
});
