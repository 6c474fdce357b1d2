// How the goldens of each surface are played: a server on loopback that answers as they say, and the real code that asks it.

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text as textOf } from "node:stream/consumers";

import type { Provider, SessionEvent, SessionResult } from "loophost";
import { defineAgent, defineTool, openSession } from "loophost";
import { agentcore } from "loophost/providers/agentcore";
import { claude } from "loophost/providers/claude";
import { anthropicMessages, local, openAICompatible } from "loophost/providers/local";

import { encodeEvent } from "../../src/stand-ins/agentcore/event-stream.ts";
import type { Golden } from "./goldens.ts";

/** What playing a golden came to. */
interface Played {
  readonly bodies: readonly unknown[];
  readonly told: readonly string[];
  readonly result: SessionResult;
}

type Play = (golden: Golden) => Promise<Played>;

/** Who plays the goldens of which surface. */
export const SURFACES: Readonly<Record<string, Play>> = {
  "claude-managed-agents": playClaude,
  agentcore: playAgentCore,
  "anthropic-messages": (golden) =>
    playModel(
      golden,
      (event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
      (baseUrl) => local({ model: anthropicMessages({ baseUrl, apiKey: "none", cache: false }) }),
    ),
  "openai-chat": (golden) =>
    playModel(
      golden,
      (event) => `data: ${JSON.stringify(event)}\n\n`,
      (baseUrl) => local({ model: openAICompatible({ baseUrl }) }),
    ),
};

async function playModel(
  golden: Golden,
  write: (event: { readonly type?: string }) => string,
  provider: (url: string) => Provider,
): Promise<Played> {
  const bodies: unknown[] = [];
  return play(golden, bodies, provider, async (request, response) => {
    bodies.push(JSON.parse(await textOf(request)));
    const events = golden.replies[bodies.length - 1] ?? [];
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(events.map(write).join(""));
  });
}

function playAgentCore(golden: Golden): Promise<Played> {
  const bodies: unknown[] = [];
  const harnessArn = "arn:aws:bedrock-agentcore:us-west-2:000000000000:harness/Demo-AbCdEf1234";
  const credentials = { accessKeyId: "loopback", secretAccessKey: "loopback" };
  const provider = (url: string) =>
    agentcore({ harnessArn, baseUrl: url, controlBaseUrl: url, credentials, tools: "replace" });
  return play(golden, bodies, provider, async (request, response) => {
    bodies.push(JSON.parse(await textOf(request)));
    response.writeHead(200, { "content-type": "application/vnd.amazon.eventstream" });
    for (const event of golden.replies[bodies.length - 1] ?? [])
      for (const [type, value] of Object.entries(event)) response.write(encodeEvent(type, value));
    response.end();
  });
}

/** The host's control plane answers what it must; what is posted into the session is what the golden is about. */
function playClaude(golden: Golden): Promise<Played> {
  const bodies: unknown[] = [];
  let stream: ServerResponse | undefined;
  const made = (id: string, more: object) => ({
    id,
    metadata: {},
    created_at: "",
    updated_at: "",
    archived_at: null,
    ...more,
  });
  return play(
    golden,
    bodies,
    (baseUrl) => claude({ baseUrl }),
    async (request, response) => {
      const { pathname: path } = new URL(request.url ?? "", "http://host");
      const body = await textOf(request);
      if (path.endsWith("/events/stream")) {
        stream = response;
        response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
        return;
      }
      response.setHeader("content-type", "application/json");
      if (request.method === "GET") return void response.end('{"data":[],"next_page":null}');
      if (path === "/v1/agents")
        return void response.end(
          JSON.stringify(made("agent_01A", { type: "agent", version: 1, ...JSON.parse(body) })),
        );
      if (path === "/v1/environments")
        return void response.end(
          JSON.stringify(made("env_01B", { type: "environment", ...JSON.parse(body) })),
        );
      if (path === "/v1/sessions")
        return void response.end(
          JSON.stringify(made("sesn_01C", { type: "session", status: "idle", agent: {} })),
        );
      bodies.push(JSON.parse(body));
      response.end(JSON.stringify(golden.taken?.[bodies.length - 1]));
      for (const event of golden.replies[bodies.length - 1] ?? [])
        stream?.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    },
  );
}

async function play(
  { agent, prompt }: Golden,
  bodies: readonly unknown[],
  provider: (url: string) => Provider,
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<Played> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const add = defineTool({
    name: "add",
    description: "Adds two numbers",
    input: {
      type: "object",
      properties: { a: { type: "number" }, b: { type: "number" } },
      required: ["a", "b"],
    },
    execute: ({ a, b }: Record<string, unknown>) => String(Number(a) + Number(b)),
  });
  try {
    const events: SessionEvent[] = [];
    await using session = await openSession(
      defineAgent({ ...agent, tools: [add], limits: { runTimeoutMs: 10_000 } }),
      {
        provider: provider(`http://127.0.0.1:${port}`),
      },
    );
    const started = session.send(prompt);
    for await (const event of started) if (event.type !== "provider") events.push(event);
    return { bodies, told: events.map(({ type }) => type), result: await started.result() };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
