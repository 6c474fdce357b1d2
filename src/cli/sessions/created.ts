/** A session that was made with create(): what is asked of it goes to its inbox, whichever process runs it. */

import { isObject } from "../../core/json.ts";
import type { Store } from "../../core/store.ts";
import type { SessionRef } from "../../sessions/index.ts";
import { sessions } from "../../sessions/index.ts";
import type { OpenStore } from "../stored/open-store.ts";
import { openExistingStore, storeFile } from "../stored/open-store.ts";
import type { ChosenEngine, EngineFlags } from "./engine.ts";
import { chooseEngine } from "./engine.ts";

/** Such a session, and the store it is in. Disposing of it closes the engine and the bus it was reached by. */
export interface CreatedSession extends AsyncDisposable {
  readonly kept: OpenStore;
  readonly chat: SessionRef;
}

/** Whether a session was made with create(), as the first entry of its log says. */
export async function wasCreated(store: Store, sessionId: string): Promise<boolean> {
  const [first] = await store.log.read(sessionId, 0, 1);
  return isObject(first?.entry) && first.entry["type"] === "session.created";
}

/**
 * The session, when it was made with create(); undefined for any other, also for one that is not there or when no store is
 * named.
 *
 * @throws LoophostError `store_failed` when the store is not there, or cannot be opened
 */
export async function openCreated(
  command: string,
  flags: EngineFlags & { readonly store?: string | undefined },
  sessionId: string,
): Promise<CreatedSession | undefined> {
  const file = storeFile(flags.store);
  if (file === undefined) return undefined;
  const chosen = await chooseEngine(command, flags, file);
  const kept = await openExistingStore(file);
  if (!(await wasCreated(kept.store, sessionId))) {
    await kept[Symbol.asyncDispose]();
    return undefined;
  }
  const session = talkTo(kept, sessionId, chosen);
  return {
    ...session,
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
      await kept[Symbol.asyncDispose]();
    },
  };
}

/** A session of a store, to be talked to; the store stays open. */
export function talkTo(kept: OpenStore, sessionId: string, chosen: ChosenEngine): CreatedSession {
  const app = sessions({ store: kept.store, ...chosen });
  return { kept, chat: app.get(sessionId), [Symbol.asyncDispose]: () => app.close() };
}
