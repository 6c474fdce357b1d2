// Events that are posted to a session, and the listing of all that happened in it.

import type Anthropic from "@anthropic-ai/sdk";
import { describe, expect, it } from "vitest";

import {
  answer,
  BAD,
  call,
  follow,
  GONE,
  listed,
  message,
  refusal,
  say,
  scripted,
  startHost,
} from "./support.ts";

describe("posted events", () => {
  it("that fit no call are refused, and a whole post with them [S7-5] [F3-duplicate]", async () => {
    await using server = await startHost(scripted([call("c1", "a")], "done"));
    const id = await server.session(["a"]);
    await using stream = await follow(server.client, id);
    const send = (...events: Anthropic.Beta.Sessions.BetaManagedAgentsEventParams[]) =>
      refusal(server.client.beta.sessions.events.send(id, { events }));
    expect(await send(answer("sevt_none", "x"))).toBe(BAD);
    await say(server.client, id, "go");
    const use = await stream.until("agent.custom_tool_use");
    await stream.idle("requires_action");
    expect(await send(message("impatient"))).toBe(BAD);
    expect(await send(answer(use.id, "1"), answer("sevt_none", "2"))).toBe(BAD);
    expect(await send({ type: "user.tool_result", tool_use_id: use.id ?? "" })).toBe(BAD);
    expect(await send({ type: "user.tool_confirmation", tool_use_id: use.id ?? "", result: "allow" })).toBe(
      BAD,
    );
    expect(await send({ type: "user.interrupt", session_thread_id: "sthr_none" })).toBe(GONE);
    expect(await send(answer(use.id, "1"))).toBe("taken");
    expect(await send(answer(use.id, "1"))).toBe(BAD);
    await stream.idle("end_turn");
    expect(stream.types().filter((type) => type === "user.custom_tool_result")).toHaveLength(1);
  });

  it("a confirmation that comes late is taken and changes nothing", async () => {
    await using server = await startHost(scripted([call("c1", "nowhere")], "done"));
    const id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    const use = await stream.until("agent.tool_use");
    await stream.idle("end_turn");
    await server.client.beta.sessions.events.send(id, {
      events: [{ type: "user.tool_confirmation", tool_use_id: use.id ?? "", result: "deny" }],
    });
    expect(await server.client.beta.sessions.retrieve(id)).toMatchObject({ status: "idle" });
  });

  it("carry every kind of result to the model, and none as words", async () => {
    let results: unknown;
    await using server = await startHost(
      scripted([call("c1", "a"), call("c2", "b")], ({ messages }) => {
        const last = messages.at(-1);
        results = last?.role === "tool" ? last.results.map(({ result }) => result) : undefined;
        return "done";
      }),
    );
    const id = await server.session(["a", "b"]);
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    await stream.idle("requires_action");
    const [first, second] = stream.events.filter(({ type }) => type === "agent.custom_tool_use");
    const found = {
      type: "search_result",
      title: "T",
      source: "https://example.com",
      citations: { enabled: false },
    } as const;
    await server.client.beta.sessions.events.send(id, {
      events: [
        {
          type: "user.custom_tool_result",
          custom_tool_use_id: first?.id ?? "",
          is_error: true,
          content: [{ ...found, content: [{ type: "text", text: "what it says" }] }],
        },
        { type: "user.custom_tool_result", custom_tool_use_id: second?.id ?? "" },
      ],
    });
    await stream.idle("end_turn");
    expect(results).toEqual([
      {
        content: [{ type: "search_result", title: "T", source: "https://example.com", text: "what it says" }],
        isError: true,
      },
      { content: [{ type: "text", text: "(no output)" }], isError: false },
    ]);
  });

  it("carry images, documents and files to the model, and refuse files that are not there", async () => {
    let content: unknown;
    await using server = await startHost(({ messages }) => {
      const last = messages.at(-1);
      content = last?.role === "user" ? last.content : undefined;
      return "ok";
    });
    const id = await server.session();
    await using stream = await follow(server.client, id);
    const { events } = server.client.beta.sessions;
    const image = (source: Anthropic.Beta.Sessions.BetaManagedAgentsImageBlock["source"]) =>
      events.send(id, { events: [{ type: "user.message", content: [{ type: "image", source }] }] });
    expect(await refusal(image({ type: "file", file_id: "file_1" }))).toBe(BAD);
    const file = await server.client.beta.files.upload({
      file: new File(["kept"], "notes.txt", { type: "text/plain" }),
    });
    await events.send(id, {
      events: [
        {
          type: "user.message",
          content: [
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } },
            { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
            { type: "document", source: { type: "file", file_id: file.id } },
            {
              type: "document",
              title: "Notes",
              source: { type: "text", media_type: "text/plain", data: "hé" },
            },
          ],
        },
      ],
    });
    await stream.idle("end_turn");
    expect(content).toEqual([
      { type: "image", mediaType: "image/png", data: "AAAA" },
      { type: "image", url: "https://example.com/a.png" },
      { type: "document", mediaType: "text/plain", data: "kept" },
      {
        type: "document",
        mediaType: "text/plain",
        data: "hé",
        title: "Notes",
      },
    ]);
  });
});

describe("the events of a session", () => {
  it("are listed page by page, either way, by type and by time [F3-paging]", async () => {
    await using server = await startHost(() => "ok");
    const id = await server.session();
    await using stream = await follow(server.client, id);
    for (const text of ["one", "two"]) {
      const from = stream.events.length;
      await say(server.client, id, text);
      await stream.idle("end_turn", from);
    }
    const { events } = server.client.beta.sessions;
    const ids = stream.events.map((event) => event.id);
    const collect = async (params: Anthropic.Beta.Sessions.EventListParams) => {
      const found: string[] = [];
      for await (const event of events.list(id, params)) found.push(event.id);
      return found;
    };
    expect(await collect({ limit: 5 })).toEqual(ids);
    expect(await collect({ limit: 5, order: "desc" })).toEqual(ids.toReversed());
    expect(await collect({ limit: 1, types: ["agent.message"] })).toHaveLength(2);
    expect(await collect({ types: ["agent.message", "user.message"], order: "desc" })).toHaveLength(4);
    const at = stream.events[9]?.processed_at ?? "";
    const [early, late] = [await collect({ "created_at[lt]": at }), await collect({ "created_at[gte]": at })];
    expect([...early, ...late]).toEqual(ids);
    const page = await events.list(id, { limit: 100 });
    expect(page.next_page).toBeNull();
    expect(await refusal(collect({ limit: 0 }))).toBe(BAD);
    expect(await refusal(collect({ page: "nonsense" }))).toBe(BAD);
  });

  it("are those of its one thread too", async () => {
    await using server = await startHost(scripted("ok"));
    const id = await server.session();
    const { threads } = server.client.beta.sessions;
    const [thread] = (await threads.list(id)).data;
    expect(thread).toMatchObject({
      type: "session_thread",
      session_id: id,
      status: "idle",
      parent_thread_id: null,
    });
    const stream = await threads.events.stream(thread?.id ?? "", { session_id: id });
    await say(server.client, id, "go");
    for await (const event of stream) if (event.type === "session.status_idle") break;
    const ofThread = await threads.events.list(thread?.id ?? "", { session_id: id });
    expect(ofThread.data).toEqual(await listed(server.client, id));
    expect(ofThread.data[1]).toMatchObject({ session_thread_id: thread?.id, agent_name: "helper" });
    expect(await threads.retrieve(thread?.id ?? "", { session_id: id })).toEqual(
      (await threads.list(id)).data[0],
    );
    expect(await refusal(threads.retrieve("sthr_none", { session_id: id }))).toBe(GONE);
  });
});
