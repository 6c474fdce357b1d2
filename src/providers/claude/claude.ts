/** Claude Managed Agents as a loop host: Anthropic's service, and any server that speaks its wire. */

import { retryPolicy } from "../../core/async/retry.ts";
import type { Checks } from "../../core/check-options.ts";
import { BOOLEAN, checkOptions, MILLISECONDS } from "../../core/check-options.ts";
import { systemClock } from "../../core/clock.ts";
import { LoophostError } from "../../core/errors.ts";
import { checkProvisioned } from "../../core/handle.ts";
import type { Connection, OpenRequest, Provider } from "../../core/provider.ts";
import type { ClaudeApi } from "./api/client.ts";
import { toHostError } from "./api/host-error.ts";
import { connectRequests, pathTo } from "./api/requests.ts";
import type { ClaudeConnectionOptions } from "./api/settings.ts";
import { CONNECTION, findHost } from "./api/settings.ts";
import { claudeArtifacts } from "./control/artifacts.ts";
import { SessionMaker } from "./control/new-session.ts";
import { claudeProvisioning } from "./control/provision.ts";
import type { SessionSetup } from "./control/session-setup.ts";
import { checkSetup, SETUP } from "./control/session-setup.ts";
import { attach } from "./session/connection.ts";
import { findToolsRunHere } from "./session/run-here.ts";
import type { ServerTraits } from "./session/server-traits.ts";
import { ANTHROPIC, TRAITS } from "./session/server-traits.ts";

/** How sessions with Claude Managed Agents are held. */
export interface ClaudeOptions extends ClaudeConnectionOptions, SessionSetup {
  /** Whether text is told while it is written. Default true. */
  readonly deltas?: boolean | undefined;
  /** Milliseconds of silence on the event stream after which it is opened again. Default 45 000. */
  readonly idleMs?: number | undefined;
  /** What is particular about the server, where it is not Anthropic's own. Default: Anthropic's service. */
  readonly server?: Partial<ServerTraits> | undefined;
}

/**
 * Claude Managed Agents.
 *
 * Opening a session throws LoophostError `missing_credentials` or `missing_dependency` before anything is sent.
 *
 * @throws LoophostError `invalid_options` for options that cannot be used, or contradict each other
 */
export function claude(options: ClaudeOptions = {}): Provider {
  checkOptions("claude()", options, OPTIONS);
  const { deltas = true, idleMs = 45_000, clock = systemClock } = options;
  checkSetup(options);
  const opening = new Set<OpenRequest["emit"]>();
  // There is no run yet to hear of it: without a word, a session that is opened over a bad network is silent for seconds.
  const onRetry: ClaudeOptions["onRetry"] = (attempt, delayMs, error) => {
    for (const emit of opening) emit({ type: "retrying", attempt, delayMs, reason: error.message });
    return options.onRetry?.(attempt, delayMs, error);
  };
  let made: SessionMaker | undefined;
  // One for all sessions; made lazily, since a provider without a key may still be inspected.
  const makerOf = () => (made ??= new SessionMaker(connectRequests({ ...options, onRetry }), options));
  const provisioning = claudeProvisioning(() => makerOf().requests, options);
  const open = async ({
    agent,
    sessionId,
    provisioned,
    emit,
    signal,
    traceContext,
  }: OpenRequest): Promise<Connection> => {
    await checkProvisioned(agent, { provider: "claude", ...provisioning }, provisioned);
    const maker = makerOf();
    const api = traced(maker.requests.api, traceContext);
    const server = { ...ANTHROPIC, ...options.server };
    const how = { api, server, deltas, idleMs, clock, retry: retryPolicy(options.retry), emit, signal };
    const hold = async (id: string, hasPast: boolean) => {
      const runHere = await findToolsRunHere({ api, agent, sessionId: id, signal });
      return attach({ ...how, sessionId: id, hasPast, runHere });
    };
    if (sessionId !== undefined)
      return hold(sessionId, true).catch((thrown: unknown) => {
        const error = toHostError(thrown, "The session could not be attached to");
        if (error.status !== 404) throw error;
        throw new LoophostError("session_not_found", `The host has no session "${sessionId}".`, {
          cause: error,
          status: 404,
          requestId: error.requestId,
        });
      });
    const { id } = await maker.make(agent, provisioned, signal);
    return hold(id, false).catch(async (thrown: unknown) => {
      // Attaching failed, so the caller never gets this session's id: delete it, or it leaks at the host.
      await api.delete(pathTo(["sessions", id]), AbortSignal.timeout(RELEASE_MS)).catch(() => undefined);
      throw thrown;
    });
  };
  return {
    name: "claude",
    traits: { answers: "each", history: "host", worksAlone: true },
    address: options.client === undefined ? findHost(options) : undefined,
    artifacts: claudeArtifacts(() => makerOf().requests, idleMs),
    provisioning,
    async open(request) {
      opening.add(request.emit);
      try {
        return await open(request);
      } finally {
        opening.delete(request.emit);
      }
    },
  };
}

/** An API whose posts continue the trace of the run they are sent in. The SDK's own trace headers win. */
function traced(api: ClaudeApi, traceContext: OpenRequest["traceContext"]): ClaudeApi {
  return {
    ...api,
    post: (path, body, signal, headers) => api.post(path, body, signal, { ...traceContext(), ...headers }),
  };
}

const OPTIONS: Checks<ClaudeOptions> = {
  ...CONNECTION,
  ...SETUP,
  deltas: BOOLEAN,
  idleMs: MILLISECONDS,
  server: TRAITS,
};

/** Milliseconds that deleting an unused session may delay the error. */
const RELEASE_MS = 5_000;
