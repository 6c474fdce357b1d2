/** `loophost sessions`: what a store holds, looked at from outside. Opens no session, so it disturbs none. */

import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";

import type { StoredEntry } from "../../core/store.ts";
import type { SessionSummary } from "../../stores/sessions.ts";
import { deleteSession, listSessions, readLog } from "../../stores/sessions.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import { EXIT, EXIT_CODES_HELP } from "../exit.ts";
import { formatWord } from "../screen/format.ts";
import { sessionTable } from "../screen/session-table.ts";
import { timelineOf } from "../screen/timeline.ts";
import type { OpenStore } from "../stored/open-store.ts";
import { mustFind, openExistingStore, storeFile } from "../stored/open-store.ts";
import { forgetAddress } from "../stored/session-address.ts";

const PAGE = 1_000;
const VERBS = ["list", "show", "export", "delete"] as const;

type Verb = (typeof VERBS)[number];

const HELP = `loophost sessions shows the sessions of a store, without opening any of them.

Usage
  loophost sessions [list] [options]      all of them, the latest first
  loophost sessions show <id> [options]   what happened in one, in order
  loophost sessions export <id> [options] its log, one JSON entry per line
  loophost sessions delete <id> [options] forgets it; what the loop host holds stays there

Examples
  loophost sessions --store sessions.db
  loophost sessions show local_4f --store sessions.db

Options
  --store <file>  the SQLite file, or the postgres:// address of a database, that they
                  are in. Default: LOOPHOST_STORE
  --help, -h      this text

A session is "running" until its run has ended, also when its process died: take it up with
loophost resume. One that is "waiting" waits for loophost approve, deny or answer; show has
its calls, whole.

${EXIT_CODES_HELP}
`;

/** The command. */
export const sessionsCommand: Command = {
  name: "sessions",
  summary: "list the sessions of a store; show, export or delete one",
  help: HELP,
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { store: { type: "string" } },
    });
    const [what = "list", id, ...more] = positionals;
    if (!isVerb(what))
      throw misuse("loophost sessions", `There is no "sessions ${what}", only ${VERBS.join(", ")}`);
    if (what !== "list" && id === undefined) throw misuse("loophost sessions", "A session is missing");
    if (more.length > 0 || (what === "list" && id !== undefined))
      throw misuse("loophost sessions", `"sessions ${what}" takes no further argument`);
    const file = storeFile(values.store);
    if (file === undefined) throw misuse("loophost sessions", "No store is named; pass --store <file>");

    await using kept = await openExistingStore(file);
    const lines = id === undefined ? list(kept) : tell(kept, id, what);
    await pipeline(endLines(lines), process.stdout, { end: false, signal });
    return EXIT.ok;
  },
};

function isVerb(word: string): word is Verb {
  return VERBS.some((verb) => verb === word);
}

async function* list({ store, file }: OpenStore): AsyncGenerator<string> {
  const sessions: SessionSummary[] = [];
  for (let page = await listSessions(store, { limit: PAGE }); page.length > 0;) {
    sessions.push(...page);
    page = await listSessions(store, { limit: PAGE, after: page.at(-1)?.sessionId ?? "" });
  }
  if (sessions.length > 0) return yield* sessionTable(sessions);
  const [ofHost] = await store.records.list("host.sessions", "", 1);
  console.error(
    ofHost === undefined
      ? `There are no sessions in ${file}.`
      : `${file} holds the sessions of a loop host. Look at them through it: loophost serve --store ${formatWord(file)}`,
  );
}

async function* tell(kept: OpenStore, id: string, what: Verb): AsyncGenerator<string> {
  const summary = await mustFind(kept, id);
  if (what === "delete") {
    await deleteSession(kept.store, id);
    await forgetAddress(kept.store, id);
    console.error(`Deleted ${id}.`);
    return;
  }
  const log = readLog(kept.store, id);
  yield* what === "show" ? timelineOf(summary, log, kept.file) : toJsonLines(log);
}

async function* toJsonLines(log: AsyncIterable<StoredEntry>): AsyncGenerator<string> {
  for await (const { entry } of log) yield JSON.stringify(entry);
}

async function* endLines(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}
