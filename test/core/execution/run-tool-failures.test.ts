// What the model is told when a tool fails.

import { inspect } from "node:util";

import { describe, expect, it } from "vitest";

import { resultText, textResult } from "../../../src/core/results.ts";
import { runIt, toolThat } from "./tool-calls.ts";

/** What the model is told of a tool that throws this. */
async function toldOf(thrown: unknown): Promise<string> {
  const result = await runIt(
    toolThat(() => {
      throw thrown;
    }),
  );
  expect(result.isError).toBe(true);
  return resultText(result);
}

describe("a tool that fails", () => {
  it("gives the model its message, whether it throws or rejects [F4-throw] [A-132] [B-28]", async () => {
    expect(await toldOf(new TypeError("no such order"))).toBe("Error: no such order");
    const rejects = await runIt(toolThat(() => Promise.reject(new Error("no such order"))));
    expect(rejects).toEqual(textResult("Error: no such order", true));
  });

  it.each<[unknown, string]>([
    ["sold out", "Error: sold out"],
    [{ message: "sold out", code: 7 }, "Error: sold out"],
    [undefined, "Error: the tool failed (undefined)."],
    [null, "Error: the tool failed (object)."],
    [42, "Error: the tool failed (number)."],
    ["", "Error: the tool failed (string)."],
    [Symbol("s"), "Error: the tool failed (symbol)."],
    [{ message: 42 }, "Error: the tool failed (object)."],
    [new RangeError(), "Error: the tool failed (RangeError)."],
    [new AggregateError([new Error("a")], "all failed"), "Error: all failed"],
  ])("may throw what is no error: %o [F4-throw]", async (thrown, told) => {
    expect(await toldOf(thrown)).toBe(told);
  });

  it("may throw what cannot even be looked at", async () => {
    const get = () => {
      throw new Error("a getter");
    };
    expect(await toldOf(new Proxy({}, { get, getPrototypeOf: get }))).toBe("Error: the tool failed.");
  });

  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;

  it.each<[string, unknown, RegExp]>([
    ["a bigint", { big: 1n }, /returned something that is not JSON: .*BigInt/],
    ["a cycle", cycle, /returned something that is not JSON: .*circular/],
    ["a function", () => 1, /returned a function, which is not JSON/],
    ["a symbol", Symbol("s"), /returned a symbol, which is not JSON/],
    ["an error instead of throwing it", new Error("sold out"), /^Error: sold out$/],
  ])("is told of a return value that cannot be sent: %s [A-132]", async (_, returned, told) => {
    const result = await runIt(toolThat(() => returned));
    expect(result.isError).toBe(true);
    expect(resultText(result)).toMatch(told);
  });

  it("is not quoted at any length [I10]", async () => {
    expect((await toldOf(new Error("x".repeat(50_000)))).length).toBeLessThan(2_100);
  });
});

describe("what the model is told of a failure", () => {
  it("has no stack trace in it [I11] [F4-throw]", async () => {
    const error = new Error("boom");
    const quoting = new Error(`query failed: ${error.stack}`);
    expect(await toldOf(error)).toBe("Error: boom");
    expect(await toldOf(quoting)).toBe("Error: query failed: Error: boom");
    expect(await toldOf(inspect(error))).toBe("Error: Error: boom");
    expect(await toldOf(new Error("boom", { cause: new Error("the secret cause") }))).toBe("Error: boom");
  });

  it.each([
    ["ENOENT: no such file or directory, open '/home/jane/shop/orders.db'", "orders.db"],
    ["cannot read /Users/jane/shop/orders.db: locked", "orders.db"],
    ["open '/Users/Jane Doe/Application Support/orders.db'", "orders.db"],
    [String.raw`EPERM: operation not permitted, open 'C:\Users\Jane Doe\orders.db'`, "orders.db"],
    [String.raw`cannot open D:\work\shop\orders.db (locked)`, "orders.db"],
    [String.raw`cannot open \\fileserver\jane\orders.db`, "orders.db"],
    ["Cannot find module 'file:///srv/jane/orders.db'", "orders.db"],
    ["failed at file:///C:/Users/jane/orders.db:12:5", "orders.db:12:5"],
    ["[/var/lib/jane/orders.db] is locked", "orders.db"],
    ["path=/opt/jane/orders.db,mode=r", "orders.db"],
    ["/tmp/jane/orders.db:12:5 unexpected token", "orders.db:12:5"],
  ])("has no path of this machine in it: %s [I11]", async (message, kept) => {
    const told = await toldOf(new Error(message));
    expect(told).toContain(kept);
    expect(told).not.toMatch(/[/\\]|jane|doe|support/i);
  });

  it.each([
    "GET /orders/42 failed with 404",
    "GET /app/orders/42 failed with 404",
    "POST https://api.example.com/home/users/1?q=/tmp/x failed",
    "see http://localhost:8080/var/log or https://[::1]:80/usr/lib",
    "redirected to https://example.com/opt/out#/home/",
    "no route for /orders/42/lines",
    "expected a/b/c, and 1/2 or and/or",
    "./src/home/orders.ts is relative, ~/notes is too",
    "s3://bucket/tmp/report.csv is missing",
    "ratio 3:/4",
    'the reply was {"path":"orders/42","type":"text/html"}',
  ])("keeps what is no path of this machine: %s", async (message) => {
    expect(await toldOf(new Error(message))).toBe(`Error: ${message}`);
  });

  it("is made in no time, whatever the message [I10]", async () => {
    const hostile = [
      `'${"/home/".repeat(20_000)}`,
      "'".repeat(100_000),
      `${"\n ".repeat(50_000)}at`,
      "C:/".repeat(40_000),
    ];
    for (const message of hostile) expect((await toldOf(new Error(message))).length).toBeLessThan(2_100);
  });
});
