/** Provisioning where there is nothing to set up: an agent runs in this process from its definition. */

import { LoophostError } from "../../core/errors.ts";
import type { Provisioning } from "../../core/provisioning.ts";

/** Makes no kind of resource, so that provisioning, listing and teardown succeed and do nothing. */
export const nothingToSetUp: Provisioning = {
  kinds: [],
  names: { maxBytes: 256, isPlain: false },
  ids: {},
  settings: () => null,
  scope: () => "this process",
  ensure: () => Promise.reject(new LoophostError("provision_failed", "local() has nothing to set up.")),
  release: () => Promise.resolve(),
  list: async function* () {
    // Nothing was set up.
  },
};
