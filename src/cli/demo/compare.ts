/** Whether two runs came to the same: the calls they made, in order, and the answer. */

import { isDeepStrictEqual } from "node:util";

import type { SessionResult } from "../../core/results.ts";
import { count, formatCall } from "../screen/format.ts";

/** In what the second run differs from the first, a line each; none when they agree. */
export function differencesOf(first: SessionResult, second: SessionResult): string[] {
  const differences = [];
  if (first.ending !== second.ending)
    differences.push(`The first ended with ${first.ending}, the second with ${second.ending}.`);
  const [mine, theirs] = [first.toolCalls, second.toolCalls];
  if (mine.length !== theirs.length)
    differences.push(`The first made ${count(mine.length, "tool call")}, the second ${theirs.length}.`);
  const at = mine.findIndex(
    ({ name, input }, index) => !isDeepStrictEqual({ name, input }, nameAndInput(theirs[index])),
  );
  const [a, b] = [mine[at], theirs[at]];
  if (a !== undefined && b !== undefined)
    differences.push(
      `Call ${at + 1} is ${formatCall(a.name, a.input)} in the first, ${formatCall(b.name, b.input)} in the second.`,
    );
  if (first.text !== second.text) differences.push("The answers are not the same, word for word.");
  return differences;
}

function nameAndInput(use: SessionResult["toolCalls"][number] | undefined): object {
  return { name: use?.name, input: use?.input };
}
