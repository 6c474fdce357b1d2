// Every provider keeps the contract of the port. That the contract catches those that do not: broken-providers.long.test.ts.

import { type ContractFaults, type MakeHost, providerContract } from "loophost/testing";
import { describe, expect, it } from "vitest";

import { agentcoreHost, claudeHost, localHost } from "./provider/hosts.ts";

/** The hosts, each with the faults its wire can have: in process there is no wire. */
const hosts: readonly [string, MakeHost, readonly (keyof ContractFaults)[]][] = [
  ["local()", localHost, []],
  ["agentcore() over the stand-in", agentcoreHost, []],
  ["claude() over the embedded host", claudeHost, ["loseReply", "refuseOnce", "cut"]],
];

/** AgentCore takes nothing before a stopped call is answered, and lets the model go on from that: a turn more than the case has. */
const APART = new Map([
  [
    "agentcore() over the stand-in",
    "an interrupt while a tool runs aborts the tool and ends the run, and the next message gets its own reply",
  ],
]);

describe.each(hosts)("%s", (host, makeHost, faults) => {
  const cases = providerContract.filter(
    ({ name, needs }) => (needs === undefined || faults.includes(needs)) && APART.get(host) !== name,
  );
  it.each(cases.map(({ name, check }) => [name, check] as const))("%s", async (_name, check) => {
    await expect(check(makeHost)).resolves.toBeUndefined();
  });
});
