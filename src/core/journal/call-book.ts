/** What is on record of calls: how far each came, and what was decided about it. */

import type { Json } from "../json.ts";
import type { HostInput } from "../provider.ts";
import type { TranscriptMessage } from "../transcript.ts";
import type { CallRecord, JournalEntry, JournalFacts, OpenRunRecord } from "./entry.ts";

/** The book of a session's calls; all there is of a journal in memory. */
export class CallBook implements JournalFacts {
  readonly calls: Map<string, CallRecord> = new Map();
  readonly decisions: Map<string, { readonly allow: boolean; readonly why: string | undefined }> = new Map();
  readonly transcript: readonly TranscriptMessage[] = [];
  readonly unsent: readonly HostInput[] = [];
  readonly run: OpenRunRecord | undefined = undefined;
  readonly ended: OpenRunRecord | undefined = undefined;
  readonly runs: number = 0;
  readonly cursor: Json | undefined = undefined;
  readonly messagesSent: number = 0;

  /** Takes one entry in. */
  apply(entry: JournalEntry): void {
    if (entry.type === "call.started") {
      this.calls.set(entry.id, { state: "started" });
      // A decision is about one execution: should this one be lost, whether to repeat it is another question.
      this.decisions.delete(entry.id);
    } else if (entry.type === "call.finished")
      this.calls.set(entry.id, { state: "finished", result: entry.result });
    else if (entry.type === "calls.posted")
      for (const id of entry.ids) this.calls.set(id, { state: "posted" });
    else if (entry.type === "decided") this.decisions.set(entry.id, { allow: entry.allow, why: entry.why });
  }
}
