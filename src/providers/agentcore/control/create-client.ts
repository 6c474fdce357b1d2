/** The control plane: what an account has of harnesses, endpoints and API keys, beside running them. */

import { atLeast, checkOptions } from "../../../core/check-options.ts";
import { systemClock } from "../../../core/clock.ts";
import { Plane } from "../api/client.ts";
import type { AgentCoreConnectionOptions } from "../api/settings.ts";
import { CONNECTION, REGION } from "../api/settings.ts";
import type { ApiKeyCalls } from "./api-keys.ts";
import { apiKeyCalls } from "./api-keys.ts";
import type { EndpointCalls } from "./endpoints.ts";
import { endpointCalls } from "./endpoints.ts";
import type { EnsuredHarness } from "./ensure-harness.ts";
import { ensureHarness } from "./ensure-harness.ts";
import type { HarnessCalls, NewHarness } from "./harnesses.ts";
import { harnessCalls } from "./harnesses.ts";
import { ControlRequests } from "./requests.ts";
import type { EnsureOptions } from "./wait.ts";

/** How the control plane is reached. */
export interface AgentCoreControlOptions extends Omit<
  AgentCoreConnectionOptions,
  "bearerToken" | "baseUrl" | "client" | "idleMs"
> {
  /** The region. Default: what every AWS SDK finds. */
  readonly region?: string | undefined;
  /** Milliseconds for one request with all its tries. Default 60 000. */
  readonly requestMs?: number | undefined;
}

/** A client of the control plane. Printing it shows no credential. */
export interface AgentCoreClient {
  readonly harnesses: HarnessCalls;
  readonly endpoints: EndpointCalls;
  readonly apiKeys: ApiKeyCalls;
  /** Makes a harness and waits until it is READY; one of that name that is there already is used instead. */
  ensureHarness(definition: NewHarness, options?: EnsureOptions): Promise<EnsuredHarness>;
}

/**
 * Makes a client of the control plane. What goes in and comes out are the service's own objects, times as strings. The AWS package
 * is loaded with the first request.
 *
 * @throws LoophostError `invalid_options` for an option that cannot be used
 */
export function createClient(options: AgentCoreControlOptions = {}): AgentCoreClient {
  checkOptions("createClient()", options, CONTROL);
  const { region, requestMs = REQUEST_MS, clock = systemClock } = options;
  const requests = new ControlRequests(new Plane("control", options, region), { clock, requestMs });
  return {
    harnesses: harnessCalls(requests),
    endpoints: endpointCalls(requests),
    apiKeys: apiKeyCalls(requests),
    ensureHarness: (definition, ensure) => ensureHarness(requests, definition, ensure),
  };
}

/** The default for one request with all its tries. */
const REQUEST_MS = 60_000;

const { bearerToken: _token, baseUrl: _url, client: _client, idleMs: _idle, ...REACHED } = CONNECTION;
const CONTROL = {
  ...REACHED,
  region: REGION,
  requestMs: atLeast(1),
};
