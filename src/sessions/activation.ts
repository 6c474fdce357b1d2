/**
 * One activation of a session: it is opened, what its inbox asks for is done, and it is closed. Nothing stays in memory
 * between two activations.
 *
 *   V1  an inbox item is taken by the very entry it led to; one that led to nothing has an entry that says why
 *   V2  decisions, answers and interrupts are acted on at once; messages one after another, each once the run before it is over
 */

import type { Bus } from "../core/bus.ts";
import type { Clock } from "../core/clock.ts";
import type { Rest } from "../core/engine.ts";
import type { LoophostError } from "../core/errors.ts";
import { isTransient, toLoophostError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import { isDelta } from "../core/events.ts";
import { isForNewer } from "../core/journal/entry.ts";
import type { Run } from "../core/run.ts";
import { resultAlone } from "../core/session/live-run.ts";
import type { SteeredSession } from "../core/session/open-session.ts";
import { openSteered } from "../core/session/open-session.ts";
import type { Store } from "../core/store.ts";
import { contextOf, mayChange } from "./callbacks.ts";
import { SaidDeltas } from "./deltas.ts";
import type { MessageToSend, ReadItem } from "./inbox.ts";
import { asError, decide, InboxReader } from "./inbox.ts";
import { Looks } from "./looks.ts";
import type { ServedAgent, SessionFacts, SessionsOptions } from "./options.ts";
import { toWord } from "./words.ts";

/** What an activation works with. */
export interface ActivationParts {
  readonly store: Store;
  /** The same store as it was given: openSession() puts deadlines on it itself, and two would give each call two timers. */
  readonly plainStore: Store;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly observers: SessionsOptions["observers"];
  readonly onEvent: SessionsOptions["onEvent"];
}

/** Before a session is tried again whose host, agent or store refused it. */
const PERMANENT_MS = 30_000;
const MAX_BACKOFF_MS = 30_000;
/** Before one is tried again that needs a newer release, or the agent as it was, at most: for as long nobody else is called. */
const FOR_OTHERS_MS = 4_000;
/** Before a session is looked at again that another worker has. */
const OWNED_MS = 400;

/** An activation under way. */
export class Activation {
  readonly #parts: ActivationParts;
  readonly #served: ServedAgent;
  readonly #facts: SessionFacts;
  readonly #goesOn: boolean;
  readonly #stop = new AbortController();
  readonly #looks: Looks;
  readonly #deltas: SaidDeltas;
  #session: SteeredSession | undefined;
  #isSuspended = false;
  /** Items that are being acted on, until the run is over. */
  readonly #underWay = new Set<number>();

  /** @param goesOn whether its run was under way, so that it goes on though a call may still wait for somebody */
  constructor(parts: ActivationParts, served: ServedAgent, facts: SessionFacts, goesOn: boolean) {
    this.#goesOn = goesOn;
    this.#parts = parts;
    this.#served = served;
    this.#facts = facts;
    // What other processes post is seen by the sweep, for all sessions of the worker at once.
    this.#looks = new Looks(
      facts.sessionId,
      { ...parts, pollMs: undefined, isOwner: true },
      ({ say }) => say === "follow" && this.#deltas.follow(),
    );
    this.#deltas = new SaidDeltas((word) => parts.bus.say(facts.sessionId, toWord(word)), parts.clock);
  }

  /** Begins nothing more, and lets go of the session once what runs is on record. */
  suspend(): void {
    this.#isSuspended = true;
    if (this.#session === undefined) this.#stop.abort();
    this.#session?.suspend();
    this.#looks.now();
  }

  /** Lets go of the session now: a tool that runs may have taken effect, and its result is not on record. */
  kill(): Promise<void> {
    this.#isSuspended = true;
    this.#stop.abort();
    return this.#session?.close().catch(() => undefined) ?? Promise.resolve();
  }

  /** Something may have been posted. */
  look(): void {
    this.#looks.now();
  }

  /**
   * Runs the session until it rests.
   *
   * @param attempt how often in a row it could not be run before
   * @param onError told why it could not
   */
  async run(attempt: number, onError: (error: LoophostError) => void): Promise<Rest> {
    try {
      this.#session = await this.#open();
      try {
        return await this.#work(this.#session);
      } finally {
        await this.#session.close();
      }
    } catch (thrown) {
      if (this.#isSuspended) return { now: "again", afterMs: 0 };
      const error = toLoophostError(
        thrown,
        "host_failed",
        `Session ${this.#facts.sessionId} could not be run`,
      );
      // Whoever has it looks into the inbox as well; looked at again in case that one dies, or let go of it at once.
      if (error.code === "session_owned" || error.code === "stale_owner")
        return { now: "again", afterMs: OWNED_MS };
      onError(error);
      const isForOthers = error.code === "agent_changed" || isForNewer(error);
      const maxMs = isForOthers ? FOR_OTHERS_MS : MAX_BACKOFF_MS;
      const backoffMs = Math.min(maxMs, 500 * 2 ** Math.min(attempt, 10));
      const elsewhere = isForOthers || error.code === "store_failed";
      return { now: "again", afterMs: elsewhere || isTransient(error) ? backoffMs : PERMANENT_MS, elsewhere };
    } finally {
      this.#looks.close();
    }
  }

  async #open(): Promise<SteeredSession> {
    const { agent, provider, limits, guard, onApproval, ifCallUnknown } = this.#served;
    const { plainStore, bus, clock } = this.#parts;
    const { sessionId, tenant } = this.#facts;
    bus.say(sessionId, toWord({ say: "owner" }));
    const options = {
      provider,
      store: plainStore,
      clock,
      // Not "take", which would fence off a live worker, and not "wait", which would block a slot of this one.
      ifOwned: "fail" as const,
      context: await contextOf(this.#served, this.#facts, clock, this.#stop.signal),
      metadata: tenant === undefined ? undefined : { tenant },
      limits,
      guard,
      onApproval,
      ifCallUnknown,
      keepEvents: "none" as const,
      observers: this.#parts.observers,
      onEvent: (event: SessionEvent) => this.#hear(event),
      signal: this.#stop.signal,
    };
    const onWritten = () => bus.say(sessionId, toWord({ say: "look", written: true }));
    return openSteered(agent, options, { sessionId, mayChange: mayChange(this.#served), onWritten });
  }

  async #work(session: SteeredSession): Promise<Rest> {
    // One left open by a process that died goes on; one that waits does once somebody has said something.
    const { store } = this.#parts;
    const { recorded } = session;
    let goesOn = recorded.run !== undefined && (this.#goesOn || recorded.waiting.length === 0);
    for (;;) {
      if (this.#isSuspended) return { now: "again", afterMs: 0 };
      const items = await new InboxReader(store, this.#facts.sessionId).read();
      const isOpen = () => session.recorded.run !== undefined;
      // What does not begin a run is looked at again during it: a message that denies what waits, say.
      if (items.length > (isOpen() ? 0 : 1)) this.#looks.now();
      const { interrupt, message, hasSteered, denies } = await this.#betweenRuns(session, items);
      // Race: they may stand in the inbox for a moment after the run has begun, and a message that denies is not about its own run.
      for (const begun of [interrupt, message]) if (begun !== undefined) this.#underWay.add(begun.n);
      if (isOpen() && interrupt !== undefined) {
        const run = session.resume({ ifWaiting: "return" });
        await session.interrupt(interrupt.n);
        await this.#follow(session, run);
      } else if (isOpen() && (goesOn || hasSteered || denies)) {
        const run = session.resume({ ifWaiting: "return" });
        if (denies) session.denyWaiting();
        await this.#follow(session, run);
      } else if (message !== undefined) {
        const run = await this.#send(session, message);
        if (run !== undefined) await this.#follow(session, run);
      } else return { now: "parked" };
      goesOn = false;
    }
  }

  /** Begins a run with a message; one the session does not take, because its host ended it say, is refused on record. */
  async #send(session: SteeredSession, { n, item }: MessageToSend): Promise<Run | undefined> {
    const { prompt, system, ifOpen } = item;
    try {
      return session.send(prompt, { ifWaiting: "return", system, ifOpen }, n);
    } catch (thrown) {
      await session.refuseItem(n, asError(thrown));
      return undefined;
    }
  }

  /** Acts on what can be acted on while no run is under way here; gives what a run has to be begun for. */
  async #betweenRuns(session: SteeredSession, items: readonly ReadItem[]): Promise<ToBegin> {
    const isOpen = session.recorded.run !== undefined;
    let [hasSteered, denies] = [false, false];
    let message: ToBegin["message"];
    let interrupt: ToBegin["interrupt"];
    // In order: behind messages that wait, one that denies ends the run by its no alone, and has its turn after them.
    const first = items.find(({ item }) => item.ask === "message")?.n;
    for (const { n, item } of items) {
      if (item.ask === "message") {
        if (!isOpen || (item.ifOpen === "deny" && n === first)) message ??= { n, item };
        else if (item.ifOpen === "deny") denies = message === undefined;
      } else if (item.ask === "interrupt") {
        if (isOpen) interrupt ??= { n };
        else if (message === undefined) await session.refuseItem(n, nothingOpen());
      } else
        await decide(session, n, item).then(
          () => (hasSteered = true),
          (thrown: unknown) => session.refuseItem(n, asError(thrown)),
        );
    }
    return { interrupt, message, hasSteered, denies };
  }

  /** Waits for a run, and acts on what is posted meanwhile. */
  async #follow(session: SteeredSession, run: Run): Promise<void> {
    const over = new AbortController();
    const result = resultAlone(run).catch((thrown: unknown) => {
      // A run that failed is on record; without a record there is nothing more to be done here.
      const error = asError(thrown);
      if (STOPS_ALL.has(error.code)) throw error;
    });
    const steering = this.#steer(session, over.signal);
    try {
      await result;
    } finally {
      over.abort();
      await steering;
      this.#underWay.clear();
    }
  }

  async #steer(session: SteeredSession, over: AbortSignal): Promise<void> {
    const inbox = new InboxReader(this.#parts.store, this.#facts.sessionId);
    while (!over.aborted) {
      if (!(await this.#looks.next(over)) || over.aborted) continue;
      // A store that cannot be read now is looked into again; what it holds is not lost.
      const items = await inbox.read().catch(() => []);
      for (const { n, item } of items) {
        if (over.aborted || this.#underWay.has(n)) continue;
        if (item.ask === "message") {
          if (item.ifOpen === "deny") session.denyWaiting();
          continue;
        }
        this.#underWay.add(n);
        const acted = item.ask === "interrupt" ? session.interrupt(n) : decide(session, n, item);
        acted.catch((thrown: unknown) => {
          const error = asError(thrown);
          // A call that is not waiting yet may be in a moment; what waits in the end is looked at between runs.
          if (error.code === "invalid_options") this.#underWay.delete(n);
          else if (error.code === "already_decided") session.refuseItem(n, error).catch(() => undefined);
        });
      }
    }
  }

  #hear(event: SessionEvent): unknown {
    if (isDelta(event)) this.#deltas.add(withoutRaw(event), this.#session?.told ?? 0);
    // A call that waits may be one that an item in the inbox is about.
    if (event.type === "run.waiting" || event.type === "approval.requested") this.#looks.now();
    // Returned: what it throws, or rejects with, is contained with what observers do.
    return this.#parts.onEvent?.(event, this.#facts);
  }
}

/** What a run has to be begun for. */
interface ToBegin {
  readonly interrupt: { readonly n: number } | undefined;
  readonly message: MessageToSend | undefined;
  readonly hasSteered: boolean;
  /** Whether a message in line denies what waits. */
  readonly denies: boolean;
}

/** After these nothing can be recorded here any more. */
const STOPS_ALL: ReadonlySet<string> = new Set<LoophostError["code"]>([
  "stale_owner",
  "store_failed",
  "store_damaged",
  "session_closed",
]);

function nothingOpen(): LoophostError {
  return toLoophostError(undefined, "invalid_options", "No run was open to be interrupted");
}

function withoutRaw<E extends SessionEvent & { readonly raw?: unknown }>(event: E): E {
  const { raw: _, ...rest } = event;
  // oxlint-disable-next-line no-unsafe-type-assertion -- the same event, without the host's own
  return rest as E;
}
