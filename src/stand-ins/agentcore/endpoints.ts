/** The endpoints of one harness: DEFAULT, which is always there and serves the newest version, and those that were made. */

import type { Clock } from "../../core/clock.ts";
import type { Pace } from "./harnesses.ts";
import { pageOf } from "./page.ts";
import { invalid, Refusal } from "./refusal.ts";

interface Endpoint {
  readonly name: string;
  readonly description: unknown;
  /** What is called until `readyAt`, and from then on the target. */
  readonly before: number | undefined;
  readonly target: number;
  readonly verb: "CREATING" | "UPDATING";
  readonly readyAt: number;
}

/** The endpoints of one harness. */
export class Endpoints {
  readonly #clock: Clock;
  readonly #pace: () => Pace;
  readonly #all = new Map<string, Endpoint>();

  constructor(clock: Clock, pace: () => Pace) {
    this.#clock = clock;
    this.#pace = pace;
  }

  /** The version an endpoint serves. */
  liveVersion(name: string, newest: number): number {
    const { before, target } = this.#find(name, newest);
    return this.#isReady(name) ? target : (before ?? target);
  }

  /** Makes an endpoint. */
  create({ endpointName: name, ...body }: Record<string, unknown>, newest: number): object {
    if (typeof name !== "string" || !/^[a-zA-Z][a-zA-Z0-9_]{0,47}$/.test(name))
      throw invalid("endpointName", "bad");
    if (this.#all.has(name) || name === DEFAULT)
      throw new Refusal(409, "ConflictException", `${name} exists already.`);
    return this.#put(name, body, newest, undefined);
  }

  /** Has an endpoint serve another version. */
  update(name: string, body: Record<string, unknown>, newest: number): object {
    if (name === DEFAULT) throw invalid("endpointName", "DEFAULT cannot be changed");
    return this.#put(name, body, newest, this.liveVersion(name, newest));
  }

  /** Looks at an endpoint. */
  get(name: string, newest: number): object {
    const { target, description, verb } = this.#find(name, newest);
    const versions = { targetVersion: String(target), liveVersion: String(this.liveVersion(name, newest)) };
    const status = this.#isReady(name) ? "READY" : verb;
    return { endpointName: name, status, ...versions, ...(description !== undefined && { description }) };
  }

  /** All of them. */
  list(query: URLSearchParams, newest: number, shared: object): object {
    const names = [DEFAULT, ...this.#all.keys()];
    return pageOf("endpoints", names, query, (name) => ({ ...shared, ...this.get(name, newest) }));
  }

  /** Deletes an endpoint. */
  delete(name: string, newest: number): object {
    const shown = this.get(name, newest);
    this.#all.delete(name);
    return { ...shown, status: "DELETING" };
  }

  #put(
    name: string,
    { targetVersion, description }: Record<string, unknown>,
    newest: number,
    before: number | undefined,
  ): object {
    const target = Number(targetVersion ?? newest);
    if (!(target >= 1 && target <= newest)) throw invalid("targetVersion", "there is no such version");
    const readyAt = this.#clock.now() + (this.#pace().readyAfterMs ?? 0);
    const verb = before === undefined ? "CREATING" : "UPDATING";
    this.#all.set(name, { name, description, before, target, verb, readyAt });
    return this.get(name, newest);
  }

  #isReady(name: string): boolean {
    return (this.#all.get(name)?.readyAt ?? 0) <= this.#clock.now();
  }

  #find(name: string, newest: number): Endpoint {
    const fixed: Endpoint = {
      name,
      description: undefined,
      before: undefined,
      target: newest,
      verb: "UPDATING",
      readyAt: 0,
    };
    const found = name === DEFAULT ? fixed : this.#all.get(name);
    if (found === undefined)
      throw new Refusal(404, "ResourceNotFoundException", `There is no endpoint ${name}.`);
    return found;
  }
}

const DEFAULT = "DEFAULT";
