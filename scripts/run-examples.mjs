// `npm run examples`: runs every program in examples/. Each checks itself and exits non-zero when something is
// not as it says, so a sample that a reader copies is a sample that works.

import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";

const EXAMPLE_TIMEOUT_MS = 60_000;

const examples = globSync(["examples/*.ts", "examples/*/main.ts"]).toSorted();
const failed = examples.filter((example) => !passes(example));

// No example at all is a failure too: otherwise this check could pass by looking in the wrong place.
console.log(`${examples.length - failed.length} of ${examples.length} examples passed`);
process.exitCode = examples.length > 0 && failed.length === 0 ? 0 : 1;

function passes(example) {
  const started = performance.now();
  const { status, signal, stdout, stderr } = spawnSync("node", ["--conditions=loophost:source", example], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: EXAMPLE_TIMEOUT_MS,
  });
  const verdict = status === 0 ? "ok    " : "FAILED";
  console.log(`${verdict} ${example} (${Math.round(performance.now() - started)} ms)`);
  if (status !== 0) console.log(`${stdout}${stderr}exit ${status ?? signal}`);
  return status === 0;
}
