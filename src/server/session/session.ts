/**
 * One session: takes what clients post, and has the work done that follows from it.
 *
 *   H1  a post is checked and applied in one step, without waiting: all its events are taken or none is, and no two posts
 *       can answer the same call
 *   H2  an idle that asks for answers is said only while some are missing, and again after a part of them came, unless
 *       that would repeat a long list; with the last answer the session is running again
 *   H3  a session that has nothing to do, or has waited long for a client, holds nothing that its log does not
 */

import type { JsonObject } from "../../core/json.ts";
import { hostClosed, invalid, notFound } from "../http/errors.ts";
import type { EventLog } from "../log/event-log.ts";
import type { LogLease } from "../log/log-lease.ts";
import type { SessionRecord } from "../records/session-record.ts";
import { readSessionUpdate } from "../records/session-update.ts";
import { now } from "../records/time.ts";
import type { UserEvent } from "../wire/user-events.ts";
import type { WireEvent } from "../wire/wire-events.ts";
import {
  hostToolResult,
  INTERRUPTED,
  requestEnded,
  terminatedEvents,
  wireEvent,
} from "../wire/wire-events.ts";
import { isUsedUp, readNewBudget } from "./budget.ts";
import type { SessionHost, SessionKeeper } from "./host.ts";
import { checkPost } from "./post-check.ts";
import { SessionRunner } from "./runner.ts";
import { SessionState } from "./state.ts";

/** Milliseconds after which a session that waits for a client, and that no stream follows, is evicted from memory. */
const PARK_AFTER_MS = 60_000;

/** A session that is being used. */
export class HostedSession {
  readonly #host: SessionHost;
  readonly #keeper: SessionKeeper;
  readonly #state: SessionState;
  readonly #runner: SessionRunner;
  #isClosed = false;
  #isDeleted = false;
  #cancelParking: () => void = () => undefined;

  /** @param lease by which the session is the host's. Default: the host is alone with its store */
  constructor(record: SessionRecord, host: SessionHost, keeper: SessionKeeper, lease?: LogLease) {
    this.#host = host;
    this.#keeper = keeper;
    this.#state = new SessionState(record, host, keeper, { onQuiet: () => this.#settle(), lease });
    this.#runner = new SessionRunner(this.#state, host, () => this.#parkLater());
  }

  get record(): SessionRecord {
    return this.#state.record;
  }

  get log(): EventLog {
    return this.#state.log;
  }

  /** Whether a run is open, be it at work or waiting. */
  get hasOpenRun(): boolean {
    return this.#state.work.isOpen;
  }

  /** Whether it may leave memory. */
  get isQuiet(): boolean {
    return this.#runner.isFree && this.log.isQuiet;
  }

  /** What was sent and, as far as the store has it, still waits for its turn: the ids of the events. */
  queued(): ReadonlySet<string> {
    return new Set([...this.#state.work.queue, ...this.log.unwritten()].map(({ id }) => id));
  }

  /** Whether a call waits for a client; told by the event with this id. */
  isOpenCall(eventId: string): boolean {
    return this.#state.work.calls.has(eventId);
  }

  /** Goes on with what an earlier process, or this one before the session left memory, left open. */
  async takeUp(): Promise<void> {
    await this.#state.recall();
    this.#runner.takeUp();
  }

  /**
   * Takes the events of one post, all or none, and gives back their echoes.
   *
   * @throws Refusal when one of them does not fit what the session is doing
   */
  post(events: readonly UserEvent[]): readonly WireEvent[] {
    this.#mustLive();
    const { work } = this.#state;
    checkPost(events, { work, isCapped: isUsedUp(this.record), threadId: this.record.thread_id });
    // Instructions posted with results must reach the model before it continues with those.
    if (events.at(-1)?.type === "system.message" && events.at(-2)?.type !== "user.message")
      this.#runner.outdate();
    const before = work.missing;
    const echoes: WireEvent[] = [];
    for (const event of events) echoes.push(this.#take(event, echoes.at(-1)));
    if (work.isWaiting && work.missing !== before) this.#runner.askForTheRest();
    return echoes;
  }

  /**
   * Changes what an update may change; gives back what is then in the store.
   *
   * @param along called when it is taken: what that adds to the log is written in the same step
   */
  async update(body: JsonObject, along: () => void = () => undefined): Promise<SessionRecord> {
    this.#mustLive();
    const { budget } = body;
    const changes = {
      ...readSessionUpdate(this.record, this.hasOpenRun, body),
      ...(budget !== undefined && { budget: readNewBudget(this.record, budget) }),
    };
    this.#state.change(changes);
    this.#state.say(wireEvent("session.updated", changes));
    along();
    if (this.#state.work.isCapped && !isUsedUp(this.record)) this.#runner.resume();
    return this.kept();
  }

  /** Gives the session other resources, without a word in the log. */
  async changeResources(
    resources: SessionRecord["resources"],
    along: () => void = () => undefined,
  ): Promise<void> {
    this.#mustLive();
    this.#state.change({ resources });
    along();
    await this.log.written();
  }

  /** The record as it is now, once it is in the store. */
  async kept(): Promise<SessionRecord> {
    const { record } = this;
    await this.log.written();
    return record;
  }

  /** Ends the session for good; it can still be read. */
  async archive(): Promise<SessionRecord> {
    this.#mustExist();
    if (this.record.status !== "terminated") {
      this.#mustRest("archived");
      this.#state.change({ status: "terminated", archived_at: now() });
      for (const event of terminatedEvents(this.record)) this.#state.say(event);
      this.close();
    }
    return this.kept();
  }

  /** Removes the session, and ends its streams. */
  async delete(): Promise<void> {
    this.#mustExist();
    this.#mustRest("deleted");
    this.#isDeleted = true;
    this.log.writeAlong("record", () => this.#keeper.forget(this.record.id));
    this.#state.say(wireEvent("session.deleted"));
    this.close();
    await this.log.written();
    this.log.end();
    await this.log.discard();
  }

  /** Stops working, without a word: whoever loads the session next goes on where this one stopped. */
  close(): void {
    this.#isClosed = true;
    this.#cancelParking();
    this.#runner.stop();
  }

  // --- what clients post

  #take(event: UserEvent, before: WireEvent | undefined): WireEvent {
    const echo = wireEvent(event.type, event.echo);
    switch (event.type) {
      case "user.message":
      case "user.define_outcome": {
        const waiting = { ...echo, processed_at: null };
        if (this.hasOpenRun) return this.#state.say(waiting);
        this.#runner.begin([waiting]);
        return waiting;
      }
      case "system.message": {
        // It goes with the message or the result it came with.
        const mustWait = this.#state.work.queue.some(({ id }) => id === before?.id);
        return this.#state.say(mustWait ? { ...echo, processed_at: null } : echo);
      }
      case "user.interrupt":
        return this.#interrupt(echo);
      case "user.tool_confirmation":
        return this.#confirm(event, echo);
      case "user.custom_tool_result":
      case "user.tool_result":
        this.#state.say(echo);
        this.#runner.answered(event.toolUseId, echo);
        return echo;
    }
  }

  #interrupt(echo: WireEvent): WireEvent {
    const { work } = this.#state;
    for (const id of work.calls.keys()) this.#state.say(hostToolResult(id, INTERRUPTED));
    if (work.request !== undefined) this.#state.say(requestEnded(work.request, false));
    this.#state.say(echo);
    if (work.isInterrupted) this.#runner.rest({ type: "end_turn" });
    return echo;
  }

  #confirm(
    { toolUseId, allow, why }: Extract<UserEvent, { type: "user.tool_confirmation" }>,
    echo: WireEvent,
  ): WireEvent {
    const wasAsking = this.#state.work.calls.get(toolUseId)?.isAsking === true;
    this.#state.say(echo);
    if (!wasAsking || allow) return echo;
    const denied = hostToolResult(toolUseId, `This call was not allowed${why === null ? "" : `: ${why}`}.`);
    this.#state.say(denied);
    this.#runner.answered(toolUseId, denied);
    return echo;
  }

  // --- life

  #mustExist(): void {
    if (this.log.failed !== undefined) throw this.log.failed;
    if (this.#isDeleted) throw notFound(`Session ${this.record.id}`);
  }

  #mustLive(): void {
    this.#mustExist();
    if (this.record.status === "terminated")
      throw invalid(`Session ${this.record.id} is archived and takes no more events.`);
    if (this.#isClosed) throw hostClosed();
  }

  #mustRest(what: string): void {
    const { status } = this.record;
    if (status === "running" || status === "rescheduling")
      throw invalid(
        `A running session cannot be ${what}. Send a user.interrupt and wait for session.status_idle.`,
      );
  }

  /** Evicts the run of a waiting session later: the log holds all of it. */
  #parkLater(): void {
    this.#cancelParking();
    if (this.#state.work.isWaiting)
      this.#cancelParking = this.#host.clock.after(PARK_AFTER_MS, () => {
        this.#runner.park();
        this.#settle();
      });
    this.#settle();
  }

  #settle(): void {
    // Without its log a run has no effect that a client could see, so stop it instead of spending tokens.
    if (this.log.failed !== undefined) this.close();
    this.#keeper.onQuiet(this.record.id);
  }
}
