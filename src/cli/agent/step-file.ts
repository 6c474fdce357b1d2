/** `--steps FILE`: the steps of the loop as JSON lines, for `replaySteps` of `loophost/testing`. */

import { closeSync, openSync, writeSync } from "node:fs";

import type { LoopStep } from "../../core/session.ts";
import { misuse } from "../command.ts";

/** A file that steps are written to as they happen, so that a crash leaves those before it. */
export interface StepFile extends Disposable {
  write(step: LoopStep): void;
}

/**
 * Makes the file, readable by its owner alone: steps hold messages, inputs and results of tools.
 *
 * @param warn told once when a step cannot be written; the run goes on without the rest
 * @throws LoophostError `invalid_options` when it exists, or cannot be made
 */
export function stepFile(command: string, path: string, warn: (line: string) => void): StepFile {
  let file: number | undefined = open(command, path);
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  return {
    write(step) {
      if (file === undefined) return;
      try {
        writeSync(file, `${JSON.stringify(step)}\n`);
      } catch (thrown) {
        close();
        warn(
          `--steps ${path} ends here: ${thrown instanceof Error ? thrown.message : "it cannot be written"}`,
        );
      }
    },
    [Symbol.dispose]: close,
  };
}

function open(command: string, path: string): number {
  try {
    return openSync(path, "wx", 0o600);
  } catch (thrown) {
    const isThere = thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST";
    const problem = isThere ? "is there already; name a new file" : "cannot be made";
    throw misuse(command, `--steps: ${path} ${problem}`);
  }
}
