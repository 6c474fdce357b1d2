// The contract of providers catches those that break it: each by the cases listed beside it, and by no other.

import { providerContract } from "loophost/testing";
import { expect, it } from "vitest";

import { brokenProviders } from "./provider/broken-providers.ts";

/** How long a run may take that hangs; the sound ones take a few milliseconds. */
const PATIENCE_MS = 400;

const cases = providerContract.filter(({ needs }) => needs === undefined);

it.each(Object.entries(brokenProviders))("catches a provider that %s", async (_, { makeHost, fails }) => {
  const failed: string[] = [];
  const tried = cases.map(({ name, check }) => check(makeHost, PATIENCE_MS).catch(() => failed.push(name)));
  await Promise.all(tried);
  expect(failed.toSorted()).toEqual(
    fails === "all" ? cases.map(({ name }) => name).toSorted() : fails.toSorted(),
  );
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
