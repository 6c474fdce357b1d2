/**
 * Interrupts a session and waits until it is idle, which the host requires before it is archived or deleted. Its events
 * decide: its status lags behind them, both ways.
 */

import { sleep } from "../../../core/async/abort.ts";
import { atLeast, checkOptions } from "../../../core/check-options.ts";
import { LoophostError } from "../../../core/errors.ts";
import type { CallOptions, Requests, ClaudeWireObject } from "../api/requests.ts";
import { pathTo } from "../api/requests.ts";

/** How a session is archived or deleted. */
export interface StopOptions extends CallOptions {
  /** Milliseconds a working session has to become idle after the interrupt. Default 60 000. */
  readonly stopTimeoutMs?: number | undefined;
}

const FIRST_WAIT_MS = 50;
const MAX_WAIT_MS = 2_000;

/** Does what the host refuses while a session is working, after interrupting it. */
export async function atRest<T>(
  requests: Requests,
  id: string,
  work: () => Promise<T>,
  { stopTimeoutMs = 60_000, signal = new AbortController().signal }: StopOptions = {},
): Promise<T> {
  checkOptions(`Session ${id}`, { stopTimeoutMs }, { stopTimeoutMs: atLeast(0) });
  const { clock } = requests;
  const { status } = await requests.read(["sessions", id], {}, { signal });
  if (!AT_WORK.has(status)) return work();

  const until = clock.now() + stopTimeoutMs;
  let interrupted: string | undefined;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, MAX_WAIT_MS)) {
    const turn = await findOpenTurn(requests, id, signal);
    const isOver = clock.now() >= until;
    if (turn === undefined) {
      try {
        return await work();
      } catch (thrown) {
        if (isOver || !isRefusal(thrown)) throw thrown;
      }
    } else if (isOver) {
      throw stillAtWork(id, stopTimeoutMs);
    } else if (turn !== interrupted) {
      // Once per turn: a queued message begins another one.
      await requests.repeat(() => requests.api.post(pathTo(["sessions", id, "events"]), INTERRUPT, signal), {
        signal,
      });
      interrupted = turn;
    }
    await sleep(waitMs, clock, signal);
  }
}

const AT_WORK: ReadonlySet<unknown> = new Set(["running", "rescheduling"]);
const INTERRUPT = { events: [{ type: "user.interrupt" }] };
const BEGINS: ReadonlySet<unknown> = new Set(["session.status_running", "session.status_rescheduled"]);
const ENDS: ReadonlySet<unknown> = new Set(["session.status_idle", "session.status_terminated"]);

/** The event that says a session is at work; undefined when the newest word on it is another. */
async function findOpenTurn(
  requests: Requests,
  id: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const query = { order: "desc", types: [...BEGINS, ...ENDS], limit: 20 };
  for await (const event of requests.list<ClaudeWireObject>(["sessions", id, "events"], query, { signal })) {
    if (BEGINS.has(event["type"])) return event.id;
    if (ENDS.has(event["type"])) return undefined;
  }
  return undefined;
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof LoophostError && (thrown.status === 400 || thrown.status === 409);
}

function stillAtWork(id: string, stopTimeoutMs: number): LoophostError {
  return new LoophostError(
    "timeout",
    `Session ${id} was still at work ${stopTimeoutMs} ms after it was told to stop. Try again, or give it more time with stopTimeoutMs.`,
  );
}
