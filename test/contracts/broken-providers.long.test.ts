// The contract of providers catches those that break it: each by the cases listed beside it, and by no other.

import { providerContract } from "loophost/testing";
import { expect, it } from "vitest";

import { brokenProviders } from "./provider/broken-providers.ts";

/** How long a run may take that is expected to hang; what is expected to end is waited for, however busy the machine. */
const PATIENCE_MS = 400;

const cases = providerContract.filter(({ needs }) => needs === undefined);

it.each(Object.entries(brokenProviders))("catches a provider that %s", async (_, { makeHost, fails }) => {
  const failed: string[] = [];
  const expected = fails === "all" ? cases.map(({ name }) => name) : fails;
  const tried = cases.map(({ name, check }) =>
    check(makeHost, expected.includes(name) ? PATIENCE_MS : undefined).catch(() => failed.push(name)),
  );
  await Promise.all(tried);
  expect(failed.toSorted()).toEqual(expected.toSorted());
});

it("has no case that cannot fail", () => {
  const noticed = new Set(
    Object.values(brokenProviders).flatMap(({ fails }) => (fails === "all" ? [] : fails)),
  );
  // Whether closing ends is all that a provider can get wrong about it.
  const byHanging = [
    "a session can be closed twice, and takes nothing afterwards",
    "closing while the model replies fails the run with session_closed",
  ];
  expect(cases.map(({ name }) => name).filter((name) => !noticed.has(name))).toEqual(byHanging);
});
