// Sessions that differ in how they end.

import type { Recording } from "../recording.ts";
import { log } from "../recording.ts";
import { ask, asksModel, begins, done, fails, replied, rests, running, says } from "../words.ts";

const hello = ask("msg_hello", "Good morning.");

/** A turn without a word. */
export const emptyTurn: Recording = {
  name: "empty turn",
  steps: log(hello, begins(hello), replied(), done()),
  runs: [{ ending: "completed", text: "" }],
};

/** The session has cost what it may cost. */
export const budgetReached: Recording = {
  name: "budget reached",
  steps: log(hello, begins(hello), says("Good"), replied(), rests({ type: "budget_reached" })),
  runs: [{ ending: "budget_reached", text: "Good" }],
};

/** The host has given up on the model. */
export const retriesExhausted: Recording = {
  name: "retries exhausted",
  steps: log(
    hello,
    begins(hello),
    fails("model_overloaded_error", "The model is overloaded.", "retrying"),
    fails("model_overloaded_error", "The model is still overloaded.", "exhausted"),
    rests({ type: "retries_exhausted" }),
  ),
  runs: [
    {
      ending: "retries_exhausted",
      details: { message: "The model is still overloaded.", code: "model_overloaded_error" },
    },
  ],
};

/** The model refuses. */
export const refusal: Recording = {
  name: "refusal",
  steps: log(
    hello,
    begins(hello),
    replied(),
    rests({ type: "refusal" }, { category: "bio", explanation: "Not with this one." }),
  ),
  runs: [{ ending: "refusal", details: { message: "Not with this one.", code: "bio" } }],
};

/** A model request fails, is tried again, and succeeds. */
export const retriedWell: Recording = {
  name: "error, tried again, fine",
  steps: log(
    hello,
    begins(hello),
    fails("model_rate_limited_error", "Too many requests.", "retrying"),
    { type: "session.status_rescheduled" },
    running(),
    asksModel(),
    says("Good morning."),
    replied(),
    done(),
  ),
  runs: [{ ending: "completed", text: "Good morning." }],
};

/** The session is ended for good while it works. */
export const terminated: Recording = {
  name: "terminated",
  steps: log(hello, begins(hello), fails("unknown_error", "The session cannot go on.", "terminal"), {
    type: "session.status_terminated",
  }),
  runs: [{ ending: "terminated" }],
};

/** The session is deleted while it works. */
export const deleted: Recording = {
  name: "deleted",
  steps: log(hello, begins(hello), { type: "session.deleted" }),
  runs: [{ ending: "deleted" }],
};
