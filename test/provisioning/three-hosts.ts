// The three loop hosts to provision on: each with a way there, and a look at what is left of its resources.

import type { Provider } from "loophost";
import { agentcore } from "loophost/providers/agentcore";
import { claude, createClient } from "loophost/providers/claude";
import { local } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { agentCoreStandIn } from "loophost/testing/agentcore";

/** A host that runs. */
export interface RunningHost {
  /** Undefined for one that is not reached over a network. */
  readonly url: string | undefined;
  /** A provider that gets there by some address. */
  readonly reach: (url: string) => Provider;
  /** The names of the resources that are live there. */
  readonly left: () => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

const model = () => "Done.";

/** Starts each. */
export const startHost: Readonly<Record<"local" | "claude" | "agentcore", () => Promise<RunningHost>>> = {
  local: async () => ({
    url: undefined,
    reach: () => local({ model }),
    left: async () => [],
    close: async () => undefined,
  }),
  claude: async () => {
    const host = embeddedHost({ model });
    const { url } = await host.listen();
    const client = createClient({ baseUrl: url });
    return {
      url,
      reach: (baseUrl) => claude({ baseUrl, retry: { firstDelayMs: 1, maxDelayMs: 2 } }),
      left: async () => {
        const all = [
          ...(await Array.fromAsync(client.agents.list())),
          ...(await Array.fromAsync(client.environments.list())),
        ];
        return all.map(({ name }) => name);
      },
      close: () => host.close(),
    };
  },
  agentcore: async () => {
    const standIn = await agentCoreStandIn({ model });
    const at = {
      region: "us-west-2",
      harness: { executionRoleArn: "arn:aws:iam::123456789012:role/Agents" },
    };
    const reach = (url: string) => agentcore({ ...at, baseUrl: url, controlBaseUrl: url });
    const { provisioning } = reach(standIn.url);
    const given = standIn.harnessArn;
    return {
      url: standIn.url,
      reach,
      left: async () => {
        const all = await Array.fromAsync(provisioning?.list("agent", new AbortController().signal) ?? []);
        return all.filter(({ ids }) => ids["harnessArn"] !== given).map(({ name }) => name);
      },
      close: () => standIn.close(),
    };
  },
};
