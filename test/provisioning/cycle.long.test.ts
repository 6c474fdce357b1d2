// provision, run, teardown, with each single request refused, lost, or answered into nowhere; and real processes that race.

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import type { Provider, ProvisionHandle } from "loophost";
import { defineAgent, LoophostError, run } from "loophost";
import { provision, teardown } from "loophost/provisioning";
import { describe, expect, it, onTestFinished } from "vitest";

import type { OneFault } from "./one-fault.ts";
import { oneFaultProxy } from "./one-fault.ts";
import { startHost } from "./three-hosts.ts";

const agent = defineAgent({ name: "clerk", instructions: "Help.", model: "any" });

/** A cycle as a careful user writes it: what was provisioned is torn down, again if that failed. */
async function cycle(provider: Provider): Promise<unknown[]> {
  const failures: unknown[] = [];
  const noted = (thrown: unknown) => void failures.push(thrown);
  let handle: ProvisionHandle | undefined;
  try {
    handle = await provision(provider, agent);
    await run(agent, { provider, provisioned: handle, prompt: "hi", limits: { runTimeoutMs: 20_000 } });
  } catch (thrown) {
    noted(thrown);
  }
  if (handle === undefined) return failures;
  const provisioned = handle;
  await teardown(provider, provisioned).catch((thrown: unknown) => {
    noted(thrown);
    return teardown(provider, provisioned);
  });
  return failures;
}

describe.each(["claude", "agentcore"] as const)("%s", (name) => {
  it.each(["refuse", "lose request", "lose reply"] as const)(
    "leaves nothing behind, whichever single request meets: %s",
    async (how) => {
      const host = await startHost[name]();
      onTestFinished(host.close);
      const clean = await through(host, undefined);
      expect(clean.failures).toEqual([]);
      for (let at = 1; at <= clean.asked.length; at += 1) {
        const { failures, asked } = await through(host, { at, how });
        const where = `${how} ${at}: ${asked[at - 1]}`;
        expect(await host.left(), where).toEqual([]);
        for (const failure of failures) expect(failure, where).toBeInstanceOf(LoophostError);
      }
    },
    120_000,
  );
});

async function through(host: Awaited<ReturnType<(typeof startHost)["claude"]>>, fault: OneFault | undefined) {
  const proxy = await oneFaultProxy(host.url ?? "", fault);
  const failures = await cycle(host.reach(proxy.url));
  proxy.close();
  return { failures, asked: proxy.asked };
}

it.each([2, 20])(
  "ends with one agent and the same handle in %i processes",
  async (count) => {
    const host = await startHost.claude();
    onTestFinished(host.close);
    const file = fileURLToPath(new URL("provision-process.ts", import.meta.url));
    const children = Array.from({ length: count }, () => fork(file, [host.url ?? ""]));
    await Promise.all(children.map((child) => once(child, "message")));
    const said = Promise.all(children.map((child) => once(child, "message")));
    for (const child of children) child.send("go");
    const handles = (await said).map(([handle]) => JSON.stringify(handle));
    expect(new Set(handles).size).toBe(1);
    expect(await host.left()).toHaveLength(2);
  },
  120_000,
);
