// Every provider keeps the contract of the port. That the contract catches those that do not: broken-providers.long.test.ts.

import { type ContractFaults, type MakeHost, providerContract } from "loophost/testing";
import { describe, expect, it } from "vitest";

import { agentcoreHost, claudeHost, localHost, stoppingAgentcoreHost } from "./provider/hosts.ts";

/**
 * The hosts, each with the faults its wire can have. In process there is no wire. AgentCore tells a reply once, so that one that was
 * lost stays lost (test/providers/agentcore/replies.test.ts), and while a tool runs it has no stream open that could be cut.
 */
const hosts: readonly [string, MakeHost, readonly (keyof ContractFaults)[]][] = [
  ["local()", localHost, []],
  ["agentcore() over the stand-in", agentcoreHost, ["refuseOnce"]],
  ["claude() over the embedded host", claudeHost, ["loseReply", "refuseOnce", "cut"]],
];

/** Left running, AgentCore lets the model go on from a call that was stopped: a turn more than the case has, unless its machine is stopped. */
const STOPPED_TOOL =
  "an interrupt while a tool runs aborts the tool and ends the run, and the next message gets its own reply";

describe.each(hosts)("%s", (_host, makeHost, faults) => {
  const cases = providerContract.filter(({ needs }) => needs === undefined || faults.includes(needs));
  it.each(cases.map(({ name, check }) => [name, check] as const))("%s", async (name, check) => {
    const isApart = makeHost === agentcoreHost && name === STOPPED_TOOL;
    await expect(check(isApart ? stoppingAgentcoreHost : makeHost)).resolves.toBeUndefined();
  });
});
