/** `loophost interrupt`: stops the run that is open in a session, in whichever process it is. */

import { parseArgs } from "node:util";

import { LoophostError } from "../../core/errors.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT, EXIT_CODES_HELP } from "../exit.ts";
import { talkTo, wasCreated } from "../sessions/created.ts";
import { chooseEngine, ENGINE_OPTIONS, ENGINE_OPTIONS_HELP } from "../sessions/engine.ts";
import { mustFind, openExistingStore, storeFile } from "../stored/open-store.ts";

const NAME = "loophost interrupt";

const HELP = `loophost interrupt stops the run that is open in a session, in whichever process it is. It is
for sessions made with create() of loophost/sessions; a run of loophost run is stopped by
Ctrl-C where it runs.

Usage
  loophost interrupt <session> [options]

Options
  --store <file>  the SQLite file, or the postgres:// address of a database, that the session
                  is in. Default: LOOPHOST_STORE
  --json          prints the receipt, { item, isNew }
${ENGINE_OPTIONS_HELP}
  --help, -h      this text

Example
  loophost interrupt order-42 --store app.db

${EXIT_CODES_HELP}
`;

/** The command. */
export const interruptCommand: Command = {
  help: HELP,
  async run(argv) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { store: { type: "string" }, json: { type: "boolean", default: false }, ...ENGINE_OPTIONS },
    });
    const [sessionId, ...more] = positionals;
    if (sessionId === undefined) throw misuse(NAME, "A session is missing");
    if (more.length > 0) throw misuse(NAME, `interrupt takes one session; got also ${more.join(" ")}`);
    const file = storeFile(values.store);
    if (file === undefined) throw misuse(NAME, "No store is named; pass --store <file>");
    const chosen = await chooseEngine(NAME, values, file);
    await using kept = await openExistingStore(file);
    await using session = talkTo(kept, sessionId, chosen);
    const { status } = await mustFind(kept, sessionId);
    if (!(await wasCreated(kept.store, sessionId)))
      throw new LoophostError(
        "invalid_options",
        `Session ${sessionId} was not made with create(). Stop it where it runs, with Ctrl-C.`,
      );
    // A message that waits is a run about to begin, which the interrupt ends.
    const isAsked = (await kept.store.inbox.read(sessionId, 1)).length > 0;
    const receipt = await session.chat.interrupt();
    const isOpen = isAsked || status === "running" || status === "waiting";
    if (values.json) console.log(JSON.stringify(receipt));
    else
      console.log(isOpen ? `${sessionId} is asked to stop.` : `${sessionId} has no run open to be stopped.`);
    return EXIT.ok;
  },
};
