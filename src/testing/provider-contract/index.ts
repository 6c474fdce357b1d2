/**
 * The contract of the provider port, as cases any test runner can run: `src/core/provider.ts` says it, this proves it.
 *
 * A case is given `makeHost`, which starts a host whose model plays the turns the case asks for. The cases use the public
 * face only, so they hold for the whole way from a message to its result; they know nothing of each other.
 */

import { attachCases, faultCases } from "./attach-cases.ts";
import { callCases } from "./call-cases.ts";
import type { ProviderCase } from "./case.ts";
import { messageCases } from "./message-cases.ts";
import { steeringCases } from "./steering-cases.ts";

/** What every provider has to do. */
export const providerContract: readonly ProviderCase[] = [
  ...messageCases,
  ...callCases,
  ...steeringCases,
  ...attachCases,
  ...faultCases,
];
