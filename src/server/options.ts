/** The options of the embedded host, and what they have to be. */

import type { TokenPrices } from "../budget/budget.ts";
import type { Checks } from "../core/check-options.ts";
import {
  atLeast,
  checkOptions,
  CLOCK,
  FUNCTION,
  listOf,
  must,
  NAME,
  oneOf,
  STRING,
} from "../core/check-options.ts";
import type { Clock } from "../core/clock.ts";
import { LoophostError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import type { Observer } from "../core/observer.ts";
import type { IfOwned } from "../core/session.ts";
import type { Store } from "../core/store.ts";
import type { Model } from "../providers/local/model.ts";
import type { ModelFunction } from "../providers/local/models/function-model.ts";

/** How the embedded host is made. */
export interface EmbeddedHostOptions {
  /**
   * The model for agents whose model id is not among `models`: a model, or a function that answers. Default: none, and such
   * agents are refused.
   */
  readonly model?: Model | ModelFunction | undefined;
  /** Models by the id agents name them with. Default: none. */
  readonly models?: Readonly<Record<string, Model | ModelFunction>> | undefined;
  /** The key clients must send. Default: none, and everybody who reaches the host may use it. */
  readonly apiKey?: string | undefined;
  /** The store, owned by the host until it is closed. Default: in memory, gone with the process. */
  readonly store?: Store | undefined;
  /**
   * What to do while another host owns the store: fail, wait until it is released, or take it over, which ends that
   * host's work. A host whose process died on this machine is not waited for. Default "fail".
   */
  readonly ifOwned?: IfOwned | undefined;
  /**
   * The address at which other hosts on this store reach this one, such as "http://10.0.0.7:4100", or "auto" for the one it
   * listens at. With it the store is shared: each session has its host, and the others pass requests on to that one. Default:
   * none, and the host is alone with its store.
   */
  readonly advertise?: string | undefined;
  /**
   * What models cost, by the id agents name them with: cents for a million tokens. Sessions whose model has a price tell
   * their cost and may have a budget. Default: none.
   */
  readonly prices?: Readonly<Record<string, TokenPrices>> | undefined;
  /** Where time comes from, for tests. Default: the clock of this machine. */
  readonly clock?: Clock | undefined;
  /** Milliseconds between two keep-alive pings on a stream. Default 15 000. */
  readonly pingIntervalMs?: number | undefined;
  /**
   * What stands in the `event:` lines of a stream: the event's type, or always "message", which clients older than
   * version 0.137 of the official SDK need. Default "type".
   */
  readonly eventName?: "type" | "message" | undefined;
  /**
   * Called with internal errors as they were thrown; clients see less. What it throws itself is ignored. Default:
   * nothing.
   */
  readonly onError?: ((error: unknown, about: FailedIn) => void) | undefined;
  /**
   * Observers of every session, as `observers` of `openSession`. Calls wait for clients: no tool executes here.
   * Default: none.
   */
  readonly observers?: readonly Observer[] | undefined;
  /** Called with a line for each request, for a log of yours. What it throws itself is ignored. Default: nothing. */
  readonly onRequest?: ((line: RequestLine) => void) | undefined;
}

/** A request that was answered. */
export interface RequestLine {
  readonly method: string;
  /** The path with names for what is in it, "/v1/sessions/:id"; "*" where there is none such. */
  readonly path: string;
  readonly status: number;
  /** Milliseconds until the reply, or the beginning of its stream, was there. */
  readonly ms: number;
  /** What the reply says in its header `request-id`. */
  readonly requestId: string;
}

/** Where in a host something went wrong. */
export interface FailedIn {
  /** The session it happened to, where it was one. */
  readonly sessionId?: string | undefined;
}

/** Where a host listens. */
export interface ListenOptions {
  /** The port. Default 0: any that is free. */
  readonly port?: number | undefined;
  /** The address it listens at; others than loopback are open to the network. Default 127.0.0.1. */
  readonly hostname?: string | undefined;
}

/**
 * Checks the options a host is made with.
 *
 * @throws LoophostError `invalid_options` that names the option; values of secrets are not shown
 */
export function checkHostOptions(options: EmbeddedHostOptions): void {
  checkOptions("embeddedHost()", options, HOST);
  const { advertise, store, ifOwned } = options;
  if (advertise === undefined) return;
  const problem =
    store === undefined
      ? "needs a store: one in memory nobody can share"
      : ifOwned !== undefined && "goes without ifOwned: a shared store is nobody's to wait for, or to take";
  if (problem !== false) throw new LoophostError("invalid_options", `embeddedHost(): advertise ${problem}.`);
}

/**
 * Checks the options a host listens with.
 *
 * @throws LoophostError `invalid_options` that names the option
 */
export function checkListenOptions(options: unknown): void {
  checkOptions("listen()", options, LISTEN);
}

const HOST: Checks<EmbeddedHostOptions> = {
  model: must("a model, or a function that answers", isModel),
  models: must("an object of models, or of functions that answer, by id", recordOf(isModel)),
  apiKey: (key) => (key === "" ? " is empty; leave it out to let everybody in" : STRING(key)),
  store: must('a store, such as sqliteStore("host.db")', isStore),
  ifOwned: oneOf("fail", "wait", "take"),
  advertise: must('an address such as "http://10.0.0.7:4100", or "auto"', isAddress),
  prices: must("an object of prices by model id", recordOf(isObject)),
  clock: CLOCK,
  pingIntervalMs: atLeast(1),
  eventName: oneOf("type", "message"),
  onError: FUNCTION,
  observers: listOf("observers, objects with methods such as event()", isObject),
  onRequest: FUNCTION,
};

const LISTEN: Checks<ListenOptions> = {
  port: must("a whole number from 0 to 65535", isPort),
  hostname: NAME,
};

function isModel(value: unknown): boolean {
  return typeof value === "function" || (isObject(value) && typeof value["converse"] === "function");
}

function isStore(value: unknown): boolean {
  return isObject(value) && isObject(value["log"]) && isObject(value["records"]);
}

function isAddress(value: unknown): boolean {
  if (value === "auto") return true;
  if (typeof value !== "string" || !URL.canParse(value)) return false;
  const { protocol, pathname, search, hash, username, password } = new URL(value);
  return /^https?:$/.test(protocol) && pathname + search + hash + username + password === "/";
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535;
}

function recordOf(fits: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => isObject(value) && Object.values(value).every(fits);
}
