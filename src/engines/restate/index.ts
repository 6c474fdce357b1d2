/** The engine over Restate: it keeps wakes and timers, calls workers over HTTP, and calls another when one is lost. */

import { waitAtMost } from "../../core/async/abort.ts";
import { systemClock } from "../../core/clock.ts";
import type { ActivationHost, Engine, EngineWorker, Rest, Wake } from "../../core/engine.ts";
import { LoophostError } from "../../core/errors.ts";
import type { Endpoint } from "./endpoint.ts";
import { listenFor } from "./endpoint.ts";
import { toKey } from "./keys.ts";
import type { Turn } from "./object.ts";
import { virtualObject } from "./object.ts";
import type { RestateEngineOptions, RestateListen, RestateSettings } from "./options.ts";
import { checkRestateOptions } from "./options.ts";
import { Registration } from "./registration.ts";
import { ask, below } from "./requests.ts";

export type { ActivationHost, Engine, EngineWorker, Rest, RestateEngineOptions, RestateListen, Wake };

/**
 * Makes an engine for `sessions({ engine })` that lets a Restate server say which worker runs which session. Nothing is
 * asked of Restate before the first wake or `work()`. Its calls throw `host_unreachable`, `host_rejected` and `host_failed`
 * when Restate does not take a wake; `work()` throws `missing_dependency` without the package `@restatedev/restate-sdk`.
 *
 * @throws LoophostError `invalid_options`
 */
export function restateEngine(options: RestateEngineOptions): Engine {
  return new RestateEngine(checkRestateOptions(options));
}

class RestateEngine implements Engine {
  readonly isShared = true;
  readonly #settings: RestateSettings;
  readonly #workers = new Set<RestateWorker>();

  constructor(settings: RestateSettings) {
    this.#settings = settings;
  }

  /** @param turn told to the activation, which asks for the next one under another key */
  async wake(id: string, { at, key }: Wake = {}, turn?: Turn): Promise<void> {
    const delayMs = at === undefined ? 0 : at.getTime() - Date.now();
    if (!Number.isFinite(delayMs))
      throw new LoophostError("invalid_options", `Session ${id} cannot be woken at a date that is none.`);
    const { ingress, name } = this.#settings;
    const url = below(ingress, `${name}/${encodeURIComponent(toKey(id))}/activate/send`);
    if (delayMs > 0) url.searchParams.set("delay", `${delayMs}ms`);
    const along = key === undefined ? {} : { "idempotency-key": key };
    const send = () => ask(this.#settings, { method: "POST", url, body: turn, along });
    await send().catch(async (thrown: unknown) => {
      // A Restate that lost its data knows no workers. Those that are here make themselves known again.
      const isUnknown = thrown instanceof LoophostError && thrown.status === 404;
      const [worker] = this.#workers;
      if (!isUnknown || this.#settings.admin === undefined || worker === undefined) throw thrown;
      await worker.registration.register();
      await send();
    });
  }

  async work(host: ActivationHost): Promise<EngineWorker> {
    const { listen, name } = this.#settings;
    if (listen === undefined)
      throw new LoophostError("invalid_options", "work() needs restateEngine({ listen: { port } }).");
    const sdk = await import("@restatedev/restate-sdk").catch((cause: unknown) => {
      const wayOut = "npm install @restatedev/restate-sdk.";
      throw new LoophostError(
        "missing_dependency",
        `restateEngine() needs the package @restatedev/restate-sdk: ${wayOut}`,
        { cause },
      );
    });
    let endpoint: Endpoint | undefined;
    const atWork = new AtWork(host, {
      wake: (id, how, turn) => this.wake(id, how, turn),
      turnAway: () => endpoint?.turnAway(),
    });
    const handler = sdk.createEndpointHandler({
      services: [virtualObject(sdk, name, (id, turn) => atWork.run(id, turn))],
      identityKeys: [...(listen.identityKeys ?? [])],
      // A library prints nothing. What fails is seen in Restate, which tries it again.
      logger: () => undefined,
    });
    endpoint = await listenFor(handler, listen);
    const registration = new Registration(this.#settings, endpoint.url);
    const worker = new RestateWorker(endpoint, atWork, registration, () => this.#workers.delete(worker));
    this.#workers.add(worker);
    await registration.register().catch(async (thrown: unknown) => {
      await worker.drain({ graceMs: 0 });
      throw thrown;
    });
    registration.watch();
    return worker;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.drain({ graceMs: 0 })));
  }
}

/** What an activation asks of the engine as it ends. */
interface Calls {
  wake(id: string, how: Wake, turn: Turn): Promise<void>;
  /** Has Restate look for another worker. */
  turnAway(): void;
}

/** The sessions at work for one worker. An attempt whose connection was lost is one of them until it rests. */
class AtWork {
  readonly #host: ActivationHost;
  readonly #calls: Calls;
  readonly #runs = new Set<Promise<void>>();

  constructor(host: ActivationHost, calls: Calls) {
    this.#host = host;
    this.#calls = calls;
  }

  /** @throws LoophostError when Restate did not take the wake for what is to be run again: it tries this attempt again then */
  async run(id: string, turn: Turn | undefined): Promise<void> {
    const run = this.#run(id, turn);
    this.#runs.add(run);
    await run.finally(() => this.#runs.delete(run));
  }

  async #run(id: string, turn: Turn | undefined): Promise<void> {
    const rest = await this.#host.activate(id);
    if (rest.now === "again" && rest.elsewhere === true) this.#calls.turnAway();
    const at = rest.now === "again" ? new Date(Date.now() + rest.afterMs) : rest.wakeAt;
    if (at === undefined) return;
    const next = turn === "odd" ? "even" : "odd";
    const key = `${next} ${rest.now === "again" ? "again" : at.getTime()}`;
    await this.#calls.wake(id, { at, key }, next);
  }

  /** Resolves when all of them rest. */
  async over(): Promise<void> {
    await Promise.allSettled(this.#runs);
  }
}

class RestateWorker implements EngineWorker {
  readonly registration: Registration;
  readonly #endpoint: Endpoint;
  readonly #atWork: AtWork;
  readonly #onGone: () => void;
  #drained: Promise<void> | undefined;

  constructor(endpoint: Endpoint, atWork: AtWork, registration: Registration, onGone: () => void) {
    this.#endpoint = endpoint;
    this.#atWork = atWork;
    this.registration = registration;
    this.#onGone = onGone;
  }

  drain({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#drained ??= this.#drain(graceMs);
    return this.#drained;
  }

  /** Other workers are called for its sessions from now on, and wait there until they are let go of here. */
  async #drain(graceMs: number): Promise<void> {
    this.registration.stop();
    const left = this.#endpoint.leave();
    await waitAtMost(graceMs, systemClock, this.#atWork.over());
    this.#endpoint.cut();
    await left;
    this.#onGone();
  }
}
