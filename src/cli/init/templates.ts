/**
 * The files `loophost init` writes, as TypeScript that is JavaScript without what stands between ‹ and ›: Node before 22.18
 * runs no TypeScript, and gets the same files without types.
 */

/** The template that was named, file by file; `.ts` in names and imports is `.js` in the JavaScript form. */
export type Template = Readonly<Record<string, string>>;

const AGENT = `// The agent: what it is told, and the tools it may call. The tools run here, on this machine.

import { defineAgent, defineTool } from "loophost";

const orders = new Map([["42", "shipped, arrives Tuesday"]]);

// With zod, or any Standard Schema library, the input has its type: input: z.object({ id: z.string() }).
const lookupOrder = defineTool({
  name: "lookup_order",
  description: "Finds an order by its number.",
  input: { type: "object", properties: { id: { type: "string" } }, required: ["id"] },
  execute: ({ id }) => orders.get(String(id)) ?? "no such order",
});

export default defineAgent({
  name: "support",
  instructions: "You answer questions about orders in one sentence.",
  model: "claude-sonnet-5-5",
  tools: [lookupOrder],
});
`;

const AGENT_TEST = `// The agent with a scripted model: no key, no network, the real tool.

import assert from "node:assert/strict";
import { test } from "node:test";

import { run } from "loophost";
import { local } from "loophost/providers/local";

import agent from "./agent.ts";

test("looks an order up and answers with what it found", async () => {
  const provider = local({
    model: ({ messages }) => {
      const last = messages.at(-1);
      if (last?.role !== "tool")
        return [{ type: "tool_call", id: "call_1", name: "lookup_order", input: { id: "42" } }];
      return \`It is \${last.results.map(({ result }) => JSON.stringify(result.content)).join()}\`;
    },
  });
  const result = await run(agent, { provider, prompt: "Where is order 42?" });
  assert.equal(result.terminal, "end_turn");
  assert.match(result.text, /arrives Tuesday/);
  assert.deepEqual(
    result.toolCalls.map(({ name }) => name),
    ["lookup_order"],
  );
});
`;

const WORK = `// What the worker does: each job is a session in the store, so that one a dead process left is taken up where it stood.

import { openSession } from "loophost";‹
import type { Provider, Store } from "loophost";›
import { listSessions } from "loophost/stores/sessions";

import agent from "./agent.ts";

/** Does one job, in a session of its own, and gives the answer. */
export async function work(prompt‹: string›, provider‹: Provider›, store‹: Store›) {
  const session = await openSession(agent, { provider, store });
  try {
    return (await session.send(prompt).result()).text;
  } finally {
    await session.close();
  }
}

/** Takes up what an earlier process left unfinished, and gives the answers. */
export async function takeUp(provider‹: Provider›, store‹: Store›) {
  const answers‹: string[]› = [];
  for (const { sessionId, status } of await listSessions(store)) {
    if (status !== "running") continue;
    const session = await openSession(agent, { provider, store, sessionId });
    try {
      answers.push((await session.resume().result()).text);
    } finally {
      await session.close();
    }
  }
  return answers;
}
`;

const WORKER = `// The worker: takes up what was left, then does one job for each line of its input.
//
//   echo "Where is order 42?" | npm start

import { createInterface } from "node:readline";

import { anthropicMessages, local } from "loophost/providers/local";
import { sqliteStore } from "loophost/stores/sqlite";

import { takeUp, work } from "./work.ts";

const provider = local({ model: anthropicMessages() });
const store = sqliteStore("sessions.db");

for (const answer of await takeUp(provider, store)) console.log(\`taken up: \${answer}\`);
for await (const line of createInterface({ input: process.stdin }))
  if (line.trim() !== "") console.log(await work(line, provider, store));
await store.close();
`;

const WORK_TEST = `// The worker with a scripted model: no key, no network, the real tool, and a job that a dead process left.

import assert from "node:assert/strict";
import { test } from "node:test";

import { openSession } from "loophost";
import { local } from "loophost/providers/local";
import { memoryStore } from "loophost/stores/memory";

import agent from "./agent.ts";
import { takeUp, work } from "./work.ts";

const provider = local({
  model: ({ messages }) => {
    const last = messages.at(-1);
    if (last?.role !== "tool")
      return [{ type: "tool_call", id: "call_1", name: "lookup_order", input: { id: "42" } }];
    return \`It is \${last.results.map(({ result }) => JSON.stringify(result.content)).join()}\`;
  },
});

test("does a job", async () => {
  assert.match(await work("Where is order 42?", provider, memoryStore()), /arrives Tuesday/);
});

test("takes up what was left unfinished", async () => {
  const store = memoryStore();
  const silent = local({ model: () => new Promise(() => undefined) });
  const left = await openSession(agent, { provider: silent, store });
  left.send("Where is order 42?").result().catch(() => undefined);
  await left.close();

  const [answer] = await takeUp(provider, store);
  assert.match(answer ?? "", /arrives Tuesday/);
});
`;

const TSCONFIG = `{
  // Node runs TypeScript as it is; tsc only checks it: npm run types
  "compilerOptions": {
    "target": "es2024",
    "lib": ["esnext"], // loophost needs "esnext.disposable" of it, for AsyncDisposable
    "types": ["node"],
    "module": "nodenext",
    "strict": true,
    "noEmit": true,
    "allowJs": true,
    "checkJs": true,
    "allowImportingTsExtensions": true,
    "verbatimModuleSyntax": true,
    "skipLibCheck": true
  }
}
`;

/** The templates by name. */
export const TEMPLATES: Readonly<Record<"tools" | "worker", Template>> = {
  tools: { "agent.ts": AGENT, "agent.test.ts": AGENT_TEST, "tsconfig.json": TSCONFIG },
  worker: {
    "agent.ts": AGENT,
    "work.ts": WORK,
    "worker.ts": WORKER,
    "work.test.ts": WORK_TEST,
    "tsconfig.json": TSCONFIG,
  },
};

/** A template's file as it is written: with its types, or as JavaScript. */
export function rendered(text: string, isTypeScript: boolean): string {
  if (isTypeScript) return text.replace(/[‹›]/g, "");
  return text.replace(/‹[^›]*›/g, "").replace(/(from "\.\/[\w.]+)\.ts"/g, '$1.js"');
}
