// The AI SDK's real models of both generations, all asking one stand-in service.

import { createAnthropic as createAnthropicV4 } from "@ai-sdk/anthropic";
import { createAnthropic as createAnthropicV3 } from "@ai-sdk/anthropic-v3";
import { createOpenAICompatible as createChatV4 } from "@ai-sdk/openai-compatible";
import { createOpenAICompatible as createChatV3 } from "@ai-sdk/openai-compatible-v3";

import type { AiSdkLanguageModel } from "../../../../../src/providers/local/models/ai-sdk/wire.ts";

/** A kind of model, and how to make one that asks the service at an address. */
export interface RealModel {
  readonly wire: "anthropic" | "chat";
  readonly version: "v3" | "v4";
  readonly make: (url: string, fetch?: typeof globalThis.fetch) => AiSdkLanguageModel;
}

/** Every combination of wire and generation. That these functions compile is a test of its own. */
export const REAL_MODELS: readonly RealModel[] = [
  {
    wire: "anthropic",
    version: "v3",
    make: (url, fetch) => createAnthropicV3({ ...anthropic(url), ...use(fetch) })("claude-sonnet-4-5"),
  },
  {
    wire: "anthropic",
    version: "v4",
    make: (url, fetch) => createAnthropicV4({ ...anthropic(url), ...use(fetch) })("claude-sonnet-4-5"),
  },
  {
    wire: "chat",
    version: "v3",
    make: (url, fetch) => createChatV3({ ...chat(url), ...use(fetch) })("test-model"),
  },
  {
    wire: "chat",
    version: "v4",
    make: (url, fetch) => createChatV4({ ...chat(url), ...use(fetch) })("test-model"),
  },
];

const anthropic = (url: string) => ({ baseURL: `${url}/v1`, apiKey: "test-key" });
const chat = (url: string) => ({ name: "test", baseURL: `${url}/v1`, includeUsage: true });
const use = (fetch: typeof globalThis.fetch | undefined) => (fetch === undefined ? {} : { fetch });
