// What the processes of the fleet have in common: where sessions are kept, and the agent.

import { mkdir, writeFile } from "node:fs/promises";

import { type Agent, defineAgent, defineTool, type Store } from "loophost";
import { local, type ModelFunction } from "loophost/providers/local";
import type { ServedAgent } from "loophost/sessions";
import { postgresStore } from "loophost/stores/postgres";
import { sqliteStore } from "loophost/stores/sqlite";

/** The database of DATABASE_URL, or a file. */
export function openStore(): Store {
  const { DATABASE_URL: url = "", FLEET_FOLDER: folder = "." } = process.env;
  return url === "" ? sqliteStore(`${folder}/fleet.db`) : postgresStore(url);
}

const STEPS = 6;

// The key is the same when a step whose worker was killed runs again: the file is written once.
const step = defineTool({
  name: "step",
  description: "Does a step of the job.",
  input: { type: "object", properties: { number: { type: "number" } }, required: ["number"] },
  ifCrashed: "rerun",
  async execute({ number }, { idempotencyKey }) {
    const done = `${process.env["FLEET_FOLDER"] ?? "."}/done`;
    await mkdir(done, { recursive: true });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await writeFile(`${done}/${idempotencyKey.replace(/\W/g, "_")}`, "", { flag: "wx" }).catch(
      () => undefined,
    );
    return `step ${String(number)} is done`;
  },
});

const jobs: Agent = defineAgent({ name: "jobs", instructions: "Do all steps.", tools: [step] });

// A stand-in for a language model: one step after another.
const model: ModelFunction = ({ messages }) => {
  const steps = messages.filter(({ role }) => role === "tool").length;
  if (steps === STEPS) return `All ${STEPS} steps are done.`;
  return [{ type: "tool_call", id: `step_${steps + 1}`, name: "step", input: { number: steps + 1 } }];
};

/** The agent as a worker runs it. */
export const served: ServedAgent = { agent: jobs, provider: local({ model }) };
