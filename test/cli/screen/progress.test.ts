// The look of a run, on a terminal and off it.

import { manualClock } from "loophost/testing";
import { expect, it } from "vitest";

import { columnsOf, fit } from "../../../src/cli/screen/columns.ts";
import { Progress } from "../../../src/cli/screen/progress.ts";
import type { SessionEvent } from "../../../src/core/events.ts";
import { textResult } from "../../../src/core/results.ts";

/** Both outputs of a run, written to one screen as a terminal would show them, and kept apart beside it. */
function watch(isTTY: boolean, events: readonly SessionEvent[], clock = manualClock()) {
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
  const progress = new Progress(output("text"), output("notes"), clock);
  for (const event of events) progress.show(event);
  return { shown, progress };
}

function shownBy(isTTY: boolean, events: readonly SessionEvent[]) {
  return watch(isTTY, events).shown;
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
  const { text, notes } = shownBy(false, RUN);
  expect(text).toBe("Let me look.\nAll is well.\n");
  expect(notes).toBe('  ✗ search_text {"id":"b"}  12 ms  nothing\n  ✓ read_file {"id":"a"}  12 ms  1.2 kB\n');
});

it("leaves a readable screen behind on a terminal, status lines wiped", () => {
  const { screen } = shownBy(true, RUN);
  expect(screen).toMatch(/ {2}\S read_file \{"id":"a"\}, search_text \{"id":"b"\}\r/);
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
  expect(shownBy(false, again).text).toBe("A whole sentence.\n");
  expect(remaining(shownBy(true, again).screen)).toEqual([
    "Half a sen",
    "  (starting this message again: the stream was cut)",
    "A whole sentence.",
    "",
  ]);
});

it("shows a message whole once deltas of it were lost", () => {
  const { screen } = shownBy(true, [
    { type: "text.delta", text: "Half a " },
    { type: "message", text: "Half a sentence." },
    ...said("Another."),
  ]);
  expect(remaining(screen)).toEqual(["Half a ", "Half a sentence.", "Another.", ""]);
});

it("never breaks a line of text with a note", () => {
  const { screen } = shownBy(true, [
    { type: "text.delta", text: "Half a sen" },
    call("a", "read_file"),
    done("a", "read_file", "x"),
    { type: "text.delta", text: "tence." },
    { type: "message", text: "Half a sentence." },
  ]);
  expect(remaining(screen)).toEqual(["Half a sen", '  ✓ read_file {"id":"a"}  12 ms  1 B', "tence.", ""]);
});

it("lets nothing that a model or a tool says steer the terminal", () => {
  const { screen } = shownBy(true, [
    { type: "text.delta", text: "\u001b]0;owned\u0007ok\r\n" },
    call("\u001b[2J", "read_file"),
    done("\u001b[2J", "read_file", "\u001b[31mred", true),
  ]);
  const left = screen.replaceAll("\r\u001b[2K", "");
  for (const control of ["\u001b", "\u0007", "\r"]) expect(left).not.toContain(control);
});

it("tells of trouble on the way", () => {
  const { notes } = shownBy(false, [
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

/** What the terminal shows in its last line. */
function lastLine(screen: string): string {
  return screen.split("\n").at(-1)?.split("\r\u001b[2K").at(-1) ?? "";
}

it("shows what goes on with a clock and movement, until something else does", async () => {
  const clock = manualClock();
  const { shown, progress } = watch(true, [{ type: "turn.started", turn: 1 }], clock);
  const first = lastLine(shown.screen);
  await clock.advance(2_300);
  const later = lastLine(shown.screen);
  expect([first.slice(3), later.slice(3)]).toEqual([" thinking", " thinking 2 s"]);
  expect(first[2]).not.toBe(later[2]);
  progress.show(call("a", "slow"));
  await clock.advance(63_200);
  expect(lastLine(shown.screen).slice(3)).toBe(' slow {"id":"a"} 1 min 3 s');
  progress.note("  beside it");
  expect(shown.screen).toContain("  beside it\n");
  expect(lastLine(shown.screen)).toMatch(/1 min 3 s$/);
  progress.show({ type: "run.ended", terminal: "end_turn", ending: "completed", stopReason: "stop" });
  expect(lastLine(shown.screen)).toBe("");
  expect(clock.waiting).toBe(0);
});

it("never takes more columns than the terminal has, whatever the letters", () => {
  for (const name of ["你".repeat(90), "👩‍👩‍👧‍👦".repeat(40), "é".repeat(90), "a".repeat(200), "한글".repeat(50)]) {
    const { shown } = watch(true, [call("a", name)]);
    expect(columnsOf(lastLine(shown.screen))).toBeLessThanOrEqual(59);
  }
  expect([columnsOf("你好"), columnsOf("é"), columnsOf("e\u0301"), columnsOf("😀"), columnsOf("ab")]).toEqual(
    [4, 1, 1, 2, 2],
  );
  expect(fit("你好你好", 5)).toBe("你好…");
});

it("shows no status under an open question, and the question again after a note", async () => {
  const clock = manualClock();
  const { shown, progress } = watch(true, [call("a", "slow")], clock);
  progress.ask("Run it? ");
  await clock.advance(5_000);
  expect(lastLine(shown.screen)).toBe("Run it? ");
  progress.show(done("a", "slow", "x"));
  progress.show({ type: "turn.started", turn: 2 });
  await clock.advance(5_000);
  expect(remaining(shown.screen)).toEqual(['  ✓ slow {"id":"a"}  12 ms  1 B', "Run it? "]);
  progress.answered();
  expect(lastLine(shown.screen)).toMatch(/ thinking 5 s$/);
});
