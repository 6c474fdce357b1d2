/** What a session is held with. */

import type { RetryPolicy } from "../../../core/async/retry.ts";
import type { Clock } from "../../../core/clock.ts";
import type { Json } from "../../../core/json.ts";
import type { HostEvent } from "../../../core/provider.ts";
import type { HarnessEvent } from "../stream/events.ts";

/** How sessions go on where the service leaves it to us. */
export interface SessionRules {
  /** Today's service hands calls off one at a time; "all" is its older rule: all calls of a message, answered together. Default "one". */
  readonly handoff: "one" | "all";
  /** What an interrupt does to the turn at the service: "leave" it to end, or "stop" the session there. Default "leave". */
  readonly onInterrupt: "leave" | "stop";
  /** What becomes of a run whose turn was lost on its way: it fails, or goes on with a new invocation. Default "fail". */
  readonly onLostTurn: "fail" | "continue";
  /** Whether closing a session stops it at the service. Default false. */
  readonly stopOnClose: boolean;
}

/** What a session is held with. */
export interface SessionParts extends SessionRules {
  readonly sessionId: string;
  /** Whether the session may have been held before. */
  readonly hasPast: boolean;
  readonly cursor: Json | undefined;
  /** The ARN of the harness that was made for the agent, where one was. */
  readonly provisioned: string | undefined;
  /** Whether a tool of this name is one of the agent's. */
  readonly isOurs: (name: string) => boolean;
  readonly emit: (event: HostEvent) => void;
  /** Contract: resolves once the last cursor is on record. */
  readonly whenKept: () => Promise<void>;
  /** Contract: sends one invocation, once. */
  readonly invoke: (messages: readonly Json[], signal: AbortSignal) => AsyncGenerator<HarnessEvent, void>;
  /** Contract: stops the session's machine. */
  readonly stop: (signal?: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly retry: Partial<Record<keyof RetryPolicy, number | undefined>> | undefined;
}
