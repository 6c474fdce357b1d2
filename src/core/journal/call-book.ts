/** The recorded state of each tool call: started, finished or posted, and the decision about it. */

import type { Json } from "../json.ts";
import type { HostInput } from "../provider.ts";
import type { TranscriptMessage } from "../transcript.ts";
import type { CallRecord, DecisionRecord, JournalEntry, JournalFacts, OpenRunRecord } from "./entry.ts";

/** The call records of a session. Without a store, these are all that is kept: every other field stays empty. */
export class CallBook implements JournalFacts {
  readonly calls: Map<string, CallRecord> = new Map();
  readonly decisions: Map<string, DecisionRecord> = new Map();
  readonly transcript: readonly TranscriptMessage[] = [];
  readonly unsent: readonly HostInput[] = [];
  readonly run: OpenRunRecord | undefined = undefined;
  readonly ended: OpenRunRecord | undefined = undefined;
  readonly runs: number = 0;
  readonly waiting: readonly string[] = [];
  readonly cursor: Json | undefined = undefined;
  readonly hostSessionId: string | undefined = undefined;
  readonly messagesSent: number = 0;

  /** Takes one entry in. The first result of a call, and the first decision about it, are the ones that count. */
  apply(entry: JournalEntry): void {
    if (entry.type === "call.started") {
      const { id, digest } = entry;
      const before = this.calls.get(id);
      const times = before?.state === "started" && before.digest === digest ? before.times + 1 : 1;
      this.calls.set(id, { state: "started", digest, times });
      const decision = this.decisions.get(id);
      if (decision !== undefined) this.decisions.set(id, { ...decision, isUsed: true });
    } else if (entry.type === "call.finished") {
      const { id, result, digest } = entry;
      const before = this.calls.get(id);
      const isFirst = before === undefined || before.state === "started" || before.digest !== digest;
      if (isFirst) this.calls.set(id, { state: "finished", result, digest });
    } else if (entry.type === "calls.posted") {
      for (const id of entry.ids) this.calls.set(id, { state: "posted", digest: this.calls.get(id)?.digest });
    } else if (entry.type === "decided") {
      const { id, allow, why, digest } = entry;
      const before = this.decisions.get(id);
      const isFirst = before === undefined || before.isUsed || before.digest !== digest;
      const times = (before?.times ?? 0) + 1;
      if (isFirst) this.decisions.set(id, { allow, why, digest, isUsed: false, times });
    }
  }
}
