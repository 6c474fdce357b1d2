// The bench runs from end to end at its smallest: fresh processes, both contenders at the same task, one table each.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { expect, it } from "vitest";

import { ROOT } from "../support/source.ts";

const execute = promisify(execFile);

async function bench(...args: string[]): Promise<string> {
  const command = ["--conditions=loophost:source", "bench/main.ts", ...args];
  return (await execute(process.execPath, command, { cwd: ROOT })).stdout;
}

it("measures scenarios and comparisons", async () => {
  const names = ["crowd", "agentcore", "heap-kept", "core-size", "journal-crowd"];
  const { rows, comparisons, ...where } = JSON.parse(await bench(...names, "--quick", "--json"));
  const positive = expect.toSatisfy((value: number) => value > 0);
  expect(where).toMatchObject({ date: expect.any(String), machine: expect.any(String), rounds: 1 });
  expect(rows).toMatchObject([
    { name: "crowd", floor: positive, ours: positive, ratio: { median: positive } },
    { name: "agentcore", floor: positive, ours: positive, ratio: { median: positive } },
    { name: "heap-kept", floor: expect.any(Number), ours: expect.any(Number) },
    { name: "core-size", ours: positive },
  ]);
  expect(comparisons).toMatchObject([{ name: "journal-crowd", rows: expect.any(Array) }]);
  expect(comparisons[0].rows[0].cells).toMatchObject({
    "no store": { value: positive },
    "memory store": { value: positive },
    "SQLite store": { value: positive },
  });
}, 60_000);

it("says which scenarios there are when asked for another", async () => {
  await expect(bench("nope")).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("loop-25") });
});
