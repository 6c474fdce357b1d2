/**
 * Which model the in-process loop host asks, by what the environment holds:
 *
 *   ANTHROPIC_API_KEY                     Anthropic Messages (ANTHROPIC_BASE_URL for another address)
 *   OPENAI_BASE_URL, and OPENAI_API_KEY   an OpenAI-compatible endpoint, on this machine or elsewhere
 *
 * An empty variable counts as not set. The code of the one that is chosen is loaded then.
 */

import { LoophostError } from "../../core/errors.ts";
import type { Model } from "../../providers/local/model.ts";
import { inFlags } from "./in-flags.ts";

/** A model, and how to name it to the user. */
export interface ChosenModel {
  readonly label: string;
  readonly model: Model;
}

/** The `--model` that is built in: no language model, it calls the tools it is told to. */
export const SCRIPTED = "scripted";

/**
 * Chooses a model; undefined when the environment names none, or the built-in one is asked for.
 *
 * @throws LoophostError `invalid_options` for an address that is none, by the name of its variable
 */
export async function chooseModel(modelId: string | undefined): Promise<ChosenModel | undefined> {
  if (modelId === SCRIPTED) return undefined;
  try {
    return await ofEnvironment(modelId);
  } catch (thrown) {
    throw thrown instanceof LoophostError ? inFlags(thrown, "local") : thrown;
  }
}

async function ofEnvironment(modelId: string | undefined): Promise<ChosenModel | undefined> {
  const { env } = process;
  const id = modelId ?? "the agent's model";
  const apiKey = env["ANTHROPIC_API_KEY"] || undefined;
  const baseUrl = env["OPENAI_BASE_URL"] || undefined;
  if (apiKey !== undefined) {
    const { anthropicMessages } = await import("../../providers/local/models/anthropic/index.ts");
    return {
      label: `${id} (Anthropic)`,
      model: anthropicMessages({ model: modelId, apiKey, baseUrl: env["ANTHROPIC_BASE_URL"] || undefined }),
    };
  }
  if (baseUrl === undefined) return undefined;
  const { openAICompatible } = await import("../../providers/local/models/openai/index.ts");
  const model = openAICompatible({ model: modelId, baseUrl, apiKey: env["OPENAI_API_KEY"] || undefined });
  return { label: `${id} at ${new URL(baseUrl).host}`, model };
}

/** What to set, for messages and help. */
export const MODEL_VARIABLES: string = "ANTHROPIC_API_KEY or OPENAI_BASE_URL";
