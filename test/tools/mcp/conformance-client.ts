// The client that the official conformance scenarios judge: an agent with the tools of the server whose address comes last, each
// called once by a scripted model. Run by conformance.long.test.ts.

import { defineAgent, run } from "loophost";
import { local } from "loophost/providers/local";
import { mcpTools } from "loophost/tools/mcp";

import { loggingIn } from "./login.ts";

const url = process.argv.at(-1) ?? "";
const told = JSON.parse(process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}") as {
  client_id?: string;
  client_secret?: string;
};

await using set = await mcpTools({
  name: "conformance",
  url,
  fetch: loggingIn(url, told.client_id === undefined ? undefined : { ...told, client_id: told.client_id }),
  onElicit: () => ({ action: "accept", content: {} }),
});
const [first] = set.tools;
if (first !== undefined) {
  const calls = set.tools.map((tool, index) => ({
    type: "tool_call" as const,
    id: `call_${index}`,
    name: tool.name,
    input: { a: 5, b: 3 },
  }));
  const result = await run(defineAgent({ name: "client", instructions: "", tools: set.tools }), {
    provider: local({ model: ({ messages }) => (messages.length > 1 ? "Done." : calls) }),
    prompt: "Go",
  });
  console.log(JSON.stringify(result.toolCalls));
}
