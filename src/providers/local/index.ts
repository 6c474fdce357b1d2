/** The in-process loop host, and the models it can ask. */

export type { ApiKey } from "../../core/wire/headers.ts";
export type { AiSdkModelOptions } from "./models/ai-sdk/index.ts";
export { aiSdkModel } from "./models/ai-sdk/index.ts";
export type {
  AiSdkCall,
  AiSdkFinish,
  AiSdkGenerated,
  AiSdkLanguageModel,
  AiSdkPart,
  AiSdkUsage,
  AiSdkVersion,
} from "./models/ai-sdk/wire.ts";
export type { AnthropicMessagesOptions } from "./models/anthropic/index.ts";
export { anthropicMessages } from "./models/anthropic/index.ts";
export type { CompactionHelp, CompactionOptions, Compactor } from "./compaction.ts";
export { compactOldestFirst } from "./compaction.ts";
export type { FetchModelOptions, ToolChoice } from "./models/fetch-model.ts";
export type { ModelFunction, ModelPart, ModelRequest } from "./models/function-model.ts";
export type { ModelGuards } from "./guards.ts";
export type { LocalOptions } from "./local.ts";
export { local } from "./local.ts";
export type {
  ConversationSetup,
  Model,
  ModelCall,
  ModelConversation,
  ModelEvent,
  ModelReply,
  ToolDescription,
} from "./model.ts";
export type { OperatorRole } from "./models/operator-voice.ts";
export type { OpenAICompatibleOptions } from "./models/openai/index.ts";
export { openAICompatible } from "./models/openai/index.ts";
