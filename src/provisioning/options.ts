/** What provisioning may be told, checked where it comes in. */

import { contained } from "../core/async/contained.ts";
import type { Checks } from "../core/check-options.ts";
import { checkOptions, CLOCK, FUNCTION, MILLISECONDS, must, oneOf, SIGNAL } from "../core/check-options.ts";
import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import type { LoophostError } from "../core/errors.ts";
import { isObject } from "../core/json.ts";
import type { Provider } from "../core/provider.ts";
import type { ProvisionProgress } from "../core/provisioning.ts";
import type { Store } from "../core/store.ts";
import type { Environment } from "./environment.ts";
import type { Memory } from "./remembered.ts";

/** What keeps handles and tags: any store, or one that has records alone. */
export type RecordsOf = Pick<Store, "records">;

/** How something is provisioned. */
export interface ProvisionOptions {
  /** Where the host's tools run. Default: the host's own default. */
  readonly environment?: Environment | undefined;
  /** Where handles are kept for other processes; without one each process asks the host once. */
  readonly store?: RecordsOf | undefined;
  /**
   * What to do about a handle that is remembered: "use" it without a request, or "check" at the host, for what may have been
   * deleted there by others. Default "use".
   */
  readonly ifKnown?: "use" | "check" | undefined;
  /** Milliseconds for all of it; then `provision_timeout`. Default 600 000: some hosts take minutes. */
  readonly timeoutMs?: number | undefined;
  /** Told how far it is. What it throws is ignored. */
  readonly onProgress?: ((progress: ProvisionProgress) => void) | undefined;
  /** Told of what went wrong and did no harm, such as a store that failed. What it throws is ignored. */
  readonly onProblem?: ((error: LoophostError) => void) | undefined;
  /** Gives up when aborted; what was made by then is released. */
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
}

/** How something that was provisioned is released, looked up or tagged. */
export type HandleOptions = Pick<ProvisionOptions, "store" | "onProblem" | "signal" | "clock">;

/** What a store has to be. */
export const STORE: ReturnType<typeof must> = must(
  "a store, such as sqliteStore(path)",
  (value) => isObject(value) && isObject(value["records"]),
);

/** What each of the common options has to be. */
export const HANDLE_OPTIONS: Checks<HandleOptions> = {
  store: STORE,
  onProblem: FUNCTION,
  signal: SIGNAL,
  clock: CLOCK,
};

const OPTIONS: Checks<ProvisionOptions> = {
  ...HANDLE_OPTIONS,
  environment: must("an object, such as { runtimes, config }", isObject),
  ifKnown: oneOf("use", "check"),
  timeoutMs: MILLISECONDS,
  onProgress: FUNCTION,
};

/**
 * Checks the options of a function that provisions.
 *
 * @throws LoophostError `invalid_options`
 */
export function checkProvisionOptions(owner: string, options: ProvisionOptions): void {
  checkOptions(owner, options, OPTIONS);
}

/** The memory that options name. */
export function memoryOf(
  provider: Provider,
  { store, clock = systemClock, onProblem }: HandleOptions,
): Memory {
  return { provider, store, clock, onProblem: (error) => contained(() => onProblem?.(error)) };
}
