/**
 * One session: takes what clients post, keeps its record, and says what happens as wire events.
 *
 *   H1  a post is checked and applied in one step, without waiting: all its events are taken or none is, and no two posts
 *       can answer the same call
 *   H2  an idle that asks for answers is said only while some are missing, and again after a part of them came; with the
 *       last answer the session is running again
 *   H3  one run at a time; messages that come meanwhile wait, and are taken in order, each after the idle before it
 *   H4  between runs nothing is held but the record
 */

import type { Clock } from "../core/clock.ts";
import { toLoophostError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { Provider } from "../core/provider.ts";
import type { ContentBlock, Ending } from "../core/results.ts";
import type { Store } from "../core/store.ts";
import type { AgentSnapshot } from "./agent-record.ts";
import { invalid, notFound } from "./errors.ts";
import { EventLog } from "./event-log.ts";
import { optionalString, patchMetadata } from "./fields.ts";
import { HostedRun } from "./hosted-run.ts";
import { checkPost } from "./post-check.ts";
import type { SessionRecord } from "./session-record.ts";
import { addSpent } from "./session-record.ts";
import { Transcript } from "./transcript.ts";
import type { UserEvent } from "./user-events.ts";
import type { StopReason, WireEvent } from "./wire-events.ts";
import {
  errorEvent,
  errorTypeOf,
  idleEvents,
  runningEvents,
  terminatedEvents,
  wireEvent,
} from "./wire-events.ts";

/** What a session works with. */
export interface SessionSetup {
  readonly store: Store;
  readonly clock: Clock;
  /** The loop host for an agent: this process, with a model. */
  readonly provider: (agent: AgentSnapshot) => Provider;
  readonly save: (record: SessionRecord) => Promise<void>;
  readonly forget: (id: string) => Promise<void>;
  /** Called when the session may have nothing left to do. */
  readonly onQuiet: () => void;
}

interface QueuedMessage {
  readonly event: WireEvent;
  readonly blocks: readonly ContentBlock[];
}

const LOST =
  "The host stopped while this session was at work, and that work is lost. Send your message again.";

/** A session that is being used. */
export class HostedSession {
  readonly log: EventLog;
  readonly #setup: SessionSetup;
  readonly #transcript: Transcript;
  #record: SessionRecord;
  #run: HostedRun | undefined;
  #queue: QueuedMessage[] = [];
  #isWaiting = false;
  #isOver = false;
  #runningSince = 0;

  constructor(record: SessionRecord, setup: SessionSetup) {
    this.#record = record;
    this.#setup = setup;
    this.#transcript = new Transcript(setup.store.log, record.id);
    this.log = new EventLog(setup.store.log, record.id, () => this.#settle());
    if (record.is_open) {
      this.log.append(errorEvent("unknown_error", LOST, "exhausted"));
      this.#sayIdle({ type: "retries_exhausted" }, { is_open: false });
    }
  }

  get record(): SessionRecord {
    return this.#record;
  }

  /** Whether it may leave memory. */
  get isQuiet(): boolean {
    return this.#run === undefined && this.log.isQuiet;
  }

  /** Whether a message still waits for its turn. */
  isQueued(eventId: string): boolean {
    return this.#queue.some(({ event }) => event.id === eventId);
  }

  /**
   * Takes the events of one post, all or none, and gives back their echoes.
   *
   * @throws Refusal when one of them does not fit what the session is doing
   */
  post(events: readonly UserEvent[]): readonly WireEvent[] {
    this.#mustLive();
    checkPost(events, {
      openCalls: this.#run?.openCalls ?? [],
      isWaiting: this.#isWaiting,
      queued: this.#queue.length,
      threadId: this.#record.thread_id,
    });
    const echoes = events.map((event) => this.#take(event));
    if (this.#isWaiting && events.some((event) => event.type === "user.custom_tool_result"))
      this.#askForAnswers();
    return echoes;
  }

  /** Changes title and metadata. */
  update(body: JsonObject): SessionRecord {
    this.#mustLive();
    const title = optionalString(body, "title", 1_024);
    const changes = {
      ...(title !== undefined && { title }),
      ...(body["metadata"] && { metadata: patchMetadata(this.#record.metadata, body["metadata"]) }),
    };
    this.#change(changes);
    this.log.append(wireEvent("session.updated", changes));
    return this.#record;
  }

  /** Ends the session for good; it can still be read. */
  async archive(): Promise<SessionRecord> {
    if (this.#record.status === "terminated") return this.#record;
    this.#mustRest("archived");
    this.#change({ status: "terminated", archived_at: new Date().toISOString(), is_open: false });
    for (const event of terminatedEvents(this.#record)) this.log.append(event);
    await this.close();
    return this.#record;
  }

  /** Removes the session, and ends its streams. */
  async delete(): Promise<void> {
    this.#mustRest("deleted");
    this.log.saveFirst(() => this.#setup.forget(this.#record.id));
    this.log.append(wireEvent("session.deleted"));
    await this.close();
    await this.log.written();
    this.log.end();
  }

  /** Stops working, without a word: what was open is found open by whoever loads the session next. */
  async close(): Promise<void> {
    this.#isOver = true;
    this.#queue = [];
    await this.#run?.close();
  }

  // --- what clients post

  #take(event: UserEvent): WireEvent {
    const echo = wireEvent(event.type, event.echo);
    switch (event.type) {
      case "user.message": {
        const message = { event: { ...echo, processed_at: null }, blocks: event.blocks };
        if (this.#run === undefined) this.#begin(message);
        else {
          this.log.append(message.event);
          this.#queue.push(message);
        }
        return message.event;
      }
      case "user.interrupt":
        this.#isWaiting = false;
        this.#run?.interrupt();
        this.log.append(echo);
        return echo;
      case "user.custom_tool_result":
        this.log.append(echo);
        this.#run?.answer(event.toolUseId, event.result);
        if (this.#isWaiting && this.#run?.openCalls.length === 0) {
          this.#isWaiting = false;
          this.#sayRunning();
        }
        return echo;
      case "user.tool_confirmation":
        this.log.append(echo);
        return echo;
    }
  }

  // --- runs

  #begin({ event, blocks }: QueuedMessage): void {
    const run = new HostedRun({
      agent: this.#record.agent,
      provider: () => this.#setup.provider(this.#record.agent),
      log: this.log,
      transcript: this.#transcript,
      clock: this.#setup.clock,
      onWaiting: () => {
        if (!this.#isWaiting) this.#askForAnswers();
      },
      onSpent: (usage) => this.#change({ usage: addSpent(this.#record.usage, usage) }),
    });
    this.#run = run;
    this.#sayRunning();
    this.log.append({ ...event, processed_at: new Date().toISOString() });
    run.run(blocks).then(
      (ending) => this.#end(ending),
      (thrown: unknown) => this.#fail(thrown),
    );
  }

  #end(ending: Ending): void {
    if (ending === "completed" || ending === "interrupted") return this.#rest({ type: "end_turn" });
    if (ending === "refusal") return this.#rest({ type: "refusal" });
    const why =
      ending === "max_tokens"
        ? "The model's reply was cut off at its token limit."
        : `The run ended: ${ending}.`;
    this.log.append(errorEvent("model_request_failed_error", why, "exhausted"));
    this.#rest({ type: "retries_exhausted" });
  }

  #fail(thrown: unknown): void {
    const error = toLoophostError(thrown, "host_failed", "The session could not go on");
    if (!this.#isOver) this.log.append(errorEvent(errorTypeOf(error), error.message, "exhausted"));
    this.#rest({ type: "retries_exhausted" });
  }

  /** The run is over: says so, and takes the next message. */
  #rest(stopReason: StopReason): void {
    this.#run = undefined;
    this.#isWaiting = false;
    if (this.#isOver) return this.#settle();
    this.#sayIdle(stopReason, { is_open: false });
    const next = this.#queue.shift();
    if (next !== undefined) this.#begin(next);
  }

  #askForAnswers(): void {
    this.#isWaiting = true;
    this.#sayIdle({ type: "requires_action", event_ids: this.#run?.openCalls ?? [] });
  }

  // --- what the session says of itself

  #sayRunning(): void {
    this.#runningSince = this.#setup.clock.now();
    this.#change({ status: "running", is_open: true });
    for (const event of runningEvents(this.#record)) this.log.append(event);
  }

  #sayIdle(stopReason: StopReason, changes: Partial<SessionRecord> = {}): void {
    const { stats, status, created_at: createdAt } = this.#record;
    const activeMs = status === "running" ? this.#setup.clock.now() - this.#runningSince : 0;
    this.#change({
      ...changes,
      status: "idle",
      stats: {
        active_seconds: stats.active_seconds + activeMs / 1_000,
        duration_seconds: (Date.now() - Date.parse(createdAt)) / 1_000,
      },
    });
    for (const event of idleEvents(this.#record, stopReason)) this.log.append(event);
  }

  /** Changes the record; it is saved before any event that comes after the change is shown. */
  #change(changes: Partial<SessionRecord>): void {
    const record = { ...this.#record, ...changes, updated_at: new Date().toISOString() };
    this.#record = record;
    this.log.saveFirst(() => this.#setup.save(record));
  }

  // --- life

  #mustLive(): void {
    if (this.log.failed !== undefined) throw this.log.failed;
    if (this.#record.status === "terminated")
      throw invalid(`Session ${this.#record.id} is archived and takes no more events.`);
    if (this.#isOver) throw notFound(`Session ${this.#record.id}`);
  }

  #mustRest(what: string): void {
    if (this.#record.status === "running")
      throw invalid(
        `A running session cannot be ${what}. Send a user.interrupt and wait for session.status_idle.`,
      );
  }

  #settle(): void {
    // A log that cannot be written makes a run pointless: nobody would hear of it.
    if (this.log.failed !== undefined && !this.#isOver) this.close().catch(() => undefined);
    this.#setup.onQuiet();
  }
}
