import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { SessionEvent } from "../../../src/core/events.ts";
import { next } from "../../../src/core/loop/machine.ts";
import type { Command, LoopInput, LoopState } from "../../../src/core/loop/state.ts";
import { initialState } from "../../../src/core/loop/state.ts";
import type { HostInput, LoopEvent, ProviderTraits } from "../../../src/core/provider.ts";
import { textResult } from "../../../src/core/results.ts";

/**
 * Plays a host against the machine. Host events go in as given; commands are performed by a driver whose effects
 * (tools finishing, posts confirmed) come back when the generated schedule says so, or at the end.
 */
function play(
  answers: ProviderTraits["answers"],
  history: readonly LoopEvent[][],
  schedule: Iterator<number>,
) {
  let state: LoopState = initialState(answers);
  const told: SessionEvent[] = [];
  const executed: string[] = [];
  const posts: string[][] = [];
  const effects: LoopInput[] = [];
  const hostTurns = history.slice(1);
  let ended: Command | undefined;
  let hostHas = 0;

  const perform = (command: Command) => {
    if (command.do === "tell") told.push(command.event);
    else if (command.do === "execute") {
      executed.push(command.call.id);
      effects.push({
        type: "finished",
        id: command.call.id,
        result: textResult(`${command.call.id} done`),
        durationMs: 0,
        replayed: false,
      });
    } else if (command.do === "post") {
      posts.push([...command.ids]);
      effects.push({ type: "posted", ids: command.ids });
    } else if (command.do === "end" || command.do === "fail") ended = command;
  };
  const step = (input: LoopInput) => {
    const result = next(state, input);
    state = result.state;
    for (const command of result.commands) perform(command);
  };
  /** Lets some effects come back; a turn's answers complete, the host takes its next turn. */
  const settle = (all: boolean) => {
    while (effects.length > 0) {
      const pick = schedule.next().value ?? 0;
      if (!all && pick % 3 === 0) return;
      const [effect] = effects.splice(pick % effects.length, 1);
      if (effect !== undefined) step(effect);
    }
  };

  step({ type: "start", inputs: message, policy });
  step({ type: "started" });
  for (const event of history[0] ?? []) {
    step(event);
    settle(false);
  }
  settle(true);
  for (const turn of hostTurns) {
    for (const event of turn) {
      step(event);
      settle(false);
    }
    hostHas += 1;
    settle(true);
  }
  expect(hostHas).toBe(hostTurns.length);
  return { told, executed, posts, ended, state };
}

const policy = { maxTurns: 50, guarded: false, terminalTool: undefined, owesOutput: false };
const message: HostInput[] = [{ type: "message", content: [{ type: "text", text: "go" }] }];

/** A conversation of some turns, each with some calls; the last ends the run. */
const conversation = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }).map((turns) => {
  const calls = turns.map((count, turn) =>
    Array.from({ length: count }, (_, index) => `call_${turn}_${index}`),
  );
  const history = calls.map((ids, turn): LoopEvent[] => [
    ...(turn === 0 ? [{ type: "input.taken" } as const] : []),
    { type: "turn.began" },
    ...ids.map((id) => ({ type: "call", id, name: "t", input: {} }) as const),
    { type: "turn.done", ending: "requires_action", stopReason: "tool_use", needs: ids },
  ]);
  const last: LoopEvent[] = [
    ...(calls.length === 0 ? [{ type: "input.taken" } as const] : []),
    { type: "turn.began" },
    { type: "turn.done", ending: "completed", stopReason: "end_turn" },
  ];
  return { calls, history: [...history, last] };
});

const schedule = fc.array(fc.nat(100), { minLength: 1, maxLength: 60 });

/** Repeats an endless choice out of a generated list. */
function* cycle(choices: readonly number[]): Iterator<number> {
  for (let index = 0; ; index += 1) yield choices[index % choices.length] ?? 0;
}

/** The results that must not depend on order: what was executed and answered, and how the run ended. */
function essence(played: ReturnType<typeof play>) {
  return {
    executed: played.executed.toSorted(),
    answered: played.posts.flat().toSorted(),
    // One host gets each result on its own, the other all of a turn in one go and in call order.
    posts: played.posts.map((ids) => ids.join()).toSorted(),
    ended: played.ended,
    finished: played.told.flatMap((event) => (event.type === "tool.finished" ? [event.id] : [])).toSorted(),
  };
}

describe.each(["each", "together"] as const)("the loop, answers %s", (answers) => {
  it("comes to the same end whenever tools finish and posts are confirmed [I7] [I8]", () => {
    fc.assert(
      fc.property(conversation, schedule, ({ calls, history }, choices) => {
        const played = essence(play(answers, history, cycle(choices)));
        expect(played.executed).toEqual(calls.flat().toSorted());
        expect(played.answered).toEqual(calls.flat().toSorted());
        expect(played.ended).toEqual({ do: "end", ending: "completed", stopReason: "end_turn" });
      }),
    );
  });

  it("does nothing twice when any event of a turn is repeated within it [I2]", () => {
    fc.assert(
      fc.property(conversation, schedule, fc.nat(), fc.nat(), ({ history }, choices, at, distance) => {
        const turn = at % history.length;
        const repeated = history.map((events, index) =>
          index === turn ? repeatOne(events, at, distance) : events,
        );
        expect(essence(play(answers, repeated, cycle(choices)))).toEqual(
          essence(play(answers, history, cycle([1]))),
        );
      }),
    );
  });

  it("is not confused by an idle that names calls before they are seen [A-013] [A-039]", () => {
    fc.assert(
      fc.property(conversation, schedule, fc.nat(), ({ history }, choices, at) => {
        const reordered = history.map((events) => doneEarlier(events, at));
        expect(essence(play(answers, reordered, cycle(choices)))).toEqual(
          essence(play(answers, history, cycle([1]))),
        );
      }),
    );
  });

  it("does not take the end of somebody else's turn for its own [I7]", () => {
    const stale: LoopEvent[] = [{ type: "turn.done", ending: "completed", stopReason: "end_turn" }];
    fc.assert(
      fc.property(conversation, schedule, ({ history }, choices) => {
        const late = history.map((events, index) => (index === 0 ? [...stale, ...events] : events));
        expect(essence(play(answers, late, cycle(choices)))).toEqual(
          essence(play(answers, history, cycle([1]))),
        );
      }),
    );
  });

  it("decides nothing in the middle of a catch-up, also while a run is open [I1] [I2]", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 31 }), (count, mask) => {
        const ids = Array.from({ length: count }, (_, index) => `call_${index}`);
        const done = ids.filter((_, index) => mask & (1 << index));
        const executed: string[] = [];
        let state = initialState(answers);
        const feed = (input: LoopInput) => {
          const result = next(state, input);
          state = result.state;
          for (const command of result.commands) if (command.do === "execute") executed.push(command.call.id);
        };
        feed({ type: "start", inputs: message, policy });
        feed({ type: "started" });
        for (const event of [
          { type: "input.taken" },
          { type: "turn.began" },
          { type: "catchup.started" },
        ] as const)
          feed(event);
        for (const id of ids) feed({ type: "call", id, name: "t", input: {} });
        for (const id of done) feed({ type: "call.answered", id });
        expect(executed).toEqual([]);
        feed({ type: "catchup.ended" });
        expect(executed).toEqual(ids.filter((id) => !done.includes(id)));
      }),
    );
  });

  it("tells events in the order of the tree: started, calls, finished before posted [I7]", () => {
    fc.assert(
      fc.property(conversation, schedule, ({ history }, choices) => {
        const { told, ended } = play(answers, history, cycle(choices));
        expect(ended?.do).toBe("end");
        for (const [index, event] of told.entries()) {
          if (event.type !== "tool.posted") continue;
          const before = told
            .slice(0, index)
            .filter((earlier) => "id" in earlier && earlier.id === event.id)
            .map((earlier) => earlier.type);
          expect(before).toEqual(["tool.called", "tool.finished"]);
        }
      }),
    );
  });

  it("folds past events like live ones and decides only at their end: answered calls are not run [I1] [A-047]", () => {
    fc.assert(
      fc.property(conversation, fc.nat(), ({ calls, history }, seen) => {
        const all = calls.flat();
        const done = new Set(all.filter((_, index) => index % 2 === seen % 2));
        let state = initialState(answers);
        const executed: string[] = [];
        const feed = (input: LoopInput) => {
          const result = next(state, input);
          state = result.state;
          for (const command of result.commands) if (command.do === "execute") executed.push(command.call.id);
        };
        const lastTurn = new Set(calls.at(-1) ?? []);
        feed({ type: "catchup.started" });
        for (const turn of history.slice(0, -1)) {
          for (const event of turn) feed(event);
          for (const event of turn)
            if (event.type === "call" && (!lastTurn.has(event.id) || done.has(event.id)))
              feed({ type: "call.answered", id: event.id });
        }
        expect(executed).toEqual([]);
        feed({ type: "catchup.ended" });
        feed({ type: "start", inputs: [], policy });
        feed({ type: "started" });
        expect(executed).toEqual([...lastTurn].filter((id) => !done.has(id)));
      }),
    );
  });
});

function repeatOne(events: readonly LoopEvent[], at: number, distance: number): LoopEvent[] {
  const index = at % events.length;
  const event = events[index];
  // A turn does not begin twice: that event has no id a host could repeat it by.
  if (event === undefined || event.type === "turn.began") return [...events];
  const later = index + 1 + (distance % (events.length - index));
  return [...events.slice(0, later), event, ...events.slice(later)];
}

function doneEarlier(events: readonly LoopEvent[], at: number): LoopEvent[] {
  const done = events.at(-1);
  if (done?.type !== "turn.done" || done.ending !== "requires_action") return [...events];
  const began = events.findIndex((event) => event.type === "turn.began");
  const position = began + 1 + (at % (events.length - began - 1));
  return [...events.slice(0, position), done, ...events.slice(position, -1)];
}
