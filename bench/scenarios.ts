/** What is measured, as data: each scenario, the jobs it needs, and the figure it has to hold. */

import type { Job } from "./job.ts";
import type { Script } from "./script.ts";
import { EVERYDAY } from "./script.ts";
import type { Sizes } from "./sizes.ts";

/** One row of the table. Jobs that several rows share are measured once. */
export type Scenario =
  | ({ readonly kind: "time"; readonly floor: Job; readonly ours: Job } & Named)
  | ({ readonly kind: "heap"; readonly floor: Job; readonly ours: Job } & Named)
  /** How much dearer a turn is in a long session than in a short one. */
  | ({ readonly kind: "growth"; readonly short: Pair; readonly long: Pair } & Named)
  | ({ readonly kind: "core import" | "core size" } & Named);

interface Named {
  readonly name: string;
  readonly what: string;
  /** At most this: times the floor for "time" and "growth", kilobytes for "heap" and "core size", milliseconds for "core import". */
  readonly goal?: number | undefined;
}

/** The same work by both. */
interface Pair {
  readonly floor: Job;
  readonly ours: Job;
}

/** All scenarios, at a size. */
export function scenariosOf(sizes: Sizes): Scenario[] {
  const scenarios = allScenarios(sizes);
  return sizes.isJudged ? scenarios : scenarios.map((scenario) => ({ ...scenario, goal: undefined }));
}

/** The jobs a scenario needs. */
export function jobsOf(scenario: Scenario): Job[] {
  switch (scenario.kind) {
    case "time":
    case "heap":
      return [scenario.floor, scenario.ours];
    case "growth":
      return [scenario.short.floor, scenario.short.ours, scenario.long.floor, scenario.long.ours];
    case "core import":
    case "core size":
      return [];
  }
}

function allScenarios(sizes: Sizes): Scenario[] {
  const loops = sizes.loops.map((turns) => ({ turns, pair: pairOf(loop(turns, sizes)) }));
  const [first, last] = [loops[0], loops.at(-1)];
  return [
    ...loops.map(({ turns, pair }) => ({
      name: `loop-${turns}`,
      what: `${turns} tool turns, history re-sent`,
      kind: "time" as const,
      ...pair,
      // The floor is judged where the history is long enough to matter.
      ...(turns === 200 ? { goal: 1.15 } : {}),
    })),
    ...(first === undefined || last === undefined ? [] : [growth(first, last)]),
    ...threads(sizes),
    {
      name: "crowd",
      what: `${sizes.crowd} sessions of 10 tool turns at once`,
      kind: "time",
      ...pairOf(crowd(sizes.crowd)),
      goal: 1.3,
    },
    ...text(sizes),
    ...observed(sizes),
    {
      name: "agentcore",
      what: "25 tool turns in a harness; the floor uses the official SDK",
      kind: "time",
      ...pairOf({ ...loop(25, sizes), over: "agentcore" }),
      goal: 1.15,
    },
    {
      name: "args",
      what: "300 KB of tool arguments in 64-byte deltas",
      kind: "time",
      ...pairOf(largeArguments(sizes.argsSessions)),
      goal: 1.5,
    },
    {
      name: "heap-held",
      what: `heap a session in mid-stream, ${sizes.held} at once`,
      kind: "heap",
      ...pairOf(heapHeld(sizes.held)),
      goal: 64,
    },
    {
      name: "heap-kept",
      what: `heap a finished session leaves, of ${sizes.kept}`,
      kind: "heap",
      ...pairOf(heapKept(sizes.kept)),
      // None: a tenth is what so many sessions can tell from the noise of a collector.
      goal: 0.1,
    },
    { name: "core-import", what: "import of the core, over bare node", kind: "core import", goal: 10 },
    { name: "core-size", what: "bundle of the core, gzipped", kind: "core size", goal: 21 },
  ];
}

type Work = Omit<Job, "by">;

function pairOf(work: Work): Pair {
  return { floor: { by: "floor", ...work }, ours: { by: "ours", ...work } };
}

function loop(toolTurns: number, sizes: Sizes): Work {
  return {
    ...timed,
    script: { ...EVERYDAY, toolTurns },
    sessions: Math.max(1, Math.round(sizes.toolTurns / toolTurns)),
    warmUp: { script: { ...EVERYDAY, toolTurns: 25 }, sessions: sizes.warmTurns / 25 },
  };
}

function growth(short: { turns: number; pair: Pair }, long: { turns: number; pair: Pair }): Scenario {
  const what = `growth of a turn's CPU from ${short.turns} to ${long.turns} tool turns`;
  return { name: "growth", what, kind: "growth", short: short.pair, long: long.pair, goal: 1 };
}

/** Against the loop that sends everything again, which is what one writes without threads, and against a hand-written thread. */
function threads(sizes: Sizes): Scenario[] {
  const resent = pairOf(loop(sizes.threadTurns, sizes));
  const hosted = pairOf({ ...loop(sizes.threadTurns, sizes), threads: true });
  return [
    {
      name: "thread",
      what: `${sizes.threadTurns} tool turns, thread held by the host; the floor re-sends`,
      kind: "time",
      floor: resent.floor,
      ours: hosted.ours,
      goal: 0.65,
    },
    { name: "thread-own", what: "the same, against a hand-written thread", kind: "time", ...hosted },
  ];
}

function crowd(sessions: number): Work {
  const script: Script = { ...EVERYDAY, toolTurns: 10 };
  return { ...timed, script, sessions, atOnce: sessions, warmUp: { script, sessions } };
}

function text({ textChars, textSessions }: Sizes): Scenario[] {
  const script: Script = { ...EVERYDAY, text: textChars, delta: 64 };
  const work: Work = { ...timed, script, sessions: textSessions, warmUp: { script, sessions: 2 } };
  const { floor, ours } = pairOf(work);
  const what = `${textChars / 1e6} MB of text in 64-byte deltas`;
  const shared = { kind: "time", floor, goal: 1.4 } as const;
  return [
    { name: "text-events", what: `${what}, every event read`, ours: { ...ours, read: "events" }, ...shared },
    { name: "text-result", what: `${what}, result alone`, ours, ...shared },
  ];
}

/** What it costs to be watched: the floor of these rows is ours with nobody watching. */
function observed({ textChars, textSessions, toolTurns, warmTurns }: Sizes): Scenario[] {
  const warm: Script = { ...EVERYDAY, toolTurns: 25 };
  const warmUp = { script: warm, sessions: warmTurns / 25 };
  const turns: Work = { ...timed, script: warm, sessions: toolTurns / 25, warmUp };
  const script: Script = { ...EVERYDAY, text: textChars, delta: 64 };
  const pieces: Work = {
    ...timed,
    read: "events",
    script,
    sessions: textSessions,
    warmUp: { script, sessions: 2 },
  };
  const works = [
    ["turns", "25 tool turns", turns],
    ["text", `${textChars / 1e6} MB of text in 64-byte deltas`, pieces],
  ] as const;
  const watchers = [
    ["no-sdk", "openTelemetry, no SDK", 1.05],
    ["sdk", "openTelemetry, SDK", undefined],
  ] as const;
  return works.flatMap(([name, what, work]) =>
    watchers.map(([kind, watchedBy, goal]): Scenario => {
      const floor: Job = { by: "ours", ...work };
      const title = `${what} with ${watchedBy}; the floor is ours unwatched`;
      return {
        name: `watched-${name}-${kind}`,
        what: title,
        kind: "time",
        floor,
        ours: { ...floor, watchedBy },
        goal,
      };
    }),
  );
}

function largeArguments(sessions: number): Work {
  const script: Script = { ...EVERYDAY, toolTurns: 1, args: 300_000, delta: 64 };
  return { ...timed, script, sessions, warmUp: { script, sessions: 5 } };
}

function heapHeld(sessions: number): Work {
  const script: Script = { ...EVERYDAY, text: 4096, delta: 64 };
  return {
    ...timed,
    measure: "heap held",
    read: "events",
    script: { ...script, holdAfter: 32 },
    sessions,
    // Fewer at once than measured: every measured session is to open what it holds.
    atOnce: 10,
    warmUp: { script, sessions: 50 },
  };
}

function heapKept(sessions: number): Work {
  const script: Script = { ...EVERYDAY, toolTurns: 1 };
  return {
    ...timed,
    measure: "heap kept",
    script,
    sessions,
    atOnce: 20,
    warmUp: { script, sessions: sessions / 5 },
  };
}

const timed = {
  over: "messages",
  measure: "time",
  threads: false,
  read: "result",
  watchedBy: "nobody",
  atOnce: 1,
} as const;
