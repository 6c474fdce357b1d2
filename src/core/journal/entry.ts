/**
 * What is written to a session's log, and what is known from it.
 *
 * An entry is written when something can no longer be taken back or must not be done again. What one entry says is
 * true as a whole, so what belongs together is one entry.
 */

import type { ErrorCode } from "../errors.ts";
import type { RunWaitingEvent, SessionEvent } from "../events.ts";
import type { Json, JsonObject } from "../json.ts";
import type { TraceContext } from "../observer.ts";
import type { HostInput } from "../provider.ts";
import type { Ending, RunEnd, ToolResult, ToolCall, Usage } from "../results.ts";
import type { TranscriptMessage } from "../transcript.ts";

/** What an agent is to a model, part by part, as JSON text. Its name and limits are not among it. */
export type ShownAgent = Readonly<Record<"instructions" | "model" | "tools" | "output", string>>;

/** What is written to a session's log; in a store each entry also has `at`, milliseconds since 1970. */
export type JournalEntry =
  /** The application made the session, before any loop host knows of it. */
  | {
      readonly type: "session.created";
      readonly agent: string;
      readonly tenant?: string | undefined;
      readonly about?: JsonObject | undefined;
    }
  /** The loop host's own id of a session that bears another one here. */
  | { readonly type: "session.bound"; readonly hostSessionId: string }
  | {
      readonly type: "session.opened";
      readonly agent: string;
      readonly shown: ShownAgent;
      readonly provider: string;
    }
  | ({
      readonly type: "run.started";
      readonly runId: string;
      readonly input: readonly HostInput[];
      /** What continues its trace in the process that goes on with it. */
      readonly traceContext?: TraceContext | undefined;
    } & FromItem)
  /** A run goes on in a process that did not begin it, or after somebody was waited for, having taken so long. */
  | { readonly type: "run.resumed"; readonly runId: string; readonly elapsedMs: number }
  /** Somebody interrupted the run; who takes it up stops it, and does not go on. */
  | ({ readonly type: "interrupted"; readonly runId: string } & FromItem)
  /** An inbox item that came to nothing, and why. */
  | { readonly type: "item.refused"; readonly item: number; readonly code: string; readonly message: string }
  /**
   * What readers were shown, without the host's own events, numbered within the session from `first`. Riding along with the
   * next write, so that a reader in another process sees it too; a run that waits or ends is told by its own entry.
   */
  | { readonly type: "told"; readonly first: number; readonly events: readonly SessionEvent[] }
  /** The host has messages of ours, by their ids; without a list, all it was to be sent. */
  | { readonly type: "input.sent"; readonly runId: string; readonly ids?: readonly string[] | undefined }
  | MessageEntry
  /** The conversation was rewritten. */
  | { readonly type: "transcript.replaced"; readonly messages: readonly TranscriptMessage[] }
  /** Where the session stands at a host that does not tell it again. */
  | { readonly type: "cursor"; readonly value: Json }
  | {
      readonly type: "call.started";
      readonly id: string;
      readonly name: string;
      readonly input: unknown;
      /** Of name and input: what is recorded of a call is about that call alone, whatever a host tells under its id later. */
      readonly digest?: string | undefined;
    }
  | ({
      readonly type: "call.finished";
      readonly id: string;
      readonly result: ToolResult;
      readonly digest?: string | undefined;
    } & FromItem)
  | { readonly type: "calls.posted"; readonly ids: readonly string[] }
  | ({
      readonly type: "decided";
      readonly id: string;
      readonly allow: boolean;
      readonly why?: string | undefined;
      readonly digest?: string | undefined;
    } & FromItem)
  | { readonly type: "run.waiting"; readonly on: RunWaitingEvent["on"] }
  | ({
      readonly type: "run.ended";
      readonly runId: string;
      /** The structured output, where the agent owes one. */
      readonly output?: unknown;
    } & RunEnd &
      Partial<Spent>)
  | ({
      readonly type: "run.failed";
      readonly runId: string;
      readonly code: ErrorCode;
      readonly message: string;
    } & Partial<Spent>);

/** A stored entry as an entry: what the journal wrote is believed, and types from a later release are passed over. */
export function asEntry(stored: Json): JournalEntry {
  // oxlint-disable-next-line no-unsafe-type-assertion -- a parse boundary: the journal alone writes to logs
  return stored as unknown as JournalEntry;
}

/** The inbox item that led to an entry; it is taken with it. */
interface FromItem {
  readonly item?: number | undefined;
}

/** What a run took, as far as it was told while it was open here. */
export interface Spent {
  readonly turns: number;
  readonly usage: Usage;
}

/** A message entered the conversation, where this side holds it. */
export interface MessageEntry {
  readonly type: "said";
  readonly message: TranscriptMessage;
  /** Whether it is the input of the run. */
  readonly isInput?: boolean | undefined;
  readonly usage?: Usage | undefined;
  /** How the turn ended, when this message ended it. */
  readonly end?: { readonly ending: Ending; readonly stopReason: unknown } | undefined;
}

/** How far a call came, and which: the digest of its name and input. */
export type CallRecord = { readonly digest: string | undefined } &
  /** In so many processes, each of which died under it but the last. */
  (
    | { readonly state: "started"; readonly times: number }
    | { readonly state: "finished"; readonly result: ToolResult }
    | { readonly state: "posted" }
  );

/** What was decided about a call. */
export interface DecisionRecord {
  readonly allow: boolean;
  readonly why: string | undefined;
  readonly digest: string | undefined;
  /** Whether the call has been started since: should that be lost, whether to repeat it is another question. */
  readonly isUsed: boolean;
  /** The how-manieth decision about a call of this id. */
  readonly times: number;
}

/** An entry as it is kept: with the time it was written, in epoch milliseconds. */
export type TimedEntry = JournalEntry & { readonly at?: unknown };

/** What is known of a session from its journal. */
export interface JournalFacts {
  readonly calls: ReadonlyMap<string, CallRecord>;
  readonly decisions: ReadonlyMap<string, DecisionRecord>;
  readonly transcript: readonly TranscriptMessage[];
  /** What runs were asked to send, and the host does not have: a message that waits behind an approval, say. */
  readonly unsent: readonly HostInput[];
  /** The run that was open when the log ends; one that was returned because it waits for somebody stays open. */
  readonly run: OpenRunRecord | undefined;
  /** The last run, when it ended. */
  readonly ended: OpenRunRecord | undefined;
  readonly runs: number;
  /** The calls that wait for somebody, by what the last run said; empty without a store. */
  readonly waiting: readonly string[];
  /** The host's own id of the session, where it is another than ours. */
  readonly hostSessionId: string | undefined;
  /** The last cursor of the provider's. */
  readonly cursor: Json | undefined;
  /** Messages the host is known to have taken from us. */
  readonly messagesSent: number;
}

/** A run that has not ended. */
export interface OpenRunRecord {
  readonly id: string;
  readonly input: readonly HostInput[];
  /** What continues its trace; undefined where nobody traced. */
  readonly traceContext?: TraceContext | undefined;
  turns: number;
  usage: Usage;
  readonly toolCalls: Map<string, ToolCall>;
  end: RunEnd | undefined;
  isInterrupted: boolean;
  /** How often it was taken up in a row without anything else being recorded: its processes died. */
  lives: number;
  /** How long it was under way up to `since`; while it waits for somebody there is no `since`. */
  elapsedMs: number;
  /** In epoch milliseconds. */
  since: number | undefined;
}
