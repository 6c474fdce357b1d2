import { inspect } from "node:util";

import { defineAgent, run } from "loophost";
import { local } from "loophost/providers/local";
import { scriptedProvider } from "loophost/testing";
import { describe, expect, it } from "vitest";

import type { ErrorCode, ErrorDetails } from "../../src/core/errors.ts";
import {
  isRunError,
  isTransient,
  LoophostError,
  messageOf,
  toLoophostError,
  withResult,
} from "../../src/core/errors.ts";
import type { SessionResult } from "../../src/core/results.ts";
import { NO_USAGE } from "../../src/core/results.ts";

const result: SessionResult = {
  terminal: "terminated",
  ending: "terminated",
  stopReason: null,
  sessionId: "session_1",
  text: "the private answer",
  output: undefined,
  toolCalls: [{ id: "c", name: "t", input: { card: "the private number" } }],
  serverToolCalls: [],
  usage: NO_USAGE,
  turns: 1,
  events: [{ type: "message", text: "the private answer" }],
  transcript: [{ role: "user", content: [{ type: "text", text: "the private question" }] }],
};

describe("whether another try may help", () => {
  const rows: [ErrorCode, ErrorDetails["status"], boolean][] = [
    ["host_unreachable", undefined, true],
    ["host_unreachable", 400, true],
    ["host_failed", undefined, true],
    ["host_failed", 500, true],
    ["host_failed", 502, true],
    ["host_failed", 503, true],
    ["host_failed", 504, true],
    ["host_failed", 529, true],
    ["host_failed", 404, false],
    ["host_rejected", 408, true],
    ["host_rejected", 429, true],
    ["host_rejected", 500, true],
    ["host_rejected", undefined, false],
    ["host_rejected", 400, false],
    ["host_rejected", 401, false],
    ["host_rejected", 403, false],
    ["host_rejected", 404, false],
    ["host_rejected", 409, false], // "already there" is an answer
    ["host_rejected", 413, false],
    ["host_rejected", 422, false],
    ["host_protocol", undefined, false],
    ["host_protocol", 500, false],
    ["store_failed", undefined, false],
    ["store_damaged", undefined, false],
    ["stale_owner", undefined, false],
    ["session_owned", undefined, false],
    ["timeout", undefined, false],
    ["aborted", undefined, false],
    ["missing_credentials", 429, false],
    ["invalid_options", undefined, false],
  ];

  it.each(rows)("%s with status %s: %s", (code, status, may) => {
    expect(isTransient(new LoophostError(code, "…", { status }))).toBe(may);
  });
});

describe("a LoophostError", () => {
  const details: Required<ErrorDetails> = {
    cause: new Error("deeper"),
    status: 429,
    hostCode: "rate_limit_error",
    requestId: "req_1",
    retryAfterMs: 1_000,
    mayRetry: true,
    result,
  };

  it("carries its code and what it was given", () => {
    const error = new LoophostError("host_rejected", "Slow down.", details);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "LoophostError",
      code: "host_rejected",
      message: "Slow down.",
      ...details,
    });
  });

  it("shows what went wrong when it is printed, and nothing of the conversation [I11]", () => {
    const error = new LoophostError("timeout", "Too slow.", details);
    for (const printed of [
      inspect(error, { depth: 10 }),
      JSON.stringify(error),
      `${error}`,
      error.stack ?? "",
    ]) {
      expect(printed).not.toContain("private");
      expect(printed).not.toContain("transcript");
    }
    expect(inspect(error)).toContain("LoophostError: Too slow.");
    expect(inspect(error)).toContain("code: 'timeout'");
    expect(Object.keys(error)).not.toContain("result");
  });

  it("has no cause unless it was given one", () => {
    expect(new LoophostError("timeout", "Too slow.")).not.toHaveProperty("cause");
  });
});

describe("an error given a result", () => {
  it("is the same error otherwise, with the stack of where it happened [I11]", () => {
    const bare = new LoophostError("timeout", "Too slow.", { cause: new Error("deeper"), status: 504 });
    const complete = withResult(bare, result);
    expect(complete.result).toBe(result);
    expect(complete).toMatchObject({ code: "timeout", message: "Too slow.", status: 504, cause: bare.cause });
    expect(complete.stack).toBe(bare.stack);
    expect(inspect(complete)).not.toContain("private");
    expect(bare.result).toBeUndefined();
  });
});

function broken(): never {
  throw new Error("broken");
}

describe("anything thrown", () => {
  it("becomes a LoophostError that says what was being done, with the thrown as its cause", () => {
    const thrown = new TypeError("no such host");
    expect(toLoophostError(thrown, "host_unreachable", "The host could not be reached")).toMatchObject({
      code: "host_unreachable",
      message: "The host could not be reached: no such host",
      cause: thrown,
    });
  });

  it("stays as it is when it is one already", () => {
    const error = new LoophostError("stale_owner", "Somebody else has it.");
    expect(toLoophostError(error, "store_failed", "It could not be written")).toBe(error);
  });

  it.each<[string, unknown]>([
    ["a getter that throws", Object.defineProperty(new Error("a"), "message", { get: broken })],
    ["a proxy that throws", new Proxy({}, { get: broken, getPrototypeOf: broken })],
  ])("becomes one also with %s", (_, thrown) => {
    expect(toLoophostError(thrown, "host_failed", "The model call failed").message).toBe(
      "The model call failed: an unknown error",
    );
  });

  const refused = Object.assign(new AggregateError([], ""), { code: "ECONNREFUSED" });
  const circular = new Error("a");
  circular.cause = new Error("b", { cause: circular });

  it.each<[unknown, string]>([
    [new Error("plain"), "plain"],
    [new RangeError(), "RangeError"],
    ["a text", "a text"],
    [undefined, "an unknown error"],
    [{ message: "no error", token: "secret" }, "an unknown error"],
    [new Error("outer", { cause: "a text" }), "outer"],
  ])("has a message: %o", (thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
  });

  it.each<[Error, string]>([
    [
      new TypeError("fetch failed", { cause: new Error("read ECONNRESET") }),
      "fetch failed (read ECONNRESET)",
    ],
    [new TypeError("fetch failed", { cause: refused }), "fetch failed (ECONNREFUSED)"],
    [new Error("Outer.", { cause: new Error("middle", { cause: new Error("inner") }) }), "Outer (inner)"],
    [new Error("no file: inner", { cause: new Error("inner") }), "no file: inner"],
    [new Error("outer", { cause: new Error("") }), "outer"],
    [circular, "a"],
  ])("has what is at the bottom of it in its message: %o", (thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
  });
});

it("tells a run that failed from anything else thrown, and types its result", async () => {
  const failing = local({
    model: () => {
      throw new Error("no");
    },
  });
  const agent = defineAgent({ name: "a", instructions: "" });
  const thrown: unknown = await run(agent, { provider: failing, prompt: "go" }).catch(
    (error: unknown) => error,
  );
  expect(isRunError(thrown) && thrown.result.turns).toBe(1);
  expect([new Error("no"), new LoophostError("aborted", "no"), undefined].map(isRunError)).toEqual([
    false,
    false,
    false,
  ]);
});

it("shows printed only the fields that are there", () => {
  const printed = inspect(new LoophostError("host_rejected", "No.", { status: 403, hostCode: undefined }));
  expect(printed).toContain("status: 403");
  for (const name of ["undefined", "hostCode", "requestId", "result"]) expect(printed).not.toContain(name);
});

it("has the caller's line in the stack of a failed run", async () => {
  const provider = scriptedProvider({ turns: [] });
  const agent = defineAgent({ name: "a", instructions: "", limits: { runTimeoutMs: 1 } });
  async function theCaller() {
    return await run(agent, { provider, prompt: "hi" });
  }
  const error: unknown = await theCaller().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "timeout", stack: expect.stringMatching(/\.send .*theCaller/s) });
});
