// A stand-in and a client of its control plane on one hand-set clock, and a way to let that clock run until something is done.

import { BedrockAgentCoreControlClient } from "@aws-sdk/client-bedrock-agentcore-control";

import type { AgentCoreClient } from "../../../src/providers/agentcore/control/create-client.ts";
import { createClient } from "../../../src/providers/agentcore/control/create-client.ts";
import type { AgentCoreStandIn, SeenRequest } from "../../../src/stand-ins/agentcore/stand-in.ts";
import { manualClock, settleMicrotasks } from "../../../src/testing/manual-clock.ts";
import { standIn } from "./support.ts";

export const ROLE = "arn:aws:iam::123456789012:role/Agents";

export interface Controlled {
  readonly host: AgentCoreStandIn & { readonly requests: SeenRequest[] };
  readonly control: AgentCoreClient;
  /** Lets time pass in steps while nothing is on the wire, until the promise is settled; gives what it came to. */
  readonly run: <T>(promise: Promise<T>, stepMs?: number) => Promise<T>;
  readonly now: () => number;
}

export async function controlled(): Promise<Controlled> {
  const clock = manualClock();
  const host = (await standIn({ model: () => "Hello.", clock })) as Controlled["host"];
  const sdk = new BedrockAgentCoreControlClient({
    endpoint: host.url,
    region: "us-west-2",
    maxAttempts: 1,
    credentials: { accessKeyId: "loopback", secretAccessKey: "loopback" },
  });
  let underWay = 0;
  const controlClient = {
    send: async (command: never, options: object): Promise<unknown> => {
      underWay += 1;
      try {
        return await sdk.send(command, options);
      } finally {
        underWay -= 1;
      }
    },
  };
  const control = createClient({ controlClient, clock });
  // The SDK is loaded with the first request, and time must not pass meanwhile.
  for await (const _ of control.harnesses.list()) break;
  host.requests.length = 0;
  return {
    host,
    control,
    now: () => clock.now(),
    run: async (promise, stepMs = 5_000) => {
      const watch = { isOver: false };
      const settled = promise.finally(() => (watch.isOver = true));
      settled.catch(() => undefined);
      while (!watch.isOver) {
        await settleMicrotasks();
        // A request that is on the wire waits for the stand-in and not for the clock.
        if (underWay === 0 && clock.waiting > 0) await clock.advance(stepMs);
      }
      return settled;
    },
  };
}

/** What the stand-in was asked of its control plane: method and what follows `/harnesses`. */
export function askedOf({ requests }: AgentCoreStandIn): string[] {
  return requests.map(({ method, path }) => `${method} ${path.replace(/-[a-f0-9]{10}\b/, "")}`);
}
