// Every promise, from where it comes.

import { agentcore } from "./agentcore.ts";
import { claudeWire } from "./claude-wire.ts";
import { faults } from "./faults.ts";
import { invariants } from "./invariants.ts";
import { messagesLoop } from "./messages-loop.ts";
import { observe } from "./observe.ts";
import { provisioning } from "./provisioning.ts";
import type { Requirement } from "./requirement.ts";
import { runtimeClient1 } from "./runtime-client-1.ts";
import { runtimeClient2 } from "./runtime-client-2.ts";
import { runtimeClient3 } from "./runtime-client-3.ts";
import { runtimeClient4 } from "./runtime-client-4.ts";

export const requirements: readonly Requirement[] = [
  ...invariants,
  ...faults,
  ...claudeWire,
  ...agentcore,
  ...messagesLoop,
  ...observe,
  ...runtimeClient1,
  ...runtimeClient2,
  ...runtimeClient3,
  ...runtimeClient4,
  ...provisioning,
];
