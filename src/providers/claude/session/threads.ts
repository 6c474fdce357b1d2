/**
 * The threads of a session: the main one, and those of the agents that work beside it.
 *
 * A thread is a child once the host has said that it was created. Every other id is the main thread's, which is told nowhere else.
 */

import type { ThreadChangedEvent } from "../../../core/events.ts";
import type { HostEvent } from "../../../core/provider.ts";
import type { ClaudeWireEvent } from "./wire.ts";
import { text } from "./wire.ts";

/** The threads of one session. */
export class Threads {
  readonly #children = new Set<string>();

  /** The child thread an event happened in; undefined for the main one. */
  of(event: ClaudeWireEvent): string | undefined {
    const id = text(event["session_thread_id"]);
    return id !== undefined && this.#children.has(id) ? id : undefined;
  }

  /** What an event says of a thread; undefined when it says nothing of threads. */
  read(event: ClaudeWireEvent): HostEvent[] | undefined {
    const status = STATUS.get(event.type);
    const id = text(event["session_thread_id"]);
    if (status === undefined || id === undefined) return undefined;
    if (status === "created") this.#children.add(id);
    // The main thread's rest is not the session's: others may still be at work.
    if (!this.#children.has(id)) return [{ type: "provider", raw: event }];
    const agentName = text(event["agent_name"]) ?? "";
    return [{ type: "thread.changed", agentName, status, thread: id, raw: event }];
  }
}

const STATUS: ReadonlyMap<string, ThreadChangedEvent["status"]> = new Map([
  ["session.thread_created", "created"],
  ["session.thread_status_running", "running"],
  ["session.thread_status_idle", "idle"],
  ["session.thread_status_rescheduled", "rescheduled"],
  ["session.thread_status_terminated", "terminated"],
]);
