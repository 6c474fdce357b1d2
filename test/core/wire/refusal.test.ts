// Refusals in the words services use: which another try may mend, and which it cannot.

import { isTransient } from "loophost";
import { describe, expect, it } from "vitest";

import { errorIn, toRefusal, toStreamError } from "../../../src/core/wire/refusal.ts";

const SERVICE = { name: "The service", keyAdvice: "Check the key." };

function refused(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return toRefusal(new Response(text, { status, headers }), SERVICE, []);
}

describe("a 429", () => {
  it.each<[string, unknown]>([
    ["OpenAI, out of quota", { code: "insufficient_quota", type: "insufficient_quota" }],
    ["OpenAI, code and type apart", { code: "credit_balance_exhausted", type: "insufficient_quota" }],
    ["OpenAI, out of prepaid credits", { code: "credit_balance_exhausted", type: "billing" }],
    ["OpenAI, the organization's limit", { code: "organization_spend_limit_exceeded", type: "requests" }],
    ["OpenAI, the project's limit", { code: "project_spend_limit_exceeded", type: "requests" }],
    ["OpenAI, an older limit", { code: "billing_hard_limit_reached" }],
    ["no code but a type", { code: null, type: "insufficient_quota" }],
    ["Moonshot", { type: "exceeded_current_quota_error" }],
    ["Z.AI", { code: "1113", message: "Insufficient balance or no resource package. Please recharge." }],
    ["Zhipu", { code: "1113", message: "您的账户已欠费,请充值后重试" }],
    ["Ark", { code: "AccountOverdueError" }],
    ["a suspended account", { code: "account_deactivated" }],
    ["words alone", "Insufficient credits"],
  ])("of %s is hopeless", async (_, said) => {
    const error = await refused(429, typeof said === "string" ? said : { error: said });
    expect(isTransient(error)).toBe(false);
  });

  it.each<[string, unknown, Record<string, string>?]>([
    ["OpenAI, requests", { code: "rate_limit_exceeded", type: "requests" }],
    ["OpenAI, tokens", { code: "rate_limit_exceeded", type: "tokens" }],
    ["Anthropic", { type: "rate_limit_error", message: "This request would exceed your rate limit" }],
    [
      "Gemini, whose rate limit speaks of quota and billing",
      {
        code: 429,
        status: "RESOURCE_EXHAUSTED",
        message: "You exceeded your current quota, please check your plan and billing details.",
      },
    ],
    ["Moonshot", { type: "rate_limit_reached_error" }],
    ["Moonshot, overloaded", { type: "engine_overloaded_error" }],
    ["Mistral", { code: "3505", type: "service_tier_capacity_exceeded" }],
    ["DashScope", { code: "limit_requests" }],
    ["DashScope, tokens of a minute", { code: "Throttling.AllocationQuota" }],
    ["Zhipu", { code: "1302", message: "您当前使用该 API 的并发数过高" }],
    ["nothing said", {}],
    ["one that says when", { code: "insufficient_quota" }, { "retry-after": "2" }],
    ["one that says so", { code: "insufficient_quota" }, { "x-should-retry": "true" }],
  ])("of %s passes", async (_, error, headers) => {
    expect(isTransient(await refused(429, { error }, headers))).toBe(true);
  });
});

describe("an error under status 200", () => {
  it.each<[string, Record<string, unknown>]>([
    ["OpenRouter, no credits", { error: { code: 402, message: "Insufficient credits" } }],
    ["OpenRouter, the prompt", { error: { code: 400, message: "The prompt is too long" } }],
    ["vLLM", { object: "error", message: "bad", type: "BadRequestError", code: 400 }],
    [
      "llama.cpp",
      {
        error: {
          code: 400,
          message: "exceeds the available context size",
          type: "exceed_context_size_error",
        },
      },
    ],
    [
      "LM Studio, a prompt that does not fit",
      { error: { message: "The number of tokens to keep is greater than the context length" } },
    ],
    ["words alone", { error: "maximum context length is 4096 tokens" }],
    [
      "OpenAI, out of prepaid credits",
      { error: { code: "credit_balance_exhausted", type: "insufficient_quota" } },
    ],
    [
      "MiniMax, no balance",
      { choices: null, base_resp: { status_code: 1008, status_msg: "insufficient balance" } },
    ],
  ])("of %s is final", (_, sent) => {
    const error = errorIn(sent, Array.isArray(sent["choices"]));
    expect(error).toBeDefined();
    expect(isTransient(toStreamError(error, "The service"))).toBe(false);
  });

  it.each<[string, Record<string, unknown>]>([
    ["words alone: the request was taken, what fails then is the service", { error: "Internal error" }],
    ["a message alone", { error: { message: "The server had an error while processing your request" } }],
    ["a message beside nothing", { message: "upstream connect error" }],
    ["a detail", { detail: "worker restarted" }],
    [
      "OpenAI, what the model wrote",
      { error: { message: "The model produced invalid content.", type: "server_error" } },
    ],
    ["OpenRouter, the provider is down", { error: { code: 502, message: "Provider returned error" } }],
    ["Anthropic", { type: "error", error: { type: "overloaded_error", message: "Overloaded" } }],
    [
      "MiniMax, too many requests",
      { choices: null, base_resp: { status_code: 1002, status_msg: "rate limit" } },
    ],
  ])("of %s may pass", (_, sent) => {
    const error = errorIn(sent, Array.isArray(sent["choices"]));
    expect(error).toBeDefined();
    expect(isTransient(toStreamError(error, "The service"))).toBe(true);
  });

  it("is none where a service says that all is well", () => {
    const reply = { choices: [], base_resp: { status_code: 0, status_msg: "" } };
    expect(errorIn(reply, true)).toBeUndefined();
    expect(errorIn({ base_resp: { status_code: 0 } }, false)).toBeUndefined();
  });
});
