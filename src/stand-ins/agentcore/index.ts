/** A stand-in for Amazon Bedrock AgentCore Harness, for tests: both planes over HTTP on this machine. */

export type {
  ConversationSetup,
  Model,
  ModelCall,
  ModelConversation,
  ModelEvent,
  ModelReply,
  ToolDescription,
} from "../../providers/local/model.ts";
export type { ModelFunction, ModelPart, ModelRequest } from "../../providers/local/models/function-model.ts";
export type { Deployed, ServerTool, StreamEvent } from "./agent-session.ts";
export type { Endpoints } from "./endpoints.ts";
export type { ControlFault, Fault } from "./faults.ts";
export type { Harnesses, Pace, Shown } from "./harnesses.ts";
export type { KeyPair } from "./sigv4.ts";
export type { AgentCoreStandIn, CommandOutcome, SeenRequest, StandInOptions } from "./stand-in.ts";
export { agentCoreStandIn } from "./stand-in.ts";
