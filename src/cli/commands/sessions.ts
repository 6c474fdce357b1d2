/** `loophost sessions`: what a store holds, looked at and spoken to from outside. Opens no session, so it disturbs none. */

import { addAbortSignal } from "node:stream";
import { text as readText } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";

import type { StoredEntry } from "../../core/store.ts";
import { deleteSession, readLog } from "../../stores/sessions.ts";
import type { Command } from "../command.ts";
import { misuse } from "../command.ts";
import type { ExitCode } from "../exit.ts";
import { EXIT, EXIT_CODES_HELP } from "../exit.ts";
import { printable } from "../screen/format.ts";
import { timelineOf } from "../screen/timeline.ts";
import { talkTo, wasCreated } from "../sessions/created.ts";
import { chooseEngine, ENGINE_OPTIONS, ENGINE_OPTIONS_HELP } from "../sessions/engine.ts";
import { followSession } from "../sessions/follow.ts";
import { list } from "../sessions/list.ts";
import { prune, readAge } from "../sessions/prune.ts";
import { sendTo } from "../sessions/send.ts";
import type { OpenStore } from "../stored/open-store.ts";
import { mustFind, openExistingStore, openStore, storeFile } from "../stored/open-store.ts";
import { recordingOf } from "../stored/recording-of.ts";
import { forgetAddress } from "../stored/session-address.ts";

const NAME = "loophost sessions";

const HELP = `loophost sessions shows the sessions of a store, and speaks to those that workers run. It opens
none of them, so it disturbs no process that has one open.

Usage
  loophost sessions [list] [options]      all of them, the latest first
  loophost sessions show <id> [options]   what happened in one, in order
  loophost sessions follow <id> [options] what happened in one, and what comes, as it comes
  loophost sessions send <id> <text> [options]
                                          says something to one that workers run
  loophost sessions export <id> [options] a recording of it, for replay and compare
  loophost sessions delete <id> [options] forgets it; what the loop host holds stays there
  loophost sessions prune --older-than <span> [options]
                                          forgets those that nobody spoke to for that long

Examples
  loophost sessions --store sessions.db
  loophost sessions show local_4f --store sessions.db

Options
  --store <file>  the SQLite file, or the postgres:// address of a database, that they
                  are in. Default: LOOPHOST_STORE
  --json          list, send, follow: JSON, one object a line
  --help, -h      this text

list
  --status <s>    only those that are running, waiting, idle or failed
  --tenant <t>    only those of this tenant

send, whose text is read from standard input for -
  --agent <name>  makes the session, for this agent of a worker's, if it is not there
  --tenant <t>    whose it is then
  --key <key>     sent twice under one key, it is there once
  --if-open <p>   what it does behind an open run: queue (the default), deny or refuse
  --follow        follows it until nothing is left to be done, and ends as the run did
${ENGINE_OPTIONS_HELP}

follow
  --after <seq>   what comes after the event with this seq
  --until-idle    ends once nothing is left to be done, as the last run did
  --deltas        with --json, pieces of text as well, from a store in a database; a terminal
                  shows them anyway

export
  --entries       the entries of its log as they are instead, one JSON object a line

prune
  --older-than <span>
                  such as 30d, 12h or 90m since it was last written to. What runs or waits stays
  --dry-run       only says which

A session is "running" until its run has ended, also when its process died: a worker takes it
up, or loophost resume where no worker runs it. One that is "waiting" waits for loophost
approve, deny or answer; show has its calls, whole.

${EXIT_CODES_HELP}
`;

const OPTIONS = {
  json: { type: "boolean" },
  status: { type: "string" },
  tenant: { type: "string" },
  agent: { type: "string" },
  key: { type: "string" },
  "if-open": { type: "string" },
  follow: { type: "boolean" },
  after: { type: "string" },
  "until-idle": { type: "boolean" },
  "older-than": { type: "string" },
  "dry-run": { type: "boolean" },
  entries: { type: "boolean" },
  deltas: { type: "boolean" },
  ...ENGINE_OPTIONS,
} as const;

/** What there is to do, with how many arguments and which options. */
const VERBS = {
  list: { takes: 0, options: ["status", "tenant", "json"] },
  show: { takes: 1, options: [] },
  follow: { takes: 1, options: ["after", "until-idle", "deltas", "json"] },
  send: {
    takes: 2,
    options: [
      "agent",
      "tenant",
      "key",
      "if-open",
      "follow",
      "json",
      "engine",
      "restate-ingress",
      "restate-name",
    ],
  },
  export: { takes: 1, options: ["entries"] },
  delete: { takes: 1, options: [] },
  prune: { takes: 0, options: ["older-than", "dry-run"] },
} as const satisfies Record<string, { takes: number; options: readonly (keyof typeof OPTIONS)[] }>;

type Verb = keyof typeof VERBS;

/** The command. */
export const sessionsCommand: Command = {
  help: HELP,
  async run(argv, signal) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { ...OPTIONS, store: { type: "string" } },
    });
    const { store: storeFlag, ...flags } = values;
    const [what = "list", ...words] = positionals;
    if (!isVerb(what))
      throw misuse(NAME, `There is no "sessions ${what}", only ${Object.keys(VERBS).join(", ")}`);
    const [id = "", text = ""] = words;
    const { takes, options }: { takes: number; options: readonly string[] } = VERBS[what];
    if (words.length < takes || (takes > 0 && id === ""))
      throw misuse(NAME, id === "" ? "A session is missing" : "A text is missing");
    if (words.length > takes) throw misuse(NAME, `"sessions ${what}" takes no further argument`);
    const unfit = Object.keys(flags).find((name) => !options.includes(name));
    if (unfit !== undefined) throw misuse(NAME, `--${unfit} does not go with "sessions ${what}"`);
    const age = what === "prune" ? readAge(flags["older-than"]) : 0;
    const status = oneOf("--status", flags.status, ["running", "waiting", "idle", "failed"]);
    const ifOpen = oneOf("--if-open", flags["if-open"], ["queue", "deny", "refuse"]);
    const after = flags.after === undefined ? undefined : Number(flags.after);
    if (after !== undefined && !(/^\d+$/.test(flags.after ?? "") && Number.isSafeInteger(after)))
      throw misuse(NAME, `--after takes the seq of an event; got ${flags.after}`);
    const file = storeFile(storeFlag);
    if (file === undefined) throw misuse(NAME, "No store is named; pass --store <file>");

    await using kept = await (flags.agent === undefined ? openExistingStore(file) : openStore(file));
    const isJson = flags.json === true;
    if (what === "list") return await print(list(kept, { status, tenant: flags.tenant, isJson }), signal);
    if (what === "prune")
      return await print(prune(kept, Date.now() - age, flags["dry-run"] === true), signal);
    if (what === "send") {
      const said = text === "-" ? await readText(addAbortSignal(signal, process.stdin)) : text;
      if (said.trim() === "") throw misuse(NAME, "The text is empty");
      const { agent, tenant, key, follow = false } = flags;
      return await sendTo(
        kept,
        await chooseEngine(NAME, flags, file),
        id,
        { text: said, agent, tenant, key, ifOpen, isFollowed: follow, isJson },
        signal,
      );
    }
    const summary = await mustFind(kept, id);
    if (what === "follow") {
      if (!(await wasCreated(kept.store, id)))
        throw misuse(NAME, `No worker runs ${id}, so it does not tell what happens; use "sessions show"`);
      const [untilIdle, deltas] = [flags["until-idle"] === true, flags.deltas === true];
      await using session = talkTo(kept, id, await chooseEngine(NAME, {}, file));
      return await followSession(session, { after, untilIdle, deltas, isJson, signal });
    }
    if (what === "delete") return await forget(kept, id);
    const log = readLog(kept.store, id);
    if (what === "show") return await print(timelineOf(summary, log, kept.file), signal);
    return await print(toJsonLines(flags.entries ? entriesOf(log) : recordingOf(summary, log)), signal);
  },
};

function isVerb(word: string): word is Verb {
  return Object.hasOwn(VERBS, word);
}

function oneOf<T extends string>(flag: string, value: string | undefined, all: readonly T[]): T | undefined {
  const found = all.find((one) => one === value);
  if (value === undefined || found !== undefined) return found;
  throw misuse(NAME, `${flag} takes ${all.join(", ")}; got ${value}`);
}

async function print(lines: AsyncIterable<string>, signal: AbortSignal): Promise<ExitCode> {
  await pipeline(endLines(lines), process.stdout, { end: false, signal });
  return EXIT.ok;
}

async function forget(kept: OpenStore, id: string): Promise<ExitCode> {
  await deleteSession(kept.store, id);
  await forgetAddress(kept.store, id);
  console.error(printable(`Deleted ${id}.`));
  return EXIT.ok;
}

async function* entriesOf(log: AsyncIterable<StoredEntry>): AsyncGenerator {
  for await (const { entry } of log) yield entry;
}

async function* toJsonLines(values: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const value of values) yield JSON.stringify(value);
}

async function* endLines(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}
