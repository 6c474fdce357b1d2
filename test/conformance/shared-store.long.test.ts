// The conformance suite over two hosts that share a store, asked in turn: whoever has a session, they are one server.

import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { expect, it } from "vitest";

import { scriptedModel } from "../../src/cli/agent/scripted-model.ts";
import { runConformance } from "../../src/conformance/index.ts";

it("two hosts on one store pass every check that one passes, each request at the other", async () => {
  const store = memoryStore();
  const host = () =>
    embeddedHost({ model: scriptedModel, store, apiKey: "k", pingIntervalMs: 20, advertise: "auto" });
  await using one = host();
  await using two = host();
  const urls = [(await one.listen()).url, (await two.listen()).url];
  const [baseUrl = ""] = urls;
  const asked = [0, 0];
  const inTurn: typeof fetch = (input, init) => {
    const turn = (asked[0] ?? 0) > (asked[1] ?? 0) ? 1 : 0;
    asked[turn] = (asked[turn] ?? 0) + 1;
    return fetch(String(input).replace(baseUrl, urls[turn] ?? ""), init);
  };
  const options = { apiKey: "k", timeoutMs: 20_000 };
  const alone = await runConformance({ ...options, baseUrl });
  const both = await runConformance({ ...options, baseUrl, fetch: inTurn });
  // Only keys of posted events are in the store; the reply to a session that is created twice is with one of the hosts.
  const verdicts = ({ checks }: typeof both) =>
    checks.flatMap(({ id, outcome }) => (id === "extensions.idempotency-key" ? [] : `${id} ${outcome}`));
  expect(verdicts(both)).toEqual(verdicts(alone));
  expect(both.checks.filter(({ outcome }) => outcome === "fail")).toEqual([]);
  expect(Math.min(...asked)).toBeGreaterThan(100);
});
