import type { SessionEvent } from "loophost";
import { describe, expect, it } from "vitest";

import { attach, blocked, DONE, inside, message, ran, RUNNING, says } from "./attached.ts";
import type { FakeHost, Told } from "./fake-host.ts";
import { fakeHost } from "./fake-host.ts";

describe("an approval that was pending when its process died", () => {
  const pending = (type: string) => (host: FakeHost) =>
    host.tell(
      message("Clean up"),
      RUNNING,
      { type, id: "use_1", name: "purge", input: {}, evaluated_permission: "ask" },
      blocked("use_1"),
    );
  const react = (event: Told, host: FakeHost) => {
    if (event.type === "user.tool_confirmation")
      host.tell(RUNNING, says(`${String(event["result"])}ed`), DONE);
  };

  it.each([
    ["agent.mcp_tool_use", true],
    ["agent.mcp_tool_use", false],
    ["agent.tool_use", true],
  ] as const)("is asked for again for %s, and acted on [I9]", async (type, allow) => {
    await using host = await fakeHost({ react, objects: inside("cloud") });
    pending(type)(host);
    const asked: SessionEvent[] = [];
    await using session = await attach(
      host,
      {},
      {
        onApproval: (request) => {
          asked.push(request);
          return { allow, why: allow ? undefined : "too much" };
        },
      },
    );
    const result = await session.resume().result();
    expect(asked).toMatchObject([{ id: "use_1", name: "purge" }]);
    expect(result.text).toBe(allow ? "allowed" : "denyed");
    const verdict = { type: "user.tool_confirmation", tool_use_id: "use_1" };
    expect(host.posts).toMatchObject([
      [allow ? { ...verdict, result: "allow" } : { ...verdict, result: "deny", deny_message: "too much" }],
    ]);
  });

  it("and that somebody else gives is a success, also when ours comes late", async () => {
    await using host = await fakeHost({
      objects: inside("cloud"),
      fate: (event) => {
        host.tell({ ...event, id: "theirs" }, RUNNING, DONE);
        return 400;
      },
    });
    pending("agent.mcp_tool_use")(host);
    await using session = await attach(host, {}, { onApproval: () => true });
    expect(await session.resume().result()).toMatchObject({ ending: "completed" });
  });
});

describe("the host's own tools", () => {
  const use = (evaluated_permission: string) => ({
    type: "agent.tool_use",
    id: "use_1",
    name: "bash",
    input: { command: "ls" },
    evaluated_permission,
  });
  const working = (permission: string) => (event: Told, host: FakeHost) => {
    if (event.type === "user.message") host.tell(RUNNING, use(permission), blocked("use_1"));
    else if (event["result"] === "allow") host.tell(blocked("use_1"));
    else if (event["result"] === "deny")
      host.tell({ type: "agent.tool_result", tool_use_id: "use_1", is_error: true }, RUNNING, DONE);
    else host.tell(RUNNING, DONE);
  };
  const posted = (host: FakeHost) => host.posts.flat().map(({ type }) => type);

  it("run here in a self-hosted environment, for an agent that has one of that name [F1-8]", async () => {
    await using host = await fakeHost({ react: working("allow"), objects: inside("self_hosted") });
    await using session = await attach(host);
    const result = await session.send("Look").result();
    expect(result).toMatchObject({ ending: "completed", toolCalls: [{ id: "use_1", name: "bash" }] });
    expect(ran).toEqual(["ls"]);
    expect(posted(host)).toEqual(["user.message", "user.tool_result"]);
  });

  it.each([
    [true, ["user.message", "user.tool_confirmation", "user.tool_result"], ["ls"]],
    [false, ["user.message", "user.tool_confirmation"], []],
  ] as const)("that must be asked about run once allowed (%s) [I9]", async (allow, posts, executed) => {
    await using host = await fakeHost({ react: working("ask"), objects: inside("self_hosted") });
    await using session = await attach(host, {}, { onApproval: () => allow });
    expect(await session.send("Look").result()).toMatchObject({ ending: "completed" });
    expect(posted(host)).toEqual(posts);
    expect(ran).toEqual(executed);
  });

  it("that was allowed before its process died runs once the session is taken up", async () => {
    await using host = await fakeHost({ react: working("ask"), objects: inside("self_hosted") });
    const allowed = { type: "user.tool_confirmation", tool_use_id: "use_1", result: "allow" };
    host.tell(message("Look"), RUNNING, use("ask"), blocked("use_1"), allowed, blocked("use_1"));
    await using session = await attach(host);
    expect(await session.resume().result()).toMatchObject({ ending: "completed" });
    expect(posted(host)).toEqual(["user.tool_result"]);
    expect(ran).toEqual(["ls"]);
  });

  it("are left to the host in its cloud, whatever tools the agent has [A-027]", async () => {
    await using host = await fakeHost({
      objects: inside("cloud"),
      react: (event, on) => {
        if (event.type !== "user.message") return;
        on.tell(RUNNING, use("allow"), { type: "agent.tool_result", tool_use_id: "use_1" }, DONE);
      },
    });
    await using session = await attach(host);
    const result = await session.send("Look").result();
    expect(result).toMatchObject({ toolCalls: [], serverToolCalls: [{ name: "bash" }] });
    expect(ran).toEqual([]);
  });
});
