/** The provider for Claude Managed Agents, and the control plane beside it. */

export type { AgentChanges, AgentQuery, Agents, ClaudeAgent, NewAgent } from "./agents.ts";
export type { ClaudeOptions } from "./claude.ts";
export { claude } from "./claude.ts";
export type { ClaudeClient } from "./client.ts";
export type { ManagedAgentsClient } from "./create-client.ts";
export { createClient } from "./create-client.ts";
export type {
  ClaudeEnvironment,
  EnvironmentConfig,
  EnvironmentQuery,
  Environments,
  NewEnvironment,
} from "./environments.ts";
export type { ClaudeFile, FileQuery, Files, NewFile } from "./files.ts";
export type { ProvisionHandles, ProvisionOptions } from "./provision.ts";
export { provision, teardown } from "./provision.ts";
export type { CallOptions, WireObject } from "./requests.ts";
export type {
  ClaudeSessionResource,
  ClaudeThread,
  EventQuery,
  SessionEvents,
  SessionResources,
  SessionThreads,
} from "./session-parts.ts";
export type { ServerTraits } from "./server-traits.ts";
export type { AgentExtras, SessionSetup } from "./session-setup.ts";
export type { StopOptions } from "./session-stop.ts";
export type {
  ClaudeSession,
  NewSession,
  OutcomeEvaluation,
  SessionChanges,
  SessionQuery,
  Sessions,
  WireBudget,
} from "./sessions.ts";
export type { ClaudeConnectionOptions } from "./settings.ts";
export type { WireEvent } from "./wire.ts";
