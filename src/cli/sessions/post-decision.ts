/** Posts a decision about a call to the inbox of its session: the worker that runs it acts on it. */

import { isDeepStrictEqual } from "node:util";

import { LoophostError } from "../../core/errors.ts";
import type { ToolResult } from "../../core/results.ts";
import { resultText } from "../../core/results.ts";
import type { CallDecision, DecisionReceipt, SessionRef } from "../../sessions/index.ts";
import { waitingLines } from "../agent/go-on.ts";
import type { ExitCode } from "../exit.ts";
import { EXIT } from "../exit.ts";
import { printable, shorten } from "../screen/format.ts";
import { readWaitingCalls } from "../stored/waiting-calls.ts";
import type { CreatedSession } from "./created.ts";

/** A decision about a call, or its result. */
export type Verdict =
  | { readonly is: "allow" }
  | { readonly is: "refuse"; readonly why: string | undefined }
  | { readonly is: "answer"; readonly result: ToolResult };

/**
 * Posts it, and says which decision counts: the first one.
 *
 * @throws LoophostError `invalid_options` when there is no such call, it was stopped, or it waits for something else; `already_decided` when it was decided otherwise before
 */
export async function postDecision(
  { kept, chat }: CreatedSession,
  callId: string,
  verdict: Verdict,
  isJson: boolean,
): Promise<ExitCode> {
  const call = (await readWaitingCalls(kept.store, chat.id)).find(({ id }) => id === callId);
  if (call !== undefined) {
    const stored = { sessionId: chat.id, agentFile: undefined, storeFile: kept.file, needsAgent: false };
    const isFit = (call.what === "answer") === (verdict.is === "answer");
    for (const line of waitingLines(call, isFit ? undefined : stored)) console.error(printable(line));
  }

  const receipt = await post(chat, callId, verdict);
  if (isJson) console.log(JSON.stringify(receipt));
  const { applied, decision } = receipt;
  if (applied || isSame(decision, verdict)) {
    const before = applied ? "" : "It was decided so before: ";
    if (!isJson) console.log(`${before}call ${callId} is ${describe(decision)}. A worker goes on with it.`);
    return EXIT.ok;
  }
  throw new LoophostError(
    "already_decided",
    `Call "${callId}" was decided before, and that counts: it is ${describe(decision)}.`,
  );
}

function post(chat: SessionRef, callId: string, verdict: Verdict): Promise<DecisionReceipt> {
  if (verdict.is === "answer") return chat.answer(callId, verdict.result);
  return verdict.is === "allow" ? chat.approve(callId) : chat.deny(callId, { why: verdict.why });
}

function isSame({ allow, result }: CallDecision, verdict: Verdict): boolean {
  if (verdict.is === "answer") return isDeepStrictEqual(result, verdict.result);
  return result === undefined && allow === (verdict.is === "allow");
}

function describe({ allow, why, result }: CallDecision): string {
  if (result !== undefined) return `answered: ${JSON.stringify(shorten(resultText(result), 200))}`;
  if (allow) return "allowed";
  return why === undefined ? "refused" : `refused: ${JSON.stringify(shorten(why, 200))}`;
}
