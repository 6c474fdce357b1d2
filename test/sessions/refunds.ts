// An agent with a tool that waits for somebody to allow it, served by the model that does what its last message says.

import type { Tool } from "loophost";
import { defineAgent, defineTool } from "loophost";
import { local } from "loophost/providers/local";
import type { ServedAgent } from "loophost/sessions";

import { scriptedModel } from "./scripted-model.ts";

export const refund: Tool = defineTool({
  name: "refund",
  description: "Refunds",
  input: { type: "object" },
  needsApproval: true,
  execute: () => "refunded",
});

export const served: ServedAgent = {
  agent: defineAgent({ name: "a", instructions: "", tools: [refund] }),
  provider: local({ model: scriptedModel }),
};
