/** The loop host of `loophost run`: this process, or Claude Managed Agents and what speaks like it. */

import { LoophostError } from "../../core/errors.ts";
import type { Provider } from "../../core/provider.ts";
import { findAccess } from "../../providers/claude/api/settings.ts";
import { claude } from "../../providers/claude/index.ts";
import { local } from "../../providers/local/local.ts";
import { chooseModel, MODEL_VARIABLES, SCRIPTED } from "./choose-model.ts";
import { scriptedModel } from "./scripted-model.ts";

/** A provider, and how to name it to the user. */
export interface ChosenHost {
  readonly label: string;
  readonly provider: Provider;
  /** Where it is, when that was named. */
  readonly baseUrl?: string | undefined;
}

/**
 * The host that is this process.
 *
 * @throws LoophostError `missing_credentials` when the environment names no model
 */
export function localHost(modelId: string): ChosenHost {
  if (modelId === SCRIPTED)
    return { label: "local · scripted (built in)", provider: local({ model: scriptedModel }) };
  const chosen = chooseModel(modelId);
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
export function claudeHost(address: string | undefined): ChosenHost {
  const baseUrl = address ?? (process.env["ANTHROPIC_BASE_URL"] || undefined);
  if (baseUrl !== undefined && !URL.canParse(baseUrl))
    throw new LoophostError("invalid_options", `${baseUrl} is not an address such as https://host:4100.`);
  try {
    findAccess({ baseUrl });
  } catch (thrown) {
    if (!(thrown instanceof LoophostError) || thrown.code !== "missing_credentials") throw thrown;
    throw new LoophostError(
      "missing_credentials",
      "The claude host needs an API key: set ANTHROPIC_API_KEY. Only a host on this machine goes without.",
    );
  }
  const label = baseUrl === undefined ? "claude" : `claude at ${new URL(baseUrl).host}`;
  return { label, provider: claude({ baseUrl }), baseUrl };
}
