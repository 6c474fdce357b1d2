/**
 * The journal of a session: what was done about each tool call, written before anyone is told.
 *
 *   J1  "started" is written before a tool runs, its result before the result is posted (I3)
 *   J2  a call with a recorded result is never executed again, whatever the host says (I2)
 *   J3  without a store the journal lives in memory for as long as the session, holding ids once results are posted
 */

import { LoophostError, toLoophostError } from "./errors.ts";
import type { Json, JsonObject } from "./json.ts";
import { isObject } from "./json.ts";
import type { ToolResult } from "./results.ts";
import type { Store } from "./store.ts";

/** What is written to a session's log. */
export type JournalEntry =
  | { readonly type: "session.opened"; readonly agent: string; readonly provider: string }
  | { readonly type: "run.started"; readonly runId: string; readonly input: readonly unknown[] }
  | { readonly type: "call.started"; readonly id: string; readonly name: string; readonly input: unknown }
  | { readonly type: "call.finished"; readonly id: string; readonly result: ToolResult }
  | { readonly type: "calls.posted"; readonly ids: readonly string[] }
  | { readonly type: "turn.ended"; readonly turn: number; readonly ending: string }
  | { readonly type: "run.ended"; readonly runId: string; readonly ending: string }
  | { readonly type: "run.failed"; readonly runId: string; readonly code: string; readonly message: string };

/** How far a call came, as far as is recorded. */
export type CallRecord =
  | { readonly state: "started" }
  | { readonly state: "finished"; readonly result: ToolResult }
  | { readonly state: "posted" };

const PAGE = 1_000;

/** The journal of one session, over a store or over memory alone. */
export class Journal {
  readonly #calls = new Map<string, CallRecord>();
  readonly #store: Store | undefined;
  readonly #id: string;
  #fence = 0;

  private constructor(store: Store | undefined, id: string) {
    this.#store = store;
    this.#id = id;
  }

  /**
   * Takes over a session's journal and folds what it holds.
   *
   * @throws LoophostError `store_failed` when the store cannot be read
   */
  static async open(store: Store | undefined, sessionId: string): Promise<Journal> {
    const journal = new Journal(store, sessionId);
    if (store === undefined) return journal;
    try {
      journal.#fence = await store.log.claim(sessionId);
      for (let after = 0, more = true; more;) {
        const page = await store.log.read(sessionId, after, PAGE);
        for (const { entry } of page) journal.#fold(entry);
        after = page.at(-1)?.seq ?? after;
        more = page.length === PAGE;
      }
    } catch (thrown) {
      throw toLoophostError(
        thrown,
        "store_failed",
        `The journal of session ${sessionId} could not be opened`,
      );
    }
    return journal;
  }

  /** What is recorded of a call. */
  call(id: string): CallRecord | undefined {
    return this.#calls.get(id);
  }

  /**
   * Records an entry; resolves once it is durable. Undefined where there is nothing to wait for, so that a session
   * without a store pays for no promise.
   */
  record(entry: JournalEntry): Promise<void> | undefined {
    this.#foldEntry(entry);
    return this.#store === undefined ? undefined : this.#append(this.#store, entry);
  }

  async #append(store: Store, entry: JournalEntry): Promise<void> {
    try {
      await store.log.append(this.#id, this.#fence, [toJson(entry)]);
    } catch (thrown) {
      throw toLoophostError(
        thrown,
        "store_failed",
        `The journal of session ${this.#id} could not be written`,
      );
    }
  }

  #fold(entry: Json): void {
    if (!isObject(entry) || typeof entry["type"] !== "string") {
      throw new LoophostError(
        "store_failed",
        `The journal of session ${this.#id} holds an entry that is not one of ours.`,
      );
    }
    // oxlint-disable-next-line no-unsafe-type-assertion -- parse boundary: `record` alone writes entries; unknown types are ignored
    this.#foldEntry(entry as unknown as JournalEntry);
  }

  #foldEntry(entry: JournalEntry): void {
    if (entry.type === "call.started") this.#calls.set(entry.id, { state: "started" });
    else if (entry.type === "call.finished")
      this.#calls.set(entry.id, { state: "finished", result: entry.result });
    else if (entry.type === "calls.posted")
      for (const id of entry.ids) this.#calls.set(id, { state: "posted" });
  }
}

/** Journal entries are plain data: inputs came from JSON, results are checked when they are made. */
function toJson(entry: JournalEntry): Json {
  // oxlint-disable-next-line no-unsafe-type-assertion -- see above; the compiler cannot know it of `unknown` inputs
  return entry as unknown as JsonObject;
}
