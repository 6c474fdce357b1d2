// The runs of a campaign in a file, a line each: what was stopped goes on where it was.

import { appendFileSync, existsSync, readFileSync } from "node:fs";

import type { Planned, RecordedRun } from "./campaign.ts";

/** The runs that were made. */
export class Results {
  readonly runs: RecordedRun[] = [];
  readonly #file: string | undefined;
  readonly #seed: number;

  /**
   * @param file undefined: they are not kept
   * @param seed only the runs of this seed are gone on with
   */
  constructor(file: string | undefined, seed: number) {
    this.#file = file;
    this.#seed = seed;
    if (file === undefined || !existsSync(file)) return;
    const text = readFileSync(file, "utf8");
    // The last line is torn when the campaign was killed while it wrote: that run is made again.
    if (!text.endsWith("\n") && text !== "") appendFileSync(file, "\n");
    for (const line of text.split("\n")) {
      const run = parsed(line);
      if (run?.seed === seed) this.runs.push(run);
    }
  }

  /** Whether a run was made. */
  has({ cell, engine, provider, run }: Planned): boolean {
    return this.runs.some(
      (one) => one.cell === cell && one.run === run && one.engine === engine && one.provider === provider,
    );
  }

  add(one: Planned, result: RecordedRun["result"]): void {
    const recorded: RecordedRun = { ...one, seed: this.#seed, result };
    this.runs.push(recorded);
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify(recorded)}\n`);
  }
}

function parsed(line: string): RecordedRun | undefined {
  try {
    return JSON.parse(line) as RecordedRun;
  } catch {
    return undefined;
  }
}
