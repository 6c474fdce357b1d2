// A reader of a session's events, and how tests read them.

import type { ManualClock } from "loophost/testing";
import { manualClock } from "loophost/testing";
import { expect } from "vitest";

import type { HostEvent } from "../../../src/core/provider.ts";
import { SessionReader } from "../../../src/providers/claude/session/session-reader.ts";
import type { ClaudeWireEvent } from "../../../src/providers/claude/session/wire.ts";

/** A reader at work. */
export interface Reading {
  readonly reader: SessionReader;
  readonly clock: ManualClock;
  /** What the clock made it tell. */
  readonly later: readonly HostEvent[];
  readonly read: (...events: ClaudeWireEvent[]) => HostEvent[];
  /** What is told beside what passes through as it is. */
  readonly hear: (...events: ClaudeWireEvent[]) => HostEvent[];
}

/** Makes a reader. */
export function reading(...runHere: string[]): Reading {
  const clock = manualClock();
  const later: HostEvent[] = [];
  const reader = new SessionReader({
    runHere: new Set(runHere),
    clock,
    onEvents: (events) => void later.push(...events),
  });
  const read = (...events: ClaudeWireEvent[]) => events.flatMap((event) => reader.read(event));
  const hear = (...events: ClaudeWireEvent[]) => read(...events).filter(({ type }) => type !== "provider");
  return { reader, clock, later, read, hear };
}

/** The one thing an event says, read by itself. */
export function only(event: ClaudeWireEvent): HostEvent {
  const told = reading().read(event);
  expect(told).toHaveLength(1);
  return told[0] as HostEvent;
}

export const running: ClaudeWireEvent = { type: "session.status_running" };

export function idle(stop_reason: unknown = { type: "end_turn" }, more: object = {}): ClaudeWireEvent {
  return { type: "session.status_idle", stop_reason, ...more };
}

export function blocked(...event_ids: string[]): ClaudeWireEvent {
  return idle({ type: "requires_action", event_ids });
}
