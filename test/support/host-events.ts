// What a loop host says, in few words: for tests that script one.

// Loaded ahead: a tool with a plain schema loads it with its first call, and that takes longer than the microtasks tests wait for.
// oxlint-disable-next-line import/no-unassigned-import -- for what importing it does
import "../../src/core/json-schema/check.ts";
import type { HostEvent } from "../../src/core/provider.ts";

/** A JSON Schema that takes any object. */
export const anything = { type: "object" } as const;

/** The model calls a tool. */
export const call = (id: string, name: string, input: unknown = {}): HostEvent => ({
  type: "call",
  id,
  name,
  input,
});

/** The turn ends, and waits for the results of these calls. */
export const needs = (...ids: string[]): HostEvent => ({
  type: "turn.done",
  ending: "requires_action",
  stopReason: "tool_use",
  needs: ids,
});

/** The turn ends well. */
export const done: HostEvent = { type: "turn.done", ending: "completed", stopReason: "end_turn" };
