/** How sessions are set up: their store, engine and agents. */

import type { Agent, SomeLimits } from "../core/agent.ts";
import type { Bus } from "../core/bus.ts";
import type { Checks, Names } from "../core/check-options.ts";
import {
  atLeast,
  checkNames,
  checkOptions,
  CLOCK,
  FUNCTION,
  listOf,
  must,
  withMethods,
} from "../core/check-options.ts";
import type { Clock } from "../core/clock.ts";
import type { Engine } from "../core/engine.ts";
import { LoophostError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { TurnGuard } from "../core/guard.ts";
import type { ShownAgent } from "../core/journal/entry.ts";
import type { JsonObject } from "../core/json.ts";
import { isObject } from "../core/json.ts";
import type { Observer } from "../core/observer.ts";
import type { Provider } from "../core/provider.ts";
import type { IfCallUnknown, OnApproval } from "../core/session.ts";
import type { Store } from "../core/store.ts";

/** What is known of a session besides its agent. */
export interface SessionFacts {
  readonly sessionId: string;
  readonly tenant: string | undefined;
  /** What the application said of it when it was created. */
  readonly about: JsonObject;
}

/** An agent as a worker runs it. */
export interface ServedAgent {
  readonly agent: Agent;
  readonly provider: Provider;
  /** Makes what tools get as `context`, anew for each activation, within 30 s. */
  readonly context?: ((session: SessionFacts) => unknown) | undefined;
  /** Whether a session that was begun with an agent of this name that has changed may go on with it; all but `true` is a no, also a promise. Default: yes. */
  readonly accepts?: ((before: ShownAgent) => boolean) | undefined;
  readonly limits?: SomeLimits | undefined;
  readonly guard?: TurnGuard | undefined;
  /** Asked about calls that need approval while the session runs. Default: they wait for `approve` or `deny`. */
  readonly onApproval?: OnApproval | undefined;
  readonly ifCallUnknown?: IfCallUnknown | undefined;
}

/** How sessions are set up. */
export interface SessionsOptions {
  /** Where logs, inboxes and the index are. Default: memory, gone with the process. */
  readonly store?: Store | undefined;
  /** Which session runs where and when. Default: this process. */
  readonly engine?: Engine | undefined;
  /** Live words between processes. Default: within this process. */
  readonly bus?: Bus | undefined;
  /** The agents a worker of this process runs. A process that only talks to sessions needs none. */
  readonly agents?: readonly ServedAgent[] | undefined;
  /** Watch every session that runs in this process, as `observers` of `openSession` do. */
  readonly observers?: readonly Observer[] | undefined;
  /** Told every event of every session that runs in this process, deltas included. What it throws is ignored. */
  readonly onEvent?: ((event: SessionEvent, session: SessionFacts) => void) | undefined;
  /** Told why a session could not be run; it is tried again. Of an agent that is not here: once. What it throws is ignored. */
  readonly onError?: ((error: LoophostError, session: { readonly sessionId: string }) => void) | undefined;
  /**
   * How often this process looks into the store for what other processes posted and wrote, in milliseconds. Default: 100,
   * or 1000 with a `bus`, which tells of it at once.
   */
  readonly pollMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

const OPTIONS: Checks<SessionsOptions> = {
  store: must(
    "a store, such as sqliteStore(path)",
    (value) => isObject(value) && isObject(value["log"]) && isObject(value["inbox"]),
  ),
  engine: withMethods("wake", "work", "close"),
  bus: withMethods("say", "listen", "close"),
  agents: listOf(
    "{ agent, provider }",
    (value) => isObject(value) && isObject(value["agent"]) && isObject(value["provider"]),
  ),
  observers: listOf("observers", isObject),
  onEvent: FUNCTION,
  onError: FUNCTION,
  pollMs: atLeast(1),
  clock: CLOCK,
};

const SERVED: Names<ServedAgent> = {
  agent: 1,
  provider: 1,
  context: 1,
  accepts: 1,
  limits: 1,
  guard: 1,
  onApproval: 1,
  ifCallUnknown: 1,
};

/**
 * Checks how sessions are set up; gives the agents by name.
 *
 * @throws LoophostError `invalid_options`
 */
export function checkSessions(options: SessionsOptions): ReadonlyMap<string, ServedAgent> {
  checkOptions("sessions()", options, OPTIONS);
  const agents = new Map<string, ServedAgent>();
  for (const served of options.agents ?? []) {
    checkNames("sessions(): agents", served, SERVED);
    const { name } = served.agent;
    if (agents.has(name))
      throw new LoophostError("invalid_options", `sessions(): two agents are named "${name}".`);
    agents.set(name, served);
  }
  return agents;
}
