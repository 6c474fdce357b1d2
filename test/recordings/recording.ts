// What a recording is: the log of a session as a loop host kept it, what the client posted and when, and what the
// runs of that session came to. Texts and ids are made up; the orders are those of real sessions.

import type { Ending, OutcomeVerdict } from "loophost";

/** An event of the host's. */
export interface Told {
  readonly type: string;
  readonly id?: string | undefined;
  readonly [field: string]: unknown;
}

/** The host waits here until the client has posted this. */
export interface Posted {
  readonly post: { readonly type: string; readonly [field: string]: unknown };
  /** The id the event gets. */
  readonly id: string;
}

/** One step of a log. */
export type Step = Told | Posted;

/** What a run comes to. */
interface RunEnd {
  readonly ending: Ending;
  readonly text?: string;
  /** Names of the tools of ours it called. */
  readonly tools?: readonly string[];
  /** Names of the host's own tools it called. */
  readonly serverTools?: readonly string[];
  readonly outcome?: OutcomeVerdict;
  readonly details?: { readonly message: string; readonly code: string };
}

/** A recorded session. */
export interface Recording {
  readonly name: string;
  readonly steps: readonly Step[];
  /** One for each message or outcome the client posted. */
  readonly runs: readonly RunEnd[];
  /** How long the client waits for the end of a run. Default 20 minutes. */
  readonly runTimeoutMs?: number;
  /** How long an answer is waited for. */
  readonly answeredAfterMs?: number;
}

/** Whether the host waits for the client at a step. */
export function isPosted(step: Step): step is Posted {
  return "post" in step;
}

/** Whether a post starts a run. */
export function startsRun({ post }: Posted): boolean {
  return post.type === "user.message" || post.type === "user.define_outcome";
}

/** What the client posted, in order. */
export function postsIn({ steps }: Recording): readonly Posted[] {
  return steps.filter(isPosted);
}

/** What the host told, in order. */
export function eventsIn({ steps }: Recording): readonly Told[] {
  return steps.filter((step) => !isPosted(step)) as Told[];
}

/** A log, its steps numbered: what has no id of its own gets one, and what happened a time. */
export function log(...steps: readonly (Step | readonly Step[])[]): readonly Step[] {
  return steps.flat().map((step, index) => {
    if (isPosted(step) || step.type.startsWith("event_")) return step;
    const at = new Date(Date.UTC(2026, 0, 5, 9, 0, index)).toISOString();
    return { id: `sevt_${String(index).padStart(3, "0")}`, processed_at: at, ...step };
  });
}
