/**
 * New sessions at the host, with an agent and an environment that are made when they are not there.
 *
 *   S1  what a session needs is asked for once per provider and definition, however many are made at a time
 *   S2  what is not there any more, or could not be had, is forgotten and asked for again
 */

import type { Agent } from "../../../core/agent.ts";
import { SharedWork } from "../../../core/async/shared-work.ts";
import { LoophostError } from "../../../core/errors.ts";
import type { Requests } from "../api/requests.ts";
import type { Ensured } from "./ensure.ts";
import { ensureAgent, ensureEnvironment } from "./ensure.ts";
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

  /** Makes a session. */
  async make(agent: Agent, signal: AbortSignal): Promise<ClaudeSessionRecord> {
    const isKnown = this.#agents.has(agent);
    try {
      return await this.#create(agent, signal);
    } catch (thrown) {
      this.#forget(agent);
      // Somebody may have put away what we remembered.
      const isGone = thrown instanceof LoophostError && (thrown.status === 404 || thrown.status === 400);
      if (!isKnown || !isGone) throw thrown;
      return this.#create(agent, signal);
    }
  }

  async #create(agent: Agent, signal: AbortSignal): Promise<ClaudeSessionRecord> {
    const { title, metadata, resources, vaultIds, budget } = this.#setup;
    const [agentId, environmentId] = await this.#needs(agent, signal);
    const needs = { agent: agentId, environment_id: environmentId, vault_ids: vaultIds };
    const session = { ...needs, title, metadata, resources, budget };
    return createSessions(this.requests).create(session, { signal });
  }

  async #needs(agent: Agent, signal: AbortSignal): Promise<[string, string]> {
    const { agentId, environmentId } = this.#setup;
    return [
      agentId ?? (await this.#agentFor(agent).join(signal)),
      environmentId ?? (await this.#environmentForAll().join(signal)),
    ];
  }

  #agentFor(agent: Agent): SharedWork<string> {
    const known = this.#agents.get(agent);
    if (known?.isStopped === false) return known;
    const work = new SharedWork((signal) =>
      ensureAgent(this.requests, agent, this.#setup, { signal }).then(idOf),
    );
    this.#agents.set(agent, work);
    return work;
  }

  #environmentForAll(): SharedWork<string> {
    if (this.#environment?.isStopped !== false)
      this.#environment = new SharedWork((signal) =>
        ensureEnvironment(this.requests, this.#setup.environment, { signal }).then(idOf),
      );
    return this.#environment;
  }

  #forget(agent: Agent): void {
    this.#agents.delete(agent);
    this.#environment = undefined;
  }
}

function idOf({ id }: Ensured): string {
  return id;
}
