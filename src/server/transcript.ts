/**
 * The conversation of a session as the model has it, kept between runs.
 *
 *   T1  it only grows; a run adds what it said and heard, once, when it ends
 *   T2  no call is left open in it: what was answered keeps its answer, the rest is closed as interrupted
 */

import type { Json } from "../core/json.ts";
import type { ToolResult } from "../core/results.ts";
import { textResult } from "../core/results.ts";
import type { LogStore } from "../core/store.ts";
import type { TranscriptMessage } from "../core/transcript.ts";
import { HOST_LEASE } from "./event-log.ts";

/** What the model, and whoever looks on, is told of a call that an interrupt left without an answer. */
export const INTERRUPTED = "Tool execution was interrupted before completion. Please retry.";

const PAGE = 500;

/** The transcript of one session. */
export class Transcript {
  readonly #store: LogStore;
  readonly #id: string;
  #length = 0;

  constructor(store: LogStore, sessionId: string) {
    this.#store = store;
    this.#id = `${sessionId}/transcript`;
  }

  /** Everything said so far. */
  async read(): Promise<readonly TranscriptMessage[]> {
    const messages: TranscriptMessage[] = [];
    for (let after = 0, isMore = true; isMore;) {
      const page = await this.#store.read(this.#id, after, PAGE);
      messages.push(...page.map(({ entry }) => toMessage(entry)));
      after += page.length;
      isMore = page.length === PAGE;
    }
    this.#length = messages.length;
    return messages;
  }

  /** Keeps what a run added to what was read before it. */
  async keep(messages: readonly unknown[], answered: ReadonlyMap<string, ToolResult>): Promise<void> {
    const whole = closeCalls(messages.map(toMessage), answered);
    const added = whole.slice(this.#length);
    if (added.length === 0) return;
    const fence = await this.#store.claim(this.#id, HOST_LEASE);
    await this.#store.append(this.#id, fence, added.map(toJson));
    this.#length = whole.length;
  }
}

function closeCalls(
  messages: readonly TranscriptMessage[],
  answered: ReadonlyMap<string, ToolResult>,
): readonly TranscriptMessage[] {
  const last = messages.at(-1);
  const calls = last?.role === "assistant" ? last.content.filter((block) => block.type === "tool_call") : [];
  if (calls.length === 0) return messages;
  const results = calls.map(({ id, name }) => ({
    callId: id,
    name,
    result: answered.get(id) ?? textResult(INTERRUPTED, true),
  }));
  return [...messages, { role: "tool", results }];
}

function toMessage(message: unknown): TranscriptMessage {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: transcripts are made by local() and come back as they were
  return message as TranscriptMessage;
}

function toJson(message: TranscriptMessage): Json {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- messages are plain data; what is native in them came from JSON
  return message as unknown as Json;
}
