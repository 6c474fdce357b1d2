/**
 * The contract of the Store port, as cases any test runner can run: `src/core/store.ts` says it, this proves it.
 *
 * A case is given `open`, which opens one and the same place, empty at first, as often as the case asks: two stores
 * opened there are two owners, and what one wrote the next one finds. The cases know nothing of each other.
 */

import type { StoreCase } from "./case.ts";
import { equal } from "./case.ts";
import { inboxCases } from "./inbox-cases.ts";
import { leaseCases } from "./lease-cases.ts";
import { logCases } from "./log-cases.ts";
import { recordCases } from "./record-cases.ts";
import { ANYBODY, numbered } from "./samples.ts";

const closeCase: StoreCase = {
  name: "close lets go of the store and keeps what was written",
  async check(open) {
    const before = await open();
    const fence = await before.log.claim("s", ANYBODY);
    await before.log.append("s", fence, ["a"]);
    await before.records.put("c", "k", 1);
    await before.inbox.post("s", { key: "k", body: 1 });
    await before.close();
    const after = await open();
    equal(await after.log.read("s", 0, 10), numbered(["a"]), "the log did not outlive close()");
    equal(await after.records.get("c", "k"), 1, "the record did not outlive close()");
    equal((await after.inbox.read("s", 10)).length, 1, "the inbox did not outlive close()");
    equal((await after.log.claim("s", ANYBODY)) > fence, true, "the fencing number did not outlive close()");
  },
};

/** What every store has to do. */
export const storeContract: readonly StoreCase[] = [
  ...leaseCases,
  ...logCases,
  ...recordCases,
  ...inboxCases,
  closeCase,
];
