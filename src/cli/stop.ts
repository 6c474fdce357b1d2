/**
 * Signal handling: Ctrl-C, SIGTERM, or a closed output (EPIPE). The first asks the work to end, which tells the loop
 * host; a second Ctrl-C exits at once.
 */

import { EXIT } from "./exit.ts";

/** Milliseconds after which it says that it is stopping: a run that stops quickly says nothing. */
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
    // From here on the default handler ends the process, also while a tool blocks the event loop and no handler of ours
    // can run.
    process.removeListener("SIGINT", interrupt);
    setTimeout(() => console.error("\nStopping. Ctrl-C again leaves at once."), QUIET_MS).unref();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  // SIGHUP: the terminal window was closed.
  process.on("SIGHUP", interrupt);

  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return stop("nobody reads");
    if (reason === undefined) console.error(`loophost: The output cannot be written: ${error.message}`);
    stop("output failed");
  });
  // Nobody reads the notes, so nothing can be reported.
  process.stderr.on("error", () => undefined);

  return {
    signal: controller.signal,
    get reason() {
      return reason;
    },
  };
}
