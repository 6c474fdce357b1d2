/**
 * Asks the person at the terminal about calls that need approval, one after the other.
 *
 *   A1  whoever decides sees the whole input, and nothing in it can hide
 *   A2  only what is typed decides: at the end of the input, as of a closed window, a call stays undecided
 */

import { createInterface } from "node:readline";

import type { ApprovalRequestedEvent } from "../../core/events.ts";
import type { Decision } from "../../core/session.ts";
import type { Progress } from "../screen/progress.ts";
import { callLines } from "../screen/waiting-call.ts";

/** Questions at the terminal. */
export class Questions {
  readonly #progress: Progress;
  readonly #onGone: () => void;
  readonly #undecided = new Map<string, ApprovalRequestedEvent>();
  #isLeft = false;
  #last: Promise<unknown> = Promise.resolve();

  /** @param onGone called when nobody can answer any more */
  constructor(progress: Progress, onGone: () => void) {
    this.#progress = progress;
    this.#onGone = onGone;
  }

  /** The calls that were asked about, and not decided. */
  get undecided(): readonly ApprovalRequestedEvent[] {
    return [...this.#undecided.values()];
  }

  /** Gives up the open question, which is wiped off the screen: nobody will answer it. */
  leave(): void {
    this.#isLeft = true;
    this.#progress.answered("\n");
  }

  /** An `onApproval`. Fails closed: only "yes" approves. It never settles when nobody is there to answer. */
  readonly ask = (request: ApprovalRequestedEvent): Promise<Decision> => {
    this.#undecided.set(request.id, request);
    const answered = this.#last.then(async () => {
      if (this.#isLeft) return new Promise<never>(() => undefined);
      const [head = "", ...lines] = callLines(request);
      this.#progress.note(`  ? ${head}`, "yellow");
      for (const line of lines) this.#progress.note(line, "plain");
      this.#progress.ask("    Run it? [y/N] ");
      const line = await readLine();
      if (line === undefined) {
        this.#onGone();
        return new Promise<never>(() => undefined);
      }
      this.#progress.answered();
      this.#undecided.delete(request.id);
      const allow = /^y(es)?$/i.test(line.trim());
      return { allow, why: allow ? undefined : "the user refused this call" };
    });
    this.#last = answered;
    return answered;
  };
}

/** The next line that is typed; undefined when there is none to come. */
async function readLine(): Promise<string | undefined> {
  // Not in terminal mode, in which readline would swallow Ctrl-C.
  const lines = createInterface({ input: process.stdin, terminal: false });
  try {
    for await (const line of lines) return line;
    return undefined;
  } finally {
    lines.close();
  }
}
