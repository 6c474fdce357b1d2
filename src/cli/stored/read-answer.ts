/** The answer to a call, as it was typed or as it lies in a file. */

import { readFile } from "node:fs/promises";
import { addAbortSignal } from "node:stream";
import { text as readText } from "node:stream/consumers";

import { LoophostError, messageOf } from "../../core/errors.ts";

/**
 * Reads it.
 *
 * @throws LoophostError `invalid_options` for a file that cannot be read
 */
export async function readAnswer(
  text: string | undefined,
  file: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  if (text !== undefined) return text;
  if (file === "-") return readText(addAbortSignal(signal, process.stdin));
  return readFile(file ?? "", { encoding: "utf8", signal }).catch((thrown: unknown) => {
    throw new LoophostError("invalid_options", `The answer cannot be read: ${messageOf(thrown)}.`, {
      cause: thrown,
    });
  });
}
