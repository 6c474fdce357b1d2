// Built-in tools of agents in self-hosted environments: offered to the model, told with their permission, answered by
// whoever runs them; and the confirmations that some calls wait for.

import type Anthropic from "@anthropic-ai/sdk";
import { describe, expect, it } from "vitest";

import type { ModelFunction, ModelRequest } from "../../src/providers/local/models/function-model.ts";
import type { HostUnderTest, SeenEvent, StreamReader } from "./support.ts";
import {
  answer,
  BAD,
  call,
  customTool,
  follow,
  message,
  refusal,
  say,
  scripted,
  startHost,
} from "./support.ts";

type Toolset = Omit<Anthropic.Beta.BetaManagedAgentsAgentToolset20260401Params, "type">;

/** A session whose agent has the built-in tools, and one of its own. */
async function sessionWith(
  { client }: HostUnderTest,
  toolset: Toolset = {},
  config: Anthropic.Beta.EnvironmentCreateParams["config"] = { type: "self_hosted" },
): Promise<string> {
  const agent = await client.beta.agents.create({
    name: "helper",
    model: "m",
    tools: [{ type: "agent_toolset_20260401", ...toolset }, customTool("own")],
  });
  const environment = await client.beta.environments.create({ name: "here", config });
  return (await client.beta.sessions.create({ agent: agent.id, environment_id: environment.id })).id;
}

const ASK: Toolset = { default_config: { permission_policy: { type: "always_ask" } } };
const result = (
  id: string | undefined,
  text: string,
): Anthropic.Beta.Sessions.BetaManagedAgentsEventParams => ({
  type: "user.tool_result",
  tool_use_id: id ?? "",
  content: [{ type: "text", text }],
});
const confirm = (id: string | undefined, verdict: "allow" | "deny", why?: string) =>
  ({
    type: "user.tool_confirmation",
    tool_use_id: id ?? "",
    result: verdict,
    ...(why !== undefined && { deny_message: why }),
  }) as const;

/** What the model was told of its calls, at its last request. */
function toldResults(requests: readonly ModelRequest[]): string[] {
  const last = requests.at(-1)?.messages.at(-1);
  return last?.role === "tool"
    ? last.results.map(
        ({ name, result: { content, isError } }) => `${name} ${isError} ${JSON.stringify(content)}`,
      )
    : [];
}

/** A model that remembers what it was asked. */
function noting(model: ModelFunction): { model: ModelFunction; requests: ModelRequest[] } {
  const requests: ModelRequest[] = [];
  return {
    requests,
    model: (request, context) => {
      requests.push(request);
      return model(request, context);
    },
  };
}

async function blocked(
  server: HostUnderTest,
  toolset: Toolset,
): Promise<{ id: string; stream: StreamReader; uses: readonly SeenEvent[]; send: Send }> {
  const id = await sessionWith(server, toolset);
  const stream = await follow(server.client, id);
  await say(server.client, id, "go");
  await stream.idle("requires_action");
  const uses = stream.events.filter(({ type }) => type === "agent.tool_use");
  const send: Send = (...events) => server.client.beta.sessions.events.send(id, { events });
  return { id, stream, uses, send };
}

type Send = (...events: Anthropic.Beta.Sessions.BetaManagedAgentsEventParams[]) => Promise<unknown>;

const twoCalls = scripted(
  [call("c1", "bash", { command: "ls" }), call("c2", "read", { file_path: "a.txt" })],
  "done",
);

describe("built-in tools of a self-hosted environment", () => {
  it("are offered to the model, those that are switched on and run by a worker", async () => {
    const { model, requests } = noting(() => "ok");
    await using server = await startHost(model);
    const offered = async (id: string) => {
      await using stream = await follow(server.client, id);
      await say(server.client, id, "go");
      await stream.idle("end_turn");
      return requests.at(-1)?.tools.map(({ name }) => name);
    };
    expect(await offered(await sessionWith(server))).toEqual([
      "own",
      "bash",
      "edit",
      "read",
      "write",
      "glob",
      "grep",
    ]);
    const some = { default_config: { enabled: false }, configs: [{ name: "grep" as const, enabled: true }] };
    expect(await offered(await sessionWith(server, some))).toEqual(["own", "grep"]);
    expect(await offered(await sessionWith(server, {}, { type: "cloud" }))).toEqual(["own"]);
  });

  it("are told with their permission and answered with tool results [F2-4] [S7-permissions]", async () => {
    const { model, requests } = noting(twoCalls);
    await using server = await startHost(model);
    const { stream, uses, send } = await blocked(server, {});
    expect(uses).toMatchObject([
      { name: "bash", input: { command: "ls" }, evaluated_permission: "allow", session_thread_id: null },
      { name: "read", input: { file_path: "a.txt" }, evaluated_permission: "allow" },
    ]);
    expect(await refusal(send(answer(uses[0]?.id, "x")))).toBe(BAD);
    await send(result(uses[0]?.id, "a.txt"));
    expect(await refusal(send(result(uses[0]?.id, "again")))).toBe(BAD);
    await send(result(uses[1]?.id, "text"));
    await stream.idle("end_turn");
    expect(toldResults(requests)).toEqual([
      'bash false [{"type":"text","text":"a.txt"}]',
      'read false [{"type":"text","text":"text"}]',
    ]);
  });

  it("are told in the order of a recorded session: blocked, half answered, answered [F2-3] [F2-4]", async () => {
    const calls = [call("c1", "bash", { command: "ls" }), call("c2", "bash", { command: "date" })];
    await using server = await startHost(scripted([{ type: "text", text: "Two checks." }, ...calls], "done"));
    const { stream, uses, send } = await blocked(server, {});
    for (const { id } of uses) await send(result(id, "ok"));
    await stream.idle("end_turn");
    expect(stream.types()).toEqual([
      "session.status_running",
      "session.thread_status_running",
      "user.message",
      "span.model_request_start",
      "agent.message",
      "agent.tool_use",
      "agent.tool_use",
      "span.model_request_end",
      "session.thread_status_idle",
      "session.usage",
      "session.status_idle",
      "user.tool_result",
      "session.thread_status_idle",
      "session.usage",
      "session.status_idle",
      "user.tool_result",
      "session.status_running",
      "session.thread_status_running",
      "span.model_request_start",
      "agent.message",
      "span.model_request_end",
      "session.thread_status_idle",
      "session.usage",
      "session.status_idle",
    ]);
  });

  it("that must be asked for wait for a confirmation, then for their result [S7-permissions]", async () => {
    const { model, requests } = noting(twoCalls);
    await using server = await startHost(model);
    const { stream, uses, send } = await blocked(server, ASK);
    const [first, second] = uses;
    expect(first).toMatchObject({ evaluated_permission: "ask", evaluation: { type: "always_ask" } });
    expect(await refusal(send(result(first?.id, "too early")))).toBe(BAD);
    expect(await refusal(send(message("impatient")))).toBe(BAD);

    let from = stream.events.length;
    await send(confirm(first?.id, "allow"));
    expect(await stream.idle("requires_action", from)).toMatchObject({
      stop_reason: { event_ids: [first?.id, second?.id] },
    });
    from = stream.events.length;
    await send(confirm(first?.id, "deny")); // too late: it changes nothing
    await send(confirm(second?.id, "deny", "not that file"));
    expect(await stream.idle("requires_action", from)).toMatchObject({
      stop_reason: { event_ids: [first?.id] },
    });
    expect(stream.types().slice(from)).toEqual([
      "user.tool_confirmation",
      "user.tool_confirmation",
      "agent.tool_result",
      "session.thread_status_idle",
      "session.usage",
      "session.status_idle",
    ]);
    expect(await refusal(send(result(second?.id, "no more")))).toBe(BAD);
    await send(result(first?.id, "a.txt"));
    await stream.idle("end_turn");
    expect(toldResults(requests)).toEqual([
      'bash false [{"type":"text","text":"a.txt"}]',
      'read true [{"type":"text","text":"This call was not allowed: not that file."}]',
    ]);
  });

  it("all denied go on at once", async () => {
    await using server = await startHost(twoCalls);
    const { stream, uses, send } = await blocked(server, ASK);
    await send(...uses.map(({ id }) => confirm(id, "deny")));
    await stream.idle("end_turn");
    expect(stream.types().filter((type) => type === "session.status_idle")).toHaveLength(2);
  });

  it("with the policy auto are asked for: what is not plainly allowed [I9]", async () => {
    await using server = await startHost(twoCalls);
    const { uses } = await blocked(server, {
      configs: [{ name: "bash", enabled: true, permission_policy: { type: "auto" } }],
    });
    expect(uses.map((use) => use["evaluated_permission"])).toEqual(["ask", "allow"]);
  });
});

describe("a confirmation", () => {
  it("of a custom tool's call, or of none there ever was, is refused", async () => {
    await using server = await startHost(scripted([call("c1", "own")], "done"));
    const id = await sessionWith(server);
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    await stream.idle("requires_action");
    const use = await stream.until("agent.custom_tool_use");
    const send = (toolUseId: string | undefined) =>
      refusal(server.client.beta.sessions.events.send(id, { events: [confirm(toolUseId, "allow")] }));
    expect(await send(use.id)).toBe(BAD);
    expect(await send("sevt_none")).toBe(BAD);
  });
});
