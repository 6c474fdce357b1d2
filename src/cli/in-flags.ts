/** Errors in the words of the command line: where the library names an option, this names a flag, variable or command. */

import { isTransient, LoophostError } from "../core/errors.ts";
import type { StoredRun } from "./go-on.ts";
import { resumeLine } from "./go-on.ts";

/** An error of opening a session with a provider. */
export function inFlags(error: LoophostError, provider: string): LoophostError {
  const { code, message, status } = error;
  if (code === "session_owned") return reword(error, `${sentence(message, ":")} pass --wait, or --take.`);
  if (code === "agent_changed")
    return reword(error, message.replace(/open the session with .*$/, "pass --changed-agent."));
  if (provider === "claude" && (status === 401 || status === 403))
    return reword(error, `${sentence(message)} Its key comes from ANTHROPIC_API_KEY.`);
  return error;
}

/** An error of a run. What an outage stopped can be taken up later, where it was kept. */
export function inCommands(
  error: LoophostError,
  provider: string,
  stored: StoredRun | undefined,
): LoophostError {
  const isOutage = isTransient(error) || error.code === "store_failed";
  return isOutage && stored !== undefined
    ? reword(error, `${sentence(error.message)} To go on: ${resumeLine(stored)}`)
    : inFlags(error, provider);
}

/** An error with another message, and the exit code it had. */
export function reword(error: LoophostError, message: string): LoophostError {
  return new LoophostError(error.code, message, { cause: error });
}

function sentence(text: string, end = "."): string {
  return `${text.replace(/\.$/, "")}${end}`;
}
