/** The provider for Claude Managed Agents, and the control plane beside it. */

export type { AgentChanges, AgentQuery, Agents, ClaudeAgentRecord, NewAgent } from "./control/agents.ts";
export { OUTPUTS_FOLDER } from "./control/artifacts.ts";
export type { ClaudeOptions } from "./claude.ts";
export { claude } from "./claude.ts";
export type { ClaudeTransport } from "./api/client.ts";
export type { ClaudeClient } from "./control/create-client.ts";
export { createClient } from "./control/create-client.ts";
export type {
  ClaudeEnvironment,
  EnvironmentConfig,
  EnvironmentQuery,
  Environments,
  NewEnvironment,
} from "./control/environments.ts";
export type { ClaudeFile, DownloadOptions, FileQuery, Files, NewFile } from "./control/files.ts";
export type { CallOptions, ClaudeWireObject } from "./api/requests.ts";
export type {
  ClaudeSessionResource,
  ClaudeThread,
  EventQuery,
  SessionEvents,
  SessionResources,
  SessionThreads,
} from "./control/session-parts.ts";
export type { ServerTraits } from "./session/server-traits.ts";
export type { AgentExtras, SessionSetup } from "./control/session-setup.ts";
export type { StopOptions } from "./control/session-stop.ts";
export type {
  ClaudeSessionRecord,
  NewSession,
  OutcomeEvaluation,
  SessionChanges,
  SessionQuery,
  Sessions,
  ClaudeWireBudget,
} from "./control/sessions.ts";
export type { ClaudeConnectionOptions } from "./api/settings.ts";
export type { ClaudeWireEvent } from "./session/wire.ts";
export type { RunToCompletionOptions, StartSessionOptions } from "./shorthands.ts";
export { runToCompletion, startSession } from "./shorthands.ts";
