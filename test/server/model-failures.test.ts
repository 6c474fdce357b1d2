// What goes wrong with the model, as a client of the host is told.

import { LoophostError } from "loophost";
import type { EmbeddedHostOptions, FailedIn } from "loophost/server";
import { manualClock } from "loophost/testing";
import { describe, expect, it } from "vitest";

import { sleep } from "../../src/core/async/abort.ts";
import type { Model } from "../../src/providers/local/model.ts";
import { call, follow, gate, say, scripted, startHost } from "./support.ts";

describe("what goes wrong with the model", () => {
  it("is an error and an idle with retries_exhausted, and the session goes on", async () => {
    let isBroken = true;
    const model = () => {
      if (isBroken) throw new LoophostError("host_failed", "The model has gone home.");
      return "ok";
    };
    await using server = await startHost(model);
    const id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    await stream.idle("retries_exhausted");
    expect(await stream.until("session.error")).toMatchObject({
      error: {
        type: "model_request_failed_error",
        message: "The model has gone home.",
        retry_status: { type: "exhausted" },
      },
    });
    expect(await stream.until("span.model_request_end")).toMatchObject({ is_error: true });
    isBroken = false;
    await say(server.client, id, "again");
    await stream.idle("end_turn");
  });

  it("keeps what the operator's own code threw from clients, and tells the operator [I11]", async () => {
    const failures: [unknown, FailedIn][] = [];
    const secret = new Error("ENOENT: /srv/keys/hunter2");
    const onError: EmbeddedHostOptions["onError"] = (error, about) => {
      failures.push([error, about]);
      throw new Error("and the log is full");
    };
    await using server = await startHost(() => Promise.reject(secret), { onError });
    const id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    await stream.idle("retries_exhausted");
    expect(await stream.until("session.error")).toMatchObject({ error: { message: "The model failed." } });
    expect(failures).toEqual([[expect.objectContaining({ cause: secret }), { sessionId: id }]]);

    await server.client.beta.sessions.events.send(id, {
      events: [
        { type: "user.define_outcome", description: "Do it", rubric: { type: "text", content: "Done" } },
      ],
    });
    await stream.until("span.outcome_evaluation_end");
    expect(JSON.stringify(stream.events)).not.toContain("hunter2");
  });

  it("a request that is tried again is told as such, and its first words are taken back", async () => {
    const model: Model = {
      name: "shaky",
      converse: () => ({
        add: () => undefined,
        async reply({ emit }) {
          await Promise.resolve();
          emit({ type: "text.delta", text: "Hel" });
          emit({ type: "retrying", attempt: 1, delayMs: 10, reason: "overloaded" });
          emit({ type: "deltas.retracted", reason: "overloaded" });
          emit({ type: "text.delta", text: "Hello." });
          return {
            message: { role: "assistant", content: [{ type: "text", text: "Hello." }] },
            ending: "completed",
            stopReason: "end_turn",
            usage: undefined,
          };
        },
      }),
    };
    await using server = await startHost(model);
    const id = await server.session();
    await using stream = await follow(server.client, id, { event_deltas: ["agent.message"] });
    await say(server.client, id, "go");
    await stream.idle("end_turn");
    expect(stream.types().slice(3, 13)).toEqual([
      "span.model_request_start",
      "event_start",
      "event_delta",
      "span.model_request_end",
      "session.error",
      "span.model_request_start",
      "event_start",
      "event_delta",
      "agent.message",
      "span.model_request_end",
    ]);
    const [, second] = stream.events.filter(({ type }) => type === "event_start");
    expect(second).toMatchObject({ event: { id: (await stream.until("agent.message")).id } });
    expect(await stream.until("session.error")).toMatchObject({
      error: { retry_status: { type: "retrying" } },
    });
  });

  it("a long wait for a service is told, and so is its end; the session takes messages meanwhile", async () => {
    const clock = manualClock();
    const waiting = gate();
    const model: Model = {
      name: "overloaded",
      converse: () => ({
        add: () => undefined,
        async reply({ emit, clock: time, signal }) {
          emit({ type: "retrying", attempt: 1, delayMs: 30_000, reason: "overloaded" });
          emit({ type: "deltas.retracted", reason: "overloaded" });
          waiting.open();
          await sleep(30_000, time, signal);
          return {
            message: { role: "assistant", content: [{ type: "text", text: "Hello." }] },
            ending: "completed",
            stopReason: "end_turn",
            usage: undefined,
          };
        },
      }),
    };
    await using server = await startHost(model, { clock });
    const id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    await waiting.opened;
    await stream.until("session.status_rescheduled");
    expect(await server.client.beta.sessions.retrieve(id)).toMatchObject({ status: "rescheduling" });
    await expect(server.client.beta.sessions.archive(id)).rejects.toThrow("running session");
    await say(server.client, id, "and then");
    await clock.advance(30_000);
    await stream.idle("end_turn");
    expect(stream.types().slice(3, 15)).toEqual([
      "span.model_request_start",
      "span.model_request_end",
      "session.error",
      "session.thread_status_rescheduled",
      "session.status_rescheduled",
      "user.message",
      "session.status_running",
      "session.thread_status_running",
      "span.model_request_start",
      "agent.message",
      "span.model_request_end",
      "session.thread_status_idle",
    ]);
  });

  it("a refusal is a stop reason of its own", async () => {
    await using server = await startHost(scripted([{ type: "stop", reason: "refusal" }]));
    const id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    expect(await stream.idle("refusal")).toMatchObject({ stop_details: { type: "refusal", category: null } });
  });

  it("a reply cut off at its token limit is not taken for a whole one", async () => {
    await using server = await startHost(
      scripted([
        { type: "text", text: "half a sent" },
        { type: "stop", reason: "length" },
      ]),
    );
    const id = await server.session();
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    await stream.idle("retries_exhausted");
    expect(await stream.until("session.error")).toMatchObject({
      error: { message: expect.stringContaining("token limit") },
    });
  });

  it("a call of a tool that is not there is denied in the open and answered by the host", async () => {
    await using server = await startHost(scripted([call("c1", "nowhere")], "done"));
    const id = await server.session(["a"]);
    await using stream = await follow(server.client, id);
    await say(server.client, id, "go");
    await stream.idle("end_turn");
    const use = await stream.until("agent.tool_use");
    expect(use).toMatchObject({ name: "nowhere", evaluated_permission: "deny" });
    expect(await stream.until("agent.tool_result")).toMatchObject({ tool_use_id: use.id, is_error: true });
    expect(stream.types().filter((type) => type === "session.status_idle")).toHaveLength(1);
  });
});
