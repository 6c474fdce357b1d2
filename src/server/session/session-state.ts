/**
 * What a session is: its record, its log, and what it has open, changed together.
 *
 *   S1  the record is saved before any event that follows from its change is shown
 *   S2  a session is marked as open in the store before it says that it runs, and for as long as it has work open; so a
 *       host that starts knows where to go on
 */

import type { Clock } from "../../core/clock.ts";
import type { Store } from "../../core/store.ts";
import type { AssistantMessage } from "../../core/transcript.ts";
import type { SessionRecord } from "../records/session-record.ts";
import { EventLog } from "./event-log.ts";
import { OpenWork } from "./open-work.ts";
import type { StopReason, WireEvent } from "./wire-events.ts";
import { idleEvents, rescheduledEvents, runningEvents } from "./wire-events.ts";

/** What the state of a session is kept with. */
export interface StateSetup {
  readonly store: Store;
  readonly clock: Clock;
  /** Saves the record, and whether the session has work open. */
  readonly save: (record: SessionRecord, isOpen: boolean) => Promise<void>;
  /** Everything is in the store, and the session has no work open. */
  readonly rested: (id: string) => void;
  /** Called whenever the session begins, or goes on, to run. Must not throw. */
  readonly onRunning: (record: SessionRecord) => void;
}

/** The state of a session that is being used. */
export class SessionState {
  readonly log: EventLog;
  readonly work: OpenWork = new OpenWork();
  readonly #setup: StateSetup;
  #record: SessionRecord;
  #runningSince = 0;

  /** @param onQuiet called when nothing is left to write, and when a stream leaves */
  constructor(record: SessionRecord, setup: StateSetup, onQuiet: () => void) {
    this.#record = record;
    this.#setup = setup;
    this.log = new EventLog(setup.store.log, record.id, () => {
      if (!this.work.isOpen) setup.rested(record.id);
      onQuiet();
    });
  }

  get record(): SessionRecord {
    return this.#record;
  }

  /** Finds out from the log what the session has open. */
  async recall(): Promise<void> {
    for await (const { event } of this.log.readAll()) this.work.apply(event);
  }

  /** Says something. */
  say(event: WireEvent, said?: AssistantMessage): WireEvent {
    this.work.apply(event);
    this.log.append(event, said);
    return event;
  }

  /** Changes the record. */
  change(changes: Partial<SessionRecord>): void {
    this.#record = { ...this.#record, ...changes, updated_at: new Date().toISOString() };
    this.log.saveFirst(() => this.#setup.save(this.#record, this.work.isOpen));
  }

  /** Says that the session runs. */
  sayRunning(): void {
    this.#runningSince = this.#setup.clock.now();
    this.change({ status: "running" });
    for (const event of runningEvents(this.#record)) this.say(event);
    this.#setup.onRunning(this.#record);
  }

  /** Says that the session stopped, and why. */
  sayIdle(stopReason: StopReason): void {
    this.#stopClock("idle");
    for (const event of idleEvents(this.#record, stopReason)) this.say(event);
  }

  /** Says that the session waits for a service. */
  sayRescheduled(): void {
    this.#stopClock("rescheduling");
    for (const event of rescheduledEvents(this.#record)) this.say(event);
  }

  #stopClock(next: SessionRecord["status"]): void {
    const { stats, status, created_at: createdAt } = this.#record;
    const activeMs = status === "running" ? this.#setup.clock.now() - this.#runningSince : 0;
    this.change({
      status: next,
      stats: {
        active_seconds: stats.active_seconds + activeMs / 1_000,
        duration_seconds: (Date.now() - Date.parse(createdAt)) / 1_000,
      },
    });
  }
}
