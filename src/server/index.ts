/** The embedded loop host: names listed one by one. */

export type { TokenPrices } from "../budget/budget.ts";
export type {
  ConversationSetup,
  Model,
  ModelCall,
  ModelConversation,
  ModelEvent,
  ModelReply,
  ToolDescription,
} from "../providers/local/model.ts";
export type { ModelFunction, ModelPart, ModelRequest } from "../providers/local/models/function-model.ts";
export type { EmbeddedHost } from "./embedded-host.ts";
export { embeddedHost } from "./embedded-host.ts";
export type { Listening } from "./http/listen.ts";
export type { EmbeddedHostOptions, FailedIn, ListenOptions, RequestLine } from "./options.ts";
