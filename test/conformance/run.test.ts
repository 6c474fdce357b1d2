// A run of the conformance suite: what it makes of servers that are in part, not at all, or no longer there.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import type { LoophostError } from "loophost";
import { embeddedHost } from "loophost/server";
import { describe, expect, it } from "vitest";

import { scriptedModel } from "../../src/cli/agent/scripted-model.ts";
import type { ConformanceOptions, ConformanceReport } from "../../src/conformance/index.ts";
import { runConformance } from "../../src/conformance/index.ts";
import type { Meddle } from "./broken-server.ts";
import { answersWith, broken, errorBody, events, json, refuses } from "./broken-server.ts";

const KEY = "secret-key";

/** Runs checks against our host in process, with something in between. */
async function runOn(meddle: Meddle, options: Partial<ConformanceOptions>): Promise<ConformanceReport> {
  await using host = embeddedHost({ model: scriptedModel, apiKey: KEY });
  const fetchHost = (request: Request) => host.fetch(request);
  return await runConformance({
    baseUrl: "http://127.0.0.1",
    apiKey: KEY,
    timeoutMs: 10_000,
    fetch: broken(fetchHost, meddle),
    ...options,
  });
}

const honest: Meddle = (asked, next) => next(asked);
const outcomes = ({ checks }: ConformanceReport) => checks.map(({ id, outcome }) => `${id} ${outcome}`);

function failureOf(work: Promise<unknown>): Promise<LoophostError> {
  return work.then(
    () => expect.unreachable("it succeeded"),
    (thrown: LoophostError) => thrown,
  );
}

describe("what is skipped", () => {
  it("is a tier the server does not have, by the 404 of its first route", async () => {
    const report = await runOn(refuses(({ line }) => line.includes("/v1/files"), 404)(), {
      only: ["files", "resources.at-creation"],
    });
    expect(report).toMatchObject({ passed: 0, failed: 0, skipped: report.checks.length });
    expect(report.checks[0]?.whyNot).toBe("not there: POST /v1/files is answered with 404");
  });

  it("is what a model had to do and did not, unless the run is strict", async () => {
    const deaf: Meddle = async (asked, next) => {
      if (asked.body?.events !== undefined)
        asked.body.events = [{ type: "user.message", content: [{ type: "text", text: "hm" }] }];
      return next(asked);
    };
    const only = ["tools.call"];
    const [skipped] = (await runOn(deaf, { only })).checks;
    const why = "the model made 0 of 1 calls of look_up in one reply";
    expect(skipped).toMatchObject({ outcome: "skip", whyNot: why });
    const strict = await runOn(deaf, { only, strict: true });
    expect(strict).toMatchObject({ failed: 1, checks: [{ outcome: "fail", whyNot: why }] });
  });

  it("is what was asked to be: tiers above, checks and areas by name", async () => {
    const report = await runOn(honest, { tier: 1, only: ["agents", "errors.json"], skip: ["agents.create"] });
    expect(outcomes(report)).toEqual(["errors.json pass", "agents.retrieve pass"]);
  });
});

it("tells extensions that are absent from rules that are broken", async () => {
  const plain: Meddle = (asked, next) => {
    asked.headers.delete("idempotency-key");
    asked.headers.delete("last-event-id");
    return next(asked);
  };
  const report = await runOn(plain, { only: ["extensions"] });
  expect(report).toMatchObject({ passed: 0, failed: 0, skipped: 0, extensions: [] });
  expect(report.checks.map(({ outcome }) => outcome)).toEqual(["absent", "absent"]);
});

it("tells of each check as it ends, in the order of the report", async () => {
  const told: string[] = [];
  const report = await runOn(honest, { only: ["access"], onCheck: ({ id }) => told.push(id) });
  expect(told).toEqual(report.checks.map(({ id }) => id));
  expect(told.length).toBeGreaterThan(5);
});

it("shows the key nowhere, though the server repeats it [I11]", async () => {
  const chatty: Meddle = async (asked) =>
    asked.line.includes("limit=1")
      ? json({ data: [] })
      : json(errorBody(`no entry for ${asked.headers.get("authorization")}`), 400);
  const report = await runOn(chatty, { only: ["agents", "sessions"] });
  expect(report.failed + report.notTried).toBe(report.checks.length);
  const text = JSON.stringify(report);
  expect(text).toContain("no entry for Bearer [key]");
  expect(text).not.toContain(KEY);

  const inEvents = events((event) => [{ ...event, stop_reason: `${KEY} ${"x".repeat(5_000)}` }]);
  const [idle] = (await runOn(inEvents(), { only: ["turns.idle"] })).checks;
  expect(idle).toMatchObject({ outcome: "fail", came: expect.stringContaining("[key] xx") });
  expect(idle?.came?.length).toBeLessThan(700);
});

it("waits where the server says 429, for as long as it says", async () => {
  let asked = 0;
  const busy: Meddle = async (request, next) =>
    ++asked === 3
      ? Response.json(errorBody("slow down", "rate_limit_error"), {
          status: 429,
          headers: { "retry-after": "0.01" },
        })
      : next(request);
  const report = await runOn(busy, { only: ["errors.json", "errors.unknown-route"] });
  expect(report).toMatchObject({ passed: 2, failed: 0 });
});

it("names what it could not take away", async () => {
  const keeps = answersWith(500, /DELETE|archive/)();
  const report = await runOn(keeps, { only: ["environments.create"] });
  expect(report.left).toEqual([expect.stringMatching(/^\/v1\/environments\/env_/)]);
});

it("takes a session away that is at work", async () => {
  await using host = embeddedHost({
    // It never answers by itself.
    model: (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  const { url } = await host.listen();
  const options = { baseUrl: url, only: ["turns.message"], timeoutMs: 200 };
  const report = await runConformance(options);
  expect(report).toMatchObject({ failed: 1, left: [] });
  expect(await (await fetch(`${url}/v1/sessions`)).json()).toMatchObject({ data: [] });
});

describe("a run rejects", () => {
  it("when the server is not there, or goes away", async () => {
    const options = { baseUrl: "http://127.0.0.1:1", timeoutMs: 5_000 };
    expect(await failureOf(runConformance(options))).toMatchObject({ code: "host_unreachable" });

    let left = 6;
    const dying: Meddle = (asked, next) => (--left > 0 ? next(asked) : Promise.reject(new Error("gone")));
    const error = await failureOf(runOn(dying, { only: ["agents"] }));
    expect(error).toMatchObject({
      code: "host_unreachable",
      message: expect.stringMatching(/^After agents\./),
    });
  });

  it("when the server refuses the key, without showing it", async () => {
    const error = await failureOf(runOn(honest, { apiKey: "other-key" }));
    expect(error).toMatchObject({ code: "host_rejected", status: 401 });
    expect(error.message).not.toContain("other-key");
  });

  it("when it is aborted, once it has tidied up", async () => {
    await using host = embeddedHost({ model: scriptedModel });
    const { url } = await host.listen();
    const stop = new AbortController();
    const run = runConformance({ baseUrl: url, signal: stop.signal, onCheck: () => stop.abort() });
    expect(await failureOf(run)).toMatchObject({ code: "aborted" });
    expect(await failureOf(runConformance({ baseUrl: url, signal: stop.signal }))).toMatchObject({
      code: "aborted",
    });
    for (const collection of ["sessions", "agents", "environments"])
      expect(await (await fetch(`${url}/v1/${collection}`)).json()).toMatchObject({ data: [] });
  });

  it("when the address has /v1 in it, which requests add", async () => {
    const { code, message } = await failureOf(runConformance({ baseUrl: "http://127.0.0.1/v1/" }));
    expect({ code, message }).toEqual({
      code: "invalid_options",
      message: 'The base URL "http://127.0.0.1/v1/" ends in /v1, which every request adds. Leave it out.',
    });
  });

  it.each([
    ["files", 404, "<h1>Not found</h1>"],
    ["another API", 404, '{"detail":"Not Found"}'],
    ["a single page for every path", 200, "<!doctype html>"],
  ])("in one sentence when there is a server of %s", async (_, status, body) => {
    const seen: string[] = [];
    const elsewhere: Meddle = async ({ line }) => {
      seen.push(line);
      return new Response(body, { status });
    };
    const error = await failureOf(runOn(elsewhere, { onCheck: () => expect.unreachable() }));
    expect(error).toMatchObject({ code: "host_protocol", message: expect.stringContaining(body) });
    expect(seen).toHaveLength(2);
  });

  it.each([
    { baseUrl: "nowhere" },
    { baseUrl: "file:///tmp" },
    {},
    undefined,
    { baseUrl: "http://127.0.0.1", only: ["no.such"] },
    { baseUrl: "http://127.0.0.1", skip: ["nothing"] },
  ])("what cannot be meant: %o", async (options) => {
    expect(await failureOf(runConformance(options as ConformanceOptions))).toMatchObject({
      code: "invalid_options",
    });
  });
});

it("judges a server that answers anything at all, and breaks over nothing", async () => {
  const replies = ["", "null", "[]", '{"data":[null]}', '{"id":7,"data":{}}', "<h1>Hi</h1>"];
  let asked = 0;
  const server = createServer((_, response) => {
    const reply = asked === 0 ? '{"data":[]}' : (replies[asked % replies.length] ?? "");
    asked += 1;
    const type = asked % 3 === 0 ? "text/event-stream" : "application/json";
    response.writeHead(200, { "content-type": type }).end(reply);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const report = await runConformance({
    baseUrl: `http://127.0.0.1:${port}`,
    timeoutMs: 2_000,
    silenceMs: 100,
  });
  expect(report.failed + report.notTried).toBeGreaterThan(100);
  const broke = report.checks.filter(({ whyNot }) => whyNot?.includes("the check itself"));
  expect(broke).toEqual([]);
  server.close();
  server.closeAllConnections();
});
