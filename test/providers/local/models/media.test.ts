// Images, documents and search results on the wires of the models, wherever their content is.

import type { ContentBlock } from "loophost";
import { describe, expect, it } from "vitest";

import { fromTranscript, toTranscript } from "../../../../src/messages/message.ts";
import { toPromptMessage } from "../../../../src/providers/local/models/ai-sdk/wire.ts";
import { toAnthropicMessage } from "../../../../src/providers/local/models/anthropic/wire.ts";
import { toChatMessages } from "../../../../src/providers/local/models/openai/wire.ts";

const URL_IMAGE = { type: "image", url: "https://example.com/a.png" } as const;
const URL_PDF = { type: "document", url: "https://example.com/a.pdf" } as const;
const FILE_IMAGE = { type: "image", fileId: "file_1" } as const;
const FILE_PDF = { type: "document", fileId: "file_1" } as const;
const FOUND = { type: "search_result", source: "https://example.com", title: "A", text: "Found." } as const;
const FOUND_TEXT = { type: "text", text: "A (https://example.com)\nFound." };

const user = (block: ContentBlock) => ({ role: "user", content: [block] }) as const;
const anthropic = (block: ContentBlock): unknown =>
  JSON.parse(toAnthropicMessage(user(block)) ?? "").content[0];
const chat = (block: ContentBlock): unknown => JSON.parse(toChatMessages(user(block))[0] ?? "").content[0];
const aiSdk = (block: ContentBlock, version: "v3" | "v4") => toPromptMessage(user(block), version);

describe("by address or file id [B-42]", () => {
  it("on the Messages wire", () => {
    expect(anthropic(URL_IMAGE)).toEqual({ type: "image", source: { type: "url", url: URL_IMAGE.url } });
    expect(anthropic(FILE_PDF)).toEqual({ type: "document", source: { type: "file", file_id: "file_1" } });
    expect(anthropic(FOUND)).toEqual({
      type: "search_result",
      source: FOUND.source,
      title: "A",
      content: [{ type: "text", text: "Found." }],
    });
  });

  it("on the chat completions wire, which refuses what it has no word for", () => {
    expect(chat(URL_IMAGE)).toEqual({ type: "image_url", image_url: { url: URL_IMAGE.url } });
    expect(chat(FILE_PDF)).toEqual({ type: "file", file: { file_id: "file_1" } });
    expect(chat(FOUND)).toEqual(FOUND_TEXT);
    for (const block of [URL_PDF, FILE_IMAGE])
      expect(() => chat(block)).toThrow(expect.objectContaining({ code: "invalid_options" }));
  });

  it("for AI SDK models of both generations", () => {
    const data = new URL(URL_PDF.url);
    expect(aiSdk(URL_PDF, "v3")).toMatchObject({
      content: [{ type: "file", mediaType: "application/pdf", data }],
    });
    expect(aiSdk(URL_IMAGE, "v4")).toMatchObject({
      content: [{ type: "file", mediaType: "image/*", data: { type: "url", url: new URL(URL_IMAGE.url) } }],
    });
    expect(aiSdk(FOUND, "v3")).toMatchObject({ content: [FOUND_TEXT] });
    expect(() => aiSdk(FILE_PDF, "v4")).toThrow(expect.objectContaining({ code: "invalid_options" }));
    const result = { callId: "c", name: "t", result: { content: [URL_IMAGE, FOUND], isError: false } };
    expect(toPromptMessage({ role: "tool", results: [result] }, "v3")).toMatchObject({
      content: [{ output: { value: [{ type: "image-url", url: URL_IMAGE.url }, FOUND_TEXT] } }],
    });
  });

  it("from messages and back", () => {
    const content = [
      { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
      { type: "document", source: { type: "file", file_id: "file_1" } },
      { type: "document", source: { type: "text", media_type: "text/plain", data: "A note" } },
    ] as const;
    expect(fromTranscript(toTranscript([{ role: "user", content }]))).toEqual([{ role: "user", content }]);
  });
});
