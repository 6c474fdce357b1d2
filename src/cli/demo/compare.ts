/** Whether two runs came to the same: the calls they made, in order, and the answer. */

import { isDeepStrictEqual } from "node:util";

import type { SessionResult } from "../../core/results.ts";
import { count, formatCall } from "../screen/format.ts";

/** In what another run differs from the first, a line each; none when they agree. */
export function differencesOf(first: SessionResult, other: SessionResult, which = "second"): string[] {
  const differences = [];
  if (first.ending !== other.ending)
    differences.push(`The first ended with ${first.ending}, the ${which} with ${other.ending}.`);
  const [mine, theirs] = [first.toolCalls, other.toolCalls];
  if (mine.length !== theirs.length)
    differences.push(`The first made ${count(mine.length, "tool call")}, the ${which} ${theirs.length}.`);
  const at = mine.findIndex(
    ({ name, input }, index) => !isDeepStrictEqual({ name, input }, nameAndInput(theirs[index])),
  );
  const [a, b] = [mine[at], theirs[at]];
  if (a !== undefined && b !== undefined)
    differences.push(
      `Call ${at + 1} is ${formatCall(a.name, a.input)} in the first, ${formatCall(b.name, b.input)} in the ${which}.`,
    );
  if (first.text !== other.text)
    differences.push(`The answers of the first and the ${which} are not the same, word for word.`);
  return differences;
}

function nameAndInput(use: SessionResult["toolCalls"][number] | undefined): object {
  return { name: use?.name, input: use?.input };
}
