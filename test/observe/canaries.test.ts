// Words that must not leave: keys, headers, prompts, inputs, results and what errors quote of them, of every provider, in spans,
// metrics and logs of every format and level.

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text as textOf } from "node:stream/consumers";

import type { Provider } from "loophost";
import { defineAgent, defineTool, openSession } from "loophost";
import { logTo } from "loophost/observe";
import { agentcore } from "loophost/providers/agentcore";
import { claude } from "loophost/providers/claude";
import type { ModelFunction } from "loophost/providers/local";
import { anthropicMessages, local, openAICompatible } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { agentCoreStandIn } from "loophost/testing/agentcore";
import { describe, expect, it, onTestFinished } from "vitest";

import { anything } from "../support/host-events.ts";
import { json, startService } from "../support/model-service.ts";
import type { Collector } from "./collector.ts";
import { collect } from "./collector.ts";

const KEY = "key-canary-5f2a";
const USERINFO = "userinfo-canary-9d11";
const QUERY = "query-canary-40be";
/** What is said, by whom. */
const SAID = {
  instructions: "instructions-canary-2c6f",
  prompt: "prompt-canary-81cd",
  fileName: "filename-canary-6a0e.pdf",
  input: "input-canary-77e0",
  result: "result-canary-03b9",
  toolError: "toolerror-canary-b7d2",
  answer: "answer-canary-c1a4",
} as const;

const look = defineTool({ name: "look", description: "Looks.", input: anything, execute: () => SAID.result });
const breaks = defineTool({
  name: "breaks",
  description: "Breaks.",
  input: anything,
  execute: () => Promise.reject(new Error(SAID.toolError)),
});
const agent = defineAgent({
  name: "a",
  instructions: SAID.instructions,
  model: "m-0",
  tools: [look, breaks],
  limits: { runTimeoutMs: 20_000 },
});

/** Calls both tools, then answers; a host that answers one call at a time calls them again. */
const talker: ModelFunction = ({ messages }) =>
  messages.at(-1)?.role === "tool"
    ? SAID.answer
    : [
        { type: "text", text: SAID.answer },
        ...["look", "breaks"].map((name) => ({
          type: "tool_call" as const,
          id: `call_${name}`,
          name,
          input: { of: SAID.input },
        })),
        { type: "usage", inputTokens: 10, outputTokens: 3 },
      ];

const harnessArn = "arn:aws:bedrock-agentcore:us-west-2:000000000000:harness/Demo-AbCdEf1234";
const credentials = { accessKeyId: KEY, secretAccessKey: KEY, sessionToken: KEY };

/** Providers that talk, and the same at a service that answers every message with 400 and all it was asked, headers included. */
const PROVIDERS: Record<string, { talks: () => Promise<Provider>; refused: () => Promise<Provider> }> = {
  local: {
    talks: async () => local({ model: talker }),
    refused: async () =>
      local({
        model: ({ messages }) => {
          throw new Error(`${KEY} ${JSON.stringify(messages)}`);
        },
      }),
  },
  anthropic: {
    talks: async () => {
      const content = [
        { type: "text", text: SAID.answer },
        { type: "tool_use", id: "t1", name: "look", input: { of: SAID.input } },
        { type: "tool_use", id: "t2", name: "breaks", input: { of: SAID.input } },
      ];
      const reply = {
        type: "message",
        role: "assistant",
        model: "m-0",
        usage: { input_tokens: 9, output_tokens: 1 },
      };
      const service = await closed(
        startService(
          json({ ...reply, id: "1", content, stop_reason: "tool_use" }),
          json({ ...reply, id: "2", content: content.slice(0, 1), stop_reason: "end_turn" }),
        ),
      );
      return local({ model: anthropicMessages({ baseUrl: service.url, apiKey: KEY, stream: false }) });
    },
    refused: async () => local({ model: anthropicMessages({ baseUrl: await echo(), apiKey: KEY }) }),
  },
  openai: {
    talks: async () => {
      const tools = ["look", "breaks"].map((name) => ({
        id: name,
        type: "function",
        function: { name, arguments: JSON.stringify({ of: SAID.input }) },
      }));
      const usage = { prompt_tokens: 7, completion_tokens: 2 };
      const message = { role: "assistant", content: SAID.answer };
      const service = await closed(
        startService(
          json({
            choices: [{ message: { ...message, tool_calls: tools }, finish_reason: "tool_calls" }],
            usage,
          }),
          json({ choices: [{ message, finish_reason: "stop" }], usage }),
        ),
      );
      return local({ model: openAICompatible({ baseUrl: service.url, apiKey: KEY, stream: false }) });
    },
    refused: async () => local({ model: openAICompatible({ baseUrl: await echo(), apiKey: KEY }) }),
  },
  claude: {
    talks: async () => claude({ baseUrl: await hosted(), apiKey: KEY }),
    refused: async () => {
      const [host, echoed] = [await hosted(), await echo()];
      const fetchIt: typeof fetch = (input, init) => {
        const { method, url, headers } = new Request(input, init);
        const isSaid = method === "POST" && url.includes("/events");
        return isSaid ? fetch(echoed, { ...init, method, headers }) : fetch(input, init);
      };
      return claude({ baseUrl: host, apiKey: KEY, fetch: fetchIt });
    },
  },
  agentcore: {
    talks: async () => {
      const standIn = await agentCoreStandIn({ model: talker });
      onTestFinished(() => standIn.close());
      const { url, harnessArn: arn } = standIn;
      return agentcore({ harnessArn: arn, baseUrl: url, controlBaseUrl: url, tools: "replace" });
    },
    refused: async () => {
      const url = await echo();
      return agentcore({ harnessArn, baseUrl: url, controlBaseUrl: url, credentials, tools: "replace" });
    },
  },
};

async function closed<T extends AsyncDisposable>(made: Promise<T>): Promise<T> {
  const value = await made;
  onTestFinished(async () => value[Symbol.asyncDispose]());
  return value;
}

async function hosted(): Promise<string> {
  const host = embeddedHost({ model: talker });
  onTestFinished(() => host.close());
  return (await host.listen()).url;
}

/** Says no, and repeats all that was asked. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const message = `${await textOf(request)} ${JSON.stringify(request.headers)}`;
  response.writeHead(400, { "content-type": "application/json", "x-amzn-errortype": "ValidationException" });
  response.end(JSON.stringify({ message, type: "error", error: { type: "invalid_request_error", message } }));
}

/** A service that says no to everything. */
async function echo(): Promise<string> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A run in sight of everybody; gives what they said, how it ended, and the message of its error. */
async function watched(provider: Provider): Promise<{ shown: string; ended: string; quoted: string }> {
  const collected = await collect();
  const lines: string[] = [];
  const logs = (["json", "text"] as const).map((format) =>
    logTo((line, record) => lines.push(line, JSON.stringify(record)), { format, level: "debug" }),
  );
  const observers = [collected.observer, ...logs];
  let ended = "";
  let quoted = "";
  try {
    await using session = await openSession(agent, { provider, observers });
    const text = { type: "text", text: `${SAID.prompt} about ${SAID.fileName}` } as const;
    ended = (await session.send([text]).result()).ending;
  } catch (thrown) {
    ended = (thrown as { code?: string }).code ?? "thrown";
    quoted = (thrown as Error).message;
  }
  return { shown: `${await exported(collected)}\n${lines.join("\n")}`, ended, quoted };
}

/** Every attribute, name, status, link and event of every span, and every metric, as one text. */
async function exported(collected: Collector): Promise<string> {
  const spans = collected.spans.map(({ name, attributes, status, links, events, resource }) => ({
    name,
    attributes,
    status,
    links,
    events,
    resource: resource.attributes,
  }));
  return JSON.stringify([spans, [...(await collected.points())]]);
}

/** The words that got out. */
function leaks(shown: string): string[] {
  return [KEY, USERINFO, QUERY, ...Object.values(SAID)].filter((word) => shown.includes(word));
}

describe.each(Object.keys(PROVIDERS))("of what is said with %s", (name) => {
  it("nothing is in spans, metrics and logs at their defaults [A-236]", async () => {
    const { shown, ended } = await watched((await PROVIDERS[name]?.talks())!);
    expect(ended).toBe("completed");
    expect(shown).toContain("execute_tool breaks");
    expect(leaks(shown)).toEqual([]);
  });

  it("nor where the service refuses it and repeats all it was asked [A-236]", async () => {
    const { shown, ended, quoted } = await watched((await PROVIDERS[name]?.refused())!);
    expect(ended).toMatch(/^host_/);
    // What the caller gets does quote it: there was something to keep back.
    expect(quoted).toContain("canary");
    expect(shown).toContain(ended);
    expect(leaks(shown)).toEqual([]);
  });
});

it.each<[string, (baseUrl: string) => Provider]>([
  ["anthropic", (baseUrl) => local({ model: anthropicMessages({ baseUrl, apiKey: KEY }) })],
  ["openai", (baseUrl) => local({ model: openAICompatible({ baseUrl, apiKey: KEY }) })],
  ["claude", (baseUrl) => claude({ baseUrl, apiKey: KEY })],
  ["agentcore", (url) => agentcore({ harnessArn, baseUrl: url, controlBaseUrl: url, credentials })],
])("nothing of an address is shown but its host, at %s [A-236]", async (_, provider) => {
  const { host } = new URL(await echo());
  const address = `http://user:${USERINFO}@${host}/base?token=${QUERY}`;
  // Some refuse such an address at once, and say so without it.
  const shown = await (async () => (await watched(provider(address))).shown)().catch(String);
  expect(leaks(shown)).toEqual([]);
});

it("a host's line for a request has no query, header, body or id [A-236]", async () => {
  const lines: string[] = [];
  const host = embeddedHost({
    model: talker,
    apiKey: KEY,
    onRequest: (line) => lines.push(JSON.stringify(line)),
  });
  const headers = { "x-api-key": KEY, "content-type": "application/json" };
  const body = JSON.stringify({ name: SAID.prompt, model: { id: "m" }, system: SAID.instructions });
  await host.fetch(new Request("http://host/v1/agents", { method: "POST", headers, body }));
  await host.fetch(new Request(`http://host/v1/sessions/${SAID.input}?after_id=${QUERY}`, { headers }));
  await host.fetch(new Request(`http://host/${SAID.answer}`, { headers: { "x-api-key": USERINFO } }));
  await host.close();
  expect(lines).toHaveLength(3);
  expect(leaks(lines.join("\n"))).toEqual([]);
});
