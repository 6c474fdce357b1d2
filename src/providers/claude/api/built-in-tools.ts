/** The tools of the host's own toolset, by name: no custom tool may have one of these names. */

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
