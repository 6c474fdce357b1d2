/**
 * Does the work of a session: runs and gradings, from where its log stands, and the idles between them.
 *
 *   N1  one piece of work at a time; messages that come meanwhile wait, and are taken in order, each after the idle
 *       before it
 *   N2  whatever is to be done follows from the log: a host that dies is followed by one that reads it and goes on
 *   N3  stopped work says nothing any more, and what it had not said was not done
 */

import type { Ending, EndingDetails, Usage } from "../../core/results.ts";
import { NO_USAGE } from "../../core/results.ts";
import type { TranscriptMessage } from "../../core/transcript.ts";
import type { SessionRecord } from "../records/session-record.ts";
import { now } from "../records/time.ts";
import { readResult } from "../wire/content.ts";
import type { StopReason, WireEvent } from "../wire/wire-events.ts";
import { errorEvent, requestEnded } from "../wire/wire-events.ts";
import { isUsedUp, spending } from "./budget.ts";
import { failureEvent } from "./failure.ts";
import type { SessionHost } from "./host.ts";
import { HostedRun } from "./hosted-run.ts";
import type { OpenOutcome } from "./open-work.ts";
import { endEvaluation, evaluate } from "./outcome.ts";
import type { SessionState } from "./state.ts";

/** Missing answers up to this number are listed after each answer that comes. */
const FEW = 16;

/** Does the work of one session. */
export class SessionRunner {
  readonly #state: SessionState;
  readonly #host: SessionHost;
  readonly #onRest: () => void;
  #run: HostedRun | undefined;
  #grading: AbortController | undefined;
  #isStale = false;
  /** How much was missing when clients were last told what. */
  #asked = Number.POSITIVE_INFINITY;

  /** @param onRest called when the session has nothing to do until it is told something */
  constructor(state: SessionState, host: SessionHost, onRest: () => void) {
    this.#state = state;
    this.#host = host;
    this.#onRest = onRest;
  }

  /** Whether nothing is in memory for work. A run that waits for a client is, until it is parked. */
  get isFree(): boolean {
    return this.#run === undefined && this.#grading === undefined;
  }

  /** Goes on with what an earlier process, or this one before the session left memory, left open. */
  takeUp(): void {
    const { work } = this.#state;
    if (work.request !== undefined) this.#state.say(requestEnded(work.request, true));
    if (!work.isOpen || work.isWaiting || work.isCapped) this.#state.correctRecord();
    else if (work.calls.size > 0) this.askForAnswers();
    else {
      this.#state.markRunning();
      this.#go();
    }
  }

  /** Begins with what was sent. */
  begin(inputs: readonly WireEvent[]): void {
    this.#state.sayRunning();
    for (const input of inputs) this.#state.say({ ...input, processed_at: now() });
    this.#go();
  }

  /** Goes on with what the budget had stopped. */
  resume(): void {
    this.#state.sayRunning();
    this.#go();
  }

  /** A call was answered; with the last answer the work goes on. */
  answered(toolUseId: string, event: WireEvent): void {
    const { work } = this.#state;
    const isLast = work.calls.size === 0;
    if (isLast && work.isWaiting) this.#state.sayRunning();
    if (this.#run !== undefined && !this.#isStale) this.#run.answer(toolUseId, readResult(event, event.id));
    else if (isLast && work.request === undefined) this.#go();
  }

  /** The conversation is about to get an event that the run under way cannot receive: restart it from the log. */
  outdate(): void {
    this.#isStale = true;
  }

  /**
   * Partial results: emits which calls are still missing, while they are few or their number has halved. Emitted in full after each of a
   * thousand results, the log would grow quadratically.
   */
  askForTheRest(): void {
    const { missing } = this.#state.work;
    if (missing <= FEW || missing <= this.#asked / 2) this.askForAnswers();
    else this.#onRest();
  }

  /** Says that the session waits for clients, and for what. */
  askForAnswers(): void {
    this.#asked = this.#state.work.missing;
    this.#state.sayIdle({ type: "requires_action", event_ids: [...this.#state.work.calls.keys()] });
    this.#onRest();
  }

  /** The work is over: says so, and takes the next message. */
  rest(stopReason: StopReason): void {
    const { queue, outcome, isInterrupted } = this.#state.work;
    this.stop();
    if (outcome !== undefined)
      endEvaluation(this.#state, outcome, {
        verdict: isInterrupted ? "interrupted" : "failed",
        explanation: isInterrupted ? "The work was interrupted." : "The work could not go on.",
        usage: NO_USAGE,
      });
    this.#state.sayIdle(stopReason);
    const [next, after] = queue;
    if (next === undefined) this.#onRest();
    else this.begin(after?.type === "system.message" ? [next, after] : [next]);
  }

  /** Frees the memory of a run that waits for a client; the last answer restarts it from the log. */
  park(): void {
    if (this.#state.work.isWaiting) this.stop();
  }

  /** Abandons what is under way, without a word. */
  stop(): void {
    this.#isStale = false;
    this.#run?.stop();
    this.#run = undefined;
    this.#grading?.abort();
    this.#grading = undefined;
  }

  get #record(): SessionRecord {
    return this.#state.record;
  }

  /** Works on from where the log stands. */
  #go(): void {
    this.stop();
    const state = this.#state;
    const run = new HostedRun({
      host: this.#host,
      record: state.record,
      conversation: () => this.#conversation(),
      mayAsk: () => this.#mayAsk(),
      say: (event, said) => state.say(event, said),
      preview: (event) => state.log.preview(event),
      onWaiting: () => {
        // All answers came before the turn had ended, followed by instructions: nothing is missing.
        if (state.work.calls.size === 0) this.#go();
        else if (!state.work.isWaiting) this.askForAnswers();
      },
      onSpent: (usage) => this.#spend(usage),
      onRetrying: (reason, isLong) => {
        state.say(errorEvent("model_request_failed_error", reason, "retrying"));
        if (isLong) state.sayRescheduled();
      },
      onMended: () => state.sayRunning(),
      onEnd: (ending, details) => this.#end(ending, details),
    });
    this.#run = run;
    run.run().catch((thrown: unknown) => this.#fail(run, thrown));
  }

  async #conversation(): Promise<readonly TranscriptMessage[]> {
    await this.#state.log.written();
    const { files, conversations } = this.#host;
    return conversations.read(this.#record.id, this.#state.log, (id) => files.read(id));
  }

  #spend(usage: Usage): void {
    this.#state.change(spending(this.#record, usage, this.#host.prices));
  }

  #mayAsk(): boolean {
    if (!isUsedUp(this.#record)) return true;
    this.stop();
    this.#state.sayIdle({ type: "budget_reached" });
    this.#onRest();
    return false;
  }

  #end(ending: Ending, details: EndingDetails | undefined): void {
    const { outcome } = this.#state.work;
    if (ending === "completed" && outcome !== undefined) return this.#grade(outcome);
    if (ending === "completed") return this.rest({ type: "end_turn" });
    if (ending === "refusal") {
      const { code = null, message = null } = details ?? {};
      return this.rest({
        type: "refusal",
        details: { type: "refusal", category: code, explanation: message },
      });
    }
    const why =
      ending === "max_tokens"
        ? "The model's reply was cut off at its token limit."
        : `The run ended: ${ending}.`;
    this.#state.say(errorEvent("model_request_failed_error", why, "exhausted"));
    this.rest({ type: "retries_exhausted" });
  }

  /** Grades the outcome once the model is done. */
  #grade(outcome: OpenOutcome): void {
    if (!this.#mayAsk()) return;
    this.stop();
    const grading = new AbortController();
    this.#grading = grading;
    const grade = async () => {
      const graded = await evaluate(this.#state, outcome, {
        host: this.#host,
        conversation: () => this.#conversation(),
        signal: grading.signal,
      });
      if (grading.signal.aborted) return;
      this.#spend(graded.usage);
      endEvaluation(this.#state, this.#state.work.outcome ?? outcome, graded);
      if (graded.verdict === "needs_revision") this.#go();
      else this.rest({ type: "end_turn" });
    };
    grade().catch((thrown: unknown) => this.#fail(grading, thrown));
  }

  #fail(work: HostedRun | AbortController, thrown: unknown): void {
    if (work !== this.#run && work !== this.#grading) return;
    this.#host.onError(thrown, this.#record.id);
    this.#state.say(failureEvent(thrown));
    this.rest({ type: "retries_exhausted" });
  }
}
