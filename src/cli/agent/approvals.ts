/** Asks the person at the terminal about calls that need approval, one after the other. */

import { createInterface } from "node:readline";

import { onAbort } from "../../core/async/abort.ts";
import type { OnApproval } from "../../core/session.ts";
import { formatCall } from "../screen/format.ts";

/** Makes an `onApproval` that asks on the terminal; anything but yes is a no. */
export function askOnTerminal(
  note: (line: string, style: "yellow") => void,
  signal: AbortSignal,
): OnApproval {
  let last: Promise<unknown> = Promise.resolve();
  return ({ name, input }) => {
    const answered = last.then(async () => {
      note(`  ? ${formatCall(name, input)}  Run it? [y/N]`, "yellow");
      const allow = await readYes(signal);
      return { allow, why: allow ? undefined : "the user refused this call" };
    });
    last = answered;
    return answered;
  };
}

async function readYes(signal: AbortSignal): Promise<boolean> {
  // Not as a terminal: that would take Ctrl-C for itself.
  const lines = createInterface({ input: process.stdin, terminal: false });
  const unlink = onAbort([signal], () => lines.close());
  try {
    for await (const line of lines) return /^y(es)?$/i.test(line.trim());
    return false;
  } finally {
    unlink();
    lines.close();
  }
}
