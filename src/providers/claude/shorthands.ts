/** An agent at Claude's in one call: `run` and `openSession` with the provider made on the way. */

import type { Agent } from "../../core/agent.ts";
import { contained } from "../../core/async/contained.ts";
import { FUNCTION } from "../../core/check-options.ts";
import type { RunError } from "../../core/errors.ts";
import { isRunError, LoophostError } from "../../core/errors.ts";
import type { SessionResult } from "../../core/results.ts";
import type { Run } from "../../core/run.ts";
import type { NeedsContext, OpenOptions, Session } from "../../core/session.ts";
import { openSession } from "../../core/session/open-session.ts";
import type { RunOnceOptions } from "../../core/session/run-once.ts";
import { run } from "../../core/session/run-once.ts";
import type { ClaudeOptions } from "./claude.ts";
import { claude } from "./claude.ts";

/** How an agent is run once: as `run`, with the options of `claude()` in place of a provider. */
export interface RunToCompletionOptions extends Omit<RunOnceOptions, "provider"> {
  readonly claude?: ClaudeOptions | undefined;
}

/** How a session is begun: as `openSession`, with the options of `claude()` in place of a provider. */
export interface StartSessionOptions<Output = unknown> extends Omit<OpenOptions, "provider"> {
  readonly claude?: ClaudeOptions | undefined;
  /** Called back when a run of the session ends, with its result or its error; the session goes on. What it throws is ignored. */
  readonly notify?: ((ended: SessionResult<Output> | RunError) => void) | undefined;
}

/**
 * Runs an agent at Claude's once, to a terminal: `run(agent, { provider: claude(), … })`.
 *
 * @throws LoophostError as `run` and `claude` do
 */
export async function runToCompletion<Output, Context>(
  agent: Agent<Output, Context>,
  { claude: how, ...options }: RunToCompletionOptions & NeedsContext<Context>,
): Promise<SessionResult<Output>> {
  const whole: RunOnceOptions = { ...options, provider: claude(how) };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the context is among the options, as the caller had to give it
  return run(agent, whole as RunOnceOptions & NeedsContext<Context>);
}

/**
 * Begins a session at Claude's that stays: `openSession(agent, { provider: claude(), … })`.
 *
 * @throws LoophostError as `openSession` and `claude` do
 */
export async function startSession<Output, Context>(
  agent: Agent<Output, Context>,
  { claude: how, notify, ...options }: StartSessionOptions<Output> & NeedsContext<Context>,
): Promise<Session<Output>> {
  if (notify !== undefined && FUNCTION(notify) !== undefined)
    throw new LoophostError("invalid_options", `startSession(): notify${FUNCTION(notify)}.`);
  const whole: OpenOptions = { ...options, provider: claude(how) };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the context is among the options, as the caller had to give it
  const session = await openSession(agent, whole as OpenOptions & NeedsContext<Context>);
  return notify === undefined ? session : notifying(session, notify);
}

/** The session, with a word at the end of each of its runs. */
function notifying<Output>(
  session: Session<Output>,
  notify: (ended: SessionResult<Output> | RunError) => void,
): Session<Output> {
  const watched = (started: Run<Output>): Run<Output> => {
    const tell = (ended: unknown) => contained(() => (isEnd<Output>(ended) ? notify(ended) : undefined));
    started.result().then(tell, tell);
    return started;
  };
  return new Proxy(session, {
    get(target, name) {
      if (name === "send") return (...given: Parameters<Session["send"]>) => watched(target.send(...given));
      if (name === "resume")
        return (...given: Parameters<Session["resume"]>) => watched(target.resume(...given));
      const value: unknown = Reflect.get(target, name);
      // Its own fields are private to the session itself, which a proxy is not.
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

function isEnd<Output>(ended: unknown): ended is SessionResult<Output> | RunError {
  return isRunError(ended) || !(ended instanceof Error);
}
