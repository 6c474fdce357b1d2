/** Amazon Bedrock AgentCore Harness. */

export type { AgentCoreOptions } from "./agentcore.ts";
export { agentcore } from "./agentcore.ts";
export type { AwsClient } from "./api/client.ts";
export type { AgentCoreConnectionOptions, AwsCredentials } from "./api/settings.ts";
export type { InvocationOptions, TraceHeaders } from "./session/invocation.ts";
export type { SessionRules } from "./session/session-parts.ts";
