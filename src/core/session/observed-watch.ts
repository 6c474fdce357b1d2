/**
 * The observers of one session, behind a guard: without it an exception of an observer's, or a rejected promise nobody
 * handles, would end the run or the process.
 *
 *   V1  work is done once, at once, and its outcome is its own, whatever an observer does around it
 *   V2  events are told in order: one that an observer causes is told to all after the one that caused it
 */

import type { Agent } from "../agent.ts";
import { contained } from "../async/contained.ts";
import { isString } from "../check-options.ts";
import { systemClock } from "../clock.ts";
import type { SessionEvent } from "../events.ts";
import type { Watch } from "../execution/watch.ts";
import { isObject } from "../json.ts";
import type { About, ModelRequest, Observer, TraceContext } from "../observer.ts";
import type { HostInput } from "../provider.ts";
import type { ToolCall } from "../results.ts";
import type { OpenOptions } from "../session.ts";
import { tellStep } from "./steps.ts";

/** A session that is observed. */
export class ObservedWatch implements Watch {
  readonly #observers: readonly Observer[];
  readonly #about: (run: Pick<About, "sessionId" | "runId" | "begunIn">) => About;
  readonly #onStep: OpenOptions["onStep"];
  #run: About;
  #errors = 0;
  /** Events that observers caused while they were told of another. */
  readonly #caused: (readonly [SessionEvent, About])[] = [];
  #isTelling = false;

  constructor(agent: Agent, options: OpenOptions) {
    const { provider, observers = [], onEvent, onStep, metadata = {}, clock = systemClock } = options;
    // `onEvent` is shorthand for an observer with `event` alone. One that is listed twice is told once.
    this.#observers = [...new Set(observers), ...(onEvent ? [{ event: onEvent }] : [])];
    this.#onStep = onStep;
    const errors = () => this.#errors;
    this.#about = (run) => ({
      ...run,
      agent,
      provider,
      metadata,
      clock,
      get observerErrors() {
        return errors();
      },
    });
    this.#run = this.#about({ sessionId: "", runId: undefined, begunIn: undefined });
  }

  begin(sessionId: string, runId?: string, begunIn?: TraceContext): void {
    this.#run = this.#about({ sessionId, runId, begunIn });
  }

  step(...step: Parameters<Watch["step"]>): void {
    tellStep(this.#onStep, ...step);
  }

  event(event: SessionEvent): void {
    if (this.#isTelling) {
      this.#caused.push([event, this.#run]);
      return;
    }
    this.#isTelling = true;
    this.#tell(event, this.#run);
    for (let next = this.#caused.shift(); next !== undefined; next = this.#caused.shift())
      this.#tell(...next);
    this.#isTelling = false;
  }

  tool<T>(call: ToolCall, work: () => T): T {
    return this.#around(work, (observer, next) => observer.tool?.(call, this.#run, next));
  }

  send<T>(inputs: readonly HostInput[], work: () => T): T {
    return this.#around(work, (observer, next) => observer.send?.(inputs, this.#run, next));
  }

  model<T>(request: ModelRequest, work: () => T): T {
    return this.#around(work, (observer, next) => observer.model?.(request, this.#run, next));
  }

  traceContext(callId?: string): TraceContext | undefined {
    let found: TraceContext | undefined;
    for (const observer of this.#observers)
      contained(() => {
        const given: unknown = observer.traceContext?.(this.#run, callId);
        found ??= readHeaders(given);
        return given;
      }, this.#count);
    return found;
  }

  readonly #count = (): void => {
    this.#errors += 1;
  };

  /** Tells observers of one event, and makes no closure for it: most events are pieces of text, which come by the thousand. */
  #tell(event: SessionEvent, about: About): void {
    for (const observer of this.#observers) {
      try {
        const given: unknown = observer.event?.(event, about);
        if (given !== undefined) contained(() => given, this.#count);
      } catch {
        this.#count();
      }
    }
  }

  /** Does work with every observer around it, the first of them outermost. */
  #around<T>(work: () => T, enter: (observer: Observer, next: () => T) => unknown): T {
    let next = work;
    for (const observer of this.#observers.toReversed()) {
      const inner = once(next);
      next = () => {
        contained(
          () => enter(observer, inner),
          (thrown) => this.#countUnlessOf(inner, thrown),
        );
        return inner();
      };
    }
    return next();
  }

  /** What the work itself throws goes through whoever stands around it, and is no failure of theirs. */
  #countUnlessOf(work: () => unknown, thrown: unknown): void {
    Promise.resolve()
      .then(work)
      .then(this.#count, (own: unknown) => {
        if (own !== thrown) this.#count();
      });
  }
}

/** The strings in what an observer gave; undefined when there are none. */
function readHeaders(given: unknown): TraceContext | undefined {
  const headers = isObject(given) ? Object.entries(given).filter(([, value]) => isString(value)) : [];
  // oxlint-disable-next-line no-unsafe-type-assertion -- only strings are left
  return headers.length === 0 ? undefined : (Object.fromEntries(headers) as TraceContext);
}

/** A function that does its work with the first call, and gives its outcome with each. */
function once<T>(work: () => T): () => T {
  let outcome: (() => T) | undefined;
  return () => {
    outcome ??= outcomeOf(work);
    return outcome();
  };
}

function outcomeOf<T>(work: () => T): () => T {
  try {
    const value = work();
    return () => value;
  } catch (thrown) {
    return () => {
      throw thrown;
    };
  }
}
