/** The result of a session's last run, waited for from any process. */

import { LoophostError, toLoophostError } from "../core/errors.ts";
import { toFold } from "../core/journal/entry.ts";
import type { SessionResult } from "../core/results.ts";
import { ResultFold } from "../core/session/fold-result.ts";
import { isAboutRun, itemsOf, readItem } from "./inbox.ts";
import { Looks } from "./looks.ts";
import type { RefParts } from "./ref.ts";
import { SameSession } from "./same-session.ts";

const PAGE = 1_000;

/** The result of the last run, once no run is open and no message waits. */
export async function resultOf(
  id: string,
  parts: RefParts,
  signal: AbortSignal | undefined,
): Promise<SessionResult> {
  const { store } = parts;
  const fold = new ResultFold(id);
  const looks = new Looks(id, parts);
  const session = new SameSession(store, id);
  let after = 0;
  try {
    for (;;) {
      if (signal?.aborted === true)
        throw new LoophostError("aborted", "Waiting for the result was aborted; the session goes on.", {
          cause: signal.reason,
        });
      if (await session.isGone()) throw new LoophostError("session_not_found", `Session ${id} was deleted.`);
      // First what waits, then the log: an item that is taken in between is in the log by then.
      const asked = await askedOf(id, parts);
      for (let page = await store.log.read(id, after, PAGE); page.length > 0;) {
        for (const { seq, entry } of page) {
          fold.apply(toFold(entry));
          after = seq;
        }
        page = await store.log.read(id, after, PAGE);
      }
      const state = fold.state();
      if (
        state.is === "over" &&
        !asked.has(state.result.terminal === "requires_action" ? "decision" : "message")
      )
        return state.result;
      if (state.is === "failed" && !asked.has("message")) throw state.error;
      if (state.is === "none" && !asked.has("message"))
        throw new LoophostError("invalid_options", `Nothing was asked of session ${id} yet: send() first.`);
      await looks.next(signal);
    }
  } catch (thrown) {
    throw toLoophostError(thrown, "store_failed", `The log of session ${id} could not be read`);
  } finally {
    looks.close();
  }
}

/** What waits in the inbox: a message, which a run will come of, or something that moves a run on that waits. */
export async function askedOf(id: string, { store }: RefParts): Promise<ReadonlySet<"message" | "decision">> {
  const asked = new Set<"message" | "decision">();
  for await (const posted of itemsOf(store, id)) {
    // What a newer release asks may be either.
    const item = readItem(posted)?.item;
    if (item === undefined || item.ask === "message") asked.add("message");
    if (item === undefined || isAboutRun({ item })) asked.add("decision");
    if (asked.size === 2) break;
  }
  return asked;
}
