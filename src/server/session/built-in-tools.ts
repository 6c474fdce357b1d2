/**
 * The built-in tools of an agent in a self-hosted environment: the model is offered them here, and a worker of the
 * user's runs them. In a cloud environment nobody would, so there they are not offered.
 */

import type { JsonObject, JsonSchema } from "../../core/json.ts";
import type { Tool } from "../../core/tool.ts";
import { defineTool } from "../../core/tool.ts";
import { isJsonObject, objectList, typeOf } from "../http/fields.ts";

/** The built-in tools that are switched on, as tools of ours. They have no `execute`: a worker answers their calls. */
export function builtInTools(tools: readonly JsonObject[]): readonly Tool[] {
  return builtInNames(tools).flatMap((name) => OFFERED.get(name) ?? []);
}

/** The names of the built-in tools that are switched on; what goes out into the web is not among them. */
export function builtInNames(tools: readonly JsonObject[]): readonly string[] {
  return [...OFFERED.keys()].filter((name) => configOf(tools, name)?.["enabled"] === true);
}

/** Whether a tool is a built-in one; custom tools cannot have such a name. */
export function isBuiltIn(name: string): boolean {
  return OFFERED.has(name);
}

/** The agent's policy for a call. Fails closed: what is not plainly allowed needs confirmation. */
export function permissionOf(
  tools: readonly JsonObject[],
  name: string,
): { readonly policy: string; readonly permission: "allow" | "ask" } {
  const policy = configOf(tools, name)?.["permission_policy"];
  const type = isJsonObject(policy) ? typeOf(policy) : "";
  return type === "always_allow"
    ? { policy: type, permission: "allow" }
    : { policy: type || "always_ask", permission: "ask" };
}

/** How a built-in tool is set; the tools of an agent are complete. */
function configOf(tools: readonly JsonObject[], name: string): JsonObject | undefined {
  const toolset = tools.find((tool) => typeOf(tool) === "agent_toolset_20260401");
  if (toolset === undefined) return undefined;
  const own = objectList(toolset, "configs", 1_000).find((config) => config["name"] === name);
  const { default_config: byDefault } = toolset;
  return own ?? (isJsonObject(byDefault) ? byDefault : undefined);
}

const TEXT: JsonObject = { type: "string" };

const OFFERED: ReadonlyMap<string, Tool> = new Map(
  [
    builtIn("bash", "Runs a command in a bash shell that keeps its state between calls.", {
      command: { type: "string", description: "The command to run." },
      restart: { type: "boolean", description: "Begins with a new shell." },
      timeout_ms: { type: "integer", description: "How long the command may take, in milliseconds." },
    }),
    builtIn(
      "edit",
      "Replaces a text in a file. The text must be found exactly once, unless all of them are to be replaced.",
      { file_path: TEXT, old_string: TEXT, new_string: TEXT, replace_all: { type: "boolean" } },
      ["file_path", "old_string", "new_string"],
    ),
    builtIn(
      "read",
      "Reads a text file.",
      {
        file_path: TEXT,
        view_range: {
          type: "array",
          items: { type: "integer" },
          description: "The first and the last line to read, counted from 1.",
        },
      },
      ["file_path"],
    ),
    builtIn(
      "write",
      "Writes a text file, and makes the folders it needs.",
      { file_path: TEXT, content: TEXT },
      ["file_path", "content"],
    ),
    builtIn("glob", "Finds files by a pattern such as **/*.ts.", { pattern: TEXT, path: TEXT }, ["pattern"]),
    builtIn("grep", "Finds lines in files by a regular expression.", { pattern: TEXT, path: TEXT }, [
      "pattern",
    ]),
  ].map((tool) => [tool.name, tool]),
);

function builtIn(
  name: string,
  description: string,
  properties: JsonObject,
  required: readonly string[] = [],
): Tool {
  const input: JsonSchema = { type: "object", properties, required };
  return defineTool({ name, description, input });
}
