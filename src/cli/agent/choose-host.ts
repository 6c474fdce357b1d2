/** The loop host of `loophost run`: this process, Claude Managed Agents or AgentCore, and what speaks like them. Each is loaded when it is chosen. */

import { hasCode, LoophostError } from "../../core/errors.ts";
import type { Provider } from "../../core/provider.ts";
import type { SessionAddress } from "../stored/session-address.ts";
import { chooseModel, MODEL_VARIABLES, SCRIPTED } from "./choose-model.ts";
import { scriptedModel } from "./scripted-model.ts";

/** A provider, and how to name it to the user. */
export interface ChosenHost {
  readonly label: string;
  readonly provider: Provider;
  /** Where it is, as far as that was named. */
  readonly address?: SessionAddress | undefined;
}

/**
 * The host that is this process.
 *
 * @throws LoophostError `missing_credentials` when the environment names no model
 */
export async function localHost(modelId: string): Promise<ChosenHost> {
  const { local } = await import("../../providers/local/local.ts");
  if (modelId === SCRIPTED)
    return { label: "local · scripted (built in)", provider: local({ model: scriptedModel }) };
  const chosen = await chooseModel(modelId);
  if (chosen === undefined)
    throw new LoophostError(
      "missing_credentials",
      `The local host needs a model: set ${MODEL_VARIABLES}, or try the tools without one: --model scripted. See: loophost run --help`,
    );
  return { label: `local · ${chosen.label}`, provider: local({ model: chosen.model }) };
}

/**
 * Claude Managed Agents, or another host that speaks its language.
 *
 * @throws LoophostError `missing_credentials` without a key, unless the host is on this machine; `invalid_options` for an address that is none
 */
export async function claudeHost(address: string | undefined): Promise<ChosenHost> {
  const baseUrl = address ?? (process.env["ANTHROPIC_BASE_URL"] || undefined);
  checkAddress(baseUrl);
  const [{ findAccess }, { claude }] = await Promise.all([
    import("../../providers/claude/api/settings.ts"),
    import("../../providers/claude/index.ts"),
  ]);
  try {
    findAccess({ baseUrl });
  } catch (thrown) {
    if (!hasCode(thrown, "missing_credentials")) throw thrown;
    throw new LoophostError(
      "missing_credentials",
      "The claude host needs an API key: set ANTHROPIC_API_KEY. Only a host on this machine goes without.",
    );
  }
  const label = baseUrl === undefined ? "claude" : `claude at ${new URL(baseUrl).host}`;
  return { label, provider: claude({ baseUrl }), address: { baseUrl } };
}

/**
 * A harness of Amazon Bedrock AgentCore, or of a stand-in for it, both planes of which are at one address.
 *
 * @throws LoophostError `invalid_options` for an address that is none, and when no harness is named and there is not just one
 */
export async function agentcoreHost({ baseUrl, harness, qualifier }: SessionAddress): Promise<ChosenHost> {
  checkAddress(baseUrl);
  const at = { baseUrl, controlBaseUrl: baseUrl };
  const harnessArn = harness ?? (process.env["LOOPHOST_HARNESS"] || (await theOnlyHarness(baseUrl)));
  const { agentcore } = await import("../../providers/agentcore/index.ts");
  const [, name = harnessArn] = harnessArn.split("harness/");
  return {
    label: `agentcore · ${name}${baseUrl === undefined ? "" : ` at ${new URL(baseUrl).host}`}`,
    provider: agentcore({ harnessArn, qualifier, ...at }),
    address: { baseUrl, harness: harnessArn, qualifier },
  };
}

async function theOnlyHarness(baseUrl: string | undefined): Promise<string> {
  const { env } = process;
  const region = env["AWS_REGION"] || env["AWS_DEFAULT_REGION"] || (baseUrl && "us-west-2") || undefined;
  const { createClient } = await import("../../providers/agentcore/index.ts");
  const found: string[] = [];
  for await (const { arn } of createClient({ controlBaseUrl: baseUrl, region }).harnesses.list()) {
    found.push(arn);
    if (found.length > 1) break;
  }
  const [arn] = found;
  if (arn !== undefined && found.length === 1) return arn;
  throw new LoophostError(
    "invalid_options",
    `There is ${arn === undefined ? "no harness" : "more than one harness"} there; pass --harness <arn>, or set LOOPHOST_HARNESS.`,
  );
}

function checkAddress(baseUrl: string | undefined): void {
  if (baseUrl === undefined || URL.canParse(baseUrl)) return;
  throw new LoophostError("invalid_options", `${baseUrl} is not an address such as https://host:4100.`);
}
