/** An environment as a user describes it: what is to be installed in it, in our words, and the host's own configuration. */

import type { Agent } from "../core/agent.ts";
import type { Checks } from "../core/check-options.ts";
import { checkOptions, must, NAME } from "../core/check-options.ts";
import { canonical, digestOf } from "../core/digest.ts";
import type { JsonObject } from "../core/json.ts";
import { isObject } from "../core/json.ts";
import { checkAgent } from "./handle.ts";
import type { Bootstrap, Runtime } from "./runtimes.ts";
import { bootstrap, checkRuntimes } from "./runtimes.ts";

/** A place where the host's tools run. */
export interface Environment {
  /** Begins its name at the host. Default: the agent's name; in `ensureEnvironment`, "env". */
  readonly name?: string | undefined;
  /** Languages that the agent installs there before it uses them: it is provisioned with instructions to. */
  readonly runtimes?: readonly Runtime[] | undefined;
  /** The host's own description, passed on byte for byte: for claude() `{ type: "cloud", … }`. Default: the host's, or the provider's option. */
  readonly config?: JsonObject | undefined;
}

/**
 * Checks an environment.
 *
 * @throws LoophostError `invalid_options`
 */
export function checkEnvironment(owner: string, environment: Environment): void {
  checkOptions(owner, environment, ENVIRONMENT);
  checkRuntimes(owner, environment.runtimes ?? []);
  // Not kept: the host gets the description as it was given.
  canonical(environment.config, `${owner}: config`);
}

const ENVIRONMENT: Checks<Environment> = {
  name: NAME,
  runtimes: must('a list, such as [{ language: "python", version: "3.12" }]', Array.isArray),
  config: must("an object in the host's own words", isObject),
};

/** The digest of an environment: over its runtimes and its configuration, without its name. */
export function environmentDigest({ runtimes = [], config }: Environment): Promise<string> {
  return digestOf(
    canonical({ runtimes: runtimes.map(({ language, version }) => ({ language, version })), config }),
  );
}

/**
 * How an environment's runtimes are installed: a script, instructions that carry it, and the hosts it downloads from. Made from the
 * environment every time and kept nowhere, so that no cache goes stale when the script gets better.
 *
 * @throws LoophostError `invalid_options` for a runtime that cannot be installed
 */
export function bootstrapOf(environment: Environment): Bootstrap {
  checkEnvironment("bootstrapOf()", environment);
  return bootstrap(environment.runtimes ?? []);
}

/**
 * The agent with instructions to install an environment's runtimes before it uses them; the same agent without any, or when it has them
 * already. `provision()` does this to the agent it makes; it is needed for an environment that was made alone.
 *
 * @throws LoophostError `invalid_agent`; `invalid_options` for a runtime that cannot be installed
 */
export function withRuntimes<Output>(agent: Agent<Output>, environment: Environment): Agent<Output> {
  checkAgent("withRuntimes()", agent);
  const { instructions } = bootstrapOf(environment);
  if (agent.instructions.includes(instructions)) return agent;
  return { ...agent, instructions: [agent.instructions, instructions].filter(Boolean).join("\n\n") };
}
