// What works where `@opentelemetry/api` is not installed: all but openTelemetry(), which says so.

import { expect, it, vi } from "vitest";

import { readSources } from "../support/source.ts";

vi.mock("@opentelemetry/api", () => {
  throw new Error("Cannot find package '@opentelemetry/api'");
});

it("logs and recordings load without the package, and openTelemetry() says how to have it [A-232]", async () => {
  const { logTo, openTelemetry, recordTo } = await import("loophost/observe");
  expect([typeof logTo(() => undefined), typeof recordTo(() => undefined)]).toEqual(["object", "object"]);
  await expect(openTelemetry()).rejects.toMatchObject({
    code: "missing_dependency",
    message: expect.stringContaining("npm install @opentelemetry/api"),
  });
});

it("only openTelemetry() imports the package, and only when it is called", () => {
  const sources = readSources().filter(({ path }) => path.startsWith("src/"));
  const atLoad = sources.filter(({ text }) => /^import (?!type ).*"@opentelemetry/m.test(text));
  expect(atLoad.map(({ path }) => path)).toEqual([]);
  const asking = sources.filter(({ text }) => text.includes('"@opentelemetry/api"'));
  expect(asking.every(({ path }) => path.startsWith("src/observe/"))).toBe(true);
});
