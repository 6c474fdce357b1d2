// The measuring programs at their smallest: each contender does the whole task, or its program fails.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { expect, it } from "vitest";

import { EVERYDAY } from "../../bench/script.ts";
import { whyNoPostgres } from "../stores/postgres/server.ts";
import { ROOT } from "../support/source.ts";

const execute = promisify(execFile);
const positive = expect.toSatisfy((value: number) => value > 0);

async function measure(worker: string, job: object): Promise<unknown> {
  const command = ["--expose-gc", "--conditions=loophost:source", `bench/${worker}`, JSON.stringify(job)];
  return JSON.parse((await execute(process.execPath, command, { cwd: ROOT })).stdout);
}

const script = { ...EVERYDAY, preface: 0, toolTurns: 3 };

it.each([
  // A session, an attached stream, a message, three results; the others also look for agent, environment or history.
  { by: "floor", requests: 6 },
  { by: "ours", requests: expect.toSatisfy((value: number) => value >= 6) },
  { by: "official", requests: 7 },
])("$by holds hosted sessions to their end", async ({ by, requests }) => {
  const job = { by, script, sessions: 5, thinkMs: 10, warmUp: 1 };
  expect(await measure("hosted/worker.ts", job)).toMatchObject({
    requests,
    rushCpuMs: positive,
    rushHostCpuMs: positive,
    rushWallS: positive,
    paceCpuMs: positive,
    outMedianMs: positive,
    outP99Ms: positive,
    heldKb: expect.any(Number),
    keptKb: expect.any(Number),
  });
});

it.each([
  { store: "none", appends: 0 },
  { store: "memory", appends: positive },
  { store: "sqlite", appends: positive, diskMs: positive },
])("runs with store: $store", async ({ store, ...kept }) => {
  const job = { store, script, sessions: 4, atOnce: 2, warmUp: 2 };
  const figures = { cpuMs: positive, wallMs: positive, outMedianMs: positive, outP99Ms: positive };
  expect(await measure("journal/worker.ts", job)).toMatchObject({ ...figures, ...kept });
});

it.each(whyNoPostgres === undefined ? ["sqlite", "postgres", "postgres-each"] : ["sqlite"])(
  "appends for many sessions at once, store: %s",
  async (store) => {
    expect(await measure("fleet/worker.ts", { store, appends: 50, sessions: 5 })).toMatchObject({
      perSecond: positive,
      medianMs: positive,
      p99Ms: positive,
      cpuMs: positive,
    });
  },
);
