/** The commands that go on with a stored session, complete: they work in any shell in this folder, whatever it has set. */

import { formatWord } from "../screen/format.ts";

/** What such a command is written with. Who runs the session, and where, is on record in the store. */
export interface StoredRun {
  readonly sessionId: string;
  readonly agentFile: string;
  readonly storeFile: string;
  /** The model that was named instead of the agent's own. */
  readonly model: string | undefined;
}

/** Takes up what the session has open. */
export function resumeLine(stored: StoredRun): string {
  return `loophost resume ${stored.sessionId} ${rest(stored)}`;
}

/** Allows a call that waits. */
export function approveLine(stored: StoredRun, callId: string): string {
  return `loophost approve ${stored.sessionId} ${formatWord(callId)} ${rest(stored)}`;
}

function rest({ agentFile, storeFile, model }: StoredRun): string {
  const words = [agentFile, "--store", storeFile, ...(model === undefined ? [] : ["--model", model])];
  return words.map(formatWord).join(" ");
}
