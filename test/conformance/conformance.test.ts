// The conformance suite is right about servers: ours passes, and each way to be wrong is noticed by the check for it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Store } from "loophost";
import type { EmbeddedHost } from "loophost/server";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import { sqliteStore } from "loophost/stores/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { scriptedModel } from "../../src/cli/agent/scripted-model.ts";
import { conformanceChecks, runConformance } from "../../src/conformance/index.ts";
import type { ConformanceReport } from "../../src/conformance/index.ts";
import type { ModelFunction } from "../../src/providers/local/models/function-model.ts";
import { codesIn, readPage, rowsUnder } from "../support/pages.ts";
import { broken } from "./broken-server.ts";
import { recordMutations } from "./record-mutations.ts";
import { streamMutations } from "./stream-mutations.ts";
import { talkMutations } from "./talk-mutations.ts";
import { variants } from "./variants.ts";

const KEY = "secret-key";
const mutations = [...recordMutations, ...streamMutations, ...talkMutations];

/** The scripted model, which writes at a story until it is stopped, and tells what it used. */
const model: ModelFunction = async (request, { signal }) => {
  if (JSON.stringify(request.messages.at(-1)).includes("Write a story"))
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const answer = await scriptedModel(request, { signal });
  const parts = typeof answer === "string" ? [{ type: "text" as const, text: answer }] : answer;
  return [...(parts as Iterable<never>), { type: "usage", inputTokens: 10, outputTokens: 5 }];
};

const prices = { "claude-sonnet-5-5": { inputPerMillion: 300, outputPerMillion: 1_500 } };
const hostOn = (store?: Store) => embeddedHost({ model, prices, apiKey: KEY, pingIntervalMs: 20, store });

let host: EmbeddedHost;
beforeAll(() => {
  host = hostOn();
});
afterAll(() => host.close());

describe.each([
  ["in memory", () => memoryStore()],
  ["in a file", (folder: string) => sqliteStore(join(folder, "host.db"))],
])("our own host, over HTTP, all it keeps %s", (_, openStore) => {
  let url = "";
  let report: ConformanceReport;
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), "loophost-"));
    const store = openStore(folder);
    const served = hostOn(store);
    ({ url } = await served.listen());
    report = await runConformance({ baseUrl: url, apiKey: KEY, timeoutMs: 20_000 });
    return async () => {
      await served.close();
      await store.close();
      rmSync(folder, { recursive: true });
    };
  }, 60_000);

  it("passes every check of tiers 1 to 3, with no model to blame, and has both extensions [F3-suite]", () => {
    const others = report.checks.filter(({ outcome }) => outcome !== "pass");
    expect(others).toEqual([]);
    expect(report.passed).toBe(conformanceChecks.length);
    expect(report.extensions).toEqual(["extensions.idempotency-key", "extensions.last-event-id"]);
  });

  it("is left as it was found", async () => {
    expect(report.left).toEqual([]);
    for (const collection of ["sessions", "agents", "environments"]) {
      const response = await fetch(`${url}/v1/${collection}`, { headers: { "x-api-key": KEY } });
      expect(await response.json(), collection).toMatchObject({ data: [] });
    }
  });
});

describe("a server that is wrong", () => {
  it.each(mutations)("because it $how is caught by $check", async ({ check, make }) => {
    const report = await runConformance({
      baseUrl: "http://127.0.0.1",
      apiKey: KEY,
      auth: check === "access.bearer" ? "x-api-key" : "bearer",
      fetch: broken((request) => host.fetch(request), make()),
      only: [check],
      timeoutMs: 300,
      silenceMs: 200,
    });
    expect(report.checks).toMatchObject([
      { id: check, outcome: "fail", whyNot: expect.stringMatching(/^expected /), came: expect.any(String) },
    ]);
  });

  it("can be told from a right one by every check there is [F3-mistakes]", () => {
    const rules = conformanceChecks.flatMap(({ id, kind }) => (kind === "rule" ? [id] : []));
    expect([...new Set(mutations.map(({ check }) => check))].toSorted()).toEqual(rules.toSorted());
  });
});

it.each(variants)("minds nothing of a server that $how", async ({ make }) => {
  const report = await runConformance({
    baseUrl: "http://127.0.0.1",
    apiKey: KEY,
    fetch: broken((request) => host.fetch(request), make()),
    only: [
      "stream",
      "turns",
      "lists.events",
      "lists.types",
      "posts",
      "tools",
      "interrupts",
      "deltas",
      "threads",
    ],
    timeoutMs: 20_000,
  });
  expect(report.checks.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
});

describe("the checks", () => {
  it("have ids of their own, in areas docs/conformance.md lists in this order", () => {
    const ids = conformanceChecks.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const listed = rowsUnder(readPage("docs/conformance.md"), "Areas").map(([area = ""]) => codesIn(area)[0]);
    expect([...new Set(conformanceChecks.map(({ area }) => area))]).toEqual(listed);
  });

  it("are said in one style: sentences about the server, and reasons", () => {
    for (const { id, title, why } of conformanceChecks) {
      expect(title, id).toMatch(/^[a-z][^]*[^.]$/);
      expect(why, id).toMatch(/^[A-Z][^]*\.$/);
      expect(id).toMatch(/^[a-z]+\.[a-z0-9-]+$/);
    }
  });
});
