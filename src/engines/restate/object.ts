/**
 * What Restate keeps of a session: a virtual object with its id as its key, whose one handler is an activation. A surplus wake is
 * an invocation with nothing to do; idempotency keys bound how many of them wait.
 *
 *   R1  one key merges a wake into an invocation that has not ended, also into the one that asks for it, which would be a wake
 *       lost: an activation that has to be run again is asked for under the other of two keys
 *   R2  nothing is journalled but that the handler was called: any release can go on with what another began
 */

import type * as restate from "@restatedev/restate-sdk";

import { fromKey } from "./keys.ts";

/** Which of two keys an invocation goes by, if it was asked for by the one before it. */
export type Turn = "odd" | "even";

type Sdk = Pick<typeof restate, "object" | "handlers">;

const DAY_MS = 24 * 60 * 60_000;

/**
 * The virtual object of an application's sessions.
 *
 * @param run runs a session until it rests, and wakes it if it is to be run again; by which key was given to the wake before
 */
export function virtualObject(
  { object, handlers }: Sdk,
  name: string,
  run: (id: string, turn: Turn | undefined) => Promise<void>,
): restate.EndpointOptions["services"][number] {
  return object({
    name,
    description: "Sessions: runs one until it rests.",
    handlers: {
      activate: handlers.object.exclusive(
        // By default a turn of more than a minute is suspended, and begun again for ever.
        { inactivityTimeout: DAY_MS, abortTimeout: DAY_MS },
        // It goes on when the connection is lost; the next attempt joins it, or waits for it on another worker.
        (ctx: restate.ObjectContext, turn?: Turn) => run(fromKey(ctx.key), turn),
      ),
    },
    options: {
      // Done is done: what there is to know stands in the store.
      journalRetention: 0,
      idempotencyRetention: 0,
      // By default Restate gives up after an hour without workers.
      retryPolicy: {
        initialInterval: 50,
        maxInterval: 5_000,
        exponentiationFactor: 2,
        maxAttempts: 2 ** 31 - 1,
      },
    },
  });
}
