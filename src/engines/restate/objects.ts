/**
 * What Restate keeps of a session: two virtual objects with its id as their key. `NAME` runs it, one activation at a time.
 * `NAME-wakes` merges wakes: without it a hundred wakes of a session at work would become a queue of a hundred activations
 * in front of its next message.
 *
 *   R1  of the wakes that come before an activation begins, one is kept; one that comes later leads to another activation
 *   R2  what is journalled there has fixed names and nothing of a session in it, so that any release can replay it
 */

import type * as restate from "@restatedev/restate-sdk";

import type { ActivationHost, Rest } from "../../core/engine.ts";
import { fromKey } from "./keys.ts";

/** A wake: when it was asked for, or is due, in milliseconds since 1970 by the clock of whoever sends it. */
export interface Wake {
  readonly at: number;
}

type Sdk = Pick<typeof restate, "object" | "handlers" | "rpc">;
type Services = restate.EndpointOptions["services"];
type ObjectContext = restate.ObjectContext;

const DAY_MS = 24 * 60 * 60_000;
/** A wake that waits for so long is relied upon no more: an operator may have cancelled its activation. */
const RELIED_UPON_MS = 60_000;
const OPTIONS = {
  // Done is done: what there is to know stands in the store.
  journalRetention: 0,
  idempotencyRetention: 0,
  // By default Restate gives up after an hour without workers.
  retryPolicy: { initialInterval: 50, maxInterval: 5_000, exponentiationFactor: 2, maxAttempts: 2 ** 31 - 1 },
} as const;

/** What wakes of the sessions of an application are posted to. */
export function wakesOf(name: string): string {
  return `${name}-wakes`;
}

/** The virtual objects of an application's sessions. */
export function virtualObjects({ object, handlers, rpc }: Sdk, name: string, host: ActivationHost): Services {
  const wakes = object({
    name: wakesOf(name),
    description: "Wakes of sessions: merges those that come before the session runs.",
    handlers: {
      async wake(ctx: ObjectContext, { at }: Wake): Promise<void> {
        const waiting = await ctx.get<number>("waiting");
        if (waiting !== null && Math.abs(at - waiting) < RELIED_UPON_MS) return;
        ctx.set("waiting", at);
        ctx
          .objectSendClient<{ activate: (ctx: ObjectContext) => Promise<void> }>({ name }, ctx.key)
          .activate();
      },
      async begun(ctx: ObjectContext): Promise<void> {
        ctx.clear("waiting");
      },
    },
    options: OPTIONS,
  });
  const sessions = object({
    name,
    description: "Sessions: runs one until it rests.",
    handlers: {
      activate: handlers.object.exclusive(
        // By default a turn of more than a minute is suspended, and begun again for ever.
        { inactivityTimeout: DAY_MS, abortTimeout: DAY_MS },
        async (ctx: ObjectContext): Promise<void> => {
          await ctx.objectClient(wakes, ctx.key).begun();
          // It goes on when the connection is lost; the next attempt joins it, or waits for it on another worker.
          const again = await ctx.run("activation", async () =>
            toWake(await host.activate(fromKey(ctx.key))),
          );
          if (again === null) return;
          const { at, delay } = again;
          ctx.objectSendClient(wakes, ctx.key).wake({ at }, rpc.sendOpts({ delay }));
        },
      ),
    },
    options: OPTIONS,
  });
  return [wakes, sessions];
}

/** How a session that rests is woken, if it is to be. */
function toWake(rest: Rest): (Wake & { readonly delay: number }) | null {
  const now = Date.now();
  if (rest.now === "again") return { at: now + rest.afterMs, delay: rest.afterMs };
  if (rest.wakeAt === undefined) return null;
  const at = rest.wakeAt.getTime();
  return { at, delay: Math.max(0, at - now) };
}
