// docs/reference/ says what the doc comments of the options say today, no comment lacks what a reader needs, and the errors
// named there are the ones that come.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { defineAgent, defineTool, openSession, run } from "loophost";
import { budget } from "loophost/budget";
import { agentcore } from "loophost/providers/agentcore";
import { claude } from "loophost/providers/claude";
import { aiSdkModel, anthropicMessages, local, openAICompatible } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { postgresStore } from "loophost/stores/postgres";
import { sqliteStore } from "loophost/stores/sqlite";
import { expect, it } from "vitest";

import { ROOT } from "../support/source.ts";

const check = (...more: readonly string[]) => {
  const args = ["scripts/reference.mjs", "--check", ...more];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  return [status, stderr];
};

it("is what the source says, and has a doc comment with default, unit and error for every option", () => {
  expect(check()).toEqual([0, ""]);
});

it("fails for a default, a unit, an error or a comment that is missing", () => {
  const root = `${mkdtempSync(join(tmpdir(), "loophost-reference-"))}/`;
  try {
    cpSync(`${ROOT}src`, `${root}src`, { recursive: true });
    const spoil = (path: string, from: string, to: string) => {
      const text = readFileSync(root + path, "utf8");
      expect(text).toContain(from);
      writeFileSync(root + path, text.replace(from, to));
    };
    spoil("src/core/agent.ts", "The functions of yours it may call. Default: none.", "The functions.");
    spoil("src/stores/sqlite/index.ts", "@throws LoophostError `invalid_options`", "@throws LoophostError");
    spoil("src/core/async/retry.ts", "Tries in all, the first included.", "How often.");
    spoil("src/stores/memory.ts", "Milliseconds since 1970, for leases. ", "");
    const [, told] = check("--root", root);
    const said = String(told).split("\n");
    expect(said).toContain("src/core/agent.ts: the comment of AgentDefinition.tools says no default");
    expect(said).toContain(
      "src/core/async/retry.ts: the comment of Partial<RetryPolicy>.attempts says no unit",
    );
    expect(said).toContain(
      "src/stores/memory.ts: the comment of MemoryStoreOptions.now says no word on what it is",
    );
  } finally {
    rmSync(root, { recursive: true });
  }
});

it("tells required options, defaults and errors apart", () => {
  const page = readFileSync(`${ROOT}docs/reference/stores.md`, "utf8");
  expect(page).toMatch(/^\| `maxWaitMs` +\| `number` +\| 5000 +\| milliseconds +\| `invalid_options` +\|/m);
  expect(page).toContain("Errors: `invalid_options` for a path that is none");
  expect(readFileSync(`${ROOT}docs/reference/core.md`, "utf8")).toMatch(/^\| `provider` .*\| required +\|/m);
});

const model = () => "42";
const agent = defineAgent({ name: "a", instructions: "" });
const provider = local({ model });
const input = { type: "object" };

/** Every section of the reference: what is called with its options, beside those that it needs. */
const CALLS: Readonly<Record<string, (options: object) => unknown>> = {
  "defineAgent()": (options) => defineAgent({ name: "a", instructions: "", ...options }),
  limits: (limits) => defineAgent({ name: "a", instructions: "", limits }),
  "defineTool()": (options) => defineTool({ name: "a", description: "a", input, ...options }),
  "openSession()": async (options) => (await openSession(agent, { provider, ...options })).close(),
  "send(), resume()": async (options) => {
    await using session = await openSession(agent, { provider });
    await session.send("?", options).result();
  },
  "run()": (options) => run(agent, { provider, prompt: "?", ...options }),
  "budget()": (options) => budget({ maxTurns: 1, ...options }),
  "local()": (options) => local({ model, ...options }),
  guards: (guards) => local({ model, guards }),
  compaction: (compaction) => local({ model, compaction: { aboveTokens: 1, ...compaction } }),
  "anthropicMessages()": (options) => anthropicMessages(options),
  "openAICompatible()": (options) => openAICompatible(options),
  "aiSdkModel()": (options) =>
    aiSdkModel({ specificationVersion: "v3", provider: "p", modelId: "m" } as never, options),
  retry: (retry) => anthropicMessages({ retry }),
  "claude()": (options) => claude(options),
  server: (server) => claude({ server }),
  "agentcore()": (options) =>
    agentcore({
      harnessArn: "arn:aws:bedrock-agentcore:eu-west-1:123456789012:harness/a-AAAAAAAAAA",
      ...options,
    }),
  "sqliteStore()": (options) => sqliteStore(":memory:", options),
  "memoryStore()": (options) => memoryStore(options),
  "postgresStore()": (options) => postgresStore("postgres://localhost/none", options),
  "embeddedHost()": (options) => embeddedHost({ model, ...options }),
  "listen()": async (options) => (await embeddedHost({ model }).listen(options)).close(),
};

const JUNK = [Number.NaN, -1, {}, [Number.NaN], "", true, null];

const SECTIONS = ["core", "local", "claude", "agentcore", "stores", "server"].flatMap((name) =>
  readFileSync(`${ROOT}docs/reference/${name}.md`, "utf8")
    .split(/^## /m)
    .slice(1)
    .map((text) => ({
      call: text.slice(0, text.indexOf("\n")),
      rows: [...text.matchAll(/^\| `(\w+)` +\|(.*)$/gm)],
    })),
);

it.each(SECTIONS)(
  "$call refuses what an option cannot be, with an error its row names",
  async ({ call, rows }) => {
    const problems: string[] = [];
    for (const [, name = "", row = ""] of rows) {
      const codes = new Set<unknown>();
      for (const junk of JUNK)
        try {
          await CALLS[call]?.({ [name]: junk });
        } catch (error) {
          codes.add((error as { code?: unknown }).code ?? error);
        }
      for (const code of codes)
        if (!row.includes(`\`${String(code)}\``)) problems.push(`${name}: ${String(code)}`);
      if (codes.size === 0 && !row.includes("| – ")) problems.push(`${name} takes anything`);
    }
    expect(problems).toEqual([]);
  },
);
