/**
 * The journal of a session: what was done, written before anyone is told.
 *
 *   J1  "started" is written before a tool runs, its result before the result is posted (I3)
 *   J2  a call with a recorded result is never executed again, whatever the host says (I2)
 *   J3  without a store the journal lives in memory for as long as the session, holding ids once results are posted
 */

import type { Agent } from "../agent.ts";
import type { LoophostError } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import type { Provider } from "../provider.ts";
import type { JournalEntry, JournalFacts, ShownAgent } from "./entry.ts";

/** Whether a session may go on with an agent that is not the one it was begun with; as a function, by what that one was. */
export type MayChange = boolean | ((before: ShownAgent) => boolean);

/** The journal of one session. */
export interface Journal {
  /** Whether what is recorded outlives the process. */
  readonly isDurable: boolean;
  /** What is recorded, up to the last entry. */
  readonly recorded: JournalFacts;
  /**
   * Begins to record for an agent on a provider.
   *
   * @throws LoophostError `invalid_options` when the session belongs to another provider, `agent_changed` when the agent is not the
   * one it was begun with and that was not accepted
   */
  begin(agent: Agent, provider: Provider, mayChange: MayChange): Promise<void>;
  /**
   * Records an entry; resolves once it is durable. Undefined where there is nothing to wait for, so that a session
   * without a store pays for no promise.
   */
  record(entry: JournalEntry): Promise<void> | undefined;
  /**
   * Records what readers are shown together with the next write, where the journal was asked to; free of cost
   * elsewhere.
   *
   * @param isPast whether it is from before the session was taken up: then one without an id of the host's is known from
   *   what is on record here, and so are the events it was told with
   */
  readonly tell?: ((event: SessionEvent, isPast?: boolean) => void) | undefined;
  /** How many events readers were shown, including those not written yet. */
  readonly told?: number | undefined;
  /** Calls back once, when an entry could not be written or somebody else became the owner of the session. */
  whenLost(callback: (error: LoophostError) => void): void;
  /** Waits for what is being written, then releases the session for its next owner; what cannot be written is told by `whenLost`. */
  close(): Promise<void>;
}
