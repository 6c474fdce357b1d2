/** Runs an agent in a session while a person watches: what `run`, `resume` and `approve` have in common. */

import { Console } from "node:console";
import { Writable } from "node:stream";

import type { Agent } from "../../core/agent.ts";
import { LoophostError } from "../../core/errors.ts";
import type { SessionEvent } from "../../core/events.ts";
import type { SessionResult } from "../../core/results.ts";
import type { Run } from "../../core/run.ts";
import type { OnApproval, OpenOptions, RunOptions, Session } from "../../core/session.ts";
import { openSession } from "../../core/session/open-session.ts";
import { misuse } from "../command.ts";
import type { ExitCode } from "../exit.ts";
import { EXIT, exitCodeOfEnding } from "../exit.ts";
import { Progress } from "../screen/progress.ts";
import type { OpenStore } from "../stored/open-store.ts";
import { mustFind, openExistingStore, openStore, storeFile } from "../stored/open-store.ts";
import { recallAddress, rememberAddress } from "../stored/session-address.ts";
import type { AgentFlags, BegunWith } from "./agent-flags.ts";
import { checkFlags, chooseHost, loadAgentFor } from "./agent-flags.ts";
import { askOnTerminal } from "./approvals.ts";
import type { StoredRun } from "./go-on.ts";
import { inCommands, inFlags } from "./in-flags.ts";
import { whyNoAnswer } from "./why-no-answer.ts";

/** What a command wants done. */
export interface Assignment {
  /** How the command is called, for its error messages. */
  readonly command: string;
  readonly agentFile: string;
  readonly flags: AgentFlags;
  /** The session to go on with; a new one without it. */
  readonly sessionId: string | undefined;
  readonly signal: AbortSignal;
  /** Contract: starts the run, or does to the session what needs no run. */
  start(
    session: Session,
    how: RunOptions,
    stored: StoredRun | undefined,
  ): Run | undefined | Promise<Run | undefined>;
}

/**
 * Does it, and tells the exit code.
 *
 * @throws LoophostError for everything but a run that reached a terminal
 */
export async function runAgent(assignment: Assignment): Promise<ExitCode> {
  const { command, agentFile, flags, sessionId, signal } = assignment;
  checkFlags(command, flags, sessionId);
  const progress = new Progress(process.stdout, process.stderr);
  globalThis.console = consoleBeside(progress);
  const agent = await loadAgentFor(command, agentFile, flags);
  await using kept = await openStoreFor(flags, sessionId);
  const { provider, label, baseUrl } = chooseHost(flags, agent.model, await recall(assignment, kept));

  if (flags.json !== true) progress.note(`${agent.name} · ${label}`);
  const options: OpenOptions = {
    provider,
    sessionId,
    store: kept?.store,
    ifAgentChanged: flags["changed-agent"] === true ? "accept" : "refuse",
    onApproval: chooseApproval(flags, progress, signal),
    onEvent: flags.json === true ? writeJsonLine : (event) => progress.show(event),
    signal,
  };
  await using session = await openWith(flags, agent, options, (line) => progress.note(line));
  if (baseUrl !== undefined && kept !== undefined) await rememberAddress(kept.store, session.id, baseUrl);
  const stored = kept && { sessionId: session.id, agentFile, storeFile: kept.file, model: flags.model };
  const run = await assignment.start(session, { signal, ifWaiting: "return" }, stored);
  if (run === undefined) return EXIT.ok;
  const result = await watch(run, flags, progress, stored).catch((thrown: unknown) => {
    throw thrown instanceof LoophostError ? inCommands(thrown, provider.name, stored) : thrown;
  });
  if (result.ending !== "completed") console.error(`loophost: ${whyNoAnswer(result, stored)}`);
  return exitCodeOfEnding(result.ending);
}

/** Waits for the end of a run, and says what there is to say about it, also when it fails. */
async function watch(
  run: Run,
  flags: AgentFlags,
  progress: Progress,
  stored: StoredRun | undefined,
): Promise<SessionResult> {
  const say = (result: SessionResult, how?: string) => {
    if (flags.json === true) return;
    if (didNothing(result)) progress.note("There was nothing to do.");
    else progress.end(result, how);
    if (stored !== undefined) progress.note(`session ${stored.sessionId} in ${stored.storeFile}`);
  };
  try {
    const result = await run.result();
    say(result);
    return result;
  } catch (thrown) {
    if (thrown instanceof LoophostError && thrown.result !== undefined) say(thrown.result, thrown.code);
    throw thrown;
  }
}

/** A run that found nothing to take up ends as soon as it began. */
function didNothing({ events, turns, ending }: SessionResult): boolean {
  const types = events.map(({ type }) => type);
  return turns === 0 && ending !== "requires_action" && types.join(" ") === "run.started run.ended";
}

/** What the agent file prints is not what the agent says, so it goes with the notes. */
function consoleBeside(progress: Progress): Console {
  return new Console(
    new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        progress.pass(String(chunk));
        done();
      },
    }),
  );
}

/** A session to go on with has to be in a store that is there already. */
function openStoreFor(flags: AgentFlags, sessionId: string | undefined): Promise<OpenStore | undefined> {
  const file = storeFile(flags.store);
  if (file === undefined) return Promise.resolve(undefined);
  return sessionId === undefined ? openStore(file) : openExistingStore(file);
}

/** Who has run the session so far, and where. What the claude host holds need not be in a store of ours. */
async function recall(
  { command, flags, sessionId }: Assignment,
  kept: OpenStore | undefined,
): Promise<BegunWith> {
  if (sessionId === undefined) return {};
  const baseUrl = kept && (await recallAddress(kept.store, sessionId));
  if (flags.provider === "claude") return { baseUrl };
  if (kept === undefined)
    throw misuse(command, "No store is named to find the session in; pass --store <file>");
  const { provider } = await mustFind(kept, sessionId);
  return { provider, baseUrl };
}

/** Opens the session, and says in flags what somebody who hits on another owner, or on a changed agent, can do. */
async function openWith(
  flags: AgentFlags,
  agent: Agent,
  options: OpenOptions,
  note: (line: string) => void,
): Promise<Session> {
  const openAs = (ifOwned: "fail" | "wait" | "take") =>
    openSession(agent, { ...options, ifOwned }).catch((thrown: unknown) => {
      throw thrown instanceof LoophostError ? inFlags(thrown, options.provider.name) : thrown;
    });
  if (flags.take === true) return openAs("take");
  try {
    return await openAs("fail");
  } catch (thrown) {
    const isOwned = thrown instanceof LoophostError && thrown.code === "session_owned";
    if (!isOwned || flags.wait !== true) throw thrown;
    note("  another process has the session open; waiting for it to let go, or to be gone for 30 s");
    return openAs("wait");
  }
}

/** Who decides about calls that need approval; nobody, where there is nobody to ask. */
function chooseApproval(flags: AgentFlags, progress: Progress, signal: AbortSignal): OnApproval | undefined {
  if (flags.yes === true) return () => true;
  const canAsk = process.stdin.isTTY && process.stderr.isTTY && flags.json !== true;
  return canAsk ? askOnTerminal((line, style) => progress.note(line, style), signal) : undefined;
}

function writeJsonLine(event: SessionEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
