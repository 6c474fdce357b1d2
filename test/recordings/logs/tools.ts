// Sessions in which tools of the client's are called.

import type { Recording } from "../recording.ts";
import { log } from "../recording.ts";
import {
  answered,
  ask,
  asksModel,
  begins,
  blockedOn,
  calls,
  done,
  echo,
  goesOn,
  hostResult,
  interrupts,
  replied,
  says,
} from "../words.ts";

const where = ask("msg_where", "Where is order 7?");
const compare = ask("msg_compare", "Compare orders 7 and 8.");
const leave = ask("msg_leave", "Leave it. What is the time?");
const stop = interrupts("stop_1");

/** One call, answered at once. */
export const oneCall: Recording = {
  name: "one call",
  steps: log(
    where,
    begins(where),
    calls("call_7", "find_order", { order: 7 }),
    replied(),
    blockedOn("call_7"),
    answered("call_7", "on its way"),
    goesOn(),
    { type: "event_start", event: { type: "agent.message", id: "said_way" } },
    {
      type: "event_delta",
      event_id: "said_way",
      delta: { type: "content_delta", index: 0, content: { type: "text", text: "It is " } },
    },
    says("It is on its way.", { id: "said_way" }),
    replied(),
    done(),
  ),
  runs: [{ ending: "completed", text: "It is on its way.", tools: ["find_order"] }],
};

/** Two calls; after the first answer the host says again what it waits for, without running in between. */
export const partialAnswer: Recording = {
  name: "partial answer",
  steps: log(
    compare,
    begins(compare),
    says("I look at both."),
    calls("call_7", "find_order", { order: 7 }),
    calls("call_8", "find_order", { order: 8 }),
    replied(),
    blockedOn("call_7", "call_8"),
    answered("call_7", "red"),
    blockedOn("call_8"),
    answered("call_8", "blue"),
    goesOn(),
    says("One is red, one is blue."),
    replied(),
    done(),
  ),
  runs: [{ ending: "completed", text: "One is red, one is blue.", tools: ["find_order", "find_order"] }],
};

/** A person is asked, and takes a quarter of an hour. */
export const lateAnswer: Recording = {
  name: "answer after a quarter of an hour",
  answeredAfterMs: 15 * 60_000,
  steps: log(
    where,
    begins(where),
    calls("call_who", "ask_person", { question: "Which one?" }),
    replied(),
    blockedOn("call_who"),
    answered("call_who", "the red one"),
    goesOn(),
    says("The red one is on its way."),
    replied(),
    done(),
  ),
  runs: [{ ending: "completed", text: "The red one is on its way.", tools: ["ask_person"] }],
};

/** The client interrupts while the host waits for it, then asks something else. */
export const interruptedWhileBlocked: Recording = {
  name: "interrupt while blocked, then a message",
  steps: log(
    where,
    begins(where),
    calls("call_who", "ask_person", { question: "Which one?" }),
    replied(),
    blockedOn("call_who"),
    stop,
    hostResult("call_who", "The call was stopped before it had a result.", true),
    echo(stop),
    done(),
    leave,
    begins(leave),
    says("It is nine."),
    replied(),
    done(),
  ),
  runs: [
    { ending: "interrupted", tools: ["ask_person"] },
    { ending: "completed", text: "It is nine." },
  ],
};

/** The answer overtakes the idle that would have asked for it. */
export const answeredEarly: Recording = {
  name: "answer before the idle that asks for it",
  steps: log(
    where,
    begins(where),
    calls("call_7", "find_order", { order: 7 }),
    answered("call_7", "on its way"),
    replied(),
    asksModel(),
    says("It is on its way."),
    replied(),
    done(),
  ),
  runs: [{ ending: "completed", text: "It is on its way.", tools: ["find_order"] }],
};
