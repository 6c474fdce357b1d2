/** Claude Managed Agents as a loop host: Anthropic's service, and any server that speaks its wire. */

import type { Clock } from "../../core/clock.ts";
import { systemClock } from "../../core/clock.ts";
import { LoophostError } from "../../core/errors.ts";
import type { Provider } from "../../core/provider.ts";
import type { ClaudeConnectionOptions } from "./client.ts";
import { connectClaude, toHostError } from "./client.ts";
import { attach } from "./connection.ts";
import { createSession, ensureAgent, ensureEnvironment } from "./resources.ts";

/** How sessions with Claude Managed Agents are held. */
export interface ClaudeOptions extends ClaudeConnectionOptions {
  /** An agent that exists at the host. Default: one made from the agent's definition, and found again by it. */
  readonly agentId?: string | undefined;
  /** An environment that exists at the host. Default: one named "loophost", made when it is not there. */
  readonly environmentId?: string | undefined;
  /** Whether text is told while it is written. Default true. */
  readonly deltas?: boolean | undefined;
  /** Milliseconds of silence on the event stream after which it is opened again. Default 45 000. */
  readonly idleMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Claude Managed Agents.
 *
 * Opening a session throws LoophostError `missing_credentials` or `missing_dependency` before anything is sent.
 */
export function claude(options: ClaudeOptions = {}): Provider {
  const { agentId, environmentId, deltas = true, idleMs = 45_000, clock = systemClock } = options;
  return {
    name: "claude",
    traits: { answers: "each", history: "host" },
    async open({ agent, sessionId, emit, signal }) {
      const api = await connectClaude(options);
      const create = async () => {
        const environment = environmentId ?? (await ensureEnvironment(api, signal));
        return createSession(api, agentId ?? (await ensureAgent(api, agent, signal)), environment, signal);
      };
      const held = { api, sessionId: sessionId ?? (await create()), hasPast: sessionId !== undefined };
      return attach({ ...held, deltas, idleMs, clock, emit }).catch((thrown: unknown) => {
        const error = toHostError(thrown, "The session could not be attached to");
        if (error.status !== 404) throw error;
        const { requestId } = error;
        throw new LoophostError("session_not_found", `The host has no session "${held.sessionId}".`, {
          cause: error,
          status: 404,
          requestId,
        });
      });
    },
  };
}
