/**
 * Environments as the host keeps and shows them.
 *
 * This host runs no containers: a cloud environment is a name to create sessions under and nothing more, a self-hosted one
 * has workers.
 */

import type { Json, JsonObject } from "../../core/json.ts";
import { invalid } from "../http/errors.ts";
import type { Metadata } from "../http/fields.ts";
import { optionalObject, optionalString, patchMetadata, requiredString } from "../http/fields.ts";
import { newId } from "./ids.ts";
import { now } from "./time.ts";

/** An environment. */
export type EnvironmentRecord = {
  readonly id: string;
  readonly type: "environment";
  readonly name: string;
  readonly description: string | null;
  readonly config: JsonObject;
  readonly scope: string;
  readonly metadata: Metadata;
  readonly created_at: string;
  readonly updated_at: string;
  readonly archived_at: string | null;
};

/** Makes an environment of the body of a create request. */
export function createEnvironment(body: JsonObject): EnvironmentRecord {
  const at = now();
  return {
    id: newId("env"),
    type: "environment",
    name: requiredString(body, "name", 256),
    description: optionalString(body, "description", 2_048) ?? null,
    config: readConfig(optionalObject(body, "config")),
    scope: readScope(body["scope"]),
    metadata: patchMetadata({}, body["metadata"]),
    created_at: at,
    updated_at: at,
    archived_at: null,
  };
}

/** An environment with some fields replaced. */
export function updateEnvironment(environment: EnvironmentRecord, body: JsonObject): EnvironmentRecord {
  if (environment.archived_at !== null)
    throw invalid(`Environment ${environment.id} is archived and cannot be changed.`, "environment_archived");
  const given = optionalObject(body, "config");
  const config = given === undefined ? environment.config : readConfig(given);
  if (config["type"] !== environment.config["type"])
    throw invalid("config.type cannot be changed; create another environment.", "invalid_config_type_change");
  return {
    ...environment,
    config,
    ...(body["name"] && { name: requiredString(body, "name", 256) }),
    ...("description" in body && { description: optionalString(body, "description", 2_048) ?? null }),
    ...(body["scope"] && { scope: readScope(body["scope"]) }),
    metadata: patchMetadata(environment.metadata, body["metadata"]),
    updated_at: now(),
  };
}

function readConfig(config: JsonObject = { type: "cloud" }): JsonObject {
  const { type } = config;
  if (type === "self_hosted") return { type };
  if (type !== "cloud") throw invalid('config.type must be "cloud" or "self_hosted".');
  const none = { apt: [], cargo: [], gem: [], go: [], npm: [], pip: [] };
  const networking = optionalObject(config, "networking", "config.");
  const packages = optionalObject(config, "packages", "config.");
  return {
    type,
    networking: networking === undefined ? { type: "unrestricted" } : readNetworking(networking),
    packages: { type: "packages", ...none, ...(packages && readPackages(packages)) },
  };
}

function readNetworking(networking: JsonObject): JsonObject {
  if (networking["type"] === "unrestricted") return { type: "unrestricted" };
  if (networking["type"] !== "limited")
    throw invalid('config.networking.type must be "unrestricted" or "limited".');
  return {
    type: "limited",
    allowed_hosts: stringList(networking["allowed_hosts"], "config.networking.allowed_hosts"),
    allow_mcp_servers: networking["allow_mcp_servers"] ?? false,
    allow_package_managers: networking["allow_package_managers"] ?? false,
  };
}

function readPackages(packages: JsonObject): JsonObject {
  const managers = Object.entries(packages).filter(([name]) => name !== "type");
  return Object.fromEntries(
    managers.map(([name, list]) => [name, stringList(list, `config.packages.${name}`)]),
  );
}

function stringList(list: Json | undefined, name: string): readonly Json[] {
  const strings = list ?? [];
  if (!Array.isArray(strings) || !strings.every((item) => typeof item === "string"))
    throw invalid(`${name} must be a list of strings.`);
  return strings;
}

function readScope(scope: Json | undefined): string {
  if (scope === undefined || scope === null) return "organization";
  if (scope !== "organization" && scope !== "account")
    throw invalid('scope must be "organization" or "account".');
  return scope;
}
