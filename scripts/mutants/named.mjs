// Faults somebody thought of, each named by what it breaks and found by a pattern of the text, not by a line.

const CALLS = "src/core/loop/calls.ts";
const MACHINE = "src/core/loop/machine.ts";
const RUNS = "src/core/loop/runs.ts";
const TURNS = "src/core/loop/turns.ts";
const EXECUTOR = "src/core/execution/executor.ts";
const QUEUE = "src/core/session/event-queue.ts";

const NAMED = [
  ["calls are posted before the guard spoke", MACHINE, "if (now.guarding) return now;", ""],
  [
    "the last turn's results stop the run one turn late",
    MACHINE,
    "now.turn >= now.policy",
    "now.turn > now.policy",
  ],
  ["answers go out before all are there", MACHINE, "ready.length === open.length", "ready.length > 0"],
  ["a second look is asked for again and again", MACHINE, " && !now.catchUpAsked", ""],
  ["a post that fails after its answer was seen fails the run", MACHINE, "unposted === state ? state :", ""],
  [
    "an end before the last message counts as this run's",
    MACHINE,
    "lastEnd: undefined,\n        turn",
    "turn",
  ],
  ["a failed call of the terminal tool counts as called", CALLS, "!result.isError && name ===", "name ==="],
  ["a call told twice is executed twice", CALLS, /if \(state\.calls\.some\(.*\) return state;/, ""],
  ["a call answered elsewhere is executed on", CALLS, 'out.push({ do: "cancel", ids: [id] });', ""],
  [
    "an external tool's answer is not taken",
    CALLS,
    '["running", "asking", "awaiting"]',
    '["running", "asking"]',
  ],
  [
    "confirmed answers are kept until the turn ends",
    CALLS,
    ", answer: undefined, input: null, raw: undefined }",
    " }",
  ],
  ["a stop forgets calls being posted", CALLS, 'status === "posting" || status', "status"],
  ["one turn more than maxTurns", TURNS, "turn > maxTurns", "turn > maxTurns + 1"],
  [
    "tools run on after the turn that called them ended",
    TURNS,
    "...cancelAll(ended, out), missing",
    "...ended, missing",
  ],
  ["another's message counts as ours", TURNS, "if (isAnothers(state, inputId)) return state;", ""],
  [
    "answers sent together are never confirmed",
    TURNS,
    'state.answers === "together" ? posted',
    "false ? posted",
  ],
  ["an end that is repeated is told again", TURNS, "state.turnOpen && (!state", "(!state"],
  ["one re-prompt more than allowed", TURNS, "state.reprompts >= terminal", "state.reprompts > terminal"],
  [
    "what was done is forgotten with what is stopped",
    RUNS,
    "[...done.flatMap((call) => call.answer ?? []), {",
    "[{",
  ],
  ["a run ends before the guard spoke", RUNS, "state.guarding || state.calls", "state.calls"],
  [
    "a run ends before its posts are confirmed",
    RUNS,
    /state\.guarding \|\| state\.calls\.some\(.*?\)\)/,
    "state.guarding)",
  ],
  [
    "a message of a run that was stopped goes out later",
    RUNS,
    "starting: undefined, pendingInput: [] };",
    "starting: undefined };",
  ],
  ["a reply that is owed is asked for again", RUNS, "    replyOwed: false,\n", ""],
  [
    "the result of a cancelled call is recorded",
    EXECUTOR,
    /if \(signal\.aborted\) return undefined;\n(?= *return await this\.#finish)/,
    "",
  ],
  ["a call that is over can still be cancelled", EXECUTOR, "this.#running.delete(call.id);", ""],
  ["places for tools are never given back", EXECUTOR, "this.#places.leave();", ""],
  [
    "a check that breaks grants",
    "src/core/execution/approvals.ts",
    "catch(() => ({ allow: false",
    "catch(() => ({ allow: true",
  ],
  [
    "posted answers are not recorded",
    "src/core/session/outbox.ts",
    'await journal.record({ type: "calls.posted", ids });',
    "",
  ],
  [
    "a decision on record does not hold back run.waiting",
    "src/core/session/loop.ts",
    /if \(event\.on\.some\(.*\) return;/,
    "",
  ],
  [
    "the next usage wipes out the cost",
    "src/core/session/run-sum.ts",
    "event.cost ?? this.#cost",
    "event.cost",
  ],
  ["deltas of two threads are merged", QUEUE, " || a.thread !== b.thread", ""],
  ["deltas of two messages are merged", QUEUE, "a.messageId === b.messageId && ", ""],
];

/** The named faults; `read` gives the text of a file. Throws for one whose place is gone: rewrite its pattern, or take it out. */
export function namedFaults(read) {
  return NAMED.map(([name, file, was, is], index) => {
    const text = read(file);
    const mutated = text.replace(was, is);
    if (mutated === text) throw new Error(`scripts/mutants/named.mjs: nothing in ${file} matches ${was}`);
    const id = `named-${String(index + 1).padStart(2, "0")}`;
    return { id, file, operator: "named", at: name, was: String(was), is, mutated };
  });
}
