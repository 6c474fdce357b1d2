/** What the process ends with: the one table of exit codes, and what leads to which line of it. */

import type { ErrorCode } from "../core/errors.ts";
import type { Ending } from "../core/results.ts";

/** The exit codes, by what they mean. */
export const EXIT = {
  ok: 0,
  bug: 1,
  misuse: 2,
  noAgent: 3,
  notEquipped: 4,
  hostFailed: 5,
  noAnswer: 6,
  limit: 7,
  session: 8,
  interrupted: 130,
} as const;

/** What the process may end with. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** How the message of a run that was interrupted begins. */
export const INTERRUPTED = "Interrupted";

/** The table as `--help` shows it. */
export const EXIT_CODES_HELP: string = `Exit codes
    0  the agent finished its turn (end_turn), or the reader of the output went away
    1  the output cannot be written; or anything else, most likely a bug
    2  misuse: an unknown command or flag, a missing argument
    3  the agent file or folder is missing, or is not what it has to be
    4  something is not there: an API key, a package, a Node with TypeScript or SQLite
    5  the loop host or the model was not reached, refused, or failed
    6  the run ended without an answer: refusal, max_tokens, a call waiting for somebody
    7  a limit was reached: time, turns
    8  the session: not there, held by another process, or its store failed
  130  interrupted by Ctrl-C or SIGTERM; a second Ctrl-C leaves at once`;

/** The exit code of a run that reached a terminal. */
export function exitCodeOfEnding(ending: Ending): ExitCode {
  if (ending === "completed") return EXIT.ok;
  return ending === "interrupted" ? EXIT.interrupted : EXIT.noAnswer;
}

/** The exit code of everything that failed, by the error's code. */
export const EXIT_OF_ERROR: Readonly<Record<ErrorCode, ExitCode>> = {
  invalid_options: EXIT.misuse,
  invalid_agent: EXIT.noAgent,
  invalid_tool: EXIT.noAgent,
  agent_changed: EXIT.noAgent,
  missing_dependency: EXIT.notEquipped,
  missing_credentials: EXIT.notEquipped,
  aborted: EXIT.interrupted,
  timeout: EXIT.limit,
  max_turns_exceeded: EXIT.limit,
  halted: EXIT.limit,
  no_output: EXIT.noAnswer,
  slow_consumer: EXIT.limit,
  session_busy: EXIT.bug,
  already_decided: EXIT.misuse,
  session_owned: EXIT.session,
  session_closed: EXIT.hostFailed,
  session_not_found: EXIT.session,
  host_unreachable: EXIT.hostFailed,
  host_rejected: EXIT.hostFailed,
  host_failed: EXIT.hostFailed,
  host_protocol: EXIT.hostFailed,
  reply_too_large: EXIT.hostFailed,
  unresolved_requires_action: EXIT.hostFailed,
  provision_failed: EXIT.hostFailed,
  provision_timeout: EXIT.hostFailed,
  artifact_not_found: EXIT.hostFailed,
  store_failed: EXIT.session,
  store_damaged: EXIT.session,
  stale_owner: EXIT.session,
  inbox_full: EXIT.session,
  worker_lost: EXIT.session,
};
