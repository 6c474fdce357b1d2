/**
 * The outbound queue: messages at most once, tool results retried until the host has them or the attempts run out.
 *
 *   O1  at most once: a message is sent once; whether an ambiguous one arrived is for the connection to find out (I5)
 *   O2  a tool result is retried while that may help; its tool does not run again (I3)
 *   O3  a result counts as posted once the journal says so
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

/** Sends what the loop wants to reach the host. */
export class Outbox {
  readonly #options: OutboxOptions;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Sends inputs, without a retry. */
  async send(inputs: readonly HostInput[]): Promise<void> {
    const { connection, signal, watch } = this.#options;
    await watch.send(inputs, () => connection.send(inputs, signal));
  }

  /** Posts tool results with retries; returns the input that tells the loop how it went. */
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
