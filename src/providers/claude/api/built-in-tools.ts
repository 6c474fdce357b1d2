/** The tools of the host's own toolset, by name: no custom tool may have one of these names. And where they run. */

import { isObject } from "../../../core/json.ts";

const BUILT_IN: ReadonlySet<string> = new Set([
  "bash",
  "edit",
  "glob",
  "grep",
  "read",
  "web_fetch",
  "web_search",
  "write",
]);

/** Whether a tool of that name is the host's. A local one of that name runs the host's calls in self-hosted environments. */
export function isBuiltInTool(name: string): boolean {
  return BUILT_IN.has(name);
}

/** Whether the host's tool of that name may run here; those for the web the host runs itself in every environment. */
export function canRunHere(name: string): boolean {
  return isBuiltInTool(name) && name !== "web_fetch" && name !== "web_search";
}

/** Whether the host leaves its tools to others in an environment of this description. */
export function isSelfHosted(environment: unknown): boolean {
  return isObject(environment) && environment["type"] === "self_hosted";
}
