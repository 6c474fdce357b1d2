// What is told before `loophost verify` sends anything: the requests, their tokens and what they cost, of each provider.

import { expect, it, onTestFinished, vi } from "vitest";

import { priceInWords, readPrice } from "../../../src/cli/verify/price.ts";
import { planFor } from "../../../src/cli/verify/run-verify.ts";
import type { TargetOptions } from "../../../src/cli/verify/targets.ts";
import { TARGETS, targetOf } from "../../../src/cli/verify/targets.ts";

const harness = "arn:aws:bedrock-agentcore:us-west-2:123456789012:harness/Demo-AbCdEf1234";

async function told(provider: string, options: TargetOptions = {}): Promise<string> {
  for (const name of ["ANTHROPIC_API_KEY", "OPENAI_API_KEY"]) vi.stubEnv(name, "key");
  for (const name of ["ANTHROPIC_BASE_URL", "OPENAI_BASE_URL"]) vi.stubEnv(name, undefined);
  onTestFinished(() => void vi.unstubAllEnvs());
  const target = await targetOf(provider, { harness, ...options });
  return priceInWords(planFor(target).requests, target.price?.ofTokens, target.price?.besides);
}

const DOLLARS: Record<string, RegExp> = {
  claude: /: some 0\.\d\d USD, at 2\/10 for a million tokens, and on top 0\.08 USD for each hour/,
  anthropic: /: some 0\.\d\d USD, at 2\/10 for a million tokens\.$/,
  openai: /: some 0\.\d\d USD, at 0\.25\/2 for a million tokens\.$/,
  agentcore: /; no price is known here for these \(--price <in>\/<out> sets one\), and on top what AWS takes/,
};

it.each(TARGETS)("tells what %s takes and costs", async (provider) => {
  const plan = await told(provider);
  expect(plan).toMatch(/^about \d\d requests to a model, some [\d,]+ tokens in and [\d,]+ out/);
  expect(plan).toMatch(DOLLARS[provider] ?? "no words");
});

it("says that it knows no price of a model it does not know, or of another's service", async () => {
  for (const options of [{ model: "constructor" }, { baseUrl: "https://models.example.com/v1" }])
    expect(await told("openai", options)).toContain("no price is known here");
  expect(await told("anthropic", { baseUrl: "https://notanthropic.com" })).toContain(
    "no price is known here",
  );
  expect(await told("anthropic", { baseUrl: "https://eu.api.anthropic.com" })).toContain("2/10");
});

it("reads a price that is given", () => {
  expect(readPrice("3/15")).toEqual({ input: 3, output: 15 });
  expect(readPrice("0.25/2")).toEqual({ input: 0.25, output: 2 });
  for (const none of ["3", "3/", "-1/2", "a/b", "1e3/2", ""]) expect(readPrice(none), none).toBeUndefined();
  expect(priceInWords(1_000, { input: 3, output: 15 }, undefined)).toContain("some 3.90 USD, at 3/15");
});
