/** A worker: runs sessions for an engine with bounded concurrency, and drains them on shutdown. */

import { waitAtMost } from "../core/async/abort.ts";
import { contained } from "../core/async/contained.ts";
import { atLeast, BOOLEAN, checkOptions, must } from "../core/check-options.ts";
import type { Clock } from "../core/clock.ts";
import type { ActivationHost, EngineWorker, Rest } from "../core/engine.ts";
import { LoophostError, toLoophostError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import type { ActivationParts } from "./activation.ts";
import { Activation } from "./activation.ts";
import type { AdmissionLimits } from "./admission.ts";
import { Admission } from "./admission.ts";
import { createdAs } from "./create.ts";
import { hasWork } from "./inbox.ts";
import type { ServedAgent, SessionsOptions } from "./options.ts";
import type { Pause } from "./pauses.ts";
import { Pauses } from "./pauses.ts";
import type { SweepParts } from "./sweep.ts";
import { Sweep } from "./sweep.ts";

/** How a process works on sessions. */
export interface WorkOptions extends AdmissionLimits {
  /** Whether this worker also looks for sessions that nobody woke; of those that share an engine one does so at a time. Default true. */
  readonly sweep?: boolean | undefined;
}

/** A process that runs sessions. */
export interface Worker extends AsyncDisposable {
  /** How many sessions are at work here. */
  readonly active: number;
  /**
   * Takes no more sessions. Those at work begin nothing more; their tools and model replies that are under way are waited for
   * and recorded, for `graceMs` milliseconds, and other workers go on with them. What is not done then is as after a crash;
   * a store that is away is waited for 5 s more.
   *
   * @throws LoophostError `invalid_options`
   */
  drain(options?: DrainOptions): Promise<void>;
}

/** How long a drain waits, in milliseconds. Default 10,000. */
interface DrainOptions {
  readonly graceMs?: number | undefined;
}

/** What a worker works with. */
export interface WorkerParts extends ActivationParts, SweepParts {
  readonly agents: ReadonlyMap<string, ServedAgent>;
  readonly onError: SessionsOptions["onError"];
}

/** So much that is left to other workers is told of. */
const MAX_TOLD = 100;
/** Before a session is looked at again in which something stands that only a newer release knows. */
const FOR_NEWER_MS = 4_000;
/** So long a drain waits, after its grace, for a store to take what is let go of. */
const LEAVE_MS = 5_000;
/** Before a session that found no place is tried again. */
const FULL_MS = 1_000;

/** Begins to work. */
export async function startWorker(parts: WorkerParts, options: WorkOptions): Promise<Worker> {
  checkOptions<WorkOptions>("work()", options, {
    maxActivations: atLeast(1),
    maxPerTenant: atLeast(1),
    maxPerAgent: must("limits of at least 1 by the names of agents", isLimits),
    sweep: BOOLEAN,
  });
  if (parts.agents.size === 0)
    throw new LoophostError(
      "invalid_options",
      "work() needs agents: sessions({ agents: [{ agent, provider }] }).",
    );
  const host = new Host(parts, options);
  const worker = await parts.engine.work(host);
  const sweep = new Sweep(parts, host, options.sweep !== false);
  return new SessionWorker(host, worker, sweep, parts.clock);
}

function isLimits(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((limit) => typeof limit === "number" && limit >= 1);
}

/** Runs sessions of the agents it has. */
class Host implements ActivationHost {
  readonly #parts: WorkerParts;
  readonly #admission: Admission;
  readonly #active = new Map<string, Activation>();
  /** Those under way, for an engine that asks a second time. */
  readonly #joined = new Map<string, Promise<Rest>>();
  readonly #pauses: Pauses;
  /** What was left to other workers: sessions of an agent that is not here, items that only a newer release knows. */
  readonly #toldOf = new Set<string>();
  isDraining = false;

  constructor(parts: WorkerParts, limits: AdmissionLimits) {
    this.#parts = parts;
    this.#admission = new Admission(limits);
    this.#pauses = new Pauses(parts.clock);
  }

  activate(id: string): Promise<Rest> {
    const underWay = this.#joined.get(id);
    if (underWay !== undefined) {
      this.#active.get(id)?.look();
      return underWay;
    }
    const rest = this.#activate(id)
      .catch((thrown: unknown): Rest => {
        this.tell(id, thrown);
        return { now: "again", afterMs: 1_000, elsewhere: true };
      })
      .finally(() => this.#joined.delete(id));
    this.#joined.set(id, rest);
    return rest;
  }

  /** Those at work. */
  get active(): ReadonlyMap<string, Activation> {
    return this.#active;
  }

  /** Whether a session is at work here, or waits to be tried again. */
  isBusyWith(id: string): boolean {
    return this.#joined.has(id) || this.#pauses.leftMs(id) > 0;
  }

  async #activate(id: string): Promise<Rest> {
    const { store, agents } = this.#parts;
    if (this.isDraining) return { now: "again", afterMs: 0 };
    const afterMs = this.#pauses.leftMs(id, "tried again");
    if (afterMs > 0) return { now: "again", afterMs };
    const { failures = 0, withoutPlace, inLine: before } = this.#pauses.last(id) ?? {};
    // Still none: known without a read of the store, which for thousands that wait would be all this process does.
    if (withoutPlace !== undefined && this.#admission.isFull(withoutPlace.tenant))
      return this.#pause(id, { ms: FULL_MS, failures, withoutPlace });
    const created = await createdAs(store, id);
    const found = created && (await hasWork(store, id, before));
    if (found === "for newer") {
      this.#tellOnce(`items of ${id}`, id, isForNewer(id));
      this.#pauses.begin(id, { until: "woken", ms: FOR_NEWER_MS, failures: 0 });
      return { now: "again", afterMs: FOR_NEWER_MS, elsewhere: true };
    }
    if (created === undefined || (found !== true && found !== "goes on")) {
      const inLine = typeof found === "object" ? found : undefined;
      this.#pauses.begin(id, { until: "woken", ms: this.#pauses.quietMs, failures: 0, inLine });
      return { now: "parked" };
    }
    const served = agents.get(created.agent);
    // Another worker may have its agent.
    if (served === undefined) {
      this.#tellOnce(`agent ${created.agent}`, id, isUnserved(created.agent));
      return { ...this.#pause(id, { ms: 1_000, failures }), elsewhere: true };
    }
    const tenant = created.tenant ?? "";
    const leave = await this.#admission.enter(tenant, created.agent);
    if (leave === undefined) return this.#pause(id, { ms: FULL_MS, failures, withoutPlace: { tenant } });
    try {
      if (this.isDraining) return { now: "again", afterMs: 0 };
      const facts = { sessionId: id, tenant: created.tenant, about: created.about ?? {} };
      const activation = new Activation(this.#parts, served, facts, found === "goes on");
      this.#active.set(id, activation);
      let hasFailed = false;
      const rest = await activation.run(failures, (error) => {
        hasFailed = true;
        this.tell(id, error);
      });
      // One that others have, or that could not be run, is left alone for a while: the sweep would wake it again at once.
      if (rest.now === "again" && rest.afterMs > 0)
        this.#pause(id, { ms: rest.afterMs, failures: hasFailed ? failures + 1 : 0 });
      else this.#pauses.end(id);
      return rest;
    } finally {
      this.#active.delete(id);
      leave();
    }
  }

  /** Nobody runs a session here for so long, whoever wakes it. */
  #pause(id: string, pause: Omit<Pause, "until">): Rest & { readonly now: "again" } {
    this.#pauses.begin(id, { until: "tried again", ...pause });
    return { now: "again", afterMs: pause.ms };
  }

  /** What is left to other workers is told of once: where there is none that can do it, nobody would know why nothing happens. */
  #tellOnce(what: string, sessionId: string, error: LoophostError): void {
    if (this.#toldOf.has(what) || this.#toldOf.size === MAX_TOLD) return;
    this.#toldOf.add(what);
    this.tell(sessionId, error);
  }

  /** Tells why a session could not be run, or woken. */
  tell(sessionId: string, thrown: unknown): void {
    const error = toLoophostError(thrown, "host_failed", `Session ${sessionId} could not be run`);
    contained(() => this.#parts.onError?.(error, { sessionId }));
  }

  /** Suspends what is at work, waits for it, and then lets go of the rest. */
  async drain(graceMs: number): Promise<void> {
    this.isDraining = true;
    for (const activation of this.#active.values()) activation.suspend();
    await waitAtMost(graceMs, this.#parts.clock, Promise.all(this.#joined.values()));
    await Promise.all([...this.#active.values()].map((activation) => activation.kill()));
    await Promise.all(this.#joined.values());
  }
}

function isUnserved(agent: string): LoophostError {
  const message = `No agent here is named "${agent}"; sessions of such are left to other workers.`;
  return new LoophostError("invalid_agent", message);
}

function isForNewer(id: string): LoophostError {
  const message = `In the inbox of session ${id} stands something that only a newer loophost knows; it is left to newer workers.`;
  return new LoophostError("store_failed", message);
}

class SessionWorker implements Worker {
  readonly #clock: Clock;
  readonly #host: Host;
  readonly #worker: EngineWorker;
  readonly #sweep: Sweep;
  #drained: Promise<void> | undefined;

  constructor(host: Host, worker: EngineWorker, sweep: Sweep, clock: Clock) {
    this.#clock = clock;
    this.#host = host;
    this.#worker = worker;
    this.#sweep = sweep;
  }

  get active(): number {
    return this.#host.active.size;
  }

  async drain(options: DrainOptions = {}): Promise<void> {
    checkOptions<DrainOptions>("drain()", options, { graceMs: atLeast(0) });
    const { graceMs = 10_000 } = options;
    this.#drained ??= this.#drain(graceMs);
    await this.#drained;
  }

  async #drain(graceMs: number): Promise<void> {
    // Together: an engine that went on giving sessions to a worker that drains would get them back at once, again and again.
    const left = Promise.all([
      this.#sweep.rest(),
      this.#worker.drain({ graceMs }),
      this.#host.drain(graceMs),
    ]);
    // Bounded: a store that is away would keep a process from stopping. What was not let go of is freed as after a crash.
    await waitAtMost(graceMs + LEAVE_MS, this.#clock, left);
    this.#sweep.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.drain({ graceMs: 0 });
  }
}
