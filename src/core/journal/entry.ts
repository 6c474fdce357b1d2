/**
 * What is written to a session's log, and what is known from it.
 *
 * Write-ahead: an entry is written before something that cannot be undone, or must not be done twice. An entry is
 * atomic: facts that must not be seen apart go into one.
 */

import type { ErrorCode } from "../errors.ts";
import type { RunWaitingEvent, SessionEvent } from "../events.ts";
import type { Json, JsonObject } from "../json.ts";
import { isObject } from "../json.ts";
import type { TraceContext } from "../observer.ts";
import type { HostInput, ProviderTraits } from "../provider.ts";
import type { Ending, RunEnd, ToolResult, ToolCall, Usage } from "../results.ts";
import type { TranscriptMessage } from "../transcript.ts";

/** What a model sees of an agent, part by part, as JSON text; its name and limits are not included. */
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
      readonly traits?: ProviderTraits | undefined;
    }
  | ({
      readonly type: "run.started";
      readonly runId: string;
      readonly input: readonly HostInput[];
      /** What continues its trace in the process that goes on with it. */
      readonly traceContext?: TraceContext | undefined;
    } & FromItem)
  /** A run continues in another process, or after it waited for a person, having taken so long. */
  | { readonly type: "run.resumed"; readonly runId: string; readonly elapsedMs: number }
  /** The run was interrupted: the process that takes it up stops it. */
  | ({ readonly type: "interrupted"; readonly runId: string } & FromItem)
  /** An inbox item that was refused, and why. */
  | { readonly type: "item.refused"; readonly item: number; readonly code: string; readonly message: string }
  /**
   * Events that readers were shown, without the host's own events, numbered within the session from `first`. Written
   * together with the next entry, so that a reader in another process gets them too; `run.waiting` and a run's end have
   * entries of their own.
   */
  | { readonly type: "told"; readonly first: number; readonly events: readonly SessionEvent[] }
  /** The host has messages of ours, by their ids. */
  | { readonly type: "input.sent"; readonly runId: string; readonly ids: readonly string[] }
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

/**
 * The version of the fold over logs, raised when it changes: a snapshot of another version is ignored. An entry that a
 * release before must not skip, because what follows would be misread (rolling deploys), bears it as `needs`; types that
 * are not known and need nothing are skipped.
 */
export const FOLD = 3;

/** A stored entry, typed: what this journal wrote is trusted, and types of a later release are ignored. */
export function asEntry(stored: Json): JournalEntry {
  // oxlint-disable-next-line no-unsafe-type-assertion -- a parse boundary: the journal alone writes to logs
  return stored as unknown as JournalEntry;
}

const NEWER = "a newer loophost wrote it";

/** A stored entry to be folded, typed; throws for one that is none, or that this release must not skip and does not know. */
export function toFold(stored: Json): JournalEntry {
  if (isObject(stored) && typeof stored["type"] === "string" && Number(stored["needs"] ?? 0) <= FOLD)
    return asEntry(stored);
  throw new Error(NEWER);
}

/** Whether a session could not be opened because of such an entry: another worker may know it. */
export function isForNewer({ cause }: Error): boolean {
  return cause instanceof Error && cause.message === NEWER;
}

/** The inbox item that led to an entry; it is taken with it. */
interface FromItem {
  readonly item?: number | undefined;
}

/** What a run used, as far as it was counted while it was open here. */
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
  /** Started in this many processes; all but the last died while it ran. */
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
  /** Whether the call was started since: if its result is lost, whether to run it again is a new question. */
  readonly isUsed: boolean;
  /** The number of this decision among those about calls of this id, from 1. */
  readonly times: number;
}

/** An entry as it is kept: with the time it was written, in epoch milliseconds. */
export type TimedEntry = JournalEntry & { readonly at?: unknown };

/** What is known of a session from its journal. */
export interface JournalFacts {
  readonly calls: ReadonlyMap<string, CallRecord>;
  readonly decisions: ReadonlyMap<string, DecisionRecord>;
  readonly transcript: readonly TranscriptMessage[];
  /** Messages that runs were asked to send and the host does not have, such as one queued behind an approval. */
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
  end?: RunEnd | undefined;
  isInterrupted: boolean;
  /** Processes in a row that took it up and died before anything else was recorded (crash loop). */
  lives: number;
  /** Milliseconds it was under way up to `since`, by what is on record; while it waits for a person `since` is undefined. */
  elapsedMs: number;
  /** In epoch milliseconds. */
  since: number | undefined;
}
