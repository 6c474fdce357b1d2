// provision, run, teardown: the same calls on three hosts, and many at once that end with one and the same.

import { defineAgent, run } from "loophost";
import { claude } from "loophost/providers/claude";
import { provision, teardown } from "loophost/provisioning";
import { expect, it, onTestFinished } from "vitest";

import { startHost } from "./three-hosts.ts";

const agent = defineAgent({ name: "clerk", instructions: "Help.", model: "any" });

it.each(Object.entries(startHost))(
  "goes from provision to teardown on %s, and leaves nothing behind",
  async (name, start) => {
    const host = await start();
    onTestFinished(host.close);
    const provider = host.reach(host.url ?? "");
    const provisioned = await provision(provider, agent);
    expect(provisioned.provider).toBe(name);
    expect((await host.left()).length).toBe({ local: 0, claude: 2, agentcore: 1 }[name]);
    expect(await run(agent, { provider, provisioned, prompt: "hi" })).toMatchObject({ text: "Done." });
    await teardown(provider, provisioned);
    expect(await host.left()).toEqual([]);
  },
);

it.each([2, 20])("ends with one agent and the same handle when %i provision it at once", async (count) => {
  const host = await startHost.claude();
  onTestFinished(host.close);
  // Each a provider of its own, as in processes of their own: they share nothing but the host.
  const providers = Array.from({ length: count }, () => claude({ baseUrl: host.url }));
  const handles = await Promise.all(providers.map((provider) => provision(provider, agent)));
  expect(new Set(handles.map((handle) => JSON.stringify(handle))).size).toBe(1);
  expect(await host.left()).toEqual([handles[0]?.name, expect.stringMatching(/^clerk_[0-9a-f]{8}$/)]);
});
