/**
 * What a session is: its record, its log, and what it has open, changed together.
 *
 *   S1  the record is written along with the events that follow from its change, in one transaction, before they are shown
 *   S2  so is the mark of a session with work open, by which a host that starts knows where to go on
 */

import type { AssistantMessage } from "../../core/transcript.ts";
import { EventLog } from "../log/event-log.ts";
import type { LogLease } from "../log/log-lease.ts";
import type { SessionRecord } from "../records/session-record.ts";
import { now } from "../records/time.ts";
import type { StopReason, WireEvent } from "../wire/wire-events.ts";
import { idleEvents, rescheduledEvents, runningEvents } from "../wire/wire-events.ts";
import type { SessionHost, SessionKeeper } from "./host.ts";
import { OpenWork } from "./open-work.ts";

/** The state of a session that is being used. */
export class SessionState {
  readonly log: EventLog;
  readonly work: OpenWork = new OpenWork();
  readonly #host: SessionHost;
  readonly #keeper: SessionKeeper;
  #record: SessionRecord;
  #runningSince: number | undefined;

  /** @param onQuiet called when nothing is left to write, and when a stream leaves */
  constructor(
    record: SessionRecord,
    host: SessionHost,
    keeper: SessionKeeper,
    { onQuiet, lease }: { readonly onQuiet: () => void; readonly lease: LogLease | undefined },
  ) {
    this.#record = record;
    this.#host = host;
    this.#keeper = keeper;
    this.log = new EventLog(host.store.log, record.id, onQuiet, lease);
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
    this.#record = { ...this.#record, ...changes, updated_at: now() };
    this.log.writeAlong("record", () => this.#keeper.writesOf(this.#record, this.work));
  }

  /** Says that the session runs. */
  sayRunning(): void {
    this.markRunning();
    for (const event of runningEvents(this.#record)) this.say(event);
  }

  /** The session runs; its log says so, or is about to. */
  markRunning(): void {
    this.#runningSince = this.#host.clock.now();
    this.change({ status: "running" });
    this.#host.onRunning(this.#record);
  }

  /** Makes the record, and the mark, of a session that does not run say so. */
  correctRecord(): void {
    const { status } = this.#record;
    if (!this.work.isOpen) this.change({ status: status === "terminated" ? status : "idle" });
    else if (status !== "idle") this.change({ status: "idle", archived_at: null });
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
    const { stats, created_at: createdAt } = this.#record;
    const moment = this.#host.clock.now();
    const activeMs = moment - (this.#runningSince ?? moment);
    this.#runningSince = undefined;
    this.change({
      status: next,
      stats: {
        active_seconds: stats.active_seconds + activeMs / 1_000,
        // The system clock can be set back; a duration must not shrink.
        duration_seconds: Math.max(stats.duration_seconds, (Date.now() - Date.parse(createdAt)) / 1_000),
      },
    });
  }
}
