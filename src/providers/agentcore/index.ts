/** Amazon Bedrock AgentCore Harness, and the control plane beside it. */

export type { AgentCoreOptions } from "./agentcore.ts";
export { agentcore } from "./agentcore.ts";
export type { AwsClient } from "./api/client.ts";
export type { AgentCoreConnectionOptions, AwsCredentials } from "./api/settings.ts";
export type { ApiKeyCalls, ApiKeyRecord } from "./control/api-keys.ts";
export type { AgentCoreClient, AgentCoreControlOptions } from "./control/create-client.ts";
export { createClient } from "./control/create-client.ts";
export type { EndpointCalls, EndpointRecord, EndpointSettings } from "./control/endpoints.ts";
export type { EnsuredHarness } from "./control/ensure-harness.ts";
export type { HarnessCalls, HarnessChanges, HarnessRecord, NewHarness } from "./control/harnesses.ts";
export type { HarnessSettings } from "./control/provisioning.ts";
export type { CallOptions } from "./control/requests.ts";
export type { EnsureOptions, WaitOptions, WaitPhase, WaitStep } from "./control/wait.ts";
export type { InvocationOptions, TraceHeaders } from "./session/invocation.ts";
export type { SessionRules } from "./session/session-parts.ts";
export type { CommandOptions, CommandResult } from "./session/run-command.ts";
export { runCommand } from "./session/run-command.ts";
export type { InvokeToCompletionOptions } from "./shorthands.ts";
export { invokeToCompletion } from "./shorthands.ts";
