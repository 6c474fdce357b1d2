/** Rewrites errors for the command line: where the library names an option, this names a flag, variable or command. */

import { isTransient, LoophostError } from "../../core/errors.ts";
import { formatMs } from "../screen/format.ts";
import type { StoredRun } from "./go-on.ts";
import { resumeLine } from "./go-on.ts";

/** An error of opening a session with a provider. */
export function inFlags(error: LoophostError, provider: string): LoophostError {
  const { code, status } = error;
  const message = inVariables(error.message, provider);
  if (pause(error) !== "") return reword(error, sentence(message) + pause(error));
  if (code === "session_owned") return reword(error, `${sentence(message, ":")} pass --wait, or --take.`);
  if (code === "agent_changed")
    return reword(error, message.replace(/open the session with .*$/, "pass --changed-agent."));
  if (provider === "claude" && (status === 401 || status === 403))
    return reword(error, `${sentence(message)} Its key comes from ANTHROPIC_API_KEY.`);
  return message === error.message ? error : reword(error, message);
}

/** The library's options by the names the command line has for them. */
function inVariables(message: string, provider: string): string {
  const isAnthropic = provider === "claude" || Boolean(process.env["ANTHROPIC_API_KEY"]);
  const variable = isAnthropic ? "ANTHROPIC_BASE_URL" : "OPENAI_BASE_URL";
  const address = { claude: `--base-url, or ${variable}`, agentcore: "--base-url" }[provider] ?? variable;
  return message
    .replace(/\bCheck baseUrl\b/, "Check the address: baseUrl")
    .replace(/\bbaseUrl\b/g, address)
    .replace(/\bPass the option apiKey, or set (\w+)/, "Set $1")
    .replace(/\boption apiKey, or (\w+)/, "$1")
    .replace(/\boption apiKey\b/, isAnthropic ? "ANTHROPIC_API_KEY" : "OPENAI_API_KEY");
}

/** An error of a run. What an outage stopped can be taken up later, where it was kept. */
export function inCommands(
  error: LoophostError,
  provider: string,
  stored: StoredRun | undefined,
): LoophostError {
  const isOutage = isTransient(error) || error.code === "store_failed" || error.code === "host_unreachable";
  if (!isOutage || stored === undefined) return inFlags(error, provider);
  // A message the host never got cannot be resumed; one it may have got must not be sent again.
  const isUnsaid = provider === "claude" && error.result?.turns === 0 && error.mayRetry !== false;
  const wayOut = isUnsaid
    ? `The host had not begun: say it again with --session ${stored.sessionId}.`
    : `To go on: ${resumeLine(stored)}`;
  return reword(error, `${sentence(inVariables(error.message, provider))}${pause(error)} ${wayOut}`);
}

/** An error with another message, and the exit code it had. */
export function reword(error: LoophostError, message: string): LoophostError {
  return new LoophostError(error.code, message, { cause: error });
}

/** The pause a rate-limited service asks for (429). */
function pause({ status, retryAfterMs }: LoophostError): string {
  return status === 429 && retryAfterMs !== undefined ? ` It asks to wait ${formatMs(retryAfterMs)}.` : "";
}

function sentence(text: string, end = "."): string {
  return `${text.replace(/\.$/, "")}${end}`;
}
