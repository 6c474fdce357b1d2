/**
 * The shell commands that continue a stored session, complete: they work in any shell in this folder, whatever
 * variables it has.
 */

import type { WaitingCall } from "../../core/events.ts";
import { formatWord } from "../screen/format.ts";
import { callLines } from "../screen/waiting-call.ts";

/** What such a command is written with. Who runs the session, and where, is on record in the store. */
export interface StoredRun {
  readonly sessionId: string;
  /** Undefined where it is not known. */
  readonly agentFile: string | undefined;
  readonly storeFile: string;
  /** False for a session that workers run: what is said of it needs no agent. */
  readonly needsAgent?: boolean | undefined;
  /** The model that was named instead of the agent's own. */
  readonly model?: string | undefined;
}

/** The command that resumes the session's unfinished work. */
export function resumeLine(stored: StoredRun): string {
  return commandLine("resume", stored);
}

/** The command that says something in the session: a run that was stopped is over, and there is nothing of it to resume. */
export function sayLine({ sessionId, agentFile = "<agent-file>", storeFile, model }: StoredRun): string {
  const where = [
    "--session",
    sessionId,
    "--store",
    storeFile,
    ...(model === undefined ? [] : ["--model", model]),
  ];
  return `loophost run ${formatWord(agentFile)} "<message>" ${where.map(formatWord).join(" ")}`;
}

/** A call that waits, whole, with the commands that decide about it. */
export function waitingLines(call: WaitingCall, stored: StoredRun | undefined): readonly string[] {
  const [head = "", ...lines] = callLines(call);
  const shown = [`  ? ${head}  waits for ${call.what === "answer" ? "an answer" : "approval"}`, ...lines];
  if (stored === undefined) return shown;
  const way = (command: string) => commandLine(command, stored, call.id);
  return [
    ...shown,
    ...(call.what === "answer"
      ? [`    to answer: ${way("answer")} "<text>"`]
      : [`    to allow:  ${way("approve")}`, `    to deny:   ${way("deny")}`]),
  ];
}

function commandLine(command: string, stored: StoredRun, callId?: string): string {
  const { sessionId, agentFile, storeFile, model, needsAgent = true } = stored;
  const words = [
    "loophost",
    command,
    formatWord(sessionId),
    callId === undefined ? undefined : formatWord(callId),
    needsAgent ? (agentFile === undefined ? "<agent-file>" : formatWord(agentFile)) : undefined,
    "--store",
    formatWord(storeFile),
    ...(model === undefined ? [] : ["--model", formatWord(model)]),
  ];
  return words.filter((word) => word !== undefined).join(" ");
}
