/**
 * The journal of a session: what was done, written before anyone is told.
 *
 *   J1  "started" is written before a tool runs, its result before the result is posted (I3)
 *   J2  a call with a recorded result is never executed again, whatever the host says (I2)
 *   J3  without a store the journal lives in memory for as long as the session, holding ids once results are posted
 */

import type { Agent } from "./agent.ts";
import { LoophostError, toLoophostError } from "./errors.ts";
import type { Json, JsonObject } from "./json.ts";
import { isObject } from "./json.ts";
import type { Ownership, OwnershipOptions } from "./ownership.ts";
import type { Provider } from "./provider.ts";
import type { JournalEntry, ShownAgent } from "./recorded.ts";
import { Recorded } from "./recorded.ts";
import type { updateIndex } from "./session-index.ts";
import type { Store } from "./store.ts";
import type { TranscriptMessage } from "./transcript.ts";

/** Where a journal is kept. */
interface Kept {
  readonly store: Store;
  readonly ownership: Ownership;
  readonly updateIndex: typeof updateIndex;
  readonly id: string;
}

const PAGE = 1_000;

/** The journal of one session, over a store or over memory alone. */
export class Journal {
  /** What is recorded, up to the last entry. */
  readonly recorded: Recorded = new Recorded();
  readonly #kept: Kept | undefined;

  private constructor(kept: Kept | undefined) {
    this.#kept = kept;
  }

  /**
   * Becomes the owner of a session's journal and folds what it holds.
   *
   * @throws LoophostError `session_owned`, or `store_failed` when the store cannot be read
   */
  static async open(store: Store | undefined, how: Omit<OwnershipOptions, "log">): Promise<Journal> {
    if (store === undefined) return new Journal(undefined);
    const id = how.sessionId;
    const doing = `The journal of session ${id} could not be opened`;
    // Loaded with the first store: whoever keeps nothing carries nothing of it.
    const { Ownership } = await import("./ownership.ts");
    const { updateIndex } = await import("./session-index.ts");
    const ownership = await Ownership.claim({ ...how, log: store.log }).catch((thrown: unknown) => {
      throw toLoophostError(thrown, "store_failed", doing);
    });
    const journal = new Journal({ store, ownership, updateIndex, id });
    try {
      await journal.#read(store, id);
      return journal;
    } catch (thrown) {
      await ownership.release();
      throw toLoophostError(thrown, "store_failed", doing);
    }
  }

  /** Whether what is recorded outlives the process. */
  get isKept(): boolean {
    return this.#kept !== undefined;
  }

  /** The conversation so far, for a provider that cannot know it by itself; undefined when there is none. */
  historyFor(provider: Provider): readonly TranscriptMessage[] | undefined {
    const { transcript } = this.recorded;
    return provider.traits.history === "here" && transcript.length > 0 ? transcript : undefined;
  }

  /**
   * Begins to record for an agent on a provider.
   *
   * @throws LoophostError `invalid_options` when the session belongs to another provider, `agent_changed` when the agent is not the
   * one it was begun with and that was not accepted
   */
  async begin(agent: Agent, provider: Provider, mayChange: boolean): Promise<void> {
    if (!this.isKept) return;
    const before = this.recorded.opened;
    if (before !== undefined && before.provider !== provider.name) {
      throw new LoophostError(
        "invalid_options",
        `This session was begun with ${before.provider}, not with ${provider.name}.`,
      );
    }
    const shown = showAgent(agent);
    const changed = PARTS.filter((part) => before?.shown[part] !== shown[part]);
    if (changed.length === 0) return;
    if (before !== undefined && !mayChange) {
      throw new LoophostError(
        "agent_changed",
        `Agent "${agent.name}" is not the one this session was begun with: its ${changed.join(" and ")} changed. ` +
          'To go on with it as it is now, open the session with agentChanged: "accept".',
      );
    }
    await this.record({ type: "session.opened", agent: agent.name, shown, provider: provider.name });
  }

  /**
   * Records an entry; resolves once it is durable. Undefined where there is nothing to wait for, so that a session
   * without a store pays for no promise.
   */
  record(entry: JournalEntry): Promise<void> | undefined {
    this.recorded.apply(entry);
    return this.isKept ? this.#append(entry) : undefined;
  }

  /** Calls back when somebody else became the owner of the session. */
  whenLost(callback: (error: LoophostError) => void): void {
    this.#kept?.ownership.whenLost(callback);
  }

  /** Lets go of the session. */
  async close(): Promise<void> {
    await this.#kept?.ownership.release();
  }

  async #append(entry: JournalEntry): Promise<void> {
    if (this.#kept === undefined) return;
    const { store, ownership, id } = this.#kept;
    try {
      await store.log.append(id, ownership.fence, [toJson(entry)]);
      await this.#kept.updateIndex(store, id, entry, this.recorded);
    } catch (thrown) {
      throw toLoophostError(thrown, "store_failed", `The journal of session ${id} could not be written`);
    }
  }

  async #read(store: Store, id: string): Promise<void> {
    for (let after = 0, isMore = true; isMore;) {
      const page = await store.log.read(id, after, PAGE);
      for (const { entry } of page) this.recorded.apply(fromJson(entry, id));
      after = page.at(-1)?.seq ?? after;
      isMore = page.length === PAGE;
    }
  }
}

const PARTS = ["instructions", "model", "tools", "output"] as const;

function showAgent({ instructions, model, tools, output }: Agent): ShownAgent {
  const described = tools.map(({ name, description, schema }) => [name, description, schema.jsonSchema]);
  return {
    instructions,
    model: model ?? "",
    tools: JSON.stringify(described),
    output: JSON.stringify(output?.schema.jsonSchema ?? null),
  };
}

/** Journal entries are plain data: inputs came from JSON, results are checked when they are made. */
function toJson(entry: JournalEntry): Json {
  // oxlint-disable-next-line no-unsafe-type-assertion -- see above; the compiler cannot know it of `unknown` inputs
  return entry as unknown as JsonObject;
}

function fromJson(entry: Json, sessionId: string): JournalEntry {
  if (!isObject(entry) || typeof entry["type"] !== "string") {
    throw new LoophostError(
      "store_failed",
      `The journal of session ${sessionId} holds an entry that is not one of ours.`,
    );
  }
  // oxlint-disable-next-line no-unsafe-type-assertion -- parse boundary: `record` alone writes entries; unknown types are ignored
  return entry as unknown as JournalEntry;
}
