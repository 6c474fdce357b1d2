/** Runs an agent in a session while a person watches: what `run`, `resume` and `approve` have in common. */

import { Console } from "node:console";
import { Writable } from "node:stream";

import type { Agent } from "../../core/agent.ts";
import { onAbort } from "../../core/async/abort.ts";
import { isString } from "../../core/check-options.ts";
import { hasCode, LoophostError } from "../../core/errors.ts";
import type { SessionEvent, WaitingCall } from "../../core/events.ts";
import type { ProvisionHandle } from "../../core/provisioning.ts";
import type { PartialResult, RunEnd, SessionResult } from "../../core/results.ts";
import type { Run } from "../../core/run.ts";
import type { OnApproval, OpenOptions, RunOptions, Session } from "../../core/session.ts";
import { openSession } from "../../core/session/open-session.ts";
import { misuse } from "../command.ts";
import type { ExitCode } from "../exit.ts";
import { EXIT, exitCodeOfEnding, INTERRUPTED } from "../exit.ts";
import { Progress } from "../screen/progress.ts";
import { reveal } from "../screen/reveal.ts";
import type { OpenStore } from "../stored/open-store.ts";
import { mustFind, openExistingStore, openStore, storeFile } from "../stored/open-store.ts";
import { recallAddress, rememberAddress } from "../stored/session-address.ts";
import { readWaitingCalls } from "../stored/waiting-calls.ts";
import { watchBy } from "../watching.ts";
import type { AgentFlags, BegunWith } from "./agent-flags.ts";
import { checkFlags, chooseHost, withModel } from "./agent-flags.ts";
import { Questions } from "./approvals.ts";
import type { StoredRun } from "./go-on.ts";
import { sayLine, waitingLines } from "./go-on.ts";
import { inCommands, inFlags } from "./in-flags.ts";
import { loadAgent } from "./load-agent.ts";
import { stepFile } from "./step-file.ts";
import { watchCtrlC } from "./watch-ctrl-c.ts";
import { callsThatWait, whyNoAnswer } from "./why-no-answer.ts";

/** What a command wants done. */
export interface Assignment {
  /** How the command is called, for its error messages. */
  readonly command: string;
  readonly agentFile: string;
  readonly flags: AgentFlags;
  /** The session to go on with; a new one without it. */
  readonly sessionId: string | undefined;
  /** What a new session is made from. */
  readonly provisioned?: ProvisionHandle | undefined;
  /** The call it is about, and what that has to be waiting for. */
  readonly decidesOn?: { readonly callId: string; readonly what: WaitingCall["what"] } | undefined;
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
  const { command, agentFile, flags, sessionId, provisioned, signal } = assignment;
  checkFlags(command, flags, sessionId);
  const progress = new Progress(process.stdout, process.stderr);
  using steps =
    flags.steps === undefined ? undefined : stepFile(command, flags.steps, (line) => progress.note(line));
  globalThis.console = consoleBeside(progress);
  const agent = withModel(await loadAgent(agentFile), flags);
  await using kept = await openStoreFor(flags, sessionId, signal);
  if (kept !== undefined) await showDecided(assignment, kept, progress);
  const harness = provisioned?.["harnessArn"];
  const begunWith = isString(harness) ? { harness } : await recall(assignment, kept);
  const { provider, label, address } = await chooseHost(command, flags, agent, begunWith);

  await using watching = await watchBy(flags);
  if (flags.json !== true) progress.note(`${agent.name} · ${label}`);
  using _ = { [Symbol.dispose]: watchCtrlC() };
  const stopping = new AbortController();
  const running = new Map<string, string>();
  let session: Session | undefined;
  // Close, not interrupt: closing leaves a waiting call undecided, an interrupt would make the host drop it.
  const questions = new Questions(progress, () => letGo());
  const letGo = (): void => {
    questions.leave();
    session?.close().catch(() => undefined);
  };
  const unlink = onAbort([signal], (reason) =>
    kept !== undefined && questions.undecided.length > 0 ? letGo() : stopping.abort(reason),
  );
  const options: OpenOptions = {
    provider,
    sessionId,
    provisioned,
    store: kept?.store,
    ifAgentChanged: flags["changed-agent"] === true ? "accept" : "refuse",
    onApproval: chooseApproval(flags, questions),
    onEvent(event) {
      if (event.type === "tool.started") running.set(event.id, event.name);
      else if (event.type === "tool.finished" && !signal.aborted) running.delete(event.id);
      if (flags.json === true) writeJsonLine(event);
      else progress.show(event);
    },
    onStep: steps && ((step) => steps.write(step)),
    observers: watching.observers,
    signal: stopping.signal,
  };
  await using opened = await openWith(flags, agent, options, (line) => progress.note(line));
  session = opened;
  if (address !== undefined && kept !== undefined) await rememberAddress(kept.store, opened.id, address);
  const stored = kept && { sessionId: opened.id, agentFile, storeFile: kept.file, model: flags.model };
  try {
    const how: RunOptions = { signal: stopping.signal, ifWaiting: "return" };
    const run = await assignment.start(opened, how, stored);
    if (run === undefined) return EXIT.ok;
    const { waiting, ...end } = await watch(run, flags, progress, questions, stored);
    if (signal.aborted) throw interrupted(running, waiting, stored);
    if (end.ending !== "completed") console.error(`loophost: ${whyNoAnswer(end, waiting, stored)}`);
    return exitCodeOfEnding(end.ending);
  } catch (thrown) {
    if (!(thrown instanceof LoophostError) || thrown.message.startsWith(INTERRUPTED)) throw thrown;
    if (thrown.code === "aborted" && signal.aborted) throw interrupted(running, [], stored);
    throw inCommands(thrown, provider.name, stored);
  } finally {
    unlink();
  }
}

/** Waits for the end of a run, and says what there is to say about it, also when it fails. */
async function watch(
  run: Run,
  flags: AgentFlags,
  progress: Progress,
  questions: Questions,
  stored: StoredRun | undefined,
): Promise<Pick<SessionResult, "ending" | "stopReason"> & { readonly waiting: readonly WaitingCall[] }> {
  const say = (result: PartialResult & Partial<RunEnd>, waiting: readonly WaitingCall[], how?: string) => {
    for (const call of waiting) for (const line of waitingLines(call, stored)) progress.note(line, "plain");
    if (flags.json === true) return;
    if (didNothing(result)) progress.note("There was nothing to take up.");
    else progress.end(result, how);
    if (stored !== undefined) progress.note(`session ${stored.sessionId} in ${stored.storeFile}`);
  };
  try {
    const result = await run.result();
    const waiting = callsThatWait(result);
    say(result, waiting);
    return { ...result, waiting };
  } catch (thrown) {
    if (!(thrown instanceof LoophostError) || thrown.result === undefined) throw thrown;
    const waiting = questions.undecided.map((call) => ({ ...call, what: "approval" as const }));
    const isLetGo = thrown.code === "session_closed" && waiting.length > 0;
    say(thrown.result, isLetGo ? waiting : [], isLetGo ? "undecided" : thrown.code);
    if (isLetGo) return { ending: "requires_action", stopReason: undefined, waiting };
    throw thrown;
  }
}

/**
 * Shows the call that is decided about, whole.
 *
 * @throws LoophostError `invalid_options` when it waits for something else: the decision would be recorded, and wait for ever
 */
async function showDecided(
  { sessionId, agentFile, decidesOn, flags }: Assignment,
  { store, file }: OpenStore,
  progress: Progress,
): Promise<void> {
  if (sessionId === undefined || decidesOn === undefined) return;
  const { callId, what } = decidesOn;
  const call = (await readWaitingCalls(store, sessionId)).find(({ id }) => id === callId);
  if (call === undefined) return; // what it waits for, only its session knows
  const stored = { sessionId, agentFile, storeFile: file, model: flags.model };
  const lines = waitingLines(call, call.what === what ? undefined : stored);
  for (const line of lines) progress.note(line, "plain");
  if (call.what === what) return;
  const [waitsFor, other] = what === "answer" ? ["approval", "an answer"] : ["an answer", "approval"];
  throw new LoophostError("invalid_options", `Call "${callId}" waits for ${waitsFor}, not for ${other}.`);
}

/** What Ctrl-C stopped, and how to go on. */
function interrupted(
  running: ReadonlyMap<string, string>,
  waiting: readonly WaitingCall[],
  stored: StoredRun | undefined,
): LoophostError {
  const calls = [...running].map(([id, name]) => `${reveal(name)} (${reveal(id)})`);
  const what = calls.length === 0 ? "" : ` while ${calls.join(", ")} ran`;
  const wayOut =
    waiting.length > 0
      ? " Nothing was decided."
      : stored === undefined
        ? ""
        : ` To go on: ${sayLine(stored)}`;
  return new LoophostError("aborted", `${INTERRUPTED}${what}.${wayOut}`);
}

/** A run that found nothing to take up ends as soon as it began. */
function didNothing({ events, turns, ending }: PartialResult & Partial<RunEnd>): boolean {
  const types = events.map(({ type }) => type);
  return turns === 0 && ending !== "requires_action" && types.join(" ") === "run.started run.ended";
}

/** Redirects console output of the agent file to the notes: it is not what the agent says. */
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
function openStoreFor(
  flags: AgentFlags,
  sessionId: string | undefined,
  signal: AbortSignal,
): Promise<OpenStore | undefined> {
  const file = storeFile(flags.store);
  if (file === undefined) return Promise.resolve(undefined);
  return sessionId === undefined ? openStore(file, signal) : openExistingStore(file, signal);
}

/** Who has run the session so far, and where. What the claude host holds need not be in a store of ours. */
async function recall(
  { command, flags, sessionId }: Assignment,
  kept: OpenStore | undefined,
): Promise<BegunWith> {
  if (sessionId === undefined) return {};
  const address = kept && (await recallAddress(kept.store, sessionId));
  if (flags.provider === "claude") return { ...address };
  if (kept === undefined)
    throw misuse(command, "No store is named to find the session in; pass --store <file>");
  const { provider } = await mustFind(kept, sessionId);
  return { provider, ...address };
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
    const isOwned = hasCode(thrown, "session_owned");
    if (!isOwned || flags.wait !== true) throw thrown;
    note("  another process has the session open; waiting for it to let go, or to be gone for 30 s");
    return openAs("wait");
  }
}

/** Who decides about calls that need approval: the person at the terminal, or nobody. */
function chooseApproval(flags: AgentFlags, questions: Questions): OnApproval | undefined {
  if (flags.yes === true) return () => true;
  const canAsk = process.stdin.isTTY && process.stderr.isTTY && flags.json !== true;
  return canAsk ? questions.ask : undefined;
}

function writeJsonLine(event: SessionEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
