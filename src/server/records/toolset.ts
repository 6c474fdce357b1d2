/** The tools of an agent on the wire: checked when they come in, complete when they go out. */

import { messageOf } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Tool } from "../../core/tool.ts";
import { defineTool } from "../../core/tool.ts";
import { invalid } from "../http/errors.ts";
import { isJsonObject, objectList, requiredString, typeOf } from "../http/fields.ts";

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
    case "agent_toolset_20260401":
      return { type: typeOf(tool), ...configsOf(tool, "always_allow", owner) };
    case "mcp_toolset": {
      const server = requiredString(tool, "mcp_server_name", 256, owner);
      return { type: typeOf(tool), mcp_server_name: server, ...configsOf(tool, "always_ask", owner) };
    }
    default:
      throw invalid(`${owner}type must be "custom", "agent_toolset_20260401" or "mcp_toolset".`);
  }
}

/** Every config of a toolset, with what it leaves out taken from the toolset's default. */
function configsOf(toolset: JsonObject, policy: string, owner: string): JsonObject {
  const given = isJsonObject(toolset["default_config"]) ? toolset["default_config"] : {};
  const byDefault: { readonly [name: string]: Json } = {
    enabled: given["enabled"] ?? true,
    permission_policy: given["permission_policy"] ?? { type: policy },
  };
  const configs = objectList(toolset, "configs", 1_000).map((config) => ({
    ...config,
    name: requiredString(config, "name", 256, `${owner}configs: `),
    enabled: config["enabled"] ?? byDefault["enabled"],
    permission_policy: config["permission_policy"] ?? byDefault["permission_policy"],
  }));
  return { default_config: byDefault, configs };
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
