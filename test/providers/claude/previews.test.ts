import { describe, expect, it } from "vitest";

import { idle, reading, running } from "./reading.ts";

const piece = (event_id: string, text: string, index = 0) => ({
  type: "event_delta",
  event_id,
  delta: { type: "content_delta", index, content: { type: "text", text } },
});
const start = (id: string) => ({ type: "event_start", event: { type: "agent.message", id } });
const whole = (id: string) => ({ type: "agent.message", id, content: [{ type: "text", text: "all of it" }] });
const requestEnd = { type: "span.model_request_end", model_usage: {} };
const types = (events: readonly { type: string }[]) => events.map(({ type }) => type);

describe("messages told while they are written", () => {
  it("name the message and the block each piece is of", () => {
    const { hear } = reading();
    expect(hear(start("m"), piece("m", "a", 1))).toMatchObject([
      { type: "text.delta", text: "a", messageId: "m", index: 1 },
    ]);
    expect(hear(whole("m"))).toMatchObject([{ type: "message", id: "m", text: "all of it" }]);
  });

  it("are taken back when the host gives them up, and only then", () => {
    for (const end of [requestEnd, idle()]) {
      const { hear } = reading();
      expect(types(hear(running, start("m"), piece("m", "a"), end))[2]).toBe("deltas.retracted");
      expect(types(hear(start("n"), piece("n", "a"), whole("n"), end))).not.toContain("deltas.retracted");
    }
  });

  it("are taken back when the stream is lost, and not told in pieces after that", () => {
    const { hear, reader } = reading();
    hear(start("m"), piece("m", "the begin"));
    expect(types(reader.loseStream())).toEqual(["deltas.retracted"]);
    expect(hear(start("m"), piece("m", "the end"), whole("m"), requestEnd)).toMatchObject([
      { type: "message" },
      { type: "usage" },
    ]);
    expect(types(hear(start("n"), piece("n", "next")))).toEqual(["text.delta"]);
    expect(types(reading().reader.loseStream())).toEqual([]);
  });

  it("are not told in pieces where the stream began in the middle of one", () => {
    const { hear } = reading();
    expect(hear(piece("m", "the end"), whole("m"))).toMatchObject([{ type: "message", text: "all of it" }]);
    expect(hear({ type: "event_start" }, { type: "event_start", event: { id: 1 } }, piece("m", "x"))).toEqual(
      [],
    );
  });

  it("are not given up by the end of a request of another thread", () => {
    const { hear } = reading();
    const created = { type: "session.thread_created", session_thread_id: "child", agent_name: "scout" };
    const told = hear(created, start("m"), piece("m", "a"), { ...requestEnd, session_thread_id: "child" });
    expect(types(told)).not.toContain("deltas.retracted");
  });
});
