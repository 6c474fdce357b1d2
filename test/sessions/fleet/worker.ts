// A worker of the campaign, as a process of its own: `worker.ts JOB`. It drains on SIGTERM, and tells of each activation.

import { claude } from "loophost/providers/claude";
import { local } from "loophost/providers/local";
import { sessions } from "loophost/sessions";

import { newerRelease } from "../newer-release.ts";
import { fleetAgent, model } from "./agent.ts";
import type { WorkerJob } from "./parts.ts";
import { openParts } from "./parts.ts";
import { troubled } from "./trouble.ts";

const job = JSON.parse(process.argv[2] ?? "{}") as WorkerJob;
const opened = openParts(job);
const written = job.newer === undefined ? opened.store : newerRelease(opened.store, job.newer);
const parts = { ...opened, store: troubled(written, job.trouble, () => process.send?.({ faults: 1 })) };
const app = sessions({
  ...parts,
  agents: [
    {
      agent: fleetAgent(job),
      provider: job.claude === undefined ? local({ model }) : claude({ baseUrl: job.claude, apiKey: "any" }),
    },
  ],
  pollMs: job.engine === "in-process" ? 50 : undefined,
  onError: (error, { sessionId }) => {
    if (process.env["FLEET_DEBUG"] !== undefined) console.error(process.pid, sessionId, error);
  },
  onEvent: (event) => {
    if (event.type === "run.started") process.send?.({ runs: 1 });
  },
});
const worker = await app.work({ maxActivations: job.maxActivations });
process.on("message", () => {
  globalThis.gc?.();
  process.send?.({ heapBytes: process.memoryUsage().heapUsed, active: worker.active });
});
process.once("disconnect", () => process.exit(1));
process.once("SIGTERM", () => {
  worker
    .drain({ graceMs: job.graceMs })
    .then(() => app.close())
    .then(
      () => process.exit(0),
      () => process.exit(1),
    );
});
process.send?.("ready");
