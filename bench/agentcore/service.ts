/**
 * The stand-in for AgentCore in a process of its own, on loopback, with the scripted function for a model. Whoever started it
 * gets its address, and ends it by closing the channel.
 */

import { agentCoreStandIn } from "loophost/testing/agentcore";

import { EVERYDAY } from "../script.ts";
import { ScriptedFunction } from "../scripted-function.ts";
import { toUrl } from "./harness.ts";

const { url, harnessArn } = await agentCoreStandIn({
  model: new ScriptedFunction().answer,
  pieceChars: EVERYDAY.delta,
});
process.send?.(toUrl(url, harnessArn));
process.on("disconnect", () => process.exit(0));
