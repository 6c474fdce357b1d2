/**
 * What a worker does, for whoever runs it: a line as a run begins or goes on here, one as it rests, one for each error. Names and
 * codes alone of runs: inputs, and messages of failures, which may quote a prompt, stay in the store.
 */

import type { ErrorCode, LoophostError } from "../../core/errors.ts";
import { messageOf } from "../../core/errors.ts";
import type { SessionEvent } from "../../core/events.ts";
import type { JsonObject } from "../../core/json.ts";
import { formatMs, formatTime, printable, shorten } from "../screen/format.ts";

const MAX_CHARS = 500;

/** A drain let go of a run, or somebody took its session over. */
const IS_LEFT: ReadonlySet<string> = new Set<ErrorCode>(["session_closed", "stale_owner"]);

/** Writes the lines, for people or as JSON. */
export class ActivityLog {
  readonly #write: (line: string) => void;
  readonly #isJson: boolean;
  /** When the run that is under way in a session began here. */
  readonly #since = new Map<string, number>();

  constructor(write: (line: string) => void, isJson: boolean) {
    this.#write = write;
    this.#isJson = isJson;
  }

  /** Something happened in a session. */
  event(event: SessionEvent, sessionId: string): void {
    if (event.type === "run.started") {
      this.#since.set(sessionId, performance.now());
      this.#line("run", sessionId, "runs", { runId: event.runId });
    } else if (event.type === "run.waiting") {
      const calls = event.on.map(({ id, what, name }) => `${what} of ${name} ${id}`);
      this.#rests("waits", sessionId, `waits for ${calls.join(", ")}`, {
        calls: event.on.map(({ id }) => id),
      });
    } else if (event.type === "run.ended" && event.ending !== "requires_action")
      this.#rests("ended", sessionId, event.ending, { ending: event.ending });
    else if (event.type === "run.failed" && IS_LEFT.has(event.code))
      // On record it is open.
      this.#rests("left", sessionId, "is left to others", {});
    else if (event.type === "run.failed")
      this.#rests("failed", sessionId, `failed: ${event.code}`, { code: event.code });
  }

  /** A session could not be run. */
  error(error: LoophostError, sessionId: string): void {
    const cause = error.cause === undefined ? "" : `: ${messageOf(error.cause)}`;
    const message = `${error.message}${cause}`;
    this.#line("error", sessionId, `could not be run, and is tried again: ${message}`, {
      code: error.code,
      message,
    });
  }

  #rests(what: string, sessionId: string, words: string, more: JsonObject): void {
    const since = this.#since.get(sessionId);
    this.#since.delete(sessionId);
    const ms = since === undefined ? undefined : Math.round(performance.now() - since);
    this.#line(what, sessionId, ms === undefined ? words : `${words} · ${formatMs(ms)}`, {
      ...more,
      ...(ms === undefined ? {} : { ms }),
    });
  }

  #line(what: string, session: string, words: string, more: JsonObject): void {
    this.#write(
      this.#isJson
        ? JSON.stringify({ at: new Date().toISOString(), session, what, ...more })
        : printable(shorten(`${formatTime(Date.now())}  ${session}  ${words}`, MAX_CHARS)),
    );
  }
}
