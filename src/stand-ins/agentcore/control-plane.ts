/** The control plane's routes. */

import type { Clock } from "../../core/clock.ts";
import { ApiKeys } from "./api-keys.ts";
import { Harnesses, TIMES } from "./harnesses.ts";
import { Refusal } from "./refusal.ts";

/** A request, read. */
export interface ControlRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Record<string, unknown>;
}

/** The control plane of one account and region. */
export class ControlPlane {
  readonly harnesses: Harnesses;
  readonly #apiKeys = new ApiKeys();

  constructor(region: string, clock: Clock) {
    this.harnesses = new Harnesses(region, clock);
  }

  /** Answers a request with a status and a body. */
  answer({ method, path, query, body }: ControlRequest): [number, object | undefined] {
    const [, root, id, child, name] = path.split("/").map(decodeURIComponent);
    const keys =
      root === "identities" && method === "POST" ? this.#apiKeys.answer(id ?? "", body) : undefined;
    if (keys !== undefined) return keys;
    if (root !== "harnesses") throw noSuchOperation();
    const { harnesses } = this;
    if (id === undefined || id === "")
      return method === "POST" ? [201, harnesses.create(body)] : [200, harnesses.list(query)];
    if (child === "versions") return [200, harnesses.versions(id, query)];
    if (child === "endpoints") return this.#endpoint(method, id, name, query, body);
    if (method === "PATCH") return [200, harnesses.update(id, body)];
    if (method === "DELETE") return [200, harnesses.delete(id)];
    return [200, harnesses.get(id, query.get("harnessVersion") ?? undefined)];
  }

  #endpoint(
    method: string,
    id: string,
    name: string | undefined,
    query: URLSearchParams,
    body: Record<string, unknown>,
  ): [number, object] {
    const { of, newest, shared } = this.harnesses.endpoints(id);
    const shown = { ...shared, ...TIMES };
    if (name === undefined && method === "POST")
      return [201, { endpoint: { ...shown, ...of.create(body, newest) } }];
    if (name === undefined) return [200, of.list(query, newest, shown)];
    if (method === "PATCH") return [200, { endpoint: { ...shown, ...of.update(name, body, newest) } }];
    if (method === "DELETE") return [200, { endpoint: { ...shown, ...of.delete(name, newest) } }];
    return [200, { endpoint: { ...shown, ...of.get(name, newest) } }];
  }
}

function noSuchOperation(): Refusal {
  return new Refusal(404, "ResourceNotFoundException", "There is no such operation.");
}
