/**
 * What a worker asks its application before it opens a session, bounded and failing closed: a callback that hangs would keep its
 * place, and a drain, for ever; one that throws would be taken for a fault of the loop host.
 */

import { onAbort } from "../core/async/abort.ts";
import { deadline } from "../core/async/deadline.ts";
import type { Clock } from "../core/clock.ts";
import { LoophostError } from "../core/errors.ts";
import type { ShownAgent } from "../core/journal/entry.ts";
import type { ServedAgent, SessionFacts } from "./options.ts";

/** How long `context` may take, in milliseconds. */
const MAX_CONTEXT_MS = 30_000;

/**
 * What tools get as context.
 *
 * @throws LoophostError `timeout` after 30 s; the signal's reason once it aborts; what `context` throws
 */
export async function contextOf(
  { agent, context }: ServedAgent,
  facts: SessionFacts,
  clock: Clock,
  signal: AbortSignal,
): Promise<unknown> {
  if (context === undefined) return undefined;
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = deadline(clock, MAX_CONTEXT_MS, () =>
    reject(new LoophostError("timeout", `context() of agent "${agent.name}" gave nothing for 30 s.`)),
  );
  const unlink = onAbort([signal], reject);
  try {
    return await Promise.race([context(facts), late]);
  } finally {
    cancel();
    unlink();
  }
}

/** Whether a session may go on with an agent that has changed: only `true`, said at once, is a yes. */
export function mayChange({ accepts }: ServedAgent): boolean | ((before: ShownAgent) => boolean) {
  if (accepts === undefined) return true;
  return (before) => {
    try {
      const said: unknown = accepts(before);
      // A promise is no answer; what it rejects with is nobody's unhandled rejection.
      if (said instanceof Promise) said.catch(() => undefined);
      return said === true;
    } catch {
      return false;
    }
  };
}
