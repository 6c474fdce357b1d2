// Shell commands in a session's machine.

import { expect, it } from "vitest";

import { runCommand } from "../../../src/providers/agentcore/session/run-command.ts";
import { standIn } from "./support.ts";

const sessionId = "3b1f0c1e-6d0e-4f53-9a53-0c1d3b6f2a11";

it("runs a command, tells its output in order, and takes a failure for a result [A-073] [A-074]", async () => {
  const commands: string[] = [];
  const host = await standIn({
    model: () => "Hello.",
    onCommand: (command) => {
      commands.push(command);
      return { stdout: "one\n", stderr: "two\n", exitCode: 3 };
    },
  });
  const told: string[] = [];
  const result = await runCommand({
    harnessArn: host.harnessArn,
    baseUrl: host.url,
    sessionId,
    command: "make all",
    timeoutSeconds: 60,
    onOutput: (stream, text) => told.push(`${stream}: ${text}`),
  });
  expect(result).toEqual({ stdout: "one\n", stderr: "two\n", exitCode: 3, timedOut: false });
  expect(told).toEqual(["stdout: one\n", "stderr: two\n"]);
  expect(commands).toEqual(["make all"]);
  expect(host.requests[0]).toMatchObject({
    sessionId,
    path: `/runtimes/${encodeURIComponent(host.harnessArn)}/commands`,
    body: { command: "make all", timeout: 60 },
  });
});

it("takes events without a wrapper, and says how a stream broke [A-074]", async () => {
  const host = await standIn({ model: () => "", onCommand: () => ({ stdout: "out", exitCode: 0 }) });
  const at = { harnessArn: host.harnessArn, baseUrl: host.url, sessionId, command: "ls" };
  host.fail({ is: "event", at: 1, event: ["contentDelta", { stdout: "bare " }] });
  expect((await runCommand(at)).stdout).toBe("bare out");
  host.fail(
    { is: "exception", at: 1, type: "throttlingException", message: "Slow down." },
    { is: "cut", at: 2, bytes: 20 },
    { is: "exception", at: 0, type: "validationException", message: "No." },
  );
  await expect(runCommand(at)).rejects.toMatchObject({
    code: "host_failed",
    hostCode: "ThrottlingException",
    mayRetry: false,
  });
  await expect(runCommand(at)).rejects.toMatchObject({ code: "host_protocol" });
  await expect(runCommand(at)).rejects.toMatchObject({
    code: "host_rejected",
    hostCode: "ValidationException",
  });
  expect(host.requests).toHaveLength(4);
});

it("sends a command again only where it did not run, and bounds what it says [A-075]", async () => {
  const host = await standIn({ model: () => "", onCommand: () => ({ stdout: "0123456789", exitCode: 0 }) });
  const at = { harnessArn: host.harnessArn, baseUrl: host.url, sessionId, command: "ls" };
  host.fail({ is: "refusal", status: 429, type: "ThrottlingException", retryAfter: 0 });
  expect((await runCommand(at)).exitCode).toBe(0);
  expect(host.requests).toHaveLength(2);
  host.fail({ is: "refusal", status: 500, type: "InternalServerException" }, { is: "reset", at: "headers" });
  await expect(runCommand(at)).rejects.toMatchObject({ status: 500, mayRetry: false });
  await expect(runCommand(at)).rejects.toMatchObject({ mayRetry: false });
  await expect(runCommand({ ...at, maxOutputBytes: 9 })).rejects.toMatchObject({ code: "reply_too_large" });
  expect(host.requests).toHaveLength(5);
  for (const wrong of [
    { command: "" },
    { command: "x".repeat(65_537) },
    { timeoutSeconds: 3_601 },
    { sessionId: "short" },
  ])
    await expect(runCommand({ ...at, ...wrong })).rejects.toMatchObject({ code: "invalid_options" });
  expect(host.requests).toHaveLength(5);
});
