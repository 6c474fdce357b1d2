/** Endpoints: names under which a harness is called, each serving one of its versions. */

import type { Check } from "../../../core/check-options.ts";
import { must } from "../../../core/check-options.ts";
import { LoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import { isGone } from "./harnesses.ts";
import type { Answer, CallOptions, ControlRequests } from "./requests.ts";
import { unexpected } from "./requests.ts";
import type { Wait, WaitOptions } from "./wait.ts";
import { Budget, waitUntilGone, waitUntilReady } from "./wait.ts";

/** An endpoint as the service shows it. */
export interface EndpointRecord {
  readonly harnessId: string;
  readonly endpointName: string;
  readonly arn: string;
  readonly status: string;
  /** The version that is called; may lag behind the one that was asked for. */
  readonly liveVersion?: string;
  readonly targetVersion?: string;
  readonly failureReason?: string;
  readonly [field: string]: unknown;
}

/** What an endpoint serves. */
export interface EndpointSettings {
  /** Default: the newest version. */
  readonly targetVersion?: string | undefined;
  readonly description?: string | undefined;
}

/** What can be done with the endpoints of a harness. Every method rejects with a LoophostError. */
export interface EndpointCalls {
  create(
    harnessId: string,
    name: string,
    settings?: EndpointSettings,
    options?: CallOptions,
  ): Promise<EndpointRecord>;
  get(harnessId: string, name: string, options?: CallOptions): Promise<EndpointRecord>;
  update(
    harnessId: string,
    name: string,
    settings: EndpointSettings,
    options?: CallOptions,
  ): Promise<EndpointRecord>;
  list(harnessId: string, options?: CallOptions): AsyncIterable<EndpointRecord>;
  delete(harnessId: string, name: string, options?: CallOptions): Promise<void>;
  waitUntilReady(harnessId: string, name: string, options?: WaitOptions): Promise<EndpointRecord>;
  waitUntilGone(harnessId: string, name: string, options?: WaitOptions): Promise<void>;
}

/** The endpoints of harnesses. */
export function endpointCalls(requests: ControlRequests): EndpointCalls {
  const send = async (verb: string, doing: string, input: object, options: SendOptions = {}) => {
    const request = { command: `${verb}HarnessEndpoint`, input, doing, ...options };
    return readEndpoint(await requests.repeat(request), doing);
  };
  const get = (harnessId: string, endpointName: string, options?: SendOptions) =>
    send(
      "Get",
      `Reading endpoint ${endpointName} of harness ${harnessId}`,
      { harnessId, endpointName },
      options,
    );
  const waitOn = (harnessId: string, name: string, options: WaitOptions): Wait<EndpointRecord> => ({
    what: `Endpoint ${name} of harness ${harnessId}`,
    id: `${harnessId}/${name}`,
    budget: new Budget(requests.clock, options),
    look: (leftMs) =>
      get(harnessId, name, { signal: options.signal, leftMs }).catch((thrown: unknown) => {
        if (isGone(thrown)) return undefined;
        throw thrown;
      }),
  });
  return {
    create: async (harnessId, endpointName, settings = {}, { signal } = {}) => {
      checkEndpointName(endpointName);
      const input = { ...settings, harnessId, endpointName, clientToken: crypto.randomUUID() };
      return send("Create", `Making endpoint ${endpointName} of harness ${harnessId}`, input, { signal });
    },
    get: (harnessId, name, { signal } = {}) => get(harnessId, name, { signal }),
    update: (harnessId, endpointName, settings, { signal } = {}) => {
      const input = { ...settings, harnessId, endpointName, clientToken: crypto.randomUUID() };
      return send("Update", `Changing endpoint ${endpointName} of harness ${harnessId}`, input, { signal });
    },
    list: async function* (harnessId, { signal } = {}) {
      const doing = `Listing the endpoints of harness ${harnessId}`;
      const request = { command: "ListHarnessEndpoints", input: { harnessId }, doing, signal };
      for await (const item of requests.list(request, "endpoints")) yield toEndpoint(item, doing);
    },
    delete: async (harnessId, endpointName, { signal } = {}) => {
      const input = { harnessId, endpointName, clientToken: crypto.randomUUID() };
      const doing = `Deleting endpoint ${endpointName} of harness ${harnessId}`;
      try {
        await requests.repeat({ command: "DeleteHarnessEndpoint", input, doing, signal });
      } catch (thrown) {
        if (!isGone(thrown)) throw thrown;
      }
    },
    waitUntilReady: (harnessId, name, options = {}) => waitUntilReady(waitOn(harnessId, name, options)),
    waitUntilGone: (harnessId, name, options = {}) => waitUntilGone(waitOn(harnessId, name, options)),
  };
}

interface SendOptions extends CallOptions {
  readonly leftMs?: number | undefined;
}

/** What the name of an endpoint has to be. */
export const ENDPOINT_NAME: Check = must(
  "the name of an endpoint: up to 48 letters, digits and underscores, beginning with a letter",
  (value) => typeof value === "string" && /^[a-zA-Z][a-zA-Z0-9_]{0,47}$/.test(value),
);

function checkEndpointName(name: unknown): void {
  const problem = ENDPOINT_NAME(name);
  if (problem !== undefined) throw new LoophostError("invalid_options", `The endpoint's name${problem}.`);
}

function readEndpoint({ endpoint }: Answer, doing: string): EndpointRecord {
  if (!isObject(endpoint)) throw unexpected(doing, "no endpoint");
  return toEndpoint(endpoint, doing);
}

function toEndpoint(endpoint: Answer, doing: string): EndpointRecord {
  const { endpointName, arn, status } = endpoint;
  if (![endpointName, arn, status].every((text) => typeof text === "string" && text !== ""))
    throw unexpected(doing, "an endpoint without name, ARN or status");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: what is needed was checked above
  return endpoint as EndpointRecord;
}
