/** What a session needs of the host it lives in. */

import type { Clock } from "../../core/clock.ts";
import type { Observer } from "../../core/observer.ts";
import type { Provider } from "../../core/provider.ts";
import type { RecordWrite, Store } from "../../core/store.ts";
import type { LeaseLog } from "../log/log-lease.ts";
import type { AgentSnapshot } from "../records/agent-record.ts";
import type { SessionRecord } from "../records/session-record.ts";
import type { ReadFile } from "../wire/content.ts";
import type { Prices } from "./budget.ts";
import type { ConversationCache } from "./conversation-cache.ts";
import type { OpenWork } from "./open-work.ts";

/** What all sessions of a host work with. */
export interface SessionHost {
  readonly store: Store;
  readonly clock: Clock;
  /** How the host has the logs of its sessions. Default: it is alone with its store. */
  readonly leaseLog?: LeaseLog | undefined;
  /** Contract: which of several hosts on the store this is, for the marks of sessions with work open; undefined for one alone. */
  readonly hostId?: string | undefined;
  /** Contract: the loop host for an agent, this process with a model. What it throws is a refusal. */
  readonly provider: (agent: AgentSnapshot) => Provider;
  readonly files: {
    /** Contract: rejects when there is no such file. */
    get(id: string): Promise<unknown>;
    read: ReadFile;
  };
  readonly conversations: ConversationCache;
  readonly prices: Prices;
  readonly observers: readonly Observer[];
  /** Contract: called whenever a session begins, or goes on, to run. Must not throw. */
  readonly onRunning: (record: SessionRecord) => void;
  /** Contract: called with what a session failed with, as it was thrown. Must not throw. */
  readonly onError: (thrown: unknown, sessionId: string) => void;
}

/** Who keeps the sessions of a host. */
export interface SessionKeeper {
  /** Contract: what keeps a record, and the mark of a session with work open. */
  writesOf(record: SessionRecord, work: OpenWork): readonly RecordWrite[];
  /** Contract: what keeps nothing of a session any more. */
  forget(id: string): readonly RecordWrite[];
  /** Contract: called when a session may have nothing left to do. */
  onQuiet(id: string): void;
}
