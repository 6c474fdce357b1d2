// The look of a run, on a terminal and off it.

import { expect, it } from "vitest";

import { Progress } from "../../../src/cli/screen/progress.ts";
import type { SessionEvent } from "../../../src/core/events.ts";
import { textResult } from "../../../src/core/results.ts";

/** Both outputs of a run, written to one screen as a terminal would show them, and kept apart beside it. */
function watch(isTTY: boolean, events: readonly SessionEvent[]) {
  const shown = { screen: "", text: "", notes: "" };
  const output = (into: "text" | "notes") => ({
    isTTY,
    columns: 60,
    hasColors: () => false,
    write(text: string) {
      shown.screen += text;
      shown[into] += text;
    },
  });
  const progress = new Progress(output("text"), output("notes"));
  for (const event of events) progress.show(event);
  return shown;
}

/** What stays on the screen once wiped lines are gone. */
function remaining(screen: string): string[] {
  return screen.split("\n").map((line) => line.split("\r\u001b[2K").at(-1) ?? "");
}

const call = (id: string, name: string): SessionEvent => ({ type: "tool.called", id, name, input: { id } });
const done = (id: string, name: string, text: string, isError = false): SessionEvent => ({
  type: "tool.finished",
  id,
  name,
  result: textResult(text, isError),
  durationMs: 12.4,
  replayed: false,
});
const said = (text: string): SessionEvent[] => [
  ...text.split(/(?<= )/).map((piece): SessionEvent => ({ type: "text.delta", text: piece })),
  { type: "message", text },
];

const RUN: readonly SessionEvent[] = [
  { type: "run.started", runId: "run_1", sessionId: "s" },
  { type: "turn.started", turn: 1 },
  ...said("Let me look."),
  call("a", "read_file"),
  call("b", "search_text"),
  done("b", "search_text", "nothing", true),
  done("a", "read_file", "x".repeat(1_234)),
  { type: "turn.started", turn: 2 },
  ...said("All is well."),
  { type: "run.ended", terminal: "end_turn", ending: "completed", stopReason: "stop" },
];

it("keeps the agent's words apart from everything about them, with the time and size of each call", () => {
  const { text, notes } = watch(false, RUN);
  expect(text).toBe("Let me look.\nAll is well.\n");
  expect(notes).toBe('  ✗ search_text {"id":"b"}  12 ms  nothing\n  ✓ read_file {"id":"a"}  12 ms  1.2 kB\n');
});

it("leaves a readable screen behind on a terminal, status lines wiped", () => {
  const { screen } = watch(true, RUN);
  expect(screen).toContain('  … read_file {"id":"a"}, search_text {"id":"b"}');
  expect(remaining(screen)).toEqual([
    "Let me look.",
    '  ✗ search_text {"id":"b"}  12 ms  nothing',
    '  ✓ read_file {"id":"a"}  12 ms  1.2 kB',
    "All is well.",
    "",
  ]);
});

it("shows a message that was started again once where it can only be written once", () => {
  const again: SessionEvent[] = [
    { type: "text.delta", text: "Half a sen" },
    { type: "deltas.retracted", reason: "the stream was cut" },
    ...said("A whole sentence."),
  ];
  expect(watch(false, again).text).toBe("A whole sentence.\n");
  expect(remaining(watch(true, again).screen)).toEqual([
    "Half a sen",
    "  (starting this message again: the stream was cut)",
    "A whole sentence.",
    "",
  ]);
});

it("never breaks a line of text with a note", () => {
  const { screen } = watch(true, [
    { type: "text.delta", text: "Half a sen" },
    call("a", "read_file"),
    done("a", "read_file", "x"),
    { type: "text.delta", text: "tence." },
    { type: "message", text: "Half a sentence." },
  ]);
  expect(remaining(screen)).toEqual(["Half a sen", '  ✓ read_file {"id":"a"}  12 ms  1 B', "tence.", ""]);
});

it("lets nothing that a model or a tool says steer the terminal", () => {
  const { screen } = watch(true, [
    { type: "text.delta", text: "\u001b]0;owned\u0007ok\r\n" },
    call("\u001b[2J", "read_file"),
    done("\u001b[2J", "read_file", "\u001b[31mred", true),
  ]);
  const left = screen.replaceAll("\r\u001b[2K", "");
  for (const control of ["\u001b", "\u0007", "\r"]) expect(left).not.toContain(control);
});

it("tells of trouble on the way", () => {
  const { notes } = watch(false, [
    { type: "retrying", attempt: 1, delayMs: 1_500, reason: "the service is busy" },
    { type: "retrying", attempt: 1, delayMs: 0, reason: "its model is busy" },
    { type: "stream.lost", reason: "cut" },
    { type: "stream.restored" },
  ]);
  expect(notes.split("\n")).toEqual([
    "  trying again in 1.5 s: the service is busy",
    "  the host tries again: its model is busy",
    "  the stream dropped, reconnecting: cut",
    "  reconnected, nothing lost",
    "",
  ]);
});
