// One reply, transferred in every way HTTP allows.

import type { ServerResponse } from "node:http";
import { createServer } from "node:http";

import { expect, it, onTestFinished } from "vitest";

import { defineAgent, run } from "../../../src/index.ts";
import { agentcore } from "../../../src/providers/agentcore/agentcore.ts";
import { bytesOf } from "./frames.ts";

const agent = defineAgent({ name: "talker", instructions: "" });
const reply = bytesOf(
  ["messageStart", { role: "assistant" }],
  ["contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Grüße " } }],
  ["contentBlockDelta", { contentBlockIndex: 0, delta: { text: "😀" } }],
  ["messageStop", { stopReason: "end_turn" }],
  ["metadata", { usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 }, metrics: { latencyMs: 1 } }],
);
const TYPE = "application/vnd.amazon.eventstream";

async function answeredBy(answer: (response: ServerResponse) => Promise<void> | void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().once("end", () => void answer(response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => server.close().closeAllConnections());
  const port: unknown = Object(server.address()).port;
  const provider = agentcore({
    harnessArn: "arn:aws:bedrock-agentcore:us-west-2:123456789012:harness/Demo-AbCdEf1234",
    baseUrl: `http://127.0.0.1:${String(port)}`,
  });
  const { text, usage } = await run(agent, { provider, prompt: "Hi" });
  return `${text} ${usage.inputTokens}/${usage.outputTokens}`;
}

async function inPieces(response: ServerResponse, size: number): Promise<void> {
  response.writeHead(200, { "content-type": TYPE });
  for (let at = 0; at < reply.length; at += size)
    // Each in a chunk of its own, and in a packet of its own.
    await new Promise((resolve) =>
      response.write(reply.subarray(at, at + size), () => setImmediate(resolve)),
    );
  response.end();
}

it.each([7, 100, 333, reply.length])("reads a reply in chunks of %i bytes [A-078]", async (size) => {
  expect(await answeredBy((response) => inPieces(response, size))).toBe("Grüße 😀 3/2");
});

it("reads a reply that tells its length instead of chunks", async () => {
  const headers = { "content-length": reply.length, "content-type": TYPE };
  expect(await answeredBy((response) => void response.writeHead(200, headers).end(reply))).toBe(
    "Grüße 😀 3/2",
  );
});

it.each([
  [{ "Content-Type": "Application/Vnd.Amazon.EventStream" }],
  [{ "CONTENT-TYPE": `${TYPE}; charset=utf-8` }],
  [{ "content-type": "application/octet-stream" }],
  [{}],
])("reads a reply of the type %j", async (headers) => {
  expect(await answeredBy((response) => void response.writeHead(200, headers).end(reply))).toBe(
    "Grüße 😀 3/2",
  );
});

it.each(["application/json", "text/html; charset=utf-8", "Application/Problem+JSON", "image/png"])(
  "takes a page of type %s for no reply",
  async (type) => {
    const answered = answeredBy(
      (response) => void response.writeHead(200, { "content-type": type }).end(reply),
    );
    await expect(answered).rejects.toMatchObject({
      code: "host_protocol",
      mayRetry: false,
      message: expect.stringContaining(type),
    });
  },
);

it.each(['{"message":"no"}', "<html>", "", "\0\0\0"])("takes %j for no reply", async (body) => {
  const answered = answeredBy((response) => void response.writeHead(200, {}).end(body));
  await expect(answered).rejects.toMatchObject({ code: "host_protocol", mayRetry: false });
});
