// The provider and the control plane over clients of several releases of the official SDK, given ready-made or installed.

import { defineAgent, defineTool, run } from "loophost";
import { claude, createClient } from "loophost/providers/claude";
import type { ModelFunction } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { RELEASES } from "../../official/releases.ts";

/** A model that calls its tool once, then says what came of it. */
const model: ModelFunction = ({ messages }) => {
  const last = messages.at(-1);
  return last?.role === "tool"
    ? `It is ${JSON.stringify(last.results[0]?.result.content)}`
    : [{ type: "tool_call", id: "c1", name: "now", input: {} }];
};
const host = embeddedHost({ model, apiKey: "key-of-this-test" });
let baseURL: string;

beforeAll(async () => {
  baseURL = (await host.listen()).url;
});
afterAll(() => host.close());

const now = defineTool({
  name: "now",
  description: "The time",
  input: { type: "object" },
  execute: () => "noon",
});
const agent = defineAgent({ name: "clock", instructions: "Tell the time.", model: "m", tools: [now] });

describe.each(RELEASES)("a client of $version", ({ Anthropic }) => {
  const client = () => new Anthropic({ baseURL, apiKey: "key-of-this-test" });

  it("carries runs", async () => {
    const result = await run(agent, { provider: claude({ client: client() }), prompt: "What time is it?" });
    expect(result).toMatchObject({ terminal: "end_turn", text: expect.stringContaining("noon") });
  });

  it("is made as we need it, when it is the one installed", async () => {
    vi.doMock("@anthropic-ai/sdk", () => ({ Anthropic }));
    try {
      const seen: Headers[] = [];
      const noting: typeof fetch = (input, init) => {
        const request = new Request(input, init);
        seen.push(request.headers);
        return fetch(request);
      };
      const way = { baseUrl: baseURL, fetch: noting, version: "2023-06-01" };
      const provider = claude({ ...way, apiKey: "key-of-this-test", auth: "x-api-key" });
      expect(await run(agent, { provider, prompt: "Time?" })).toMatchObject({ terminal: "end_turn" });
      expect(new Set(seen.map((headers) => headers.get("authorization")))).toEqual(new Set([null]));
      expect(new Set(seen.map((headers) => headers.get("x-api-key")))).toEqual(new Set(["key-of-this-test"]));
      expect(new Set(seen.map((headers) => headers.get("anthropic-version")))).toEqual(
        new Set(["2023-06-01"]),
      );
      const keyless = createClient({ ...way, apiKey: null });
      await expect(keyless.agents.get("agent_1")).rejects.toMatchObject({ status: 401 });
    } finally {
      vi.doUnmock("@anthropic-ai/sdk");
    }
  });

  it("carries files up and down, lists and typed errors", async () => {
    const { files, agents, sessions } = createClient({ client: client() });
    const { id } = await files.upload({ name: "a.bin", bytes: Uint8Array.of(0, 255, 10, 13) });
    expect(await files.download(id)).toEqual(Uint8Array.of(0, 255, 10, 13));
    await files.delete(id);
    expect((await Array.fromAsync(agents.list({ limit: 1 }))).length).toBeGreaterThan(0);
    await expect(sessions.get("sesn_nobody")).rejects.toMatchObject({
      status: 404,
      hostCode: "not_found_error",
      requestId: expect.any(String),
    });
  });
});
