/** Releases what was provisioned: everything is tried, and it is forgotten only when everything is gone. */

import { checkOptions } from "../core/check-options.ts";
import { systemClock } from "../core/clock.ts";
import { LoophostError, messageOf, toLoophostError } from "../core/errors.ts";
import { checkHandle } from "../core/handle.ts";
import type { Provider } from "../core/provider.ts";
import type { ProvisionHandle } from "../core/provisioning.ts";
import { provisioningOf, sameHandle } from "./handle.ts";
import type { HandleOptions } from "./options.ts";
import { HANDLE_OPTIONS } from "./options.ts";
import { forget } from "./remembered.ts";
import { within } from "./within.ts";

/** How long a host has for releasing one resource. */
const RELEASE_MS = 300_000;

/**
 * Releases agent and environment at the host, each whatever becomes of the other; what is gone already is fine. Then the handle is
 * forgotten, here and in the store, with tags that point at it.
 *
 * @throws LoophostError the first failure, naming all that is left; then nothing is forgotten, and it can be done again.
 *   `store_failed` when all is released and the store still remembers it
 */
export async function teardown(
  provider: Provider,
  handle: ProvisionHandle,
  options: HandleOptions = {},
): Promise<void> {
  const owner = "teardown()";
  const part = provisioningOf(owner, provider);
  checkHandle(owner, { provider: provider.name, ...part }, handle);
  checkOptions(owner, options, HANDLE_OPTIONS);
  const { clock = systemClock, signal } = options;
  const late = new LoophostError(
    "provision_timeout",
    `${handle.name} was not released within ${RELEASE_MS} ms.`,
  );
  const bounds = { clock, ms: RELEASE_MS, late, signal };
  const releasing = part.kinds.map((kind) => within(bounds, (stop) => part.release(kind, handle, stop)));
  const failures = (await Promise.allSettled(releasing))
    .filter((settled) => settled.status === "rejected")
    .map(({ reason }) => toLoophostError(reason, "provision_failed", owner));
  const [first] = failures;
  if (first !== undefined) throw incomplete(first, failures);
  try {
    await forget({ provider, store: options.store }, (other) => sameHandle(other, handle));
  } catch (thrown) {
    const why = `${handle.name} is released, but the store still remembers it: ${messageOf(thrown)}. Call teardown() again.`;
    throw new LoophostError("store_failed", why, { cause: thrown });
  }
}

function incomplete(first: LoophostError, failures: readonly LoophostError[]): LoophostError {
  const { code, status, hostCode, requestId, mayRetry } = first;
  const message = `Not everything was released: ${failures.map(messageOf).join("; ")}`;
  return new LoophostError(code, message, { cause: first, status, hostCode, requestId, mayRetry });
}
