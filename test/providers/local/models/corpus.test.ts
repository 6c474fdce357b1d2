// The wire corpus, replayed through the real adapters: replies as services give them, over a socket and in every
// chunking; requests as we must write them; refusals as errors.

import { readdirSync, readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import type { TranscriptMessage } from "../../../../src/core/transcript.ts";
import type { ConversationSetup } from "../../../../src/providers/local/model.ts";
import { anthropicMessages } from "../../../../src/providers/local/models/anthropic/index.ts";
import type { FetchModelOptions } from "../../../../src/providers/local/models/fetch-model.ts";
import { openAICompatible } from "../../../../src/providers/local/models/openai/index.ts";
import { json, startService, streamed } from "../../../support/model-service.ts";
import { ask, conversing } from "../conversing.ts";

const WIRES = {
  "anthropic-messages": (options: FetchModelOptions) => anthropicMessages({ apiKey: "key", ...options }),
  "openai-chat": (options: FetchModelOptions) =>
    openAICompatible({ baseUrl: "http://127.0.0.1", ...options }),
};

interface ReplyCase {
  readonly name: string;
  readonly says: string;
  /** A reply in one piece; otherwise there is a stream beside the case. */
  readonly body?: unknown;
  readonly emitted: readonly unknown[];
  readonly content: readonly unknown[];
  readonly ending: string;
  readonly stopReason: string;
  readonly usage: unknown;
  /** The JSON texts by which the reply goes into the next request. */
  readonly sentBack: readonly string[];
}

interface RequestCase {
  readonly name: string;
  readonly says: string;
  readonly options: FetchModelOptions;
  readonly setup: Partial<ConversationSetup>;
  readonly messages: readonly TranscriptMessage[];
  readonly body: unknown;
}

interface RejectionCase {
  readonly name: string;
  readonly says: string;
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: unknown;
  readonly error: Record<string, unknown>;
}

describe.each(Object.entries(WIRES))("%s", (wire, model) => {
  const folder = new URL(`../../../corpus/${wire}/`, import.meta.url);
  const read = (kind: string) =>
    readdirSync(new URL(kind, folder))
      .filter((file) => file.endsWith(".json"))
      .map((file) => ({
        name: file.slice(0, -5),
        ...JSON.parse(readFileSync(new URL(`${kind}/${file}`, folder), "utf8")),
      }));
  const replies: readonly ReplyCase[] = read("replies");
  const requests: readonly RequestCase[] = read("requests");
  const rejections: readonly RejectionCase[] = read("rejections");
  const streamOf = (name: string) => readFileSync(new URL(`replies/${name}.sse`, folder));

  it.each(replies)("reads a reply: $says ($name)", async (expected) => {
    const answer = expected.body === undefined ? streamed(streamOf(expected.name)) : json(expected.body);
    await using service = await startService(answer);
    const conversation = conversing(model({ baseUrl: service.url }));

    const { reply, emitted } = await ask(conversation);

    expect(withoutRandomIds({ ...reply, emitted })).toEqual(expectationOf(expected));
    conversation.add(reply.message);
    await ask(conversation);
    const texts = expected.sentBack.length === 0 ? "" : `,${expected.sentBack.join(",")}`;
    expect(withoutRandomIds(service.asked[1]?.text)).toContain(`{"role":"user","content":"Hi"}${texts}]`);
  });

  it.each(replies.filter((one) => one.body === undefined))(
    "reads a reply the same however it is cut into chunks: $name [I10]",
    async (expected) => {
      const bytes = streamOf(expected.name);
      const chunkings = Array.from(bytes, (_, cut) => [bytes.subarray(0, cut), bytes.subarray(cut)]);
      chunkings.push(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)));
      for (const chunks of chunkings) {
        const { reply, emitted } = await ask(
          conversing(model({ fetch: () => Promise.resolve(responseOf(chunks)) })),
        );
        expect(withoutRandomIds({ ...reply, emitted })).toEqual(expectationOf(expected));
      }
    },
  );

  it.each(requests)("writes a request: $says ($name)", async ({ options, setup, messages, body }) => {
    await using service = await startService(streamed(streamOf("text")));
    const conversation = model({ ...options, baseUrl: service.url }).converse({
      instructions: "",
      tools: [],
      modelId: "test-model",
      ...setup,
    });
    for (const message of messages) conversation.add(message);

    await ask(conversation);

    expect(service.asked[0]?.body).toEqual(body);
  });

  it.each(rejections)("reads a refusal: $says ($name)", async ({ status, headers, body, error }) => {
    await using service = await startService(
      typeof body === "string" ? { status, headers, body } : json(body, status, headers),
    );
    const asking = ask(conversing(model({ baseUrl: service.url, retry: { attempts: 1 } })));

    await expect(asking).rejects.toMatchObject({ name: "LoophostError", status, ...error });
  });
});

function expectationOf({ emitted, content, ending, stopReason, usage }: ReplyCase): unknown {
  const native = expect.objectContaining({ wire: expect.any(String) });
  return {
    emitted,
    message: { role: "assistant", content, native },
    ending,
    stopReason,
    usage: usage ?? undefined,
  };
}

function responseOf(chunks: readonly Uint8Array[]): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** Ids we made up, in any value, as "call_*". */
function withoutRandomIds<T>(value: T): T {
  return value === undefined
    ? value
    : JSON.parse(JSON.stringify(value).replaceAll(/call_[0-9a-f-]{36}/g, "call_*"));
}
