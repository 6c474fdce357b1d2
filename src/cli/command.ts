/** What a command is, as main.ts finds and runs it. */

import { LoophostError } from "../core/errors.ts";
import type { ExitCode } from "./exit.ts";

/** A command of the command line. */
export interface Command {
  /** What `--help` prints. */
  readonly help: string;
  /**
   * Contract: gets the arguments after its name and does its work until `signal` aborts. Throws a LoophostError, or what
   * `parseArgs` throws, and leaves it to main.ts to say so.
   */
  run(argv: readonly string[], signal: AbortSignal): Promise<ExitCode>;
}

/** The error of a command that was called wrongly. */
export function misuse(command: string, problem: string): LoophostError {
  return new LoophostError("invalid_options", `${problem}. See: ${command} --help`);
}
