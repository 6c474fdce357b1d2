/** Provisioning and teardown at the host: an agent and an environment, made ahead of sessions. */

import { isString } from "../../../core/check-options.ts";
import { LoophostError, toLoophostError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json.ts";
import { isObject } from "../../../core/json.ts";
import type { Ensured, EnsureRequest, Provisioning, ResourceKind } from "../../../core/provisioning.ts";
import type { Requests } from "../api/requests.ts";
import type { ClaudeConnectionOptions } from "../api/settings.ts";
import { findAccess } from "../api/settings.ts";
import type { NamedPath } from "./ensure.ts";
import { ensureAgent, ensureEnvironment, listLive, madeAt, NAMES } from "./ensure.ts";
import type { EnvironmentConfig } from "./environments.ts";
import type { SessionSetup } from "./session-setup.ts";

const PATHS: Readonly<Record<ResourceKind, NamedPath>> = { agent: "agents", environment: "environments" };
const IDS = { agent: "agentId", environment: "environmentId" } as const;

/** The provisioning of one provider: what its options do not name already, made of what they say. */
export function claudeProvisioning(
  requests: () => Requests,
  options: ClaudeConnectionOptions & SessionSetup,
): Provisioning {
  const { hostTools, mcpServers, skills, environment } = options;
  const kinds = (["agent", "environment"] as const).filter((kind) => options[IDS[kind]] === undefined);
  return {
    kinds,
    names: NAMES,
    ids: { agent: [IDS.agent], environment: [IDS.environment] },
    settings: (kind) => (kind === "agent" ? { hostTools, mcpServers, skills } : { environment }),
    scope: () => scopeOf(options),
    ensure: (request) => ensureOne(requests(), options, request),
    release: async (kind, ids, signal) => {
      const id = ids[IDS[kind]];
      if (typeof id === "string") await archive(requests(), kind, id, signal);
    },
    list: async function* (kind, signal) {
      for await (const item of listLive(requests(), PATHS[kind], { signal }))
        yield {
          kind,
          name: String(item["name"]),
          ids: { [IDS[kind]]: item.id },
          createdAtMs: madeAt(item),
        };
    },
  };
}

async function ensureOne(
  requests: Requests,
  setup: SessionSetup,
  { kind, name, agent, environment, hosts, signal, onProgress }: EnsureRequest,
): Promise<Ensured> {
  onProgress({ kind, name, phase: "making", elapsedMs: 0 });
  const config = environment ?? setup.environment;
  if (kind === "environment") {
    const { id, isNew } = await ensureEnvironment(requests, name, withHosts(config, hosts), { signal });
    return { ids: { environmentId: id }, isNew };
  }
  if (agent === undefined) throw new LoophostError("invalid_agent", "An agent is made of its definition.");
  if (environment !== undefined && setup.environmentId !== undefined)
    throw new LoophostError(
      "invalid_options",
      "claude() names an environmentId: no environment is made beside it.",
    );
  const place = isTyped(config) ? { ...setup, environment: config } : setup;
  const { id, isNew } = await ensureAgent(requests, name, agent, place, { signal });
  return { ids: { agentId: id }, isNew };
}

/**
 * Adds the hosts that runtimes are downloaded from to an environment whose network is limited. Any other is passed on
 * as it is.
 */
function withHosts(
  config: EnvironmentConfig | JsonObject | undefined,
  hosts: readonly string[],
): object | undefined {
  const networking = config?.["networking"];
  if (hosts.length === 0 || !isObject(networking) || networking["type"] !== "limited") return config;
  const allowed: readonly unknown[] = Array.isArray(networking["allowed_hosts"])
    ? networking["allowed_hosts"]
    : [];
  return { ...config, networking: { ...networking, allowed_hosts: [...new Set([...allowed, ...hosts])] } };
}

async function archive(
  requests: Requests,
  kind: ResourceKind,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await requests.change([PATHS[kind], id, "archive"], undefined, { signal });
  } catch (thrown) {
    const error = toLoophostError(thrown, "host_failed", `Archiving ${id}`);
    if (error.status !== 404) throw error;
  }
}

function isTyped(config: object | undefined): config is EnvironmentConfig {
  return config !== undefined && "type" in config && typeof config.type === "string";
}

/** The host and whose account it is there. */
function scopeOf(options: ClaudeConnectionOptions): string {
  if (options.client === undefined) {
    const { baseUrl, secrets } = findAccess(options);
    return [baseUrl, ...secrets].join("\n");
  }
  const client: object = options.client;
  const known: Readonly<Record<string, unknown>> = { ...client };
  return [known["baseURL"], known["apiKey"], known["authToken"]].filter(isString).join("\n");
}
