/** Opens a session: checks what it is given, then hands over to the driver. */

import type { Agent } from "../agent.ts";
import { resolveLimits } from "../agent.ts";
import { onAbort } from "../async/abort.ts";
import { systemClock } from "../clock.ts";
import { LoophostError, toLoophostError } from "../errors.ts";
import { isDelta } from "../events.ts";
import type { Watch } from "../execution/watch.ts";
import { UNWATCHED } from "../execution/watch.ts";
import type { Journal, MayChange } from "../journal/journal.ts";
import { openJournal } from "../journal/open-journal.ts";
import { next } from "../loop/machine.ts";
import type { LoopInput } from "../loop/state.ts";
import { initialState } from "../loop/state.ts";
import { refuseOldNode } from "../old-node.ts";
import type { Connection, HostEvent, OpenRequest, Provider, RecordedEvent } from "../provider.ts";
import { isMessage, isPassedOn, isRecordedEvent } from "../provider.ts";
import type { OpenOptions, Session, NeedsContext } from "../session.ts";
import type { TranscriptMessage } from "../transcript.ts";
import { LoopSession } from "./driver.ts";
import type { ObservedWatch } from "./observed-watch.ts";
import { withOutputTool } from "./output.ts";
import { isTimeout } from "./run-bounds.ts";
import { checkOpen } from "./session-options.ts";
import type { PastEvent } from "./take-up.ts";
import { ofAnswered, ofOpenTurn } from "./take-up.ts";

/**
 * Opens a session: a new one, or with `sessionId` one that exists.
 *
 * @throws LoophostError `invalid_options`, `missing_dependency` on a Node older than 22.13, or what the provider could not do
 */
export async function openSession<Output, Context>(
  agent: Agent<Output, Context>,
  options: OpenOptions & NeedsContext<Context>,
): Promise<Session<Output>> {
  const session = await open(agent, options, undefined);
  // oxlint-disable-next-line no-unsafe-type-assertion -- the output is validated against the agent's schema before it is given out
  return session as Session<Output>;
}

/** A session that is steered from its inbox. */
export type SteeredSession = LoopSession;

/** How a session is opened that is steered from its inbox. */
export interface Steering {
  /** What the application calls the session; its host has an id of its own, which is put on record. */
  readonly sessionId: string;
  /** Whether it may go on with an agent that changed. */
  readonly mayChange: MayChange;
  /** Called after each write to its log. */
  readonly onWritten: () => void;
}

/** Opens a session under the application's own id, with a store; the events its readers are shown are journalled, for readers in other processes. */
export function openSteered(agent: Agent, options: OpenOptions, steering: Steering): Promise<SteeredSession> {
  return open(agent, options, steering);
}

async function open(
  agent: Agent,
  options: OpenOptions,
  steering: Steering | undefined,
): Promise<LoopSession> {
  refuseOldNode();
  check(agent, options);
  const { provider, sessionId, signal, store } = options;
  const limits = resolveLimits(agent.limits, options.limits, `Agent "${agent.name}"`);
  // The same object where nothing changes: providers remember by it what they set up for an agent.
  const limited = withOutputTool(limits === agent.limits ? agent : { ...agent, limits });
  const watch = await watchOf(limited, options);
  const closing = new AbortController();
  const unlink = onAbort([signal], (reason) => closing.abort(reason));

  // Until there is a driver, events are folded as they arrive, not collected: memory does not grow with the length of the history. Kept are the state, and
  // what was told since the last message, for a run that is taken up.
  let state = initialState(provider.traits.answers);
  let past: PastEvent[] = [];
  const recorded: RecordedEvent[] = [];
  const fold = (input: LoopInput) => {
    const step = next(state, input);
    ({ state } = step);
    watch.step(state.answers, input, step.commands);
    for (const command of step.commands) if (command.do === "tell") past.push(command.event);
  };
  const hear = (event: HostEvent) => {
    if (session !== undefined) session.hear(event);
    // Told at once, though there is no run yet: a session that is opened over a bad network would be silent for seconds.
    else if (event.type === "retrying") watch.event(event);
    else if (isRecordedEvent(event)) recorded.push(event);
    else if (!isPassedOn(event)) {
      if (event.type === "message.seen") past = ofOpenTurn(past, state);
      else if (event.type === "call.answered") past.push(...ofAnswered(event.id, state, journal?.recorded));
      fold(event);
    } else if (!isDelta(event)) past.push(event);
  };
  let session: LoopSession | undefined;
  let connection: Connection | undefined;
  let journal: Journal | undefined;
  try {
    // A provider that opens synchronously never looks at the signal, and a run would start that was cancelled.
    signal?.throwIfAborted();
    const { signal: stop } = closing;
    const own = {
      ifOwned: options.ifOwned ?? "fail",
      clock: options.clock ?? systemClock,
      signal: stop,
      tells: steering !== undefined,
      onWritten: steering?.onWritten,
    };
    const journalOf = (id: string) => orAborted(openJournal(store, { ...own, sessionId: id }), stop);
    const known = steering?.sessionId ?? sessionId;
    if (known !== undefined) journal = await journalOf(known);
    const hostSessionId = steering === undefined ? sessionId : journal?.recorded.hostSessionId;
    const history = options.history ?? historyFor(provider, journal);
    const request: OpenRequest = {
      agent: limited,
      sessionId: hostSessionId,
      provisioned: options.provisioned,
      history,
      cursor: journal?.recorded.cursor,
      emit: hear,
      whenKept: async () => session?.kept(),
      aroundModel: (asked, work) => watch.model(asked, work),
      traceContext: () => watch.traceContext() ?? {},
      signal: stop,
    };
    connection = await orAborted(provider.open(request), stop);
    journal ??= await journalOf(connection.sessionId);
    await journal.begin(limited, provider, steering?.mayChange ?? options.ifAgentChanged === "accept");
    if (steering !== undefined && hostSessionId === undefined)
      await journal.record({ type: "session.bound", hostSessionId: connection.sessionId });
    await settleInput(journal, state.messagesSeen);
    signal?.throwIfAborted();
    const { unsent } = journal.recorded;
    if (unsent.length > 0) fold({ type: "unsent", inputs: unsent });
    session = new LoopSession({
      sessionId: steering?.sessionId ?? connection.sessionId,
      agent: limited,
      options,
      connection,
      journal,
      state,
      past: past.splice(0),
      watch,
      closing,
    });
    for (const event of recorded.splice(0)) session.hear(event);
    return session;
  } catch (thrown) {
    await connection?.close();
    await journal?.close();
    if (isTimeout(signal?.reason)) throw signal.reason;
    if (signal?.aborted === true)
      throw new LoophostError("aborted", "Opening the session was aborted.", { cause: thrown });
    throw toLoophostError(thrown, "host_failed", `${provider.name} could not open a session`);
  } finally {
    unlink();
  }
}

/** The observers' hooks; the code that serves them is loaded with the first session that has any. */
async function watchOf(agent: Agent, options: OpenOptions): Promise<Watch> {
  const { observers = [], onEvent, onStep } = options;
  if (observers.length === 0 && onEvent === undefined && onStep === undefined) return UNWATCHED;
  // Kept: even a module that is there costs a short session more to import again than to watch it.
  loaded ??= await import("./observed-watch.ts");
  return new loaded.ObservedWatch(agent, options);
}

let loaded: { readonly ObservedWatch: typeof ObservedWatch } | undefined;

/** The conversation on record, for a provider that cannot know it by itself; undefined when there is none. */
function historyFor(
  provider: Provider,
  journal: Journal | undefined,
): readonly TranscriptMessage[] | undefined {
  const transcript = journal?.recorded.transcript ?? [];
  return provider.traits.history === "here" && transcript.length > 0 ? transcript : undefined;
}

/** The last process may have died between sending a message and noting it: when the host lists more user messages than we recorded as sent, those did arrive. */
async function settleInput(journal: Journal, messagesSeen: number): Promise<void> {
  const { run, unsent, messagesSent } = journal.recorded;
  const arrived = unsent.filter(isMessage).slice(0, Math.max(0, messagesSeen - messagesSent));
  const ids = arrived.flatMap(({ id }) => id ?? []);
  if (run !== undefined && arrived.length > 0)
    await journal.record({ type: "input.sent", runId: run.id, ids });
}

/** Races opening against its abort. A provider or a store that ignores the signal is not awaited; what it opens too late is closed, or it would leak. */
async function orAborted<T extends { close(): Promise<void> }>(
  opening: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const unlink = onAbort([signal], (reason) => aborted.reject(reason));
  try {
    return await Promise.race([opening, aborted.promise]);
  } catch (thrown) {
    if (signal.aborted) opening.then((late) => late.close()).catch(() => undefined);
    throw thrown;
  } finally {
    unlink();
  }
}

function check(agent: Agent, options: OpenOptions): void {
  if (agent?.limits === undefined)
    throw new LoophostError("invalid_agent", "The agent was not made by defineAgent().");
  checkOpen(options);
  const { provider, history, provisioned } = options;
  if (provisioned !== undefined && provisioned.provider !== provider.name)
    throw new LoophostError(
      "invalid_options",
      `What was provisioned for ${provisioned.provider} is of no use to ${provider.name}; provision it there.`,
    );
  if (history !== undefined && provider.traits.history === "host")
    throw new LoophostError(
      "invalid_options",
      `${provider.name} holds the conversation itself; attach with sessionId instead of history.`,
    );
}
