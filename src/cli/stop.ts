/**
 * Being told to stop: Ctrl-C, SIGTERM, or nobody reading our output any more. The first asks the work to end, which
 * tells the loop host; a second Ctrl-C leaves at once.
 */

import { EXIT } from "./exit.ts";

/** Long enough that a run which stops quickly says nothing about it. */
const QUIET_MS = 300;

/** Why we stop. */
type StopReason = "interrupted" | "nobody reads" | "output failed";

/** Whether we were told to stop, and why. */
export interface Stop {
  readonly signal: AbortSignal;
  readonly reason: StopReason | undefined;
}

/** Begins to listen. */
export function listenForStop(): Stop {
  const controller = new AbortController();
  let reason: StopReason | undefined;
  const stop = (why: StopReason) => {
    reason ??= why;
    controller.abort();
  };

  const interrupt = () => {
    if (reason === "interrupted") process.exit(EXIT.interrupted);
    stop("interrupted");
    // From here on the system ends the process, also while a tool blocks the event loop and no handler of ours can run.
    process.removeListener("SIGINT", interrupt);
    setTimeout(() => console.error("\nStopping. Ctrl-C again leaves at once."), QUIET_MS).unref();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  // The window was closed.
  process.on("SIGHUP", interrupt);

  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return stop("nobody reads");
    if (reason === undefined) console.error(`loophost: The output cannot be written: ${error.message}`);
    stop("output failed");
  });
  // With nobody to read the notes there is nobody to tell.
  process.stderr.on("error", () => undefined);

  return {
    signal: controller.signal,
    get reason() {
      return reason;
    },
  };
}
