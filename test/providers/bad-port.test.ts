// A port that no fetch connects to: said at once, since another try is refused as well.

import { defineAgent, run } from "loophost";
import { claude } from "loophost/providers/claude";
import { local, openAICompatible } from "loophost/providers/local";
import { expect, it } from "vitest";

const baseUrl = "http://127.0.0.1:6000";
const agent = defineAgent({ name: "a", instructions: "", model: "m" });

it.each([
  ["claude()", () => claude({ baseUrl, apiKey: "any" })],
  ["a model", () => local({ model: openAICompatible({ baseUrl }) })],
])("is not tried again by %s", async (_, provider) => {
  const retries: unknown[] = [];
  const onEvent = ({ type }: { readonly type: string }) => void (type === "retrying" && retries.push(type));
  await expect(run(agent, { provider: provider(), prompt: "go", onEvent })).rejects.toMatchObject({
    code: "host_unreachable",
    mayRetry: false,
    message: expect.stringContaining("port"),
  });
  expect(retries).toEqual([]);
});
