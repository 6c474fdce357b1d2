// Who watches what the command line runs: a collector that takes OTLP over HTTP.

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

import { loophost, modelServer } from "./loophost.ts";

const SUPPORT = fileURLToPath(import.meta.resolve("./agents/support.ts"));

/** A collector, and what it was sent, by path. */
async function startCollector(): Promise<
  AsyncDisposable & { url: string; sent: [path: string, text: string][] }
> {
  const sent: [string, string][] = [];
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    sent.push([request.url ?? "", await textOf(request)]);
    response.setHeader("content-type", "application/json").end("{}");
  };
  const server = createServer((request, response) => {
    take(request, response).catch(() => response.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    sent,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

it("--otel sends the traces and metrics of a run, all of them, before the command ends", async () => {
  await using model = await modelServer({ tool: ["lookup_order", { id: "42" }] }, { text: "Shipped." });
  await using collector = await startCollector();
  const env = {
    ...model.env,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_METRICS_EXPORTER: "otlp",
  };
  const { code, stderr } = await loophost(["run", SUPPORT, "Where is order 42?", "--otel"], { env });
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("could not be sent")]);
  const all = (path: string) => collector.sent.flatMap(([to, text]) => (to === path ? text : [])).join("\n");
  for (const name of ["invoke_agent support", "chat test-model", "execute_tool lookup_order"])
    expect(all("/v1/traces")).toContain(`"${name}"`);
  expect(all("/v1/metrics")).toContain('"gen_ai.execute_tool.duration"');
  // What was said stays here.
  expect(JSON.stringify(collector.sent)).not.toContain("Shipped.");
});

it("a collector that is not there changes nothing of the run, and is told of", async () => {
  await using model = await modelServer({ text: "Hello." });
  const env = {
    ...model.env,
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9",
    OTEL_METRICS_EXPORTER: "none",
  };
  const { code, stdout, stderr } = await loophost(["run", SUPPORT, "Hi", "--otel"], { env });
  expect([code, stdout]).toEqual([0, "Hello.\n"]);
  expect(stderr).toContain("Traces or metrics could not be sent");
});
