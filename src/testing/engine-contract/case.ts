/** What a case of the engine contract is, and the host its cases run activations on. */

import type { Clock } from "../../core/clock.ts";
import type { ActivationHost, Engine, Rest } from "../../core/engine.ts";

/** Where a case's engines are. */
export interface EnginePlace {
  /**
   * Opens an engine; those of one place know of each other where they are shared, as if each were in a process of its own.
   * Whoever provides it closes what is left open.
   */
  open(): Promise<Engine>;
  /** The time the engines go by. */
  readonly clock: Clock;
  /** Lets time pass for them: by hand, or by waiting. */
  passTime(ms: number): Promise<void>;
}

/** A place whose engines are shared between processes. */
export interface SharedEnginePlace extends EnginePlace {
  /** Takes an engine's process from the others, as if it were killed: what it runs is never heard of again. */
  lose(engine: Engine): Promise<void>;
}

/** One thing every engine has to do. */
export interface EngineCase<Place = EnginePlace> {
  readonly name: string;
  /** Resolves when the engine keeps its word; rejects with an Error that says how it did not. */
  readonly check: (place: Place) => Promise<void>;
}

/** An activation that was begun. */
export interface Begun {
  readonly id: string;
  /** When, by the clock of the place. */
  readonly at: number;
  rest(how: Rest): void;
}

/** Milliseconds of real time a case waits for an activation. */
const PATIENCE_MS = 15_000;

/** A host whose activations rest when the case says so. */
export class CaseHost implements ActivationHost {
  readonly #clock: Clock;
  readonly #begun: Begun[] = [];
  readonly #atWork = new Map<string, number>();
  #waiting: ((begun: Begun) => void) | undefined;
  /** Ids of sessions that ran twice at a time. */
  readonly doubled: string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  activate(id: string): Promise<Rest> {
    const atWork = (this.#atWork.get(id) ?? 0) + 1;
    this.#atWork.set(id, atWork);
    if (atWork > 1) this.doubled.push(id);
    return new Promise((resolve) => {
      const rest = (how: Rest) => {
        this.#atWork.set(id, (this.#atWork.get(id) ?? 0) - 1);
        resolve(how);
      };
      const begun = { id, at: this.#clock.now(), rest };
      if (this.#waiting === undefined) this.#begun.push(begun);
      else this.#waiting(begun);
      this.#waiting = undefined;
    });
  }

  /** Activations that were begun and not asked for yet. */
  get unseen(): number {
    return this.#begun.length;
  }

  /** The next activation that begins, or has begun. */
  next(why: string): Promise<Begun> {
    const begun = this.#begun.shift();
    if (begun !== undefined) return Promise.resolve(begun);
    return withPatience(
      new Promise((resolve) => {
        this.#waiting = resolve;
      }),
      why,
    );
  }

  /** Lets all that began rest, and says how many those are. */
  restAll(how: Rest): number {
    const all = this.#begun.splice(0);
    for (const begun of all) begun.rest(how);
    return all.length;
  }

  /** Lets whatever begins park at once, until nothing has begun for so long; says how many began. */
  async parkAll(place: EnginePlace, quietMs: number): Promise<number> {
    let parked = 0;
    for (;;) {
      await place.passTime(quietMs);
      const more = this.restAll(PARKED);
      if (more === 0) return parked;
      parked += more;
    }
  }
}

/** An engine of a place, and a host that works for it. */
export async function working(
  place: EnginePlace,
): Promise<{ readonly engine: Engine; readonly host: CaseHost }> {
  const engine = await place.open();
  const host = new CaseHost(place.clock);
  await engine.work(host);
  return { engine, host };
}

/** Rests until it is woken. */
export const PARKED: Rest = { now: "parked" };

/** Rejects when something does not come to be. */
export async function withPatience<T>(what: Promise<T>, why: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(why)), PATIENCE_MS);
  });
  try {
    return await Promise.race([what, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Rejects what is not so. */
export function must(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise);
}
