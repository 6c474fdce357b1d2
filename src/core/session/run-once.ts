/** `run()`: opens a session, starts one run, closes the session, all under one deadline. */

import type { Agent } from "../agent.ts";
import { onAbort } from "../async/abort.ts";
import { deadline } from "../async/deadline.ts";
import { systemClock } from "../clock.ts";
import { LoophostError } from "../errors.ts";
import type { SessionResult } from "../results.ts";
import type { NeedsContext, OpenOptions, Prompt, RunOptions } from "../session.ts";
import { resultAlone } from "./live-run.ts";
import { openSession } from "./open-session.ts";
import { tooLong } from "./run-bounds.ts";
import { checkOnce } from "./session-options.ts";

/** What `run` takes: how to open the session, and what to send. */
export interface RunOnceOptions extends OpenOptions, RunOptions {
  /** What is sent. Default: nothing, and the run takes up what the session of `sessionId`, or `history`, has open. */
  readonly prompt?: Prompt | undefined;
}

/**
 * Runs an agent once, to a terminal.
 *
 * Resolves whenever the host reached a terminal, whichever; with `requires_action` when a call waits for somebody and
 * no `onApproval` decides (`ifWaiting: "hold"` waits instead).
 *
 * @throws LoophostError for everything else: `invalid_options` for options that cannot be used, `timeout`, `aborted`,
 *   `max_turns_exceeded`, and what the host could not do
 */
export async function run<Output, Context>(
  agent: Agent<Output, Context>,
  options: RunOnceOptions & NeedsContext<Context>,
): Promise<SessionResult<Output>> {
  checkOnce(options);
  const { prompt, system, ifWaiting = "return", ifOpen, ...open } = options;
  if (prompt === undefined && open.sessionId === undefined && open.history === undefined)
    throw new LoophostError(
      "invalid_options",
      "run() needs a prompt, or a sessionId or history to go on from.",
    );
  const { runTimeoutMs } = { ...agent?.limits, ...open.limits };
  const limitMs = typeof runTimeoutMs === "number" && runTimeoutMs > 0 ? runTimeoutMs : Infinity;
  // One deadline from here to the end: a host that accepts a connection and never answers is inside of it.
  const stop = new AbortController();
  const { signal } = stop;
  const cancel = deadline(open.clock ?? systemClock, limitMs, () => stop.abort(tooLong(limitMs)));
  const unlink = onAbort([open.signal], (reason) => stop.abort(reason));
  try {
    await using session = await openSession<Output, unknown>(agent, { ...open, signal });
    const how: RunOptions = { signal, system, ifWaiting, ifOpen };
    const started = prompt === undefined ? session.resume(how) : session.send(prompt, how);
    return await resultAlone(started);
  } finally {
    cancel();
    unlink();
  }
}
