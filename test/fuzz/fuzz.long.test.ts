// 10,000 replies, as a program of its own: it counts the branches of both readers that were reached, and fails when one was not.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect, it } from "vitest";

it("reaches every branch of both readers, and never runs what was not sent", async () => {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const how = ["--conditions=loophost:source", main, "--replies", "10000", "--seed", "7"];
  const { stdout } = await promisify(execFile)(process.execPath, how);
  expect(stdout).toContain("whole-reply.ts");
  expect(stdout).not.toContain("not reached");
}, 120_000);
