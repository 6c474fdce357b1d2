// The official conformance scenarios for MCP clients, each played by the official package on loopback against an agent with
// `mcpTools()`. What needs OAuth goes through a `fetch` that logs in, as docs/tools.md has it.

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { describe, expect, it } from "vitest";

const SUITE = fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/dist/index.js"));
const CLIENT = fileURLToPath(new URL("conformance-client.ts", import.meta.url));
const NODE = `${process.execPath} --conditions=loophost:source`;

/** Scenarios that judge something this library leaves to who uses it, and why. */
const NOT_OURS: Readonly<Record<string, string>> = {
  "auth/client-credentials-jwt": "an extension: a grant without a user, which the SDK's own providers do",
  "auth/client-credentials-basic": "an extension: a grant without a user, which the SDK's own providers do",
  "auth/cross-app-access-complete-flow": "an extension: exchanges a token of the user's identity provider",
};

const SCENARIOS = [
  "initialize",
  "tools_call",
  "elicitation-sep1034-client-defaults",
  "sse-retry",
  "auth/metadata-default",
  "auth/metadata-var1",
  "auth/metadata-var2",
  "auth/metadata-var3",
  "auth/basic-cimd",
  "auth/scope-from-www-authenticate",
  "auth/scope-from-scopes-supported",
  "auth/scope-omitted-when-undefined",
  "auth/scope-step-up",
  "auth/scope-retry-limit",
  "auth/token-endpoint-auth-basic",
  "auth/token-endpoint-auth-post",
  "auth/token-endpoint-auth-none",
  "auth/pre-registration",
  "auth/2025-03-26-oauth-metadata-backcompat",
  "auth/2025-03-26-oauth-endpoint-fallback",
  "auth/resource-mismatch",
  "auth/offline-access-scope",
  "auth/offline-access-not-supported",
];

const exec = promisify(execFile);

it("every scenario for clients is played, or says why not", async () => {
  const { stdout } = await exec(process.execPath, [SUITE, "list", "--client"]);
  const listed = stdout
    .slice(stdout.indexOf("Client scenarios"))
    .matchAll(/^ {2}- (\S+)/gm)
    .map(([, name = ""]) => name)
    .toArray();
  expect(listed.toSorted()).toEqual([...SCENARIOS, ...Object.keys(NOT_OURS)].toSorted());
});

describe.concurrent("an MCP server is met as the protocol has it", () => {
  it.for(SCENARIOS)("%s", { timeout: 120_000 }, async (scenario, { onTestFinished }) => {
    const folder = await mkdtemp(join(tmpdir(), "mcp-conformance-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    // The exit code counts a client that ends with an error, as one has to where the server is not to be trusted.
    const asked = [
      "client",
      "--command",
      `${NODE} ${CLIENT}`,
      "--scenario",
      scenario,
      "--output-dir",
      folder,
    ];
    await exec(process.execPath, [SUITE, ...asked, "--timeout", "100000"]).catch(() => undefined);
    const checks = await readChecks(folder);
    expect(checks.filter(({ status }) => status === "FAILURE" || status === "WARNING")).toEqual([]);
    expect(checks.filter(({ status }) => status === "SUCCESS")).not.toEqual([]);
  });
});

/** What a scenario came to: the one file of that name below a folder. */
async function readChecks(folder: string): Promise<readonly { readonly status: string }[]> {
  const files = await readdir(folder, { recursive: true });
  const found = files.find((file) => file.endsWith("checks.json"));
  return JSON.parse(await readFile(join(folder, found ?? "checks.json"), "utf8")) as { status: string }[];
}
