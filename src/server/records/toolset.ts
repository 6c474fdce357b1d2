/** The tools of an agent on the wire: checked when they come in, complete when they go out. */

import { messageOf } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Tool } from "../../core/tool.ts";
import { defineTool } from "../../core/tool.ts";
import { invalid } from "../http/errors.ts";
import { isJsonObject, objectList, optionalObject, requiredString, typeOf } from "../http/fields.ts";

const MAX_TOOLS = 128;
const BUILT_IN: ReadonlySet<string> = new Set([
  "bash",
  "edit",
  "read",
  "write",
  "glob",
  "grep",
  "web_fetch",
  "web_search",
]);

const POLICIES: ReadonlySet<string> = new Set(["always_allow", "always_ask", "auto"]);

/** Checks the `tools` of a request and fills in what was left out. */
export function readTools(body: JsonObject): readonly JsonObject[] {
  const tools = objectList(body, "tools", MAX_TOOLS).map(readTool);
  const names = tools.flatMap((tool) => (typeOf(tool) === "custom" ? [tool["name"]] : []));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(`tools: there are two custom tools named ${JSON.stringify(twice)}.`);
  return tools;
}

/** The custom tools as tools of ours. They have no `execute`: whoever holds the session answers their calls. */
export function externalTools(tools: readonly JsonObject[]): Tool[] {
  return tools.flatMap((tool) => (typeOf(tool) === "custom" ? [externalTool(tool)] : []));
}

function readTool(tool: JsonObject, index: number): JsonObject {
  const owner = `tools[${index}].`;
  switch (typeOf(tool)) {
    case "custom": {
      const name = requiredString(tool, "name", 128, owner);
      if (name.startsWith("mcp__") || BUILT_IN.has(name))
        throw invalid(`${owner}name: "${name}" is taken by the host's own tools; choose another.`);
      const description = requiredString(tool, "description", 100_000, owner);
      const custom = { type: "custom", name, description, input_schema: tool["input_schema"] ?? null };
      try {
        externalTool(custom);
      } catch (thrown) {
        throw invalid(`${owner.slice(0, -1)}: ${messageOf(thrown)}`);
      }
      return custom;
    }
    case "agent_toolset_20260401": {
      const names = objectList(tool, "configs", 1_000).map((config) => config["name"]);
      const unknown = names.find((name) => typeof name === "string" && !BUILT_IN.has(name));
      if (unknown !== undefined)
        throw invalid(
          `${owner}configs: there is no built-in tool ${JSON.stringify(unknown)}, only ${[...BUILT_IN].join(", ")}.`,
        );
      return { type: typeOf(tool), ...configsOf(tool, "always_allow", owner) };
    }
    case "mcp_toolset": {
      const server = requiredString(tool, "mcp_server_name", 256, owner);
      return { type: typeOf(tool), mcp_server_name: server, ...configsOf(tool, "always_ask", owner) };
    }
    default:
      throw invalid(`${owner}type must be "custom", "agent_toolset_20260401" or "mcp_toolset".`);
  }
}

/** What a toolset lets its tools do. */
type Permission = { readonly enabled: boolean; readonly permission_policy: JsonObject };

/** Every config of a toolset, with what it leaves out taken from the toolset's default. */
function configsOf(toolset: JsonObject, policy: string, owner: string): JsonObject {
  const given = optionalObject(toolset, "default_config", owner) ?? {};
  const byDefault = readPermission(
    given,
    { enabled: true, permission_policy: { type: policy } },
    `${owner}default_config.`,
  );
  const configs = objectList(toolset, "configs", 1_000).map((config, index) => {
    const at = `${owner}configs[${index}].`;
    const name = requiredString(config, "name", 256, at);
    return { ...config, name, ...readPermission(config, byDefault, at) };
  });
  return { default_config: byDefault, configs };
}

/** Fails closed: an unknown permission is refused; ignored, it would grant what was to be withheld. */
function readPermission(config: JsonObject, byDefault: Permission, owner: string): Permission {
  const enabled = config["enabled"] ?? byDefault.enabled;
  if (typeof enabled !== "boolean") throw invalid(`${owner}enabled must be true or false.`);
  const policy = optionalObject(config, "permission_policy", owner) ?? byDefault.permission_policy;
  if (!POLICIES.has(typeOf(policy)))
    throw invalid(`${owner}permission_policy.type must be one of ${[...POLICIES].join(", ")}.`);
  return { enabled, permission_policy: policy };
}

function externalTool(tool: JsonObject): Tool {
  const { input_schema: input } = tool;
  return defineTool({
    name: requiredString(tool, "name", 128),
    description: requiredString(tool, "description", 100_000),
    // Refused by defineTool where it is not an object schema.
    input: isJsonObject(input) ? input : {},
  });
}
