/** The front door: every name a user of the core needs, listed one by one. */

export type { Agent, AgentDefinition, ContextOf, Limits, OutputSpec, SomeLimits } from "./core/agent.ts";
export { DEFAULT_LIMITS, defineAgent } from "./core/agent.ts";
export type { RetryPolicy } from "./core/async/retry.ts";
export type { Artifact, ArtifactPlace, ArtifactStorage } from "./core/artifacts.ts";
export type { Clock } from "./core/clock.ts";
export type { ErrorCode, ErrorDetails, RunError } from "./core/errors.ts";
export { isRunError, isTransient, LoophostError } from "./core/errors.ts";
export type {
  MessageEvent,
  ModelAskedEvent,
  ApprovalRequestedEvent,
  ContextCompactedEvent,
  DeltaEvent,
  DeltasRetractedEvent,
  OutcomeEvaluatedEvent,
  ProviderEvent,
  RetryingEvent,
  RunEndedEvent,
  RunFailedEvent,
  RunStartedEvent,
  RunWaitingEvent,
  ServerToolCalledEvent,
  ServerToolFinishedEvent,
  SessionEvent,
  StreamLostEvent,
  StreamRestoredEvent,
  TextDeltaEvent,
  ThinkingDeltaEvent,
  ThreadChangedEvent,
  ToolCalledEvent,
  ToolFinishedEvent,
  ToolPostedEvent,
  ToolProgressEvent,
  ToolStartedEvent,
  TurnEndedEvent,
  TurnStartedEvent,
  UsageEvent,
  WaitingCall,
} from "./core/events.ts";
export { isDelta } from "./core/events.ts";
export { openSession } from "./core/session/open-session.ts";
export type { GuardDecision, TurnGuard, TurnReport } from "./core/guard.ts";
export type { Json, JsonObject, JsonSchema, Validated } from "./core/json.ts";
export type { About, Metadata, ModelRequest, Observer, TraceContext } from "./core/observer.ts";
export type {
  Connection,
  HostEvent,
  HostInput,
  LoopEvent,
  OpenRequest,
  PassedOnEvent,
  Provider,
  ProviderTraits,
  RecordedEvent,
} from "./core/provider.ts";
export type {
  Ensured,
  EnsureRequest,
  NameRules,
  ProvisionHandle,
  Provisioning,
  ProvisionProgress,
  Resource,
  ResourceKind,
} from "./core/provisioning.ts";
export type {
  ContentBlock,
  Ending,
  EndingDetails,
  MediaSource,
  Money,
  Outcome,
  OutcomeVerdict,
  RunEnd,
  PartialResult,
  SessionResult,
  Terminal,
  ToolResult,
  ToolCall,
  Usage,
} from "./core/results.ts";
export { addUsage, resultText, textResult } from "./core/results.ts";
export type { KeepEvents, Run } from "./core/run.ts";
export type { RunOnceOptions } from "./core/session/run-once.ts";
export { run } from "./core/session/run-once.ts";
export type { CompiledSchema, Schema, StandardSchema, ValueOf } from "./core/schema.ts";
export type {
  Decision,
  OnApproval,
  OpenOptions,
  Prompt,
  RunOptions,
  Session,
  IfCallUnknown,
  IfOpen,
  IfOwned,
  LoopStep,
  NeedsContext,
} from "./core/session.ts";

export type { Along, InboxItem, InboxStore, Lease, LogStore, PostedItem } from "./core/store.ts";
export type { RecordStore, RecordWrite, Store, StoredEntry } from "./core/store.ts";
export type {
  AssistantBlock,
  AssistantMessage,
  ToolMessage,
  TranscriptMessage,
  UserMessage,
} from "./core/transcript.ts";
export type { IfCrashed, Tool, ToolContent, ToolContext, ToolDefinition } from "./core/tool.ts";
export { defineTool, toolContent } from "./core/tool.ts";
