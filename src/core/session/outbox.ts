/**
 * What goes to the host: inputs once, answers to calls until they are there.
 *
 *   O1  an input that is not an answer is sent once; whether an ambiguous one arrived is for the connection to find out (I5)
 *   O2  an answer is sent again while that may help; its tool is not run again (I3)
 *   O3  an answer counts as posted once the journal says so
 */

import { DEFAULT_RETRY, withRetry } from "../async/retry.ts";
import type { Clock } from "../clock.ts";
import type { LoophostError } from "../errors.ts";
import { toLoophostError } from "../errors.ts";
import type { SessionEvent } from "../events.ts";
import type { Watch } from "../execution/watch.ts";
import type { Journal } from "../journal/journal.ts";
import type { LoopInput } from "../loop/state.ts";
import type { Connection, HostInput } from "../provider.ts";

/** What an outbox works with. */
export interface OutboxOptions {
  readonly connection: Connection;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Aborted when the session closes. */
  readonly signal: AbortSignal;
  readonly tell: (event: SessionEvent) => void;
  readonly watch: Watch;
}

/** The way from the loop to the host. */
export class Outbox {
  readonly #options: OutboxOptions;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Sends inputs, once. */
  async send(inputs: readonly HostInput[]): Promise<void> {
    const { connection, signal, watch } = this.#options;
    await watch.send(inputs, () => connection.send(inputs, signal));
  }

  /** Posts answers to calls; gives what the loop is to know of it. */
  async post(ids: readonly string[], answers: readonly HostInput[]): Promise<LoopInput> {
    const { connection, journal, clock, signal, tell, watch } = this.#options;
    try {
      await withRetry(() => watch.send(answers, () => connection.send(answers, signal)), {
        policy: DEFAULT_RETRY,
        clock,
        signal,
        toError: asPostError,
        onRetry: (attempt, delayMs, { message }) =>
          tell({ type: "retrying", attempt, delayMs, reason: message }),
      });
    } catch (thrown) {
      return { type: "post.failed", ids, error: asPostError(thrown) };
    }
    await journal.record({ type: "calls.posted", ids });
    return { type: "posted", ids };
  }
}

function asPostError(thrown: unknown): LoophostError {
  return toLoophostError(thrown, "host_failed", "A tool result could not be posted");
}
