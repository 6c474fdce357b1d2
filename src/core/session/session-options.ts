/** What the options of sessions and runs have to be: one that is misspelt, or of another kind, is refused by its name. */

import type { Checks } from "../check-options.ts";
import { checkOptions, CLOCK, FUNCTION, must, NAME } from "../check-options.ts";
import { isString, listOf, oneOf, SIGNAL, STRING, STRINGS_BY_NAME } from "../check-options.ts";
import { isObject } from "../json.ts";
import type { OpenOptions, RunOptions } from "../session.ts";
import type { RunOnceOptions } from "./run-once.ts";

const anything = (): undefined => undefined;

const OPEN: Checks<OpenOptions> = {
  provider: must(
    "a provider, such as local({ model }) or claude()",
    (value) => isObject(value) && typeof value["open"] === "function",
  ),
  sessionId: NAME,
  provisioned: must(
    "what provision() gave for this provider",
    (value) => isObject(value) && isString(value["provider"]) && isString(value["digest"]),
  ),
  history: anything, // the provider knows
  store: must("a store, such as sqliteStore(path)", (value) => isObject(value) && isObject(value["log"])),
  ifOwned: oneOf("fail", "wait", "take"),
  ifAgentChanged: oneOf("refuse", "accept"),
  context: anything,
  onApproval: FUNCTION,
  ifCallUnknown: must(
    '"answer", "leave", "fail" or { answerAfterMs: 500 }',
    (value) =>
      (isString(value) && ["answer", "leave", "fail"].includes(value)) ||
      (isObject(value) && Number(value["answerAfterMs"]) >= 0),
  ),
  // A promise is an object too: openTelemetry() without `await` would watch nothing.
  observers: listOf("observers, awaited", (item) => isObject(item) && !item["then"]),
  metadata: STRINGS_BY_NAME,
  onEvent: FUNCTION,
  onStep: FUNCTION,
  guard: FUNCTION,
  limits: anything, // resolveLimits() knows
  keepEvents: oneOf("whole", "all", "none"),
  signal: SIGNAL,
  clock: CLOCK,
};

const RUN: Checks<RunOptions> = {
  system: STRING,
  signal: SIGNAL,
  ifWaiting: oneOf("hold", "return"),
  ifOpen: oneOf("queue", "deny", "refuse"),
};

const ONCE: Checks<RunOnceOptions> = { ...OPEN, ...RUN, prompt: anything };

/** Checks what a session is opened with. */
export function checkOpen(options: unknown): void {
  checkOptions("openSession()", options, OPEN, ["provider"]);
}

/** Checks what one run of a session is started with. */
export function checkRun(options: unknown): void {
  checkOptions("A run", options, RUN);
}

/** Checks what `run()` is given: a deadline is set and a signal listened to before the session opens. */
export function checkOnce(options: unknown): void {
  checkOptions("run()", options, ONCE, ["provider"]);
}
