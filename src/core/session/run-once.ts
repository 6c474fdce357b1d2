/** The shortest way to an answer: open a session, run it once, let go. */

import type { Agent } from "../agent.ts";
import type { SessionResult } from "../results.ts";
import type { OpenOptions, Prompt, RunOptions } from "../session.ts";
import { resultAlone } from "./live-run.ts";
import { openSession } from "./open-session.ts";
import { checkOnce } from "./session-options.ts";

/** What `run` takes: how to open the session, and what to send. */
export interface RunOnceOptions extends OpenOptions, RunOptions {
  /** Left out, the run takes up what the session of `sessionId` has open. */
  readonly prompt?: Prompt | undefined;
}

/**
 * Runs an agent once, to a terminal.
 *
 * Resolves whenever the host reached a terminal, whichever; with `requires_action` when a call waits for somebody and
 * no `onApproval` decides (`ifWaiting: "hold"` waits instead).
 *
 * @throws LoophostError for everything else: `timeout`, `aborted`, `max_turns_exceeded`, what the host could not do, and misuse
 */
export async function run<Output>(
  agent: Agent<Output>,
  options: RunOnceOptions,
): Promise<SessionResult<Output>> {
  checkOnce(options);
  const { prompt, system, ifWaiting = "return", ifOpen, ...open } = options;
  await using session = await openSession(agent, open);
  const how: RunOptions = { signal: open.signal, system, ifWaiting, ifOpen };
  const started = prompt === undefined ? session.resume(how) : session.send(prompt, how);
  return await resultAlone(started);
}
