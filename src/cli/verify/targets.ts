/** The hosts that `loophost verify` knows, by the environment they need. */

import { LoophostError } from "../../core/errors.ts";
import { agentcore } from "../../providers/agentcore/index.ts";
import { claude, createClient } from "../../providers/claude/index.ts";
import { local } from "../../providers/local/local.ts";
import type { Model } from "../../providers/local/model.ts";
import { anthropicMessages } from "../../providers/local/models/anthropic/index.ts";
import { openAICompatible } from "../../providers/local/models/openai/index.ts";
import { agentcoreHost } from "../agent/choose-host.ts";
import { listPriceOf } from "./price.ts";
import type { VerifyTarget } from "./trial.ts";

/** Where a host is, and what it is asked for. */
export interface TargetOptions {
  readonly model?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly harness?: string | undefined;
  /** Around the requests of providers that take a `fetch`. */
  readonly around?: ((inner: typeof fetch) => typeof fetch) | undefined;
}

/** The providers that can be verified. */
export const TARGETS: readonly string[] = ["claude", "agentcore", "anthropic", "openai"];

/**
 * The target of a name. What it takes is looked for in the environment; nothing is asked of any host yet.
 *
 * @throws LoophostError `missing_credentials` that says which variable is needed; `invalid_options` for another name
 */
export async function targetOf(name: string, options: TargetOptions): Promise<VerifyTarget> {
  if (name === "claude") return claudeTarget(options);
  if (name === "anthropic") return anthropicTarget(options);
  if (name === "openai") return openaiTarget(options);
  if (name === "agentcore") return agentcoreTarget(options);
  throw new LoophostError("invalid_options", `There is no provider "${name}", only ${TARGETS.join(", ")}.`);
}

/** The keys the environment holds, which must be in no file. */
export function secretsOfEnvironment(): string[] {
  const names = [
    "ANTHROPIC_API_KEY",
    "OPENAI_API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ACCESS_KEY_ID",
  ];
  return names.flatMap((name) => process.env[name] || []);
}

const CLAUDE_MODEL = "claude-sonnet-5-5";

function claudeTarget({ model = CLAUDE_MODEL, around = same, ...options }: TargetOptions): VerifyTarget {
  const baseUrl = options.baseUrl ?? (process.env["ANTHROPIC_BASE_URL"] || undefined);
  const isHere = baseUrl !== undefined && isLoopback(baseUrl);
  const apiKey = isHere ? "loopback" : needed("ANTHROPIC_API_KEY");
  const client = createClient({ baseUrl, apiKey });
  return {
    name: "claude",
    model,
    price: {
      ofTokens: listPriceOf(model, isAt(baseUrl, "anthropic.com")),
      besides: "0.08 USD for each hour that sessions run",
    },
    provider: (how) =>
      claude({ baseUrl, apiKey: how?.apiKey ?? apiKey, fetch: around(how?.fetch ?? globalThis.fetch) }),
    takesFetch: true,
    hasKey: !isHere,
    knowsSessions: true,
    takesRawEvents: true,
    remove: (sessionId) => client.sessions.delete(sessionId),
  };
}

function anthropicTarget({ model = CLAUDE_MODEL, baseUrl, around = same }: TargetOptions): VerifyTarget {
  const apiKey = needed("ANTHROPIC_API_KEY");
  const address = baseUrl ?? (process.env["ANTHROPIC_BASE_URL"] || undefined);
  const target = modelTarget("anthropic", model, around, (how) =>
    anthropicMessages({ model, baseUrl: address, apiKey, ...how }),
  );
  return { ...target, price: { ofTokens: listPriceOf(model, isAt(address, "anthropic.com")) } };
}

function openaiTarget({ model = "gpt-5-mini", baseUrl, around = same }: TargetOptions): VerifyTarget {
  const address = baseUrl ?? (process.env["OPENAI_BASE_URL"] || undefined);
  const isHere = address !== undefined && isLoopback(address);
  const apiKey = isHere ? process.env["OPENAI_API_KEY"] || undefined : needed("OPENAI_API_KEY");
  const target = modelTarget("openai", model, around, (how) =>
    openAICompatible({ model, baseUrl: address, apiKey, ...how }),
  );
  const price = { ofTokens: listPriceOf(model, isAt(address, "openai.com")) };
  return { ...target, hasKey: apiKey !== undefined, price };
}

function modelTarget(
  name: string,
  model: string,
  around: (inner: typeof fetch) => typeof fetch,
  make: (how: { readonly fetch: typeof fetch; readonly apiKey?: string }) => Model,
): VerifyTarget {
  return {
    name,
    model,
    provider: (how) => local({ model: make({ ...how, fetch: around(how?.fetch ?? globalThis.fetch) }) }),
    takesFetch: true,
    hasKey: true,
    knowsSessions: false,
    takesRawEvents: false,
  };
}

async function agentcoreTarget({ baseUrl, harness, model }: TargetOptions): Promise<VerifyTarget> {
  const { address } = await agentcoreHost({ baseUrl, harness });
  const harnessArn = address?.harness;
  return {
    name: "agentcore",
    model,
    // Which model a harness asks, and what AWS takes for it, is between the two.
    price: { ofTokens: undefined, besides: "what AWS takes for the time that sessions run" },
    provider: () => agentcore({ harnessArn, baseUrl, controlBaseUrl: baseUrl }),
    takesFetch: false,
    hasKey: false,
    knowsSessions: false,
    takesRawEvents: false,
  };
}

function needed(variable: string): string {
  const value = process.env[variable];
  // A variable that is set and empty, as in a CI job without its secret, is none.
  if (value !== undefined && value.trim() !== "") return value;
  throw new LoophostError("missing_credentials", `A key is needed: set ${variable}. Nothing was sent.`);
}

/** Whether an address is of a vendor's own domain; without one it is. */
function isAt(url: string | undefined, domain: string): boolean {
  if (url === undefined) return true;
  return URL.canParse(url) && `.${new URL(url).hostname}`.endsWith(`.${domain}`);
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && ["127.0.0.1", "localhost", "[::1]"].includes(new URL(url).hostname);
}

function same(inner: typeof fetch): typeof fetch {
  return inner;
}
