/** The in-process loop host, and the models it can ask. */

export type { AiSdkModelOptions } from "./ai-sdk.ts";
export { aiSdkModel } from "./ai-sdk.ts";
export type { AiSdkLanguageModel } from "./ai-sdk-wire.ts";
export type { AnthropicMessagesOptions } from "./anthropic-messages.ts";
export { anthropicMessages } from "./anthropic-messages.ts";
export type { CompactionHelp, CompactionOptions, Compactor } from "./compaction.ts";
export { compactOldestFirst } from "./compaction.ts";
export type { FetchModelOptions, ToolChoice } from "./fetch-model.ts";
export type { ModelFunction, ModelPart, ModelRequest } from "./function-model.ts";
export type { Guards } from "./guards.ts";
export type { LocalOptions } from "./local.ts";
export { local } from "./local.ts";
export type {
  AssistantBlock,
  AssistantMessage,
  TranscriptMessage,
  ToolMessage,
  UserMessage,
} from "../../core/transcript.ts";
export type {
  ConversationSetup,
  Model,
  ModelCall,
  ModelConversation,
  ModelEvent,
  ModelReply,
  ToolDescription,
} from "./model.ts";
export type { OperatorRole } from "./operator-voice.ts";
export type { OpenAICompatibleOptions } from "./openai-compatible.ts";
export { openAICompatible } from "./openai-compatible.ts";
