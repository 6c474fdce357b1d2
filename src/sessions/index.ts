/** Sessions that outlive processes, and that any process may talk to: on one machine, or on a fleet. */

import { withDeadlines } from "../core/async/store-deadline.ts";
import { atLeast, checkOptions, NAME, oneOf, STRING } from "../core/check-options.ts";
import { systemClock } from "../core/clock.ts";
import { LoophostError } from "../core/errors.ts";
import type { SessionSummary } from "../core/journal/session-index.ts";
import { refuseOldNode } from "../core/old-node.ts";
import { memoryStore } from "../stores/memory.ts";
import { KEPT_NAME } from "../stores/names.ts";
import type { CreateOptions } from "./create.ts";
import { create } from "./create.ts";
import { inProcessEngine } from "./in-process.ts";
import type { ListOptions } from "./list.ts";
import { list } from "./list.ts";
import { localBus } from "./local-bus.ts";
import type { SessionsOptions } from "./options.ts";
import { checkSessions } from "./options.ts";
import type { SessionRef } from "./ref.ts";
import { sessionRef } from "./ref.ts";
import type { Worker, WorkOptions } from "./worker.ts";
import { startWorker } from "./worker.ts";

/** The sessions of an application. */
export interface Sessions extends AsyncDisposable {
  /**
   * Makes a session for an agent; with the id of one there is, gives that.
   *
   * @throws LoophostError `invalid_options` when the session of this id has another agent, or none of this process's agents has that name
   */
  create(agent: string, options?: CreateOptions): Promise<SessionRef>;
  /** A session by its id; nothing is looked up. */
  get(id: string): SessionRef;
  /** Sessions by id, at most `limit` (default 100). */
  list(options?: ListOptions): Promise<readonly SessionSummary[]>;
  /** Begins to run sessions in this process. */
  work(options?: WorkOptions): Promise<Worker>;
  /** Lets go of engine and bus, with all workers; the store is the caller's. */
  close(): Promise<void>;
}

/**
 * Sets up sessions. With nothing but agents all of it is in this process and in memory; `store: sqliteStore(path)` makes it
 * outlive the process.
 *
 * @throws LoophostError `invalid_options`; `missing_dependency` on a Node older than 22.13
 */
export function sessions(options: SessionsOptions): Sessions {
  refuseOldNode();
  const agents = checkSessions(options);
  const {
    clock = systemClock,
    bus = localBus(),
    engine = inProcessEngine({ clock: options.clock }),
    pollMs = options.bus === undefined ? 100 : 1_000,
    observers,
    onEvent,
    onError,
  } = options;
  const plainStore = options.store ?? memoryStore();
  const store = withDeadlines(plainStore, clock);
  const parts = { store, bus, engine, clock, pollMs };
  const workers = new Set<Worker>();

  async function close(): Promise<void> {
    await Promise.all([...workers].map((worker) => worker.drain({ graceMs: 0 })));
    await engine.close();
    await bus.close();
  }

  return {
    async create(agent, how = {}) {
      if (agents.size > 0 && !agents.has(agent))
        throw new LoophostError(
          "invalid_options",
          `There is no agent "${agent}" here. The agents are: ${[...agents.keys()].join(", ")}.`,
        );
      return sessionRef(await create(parts, agent, how), parts);
    },
    get(id) {
      checkOptions("get()", { id }, { id: KEPT_NAME }, ["id"]);
      return sessionRef(id, parts);
    },
    async list(how = {}) {
      checkOptions<ListOptions>("list()", how, {
        status: oneOf("running", "waiting", "idle", "failed"),
        tenant: NAME,
        after: STRING,
        limit: atLeast(1),
      });
      return list(store, how);
    },
    async work(how = {}) {
      const worker = await startWorker({ ...parts, plainStore, agents, observers, onEvent, onError }, how);
      workers.add(worker);
      return worker;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

export type { CallDecision } from "./items.ts";
export type { FollowedEvent, FollowOptions } from "./follow.ts";
export type { Keyed, MessageOptions, Receipt, DecisionReceipt, SessionRef } from "./ref.ts";
export type { ServedAgent, SessionFacts, SessionsOptions } from "./options.ts";
export type { AdmissionLimits } from "./admission.ts";
export type { ShownAgent } from "../core/journal/entry.ts";
export type { Bus } from "../core/bus.ts";
export type { ActivationHost, Engine, EngineWorker, Rest, Wake } from "../core/engine.ts";
export type { CreateOptions, ListOptions, SessionSummary, Worker, WorkOptions };
export { inProcessEngine, localBus };
