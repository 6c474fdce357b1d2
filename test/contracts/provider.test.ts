// Every provider keeps the contract of the port. That the contract catches those that do not: broken-providers.long.test.ts.

import { type ContractFaults, type MakeHost, providerContract } from "loophost/testing";
import { describe, expect, it } from "vitest";

import { claudeHost, localHost } from "./provider/hosts.ts";

/** The hosts, each with the faults its wire can have: in process there is no wire. */
const hosts: readonly [string, MakeHost, readonly (keyof ContractFaults)[]][] = [
  ["local()", localHost, []],
  ["claude() over the embedded host", claudeHost, ["loseReply", "refuseOnce", "cut"]],
];

describe.each(hosts)("%s", (_, makeHost, faults) => {
  const cases = providerContract.filter(({ needs }) => needs === undefined || faults.includes(needs));
  it.each(cases.map(({ name, check }) => [name, check] as const))("%s", async (_name, check) => {
    await expect(check(makeHost)).resolves.toBeUndefined();
  });
});
