/** Saying something to a session from outside: it goes to the session's inbox, and a worker to the agent with it. */

import { LoophostError } from "../../core/errors.ts";
import { placeOfEnd } from "../../sessions/follow.ts";
import { sessions } from "../../sessions/index.ts";
import type { MessageOptions } from "../../sessions/index.ts";
import type { ExitCode } from "../exit.ts";
import { EXIT } from "../exit.ts";
import type { OpenStore } from "../stored/open-store.ts";
import { mustFind } from "../stored/open-store.ts";
import { talkTo, wasCreated } from "./created.ts";
import type { ChosenEngine } from "./engine.ts";
import { followSession } from "./follow.ts";

/** What is said, and how. */
export interface Message extends MessageOptions {
  readonly text: string;
  /** The agent of a session that is made if it is not there. */
  readonly agent?: string | undefined;
  readonly tenant?: string | undefined;
  /** Whether it is followed until nothing is left to be done. */
  readonly isFollowed: boolean;
  readonly isJson: boolean;
}

/**
 * Sends it; it is durable when this resolves.
 *
 * @throws LoophostError `session_not_found` without an `agent`; `invalid_options` for a session that no worker runs
 */
export async function sendTo(
  kept: OpenStore,
  chosen: ChosenEngine,
  sessionId: string,
  { text, agent, tenant, isFollowed, isJson, ...how }: Message,
  signal: AbortSignal,
): Promise<ExitCode> {
  if (agent !== undefined) await sessions({ store: kept.store }).create(agent, { id: sessionId, tenant });
  else {
    await mustFind(kept, sessionId);
    if (!(await wasCreated(kept.store, sessionId)))
      throw new LoophostError(
        "invalid_options",
        `Session ${sessionId} was not made with create(). Say it with: loophost run <agent-file> "…" --session ${sessionId}`,
      );
  }
  await using session = talkTo(kept, sessionId, chosen);
  const after = isFollowed ? await placeOfEnd(kept.store, sessionId) : 0;
  const receipt = await session.chat.send(text, how);
  if (isFollowed) return await followSession(session, { after, untilIdle: true, isJson, signal });
  const sentBefore = receipt.isNew ? "" : " It was sent before under this key, and is there once.";
  console.log(
    isJson ? JSON.stringify(receipt) : `Sent to ${sessionId}; a worker goes on with it.${sentBefore}`,
  );
  return EXIT.ok;
}
