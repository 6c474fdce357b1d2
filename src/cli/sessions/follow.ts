/** A session as a person, or a script, follows it from outside: what is on record of it, and what comes. */

import { LoophostError } from "../../core/errors.ts";
import type { FollowedEvent } from "../../sessions/index.ts";
import { waitingLines } from "../agent/go-on.ts";
import type { ExitCode } from "../exit.ts";
import { EXIT, EXIT_OF_ERROR, exitCodeOfEnding, INTERRUPTED } from "../exit.ts";
import { Progress } from "../screen/progress.ts";
import type { CreatedSession } from "./created.ts";

/** How it is followed. */
export interface FollowFlags {
  /** The `seq` of the last event that was seen; from the first when absent. */
  readonly after?: number | undefined;
  /** Whether it ends once nothing is under way and nothing that was asked is left to be done. */
  readonly untilIdle: boolean;
  /** Whether JSON has deltas, too; a terminal always shows them. */
  readonly deltas?: boolean | undefined;
  readonly isJson: boolean;
  readonly signal: AbortSignal;
}

/**
 * Follows a session. Where it ends by itself, the exit code says how the last run did.
 *
 * @throws LoophostError `aborted` when it is stopped before
 */
export async function followSession(session: CreatedSession, flags: FollowFlags): Promise<ExitCode> {
  const { chat } = session;
  const { after, untilIdle, isJson, signal } = flags;
  const deltas = isJson ? flags.deltas === true : process.stdout.isTTY;
  const screen = isJson ? undefined : new Progress(process.stdout, process.stderr);
  let code: ExitCode = EXIT.ok;
  for await (const event of chat.follow({ after, untilIdle, deltas, signal })) {
    if (screen === undefined) console.log(JSON.stringify(event));
    else show(event, screen, session);
    code = codeAfter(event) ?? code;
  }
  if (!untilIdle) return EXIT.ok;
  // Its run is not over: a 0 would be taken for one that was.
  if (signal.aborted) throw new LoophostError("aborted", `${INTERRUPTED}; the session goes on.`);
  return code;
}

function show(event: FollowedEvent, screen: Progress, { kept, chat }: CreatedSession): void {
  screen.show(event);
  if (event.type === "run.failed") screen.note(`  failed: ${event.message}`, "red");
  else if (event.type === "run.ended" && event.ending !== "completed")
    screen.note(`  ended: ${event.ending}`);
  else if (event.type === "run.waiting") {
    const stored = { sessionId: chat.id, agentFile: undefined, storeFile: kept.file, needsAgent: false };
    for (const line of event.on.flatMap((call) => waitingLines(call, stored))) screen.note(line, "plain");
  }
}

function codeAfter(event: FollowedEvent): ExitCode | undefined {
  if (event.type === "run.ended") return exitCodeOfEnding(event.ending);
  if (event.type === "run.failed") return EXIT_OF_ERROR[event.code];
  return event.type === "run.waiting" ? EXIT.noAnswer : undefined;
}
