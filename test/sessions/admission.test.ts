// Places for sessions at work: a tenant with thousands of sessions that wait leaves room for those of others.

import { settleMicrotasks } from "loophost/testing";
import { expect, it } from "vitest";

import { Admission } from "../../src/sessions/admission.ts";

it("refuses sessions of a tenant with 2,000 that wait, and lets another's wait and take its turn", async () => {
  const admission = new Admission({ maxActivations: 1 });
  const leave = await admission.enter("big", "a");
  let next: (() => void) | undefined;
  for (let waiting = 0; waiting < 2_000; waiting += 1)
    admission.enter("big", "a").then(
      (entered) => (next ??= entered),
      () => undefined,
    );
  expect(await admission.enter("big", "a")).toBeUndefined();
  const small = admission.enter("small", "a");
  // The next place is that of `big`, whose turn it is; the one after it is the other's.
  leave?.();
  await settleMicrotasks();
  next?.();
  expect(await small).toBeDefined();
});

it("bounds what waits of all tenants together", async () => {
  const admission = new Admission({ maxActivations: 1 });
  await admission.enter("t", "a");
  let refused = 0;
  for (let tenant = 0; tenant < 5_000; tenant += 1)
    admission.enter(`t${tenant}`, "a").then(
      (entered) => (refused += entered === undefined ? 1 : 0),
      () => undefined,
    );
  await settleMicrotasks();
  expect(refused).toBe(1_000);
});
