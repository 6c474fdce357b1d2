// What replies of every shape come to, whole and byte by byte.

import { expect, it } from "vitest";

import type { HostEvent } from "../../../src/core/provider.ts";
import { LoophostError } from "../../../src/index.ts";
import type { Outcome } from "./frames.ts";
import { read } from "./frames.ts";
import { SHAPES } from "./shapes.ts";

const NOTHING = { others: [], server: [], text: "", thinking: "", open: [], tokens: [0, 0] };

it.each(Object.entries(SHAPES))("reads %s [A-066] [A-078]", (_, { bytes, comesTo }) => {
  const whole = read(bytes);
  expect(summed(whole)).toEqual(
    "error" in comesTo ? { error: { mayRetry: false, ...comesTo.error } } : { ...NOTHING, ...comesTo },
  );
  const byByte = Array.from(bytes, (_byte, index) => index + 1);
  expect(read(bytes, ...byByte)).toEqual(whole);
});

function summed({ events, end, error }: Outcome): object {
  if (error instanceof LoophostError) {
    const { code, hostCode, mayRetry } = error;
    return { error: { code, mayRetry, ...(hostCode !== undefined && { hostCode }) } };
  }
  const of = <Type extends HostEvent["type"]>(type: Type) =>
    events.filter((event): event is Extract<HostEvent, { type: Type }> => event.type === type);
  const textOf = (type: "text.delta" | "thinking.delta") =>
    of(type)
      .map(({ text }) => text)
      .join("");
  const sum = (field: "inputTokens" | "outputTokens") =>
    of("usage").reduce((all, { usage }) => all + usage[field], 0);
  expect(
    of("message")
      .map(({ text }) => text)
      .join(""),
  ).toBe(textOf("text.delta"));
  expect(of("server_tool.called").map(({ id }) => id)).toEqual(
    of("server_tool.finished").map(({ id }) => id),
  );
  return {
    stopReason: String(end?.stopReason),
    text: textOf("text.delta"),
    thinking: textOf("thinking.delta"),
    open: (end?.handoff?.open ?? []).map(({ id }) => id),
    server: of("server_tool.finished").map(({ id, isError }) => [id, isError]),
    tokens: [sum("inputTokens"), sum("outputTokens")],
    others: of("provider").flatMap(({ raw }) => Object.keys(Object(raw))),
  };
}

it("reads no text of no length, and input that came as an object", () => {
  const { events } = read(
    SHAPES["null where something could be, and text of no length"]?.bytes ?? Buffer.of(),
  );
  expect(events.flatMap((event) => (event.type === "text.delta" ? [event.text] : []))).toEqual(["Hi"]);
  const { end } = read(SHAPES["input as an object, where a piece of text belongs"]?.bytes ?? Buffer.of());
  expect(end?.handoff?.open).toEqual([{ id: "A1", name: "look", input: '{"at":1}' }]);
});
