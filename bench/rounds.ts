/** Measuring processes: each fresh, one at a time, and all of them in every round. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);
const TIMEOUT_MS = 300_000;

/** Goes through all jobs once a round, every other round backwards, so that a machine that slows down slows all. */
export async function inRounds<Measured>(
  jobs: ReadonlyMap<string, () => Promise<Measured>>,
  rounds: number,
): Promise<ReadonlyMap<string, readonly Measured[]>> {
  const measured = new Map<string, Measured[]>([...jobs.keys()].map((key) => [key, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = [...jobs];
    for (const [key, measure] of round % 2 === 0 ? order : order.toReversed()) {
      progress(`round ${round + 1} of ${rounds}: ${[...jobs.keys()].indexOf(key) + 1} of ${jobs.size}`);
      measured.get(key)?.push(await measure());
    }
  }
  progress("");
  return measured;
}

/** Runs a measuring program in a process of its own; it prints what it measured as JSON. */
export async function inFreshProcess<Measured>(
  program: string,
  ...args: readonly string[]
): Promise<Measured> {
  const flags = ["--expose-gc", "--conditions=loophost:source"];
  const options = { timeout: TIMEOUT_MS };
  try {
    const { stdout } = await execute(process.execPath, [...flags, program, ...args], options);
    return JSON.parse(stdout);
  } catch (error) {
    // Without the figures of one job there is no table; the message holds what its process wrote.
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

/** One line on a terminal, overwritten; nothing where output is kept. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}
