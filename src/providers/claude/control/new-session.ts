/**
 * New sessions at the host, with an agent and an environment that are made when they are not there.
 *
 *   S1  what a session needs is asked for once per provider and definition, however many are made at a time
 *   S2  what is not there any more, or could not be had, is forgotten and asked for again
 */

import type { Agent } from "../../../core/agent.ts";
import { SharedWork } from "../../../core/async/shared-work.ts";
import { LoophostError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json.ts";
import type { ProvisionHandle } from "../../../core/provisioning.ts";
import { agentDigest, resourceName } from "../../../core/provisioning.ts";
import { reworded } from "../api/host-error.ts";
import type { Requests } from "../api/requests.ts";
import type { EnsuredObject } from "./ensure.ts";
import { ensureAgent, ensureEnvironment, NAMES, sharedEnvironmentName } from "./ensure.ts";
import type { SessionSetup } from "./session-setup.ts";
import type { ClaudeSessionRecord } from "./sessions.ts";
import { createSessions } from "./sessions.ts";

/** Makes the sessions of one provider. */
export class SessionMaker {
  readonly requests: Requests;
  readonly #setup: SessionSetup;
  readonly #agents = new WeakMap<Agent, SharedWork<string>>();
  #environment: SharedWork<string> | undefined;

  constructor(requests: Requests, setup: SessionSetup) {
    this.requests = requests;
    this.#setup = setup;
  }

  /** Makes a session, of what was provisioned for it as far as something was. */
  async make(
    agent: Agent,
    provisioned: ProvisionHandle | undefined,
    signal: AbortSignal,
  ): Promise<ClaudeSessionRecord> {
    const isKnown = this.#agents.has(agent);
    try {
      return await this.#create(agent, provisioned, signal);
    } catch (thrown) {
      this.#forget(agent);
      // A stale cache: the agent or environment may have been archived since it was found.
      const isGone = thrown instanceof LoophostError && (thrown.status === 404 || thrown.status === 400);
      if (isGone && provisioned !== undefined) throw maybeGone(thrown, provisioned);
      if (!isKnown || !isGone) throw thrown;
      return this.#create(agent, provisioned, signal);
    }
  }

  async #create(
    agent: Agent,
    provisioned: ProvisionHandle | undefined,
    signal: AbortSignal,
  ): Promise<ClaudeSessionRecord> {
    const { title, metadata, resources, vaultIds, budget } = this.#setup;
    const { agentId, environmentId } = { ...this.#setup, ...idsIn(provisioned) };
    const needs = {
      agent: agentId ?? (await this.#agentFor(agent).join(signal)),
      environment_id: environmentId ?? (await this.#environmentForAll().join(signal)),
      vault_ids: vaultIds,
    };
    const session = { ...needs, title, metadata, resources, budget };
    return createSessions(this.requests).create(session, { signal });
  }

  #agentFor(agent: Agent): SharedWork<string> {
    const known = this.#agents.get(agent);
    if (known?.isStopped === false) return known;
    const work = new SharedWork(async (signal) => {
      const { hostTools, mcpServers, skills } = this.#setup;
      const digest = await agentDigest(agent, { hostTools, mcpServers, skills });
      const name = await resourceName(agent.name, digest, NAMES);
      return ensureAgent(this.requests, name, agent, this.#setup, { signal }).then(idOf);
    });
    this.#agents.set(agent, work);
    return work;
  }

  #environmentForAll(): SharedWork<string> {
    if (this.#environment?.isStopped !== false)
      this.#environment = new SharedWork(async (signal) => {
        const { environment } = this.#setup;
        const name = await sharedEnvironmentName(environment);
        return ensureEnvironment(this.requests, name, environment, { signal }).then(idOf);
      });
    return this.#environment;
  }

  #forget(agent: Agent): void {
    this.#agents.delete(agent);
    this.#environment = undefined;
  }
}

/** The ids in a handle, which count before those of the provider. */
function idsIn(provisioned: ProvisionHandle | undefined): { agentId?: string; environmentId?: string } {
  const { agentId, environmentId }: JsonObject = provisioned ?? {};
  return {
    ...(typeof agentId === "string" && { agentId }),
    ...(typeof environmentId === "string" && { environmentId }),
  };
}

function maybeGone(error: LoophostError, { name }: ProvisionHandle): LoophostError {
  const way = `What was provisioned as ${name} may be gone: provision it again with ifKnown: "check".`;
  return reworded(error, `${error.message} ${way}`);
}

function idOf({ id }: EnsuredObject): string {
  return id;
}
