/**
 * New sessions at the host, with an agent and an environment that are made when they are not there.
 *
 *   S1  what a session needs is asked for once per provider and definition, however many are made at a time
 *   S2  what is not there any more, or could not be had, is forgotten and asked for again
 */

import type { Agent } from "../../../core/agent.ts";
import { onAbort } from "../../../core/async/abort.ts";
import { LoophostError } from "../../../core/errors.ts";
import type { Requests } from "../api/requests.ts";
import type { Ensured } from "./ensure.ts";
import { ensureAgent, ensureEnvironment } from "./ensure.ts";
import type { SessionSetup } from "./session-setup.ts";
import type { ClaudeSession } from "./sessions.ts";
import { createSessions } from "./sessions.ts";

/** Makes the sessions of one provider. */
export class SessionMaker {
  readonly requests: Requests;
  readonly #setup: SessionSetup;
  readonly #agents = new WeakMap<Agent, Promise<string>>();
  #environment: Promise<string> | undefined;

  constructor(requests: Requests, setup: SessionSetup) {
    this.requests = requests;
    this.#setup = setup;
  }

  /** Makes a session. */
  async make(agent: Agent, signal: AbortSignal): Promise<ClaudeSession> {
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

  async #create(agent: Agent, signal: AbortSignal): Promise<ClaudeSession> {
    const { title, metadata, resources, vaultIds, budget } = this.#setup;
    const [agentId, environmentId] = await unlessAborted(this.#needs(agent), signal);
    const needs = { agent: agentId, environment_id: environmentId, vault_ids: vaultIds };
    const session = { ...needs, title, metadata, resources, budget };
    return createSessions(this.requests).create(session, { signal });
  }

  async #needs(agent: Agent): Promise<[string, string]> {
    const { agentId, environmentId } = this.#setup;
    return [agentId ?? (await this.#agentFor(agent)), environmentId ?? (await this.#environmentForAll())];
  }

  /** Asked for on behalf of all who wait for it: the abort of one must not fail the others. */
  #agentFor(agent: Agent): Promise<string> {
    const known = this.#agents.get(agent) ?? ensureAgent(this.requests, agent, this.#setup, {}).then(idOf);
    this.#agents.set(agent, known);
    return known;
  }

  #environmentForAll(): Promise<string> {
    this.#environment ??= ensureEnvironment(this.requests, this.#setup.environment, {}).then(idOf);
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

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const unlink = onAbort([signal], reject);
    work.then(resolve, reject).finally(unlink);
  });
}
