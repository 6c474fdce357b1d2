/**
 * One life of a session under `crashTest`: opens it, or takes it up, in a process that dies where it is told to.
 *
 *   C1  it dies by SIGKILL: nothing is closed, flushed or told
 *   C2  it never outlives who started it
 */

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Agent } from "../../core/agent.ts";
import { LoophostError, messageOf } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";
import type { SessionResult } from "../../core/results.ts";
import type { Run } from "../../core/run.ts";
import type { OpenOptions, Prompt, Session } from "../../core/session.ts";
import { openSession } from "../../core/session/open-session.ts";
import type { Store } from "../../core/store.ts";
import type { Policy } from "./findings.ts";
import type { KillPlace } from "./kill-point.ts";
import { KillSwitch } from "./kill-switch.ts";
import type { Ledger } from "./ledger.ts";
import { openLedger } from "./ledger.ts";

/** What a life is given. */
export interface CrashLife {
  /** A folder that outlives the process, the same in each of its lives; a store's file belongs here. */
  readonly folder: string;
  /** Where tools write down what they did. */
  readonly ledger: Ledger;
  /** What `crashTest` was given as `args`. */
  readonly args: Json;
}

/** The session under test. All but its prompt is as for `openSession`; its id and its ownership are seen to. */
export interface SessionUnderTest extends Omit<OpenOptions, "sessionId" | "ifOwned"> {
  readonly agent: Agent;
  readonly prompt: Prompt;
  /** One that outlives the process. */
  readonly store: Store;
  /**
   * What is said after a run failed, for hosts where a turn can be lost for good; undefined for a failure that ends the test.
   * Default: every failure does.
   */
  readonly afterFailure?: ((error: LoophostError) => Prompt | undefined) | undefined;
}

/** What a process is started with, as its first argument. */
export interface LifeOrder {
  readonly folder: string;
  readonly life: number;
  readonly args: Json;
  readonly place: KillPlace | null;
}

/** What a life tells of itself. */
export type LifeNews =
  | { readonly type: "begun" }
  | { readonly type: "failed"; readonly code: string; readonly message: string }
  | ({ readonly type: "ended" } & LifeEnd);

/** What came of the session: told by the life that saw its end. */
export interface LifeEnd {
  readonly result: CrashResult;
  /** The run had ended before this life. */
  readonly isUnheard: boolean;
  readonly journal: readonly Json[];
  readonly policies: Readonly<Record<string, Policy>>;
}

/** What the run came to, without its events and transcript. */
export type CrashResult = Omit<SessionResult, "events" | "transcript" | "output">;

/** The file of the ledger in a session's folder. */
export const LEDGER_FILE = "ledger.jsonl";
const ID_FILE = "session-id";
const ALL = 1_000_000;

/**
 * Runs a session that `crashTest` kills: the last line of the module it is given.
 *
 * @throws LoophostError `invalid_options` in a process that `crashTest` did not start
 */
export async function crashSession(
  setUp: (life: CrashLife) => SessionUnderTest | Promise<SessionUnderTest>,
): Promise<void> {
  const { folder, life, args, place } = readOrder();
  process.once("disconnect", () => process.exit(1));
  const mortality = new KillSwitch(place);
  mortality.watchFetch();
  mortality.watchHttp();
  const ledger = openLedger(join(folder, LEDGER_FILE), life, (effect) => {
    mortality.before("tool");
    effect();
    mortality.after("tool");
  });
  await tell({ type: "begun" });
  try {
    const end = await live(await setUp({ folder, ledger, args }), join(folder, ID_FILE), mortality);
    await tell({ type: "ended", ...end });
  } catch (thrown) {
    const code = thrown instanceof LoophostError ? thrown.code : "unexpected";
    await tell({ type: "failed", code, message: messageOf(thrown) });
  }
  process.exit(0);
}

async function live(
  { agent, prompt, afterFailure, ...options }: SessionUnderTest,
  idFile: string,
  mortality: KillSwitch,
): Promise<LifeEnd> {
  const sessionId = existsSync(idFile) ? readFileSync(idFile, "utf8") : undefined;
  const store = mortality.watchStore(options.store);
  const session = await openSession(agent, { ...options, store, sessionId, ifOwned: "take" });
  // As a caller would who keeps the id; one killed before this line begins another session.
  // Renamed into place: a file that is there and empty, since the process died between the two, would be a session without an id.
  writeFileSync(`${idFile}.new`, session.id);
  renameSync(`${idFile}.new`, idFile);
  const before = (await readJournal(options.store, session.id)).map(typeOf);
  const run = before.includes("run.started") ? session.resume() : session.send(prompt);
  const whole = await seeThrough(session, run, afterFailure);
  const { events: _events, transcript: _transcript, output: _output, ...result } = whole;
  await session.close();
  const journal = await readJournal(options.store, session.id);
  await store.close();
  const policies = agent.tools.map(
    ({ name, ifCrashed }) => [name, typeof ifCrashed === "object" ? "probe" : ifCrashed] as const,
  );
  const isUnheard = before.includes("run.ended");
  return { result, isUnheard, journal, policies: Object.fromEntries(policies) };
}

const MAX_FAILURES = 20;

/** The result of a run, or of the first after it that does not fail. */
async function seeThrough(
  session: Session,
  first: Run,
  afterFailure: SessionUnderTest["afterFailure"],
): Promise<SessionResult> {
  let run = first;
  for (let failures = 0; ; failures += 1) {
    try {
      return await run.result();
    } catch (thrown) {
      const next = thrown instanceof LoophostError ? afterFailure?.(thrown) : undefined;
      if (next === undefined || failures >= MAX_FAILURES) throw thrown;
      run = session.send(next);
    }
  }
}

async function readJournal(store: Store, sessionId: string): Promise<readonly Json[]> {
  return (await store.log.read(sessionId, 0, ALL)).map(({ entry }) => entry);
}

function typeOf(entry: Json): unknown {
  return isObject(entry) ? entry["type"] : undefined;
}

function readOrder(): LifeOrder {
  const text = process.argv[2];
  if (process.send === undefined || text === undefined)
    throw new LoophostError(
      "invalid_options",
      "crashSession() runs in a process that crashTest() started: pass this module to crashTest({ module }).",
    );
  // oxlint-disable-next-line no-unsafe-type-assertion -- parse boundary: crashTest alone writes it
  return JSON.parse(text) as LifeOrder;
}

function tell(news: LifeNews): Promise<void> {
  return new Promise((resolve) => process.send?.(news, () => resolve()));
}
