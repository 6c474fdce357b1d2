/**
 * The conversation of a session of the in-process loop host: what was said, and what is still owed to it.
 *
 *   L1  it holds the model's own words; only a compaction ever rewrites it
 *   L2  no call is left without a result in it: what has no answer when the next message comes is closed as stopped
 *   L3  a reply that failed or was interrupted leaves no trace in it
 *   L4  every call has an id of its own, though models repeat theirs from turn to turn; what goes back bears the model's
 */

import { LoophostError } from "../../core/errors.ts";
import type { ContextCompactedEvent, UsageEvent } from "../../core/events.ts";
import { isObject } from "../../core/json.ts";
import type { RecordedEvent } from "../../core/provider.ts";
import type { ToolResult, Usage } from "../../core/results.ts";
import { addUsage, NO_USAGE, textResult } from "../../core/results.ts";
import type { AssistantMessage, TranscriptMessage, UserMessage } from "../../core/transcript.ts";
import { textOf } from "../../core/transcript.ts";
import type { CompactionOptions } from "./compaction.ts";
import { compactOldestFirst, summariseWith } from "./compaction.ts";
import type { ConversationSetup, Model, ModelCall, ModelConversation, ModelReply } from "./model.ts";
import { refusedMedia, shownOrTold } from "./models/media.ts";
import { withWholeCalls } from "./whole-reply.ts";

/** A call of the model's that the conversation owes a result. */
export interface PendingCall {
  /** Ours, unique in the session. */
  readonly id: string;
  /** The model's. */
  readonly wireId: string;
  readonly name: string;
  readonly arguments: string;
}

/** What a conversation is begun with. */
export interface ConversationOptions {
  readonly model: Model;
  readonly setup: ConversationSetup;
  readonly history: readonly TranscriptMessage[];
  readonly compaction: CompactionOptions | undefined;
  /** Told what enters the conversation, when it was rewritten, and what that took. */
  readonly onChange: (event: RecordedEvent | ContextCompactedEvent | UsageEvent) => void;
}

/** A conversation. */
export class Conversation {
  readonly #options: ConversationOptions;
  #messages: TranscriptMessage[] = [];
  #withModel: ModelConversation;
  #pending: readonly PendingCall[] = [];
  /** How many times the model has used each of its ids: they repeat from turn to turn. */
  readonly #uses = new Map<string, number>();
  /** Tokens of context when the model last answered. */
  /** What summaries took: on record with the reply that follows. */
  #unrecorded = NO_USAGE;
  #tokens = 0;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#withModel = options.model.converse(options.setup);
    for (const message of options.history) this.#add(message);
  }

  /** Everything said so far. */
  get messages(): readonly TranscriptMessage[] {
    return [...this.#messages];
  }

  /** The calls of the last message that have no result yet. */
  get pending(): readonly PendingCall[] {
    return this.#pending;
  }

  /** Whether the last message has no reply yet. */
  get owesReply(): boolean {
    const last = this.#messages.at(-1);
    return last !== undefined && last.role !== "assistant";
  }

  /** What the model said last, when nothing came after it. */
  get lastText(): string {
    const last = this.#messages.at(-1);
    return last?.role === "assistant" ? textOf(last) : "";
  }

  /**
   * Adds a message: of the user's, of the operator's, or one said on the guards' behalf.
   *
   * @param usage what it took to come to it, which no reply of the model's counts
   */
  say(message: UserMessage, isInput: boolean, usage?: Usage): void {
    const why = message.content.map(refusedMedia).find((words) => words !== undefined);
    if (why !== undefined) throw new LoophostError("invalid_options", `The message cannot be sent. ${why}`);
    this.answer(new Map());
    this.#append(message, { isInput, usage });
  }

  /** Adds the results of the pending calls, in call order, by our ids. */
  answer(results: ReadonlyMap<string, ToolResult>): void {
    if (this.#pending.length === 0) return;
    const stopped = textResult(STOPPED, true);
    this.#append({
      role: "tool",
      results: this.#pending.map(({ id, wireId, name }) => ({
        callId: wireId,
        name,
        result: shown(results.get(id) ?? stopped),
      })),
    });
  }

  /** Asks the model for its next message. Nothing enters the conversation before `take`. */
  async reply(call: ModelCall): Promise<ModelReply> {
    const { compaction } = this.#options;
    if (compaction !== undefined && this.#tokens > compaction.aboveTokens)
      await this.#compact(compaction, call);
    return withWholeCalls(await this.#withModel.reply(call));
  }

  /**
   * Adds what the model answered; gives its calls, which are pending now.
   *
   * @param isGraded whether a grader decides if the turn ends with it
   */
  take({ message, usage, ending, stopReason }: ModelReply, isGraded = false): readonly PendingCall[] {
    this.#tokens = usage === undefined ? 0 : contextOf(usage);
    const isLast =
      !isGraded && ending !== "paused" && !message.content.some((block) => block.type === "tool_call");
    const end = isLast ? { ending, stopReason } : undefined;
    const spent = this.#unrecorded;
    this.#unrecorded = NO_USAGE;
    this.#append(message, {
      usage: usage === undefined && spent === NO_USAGE ? undefined : addUsage(spent, usage ?? NO_USAGE),
      end,
    });
    return this.#pending;
  }

  #append(
    message: TranscriptMessage,
    facts: Omit<Extract<RecordedEvent, { message: unknown }>, "type" | "message"> = {},
  ): void {
    this.#add(message);
    this.#options.onChange({ type: "transcript.added", message, ...facts });
  }

  #add(message: TranscriptMessage): void {
    // The model's copy first: its wire may have no form for the message, which is then not added at all.
    this.#withModel.add(message);
    this.#messages.push(message);
    if (message.role === "assistant") this.#pending = this.#callsOf(message);
    else if (message.role === "tool") this.#pending = [];
  }

  #callsOf(message: AssistantMessage): readonly PendingCall[] {
    return message.content.flatMap((block) => {
      if (block.type !== "tool_call") return [];
      const uses = (this.#uses.get(block.id) ?? 0) + 1;
      this.#uses.set(block.id, uses);
      const id = uses === 1 ? block.id : `${block.id}#${uses}`;
      return [{ id, wireId: block.id, name: block.name, arguments: block.arguments }];
    });
  }

  async #compact(
    { aboveTokens, compact = compactOldestFirst }: CompactionOptions,
    call: ModelCall,
  ): Promise<void> {
    const { model, setup, onChange } = this.#options;
    const before = this.#messages;
    const summarise = async (messages: readonly TranscriptMessage[]) => {
      const { text, usage } = await summariseWith(model, setup.modelId, messages, call);
      this.#unrecorded = addUsage(this.#unrecorded, usage);
      onChange({ type: "usage", usage, model: setup.modelId });
      return text;
    };
    const after = await compact([...before], { tokens: this.#tokens, aboveTokens, summarise });
    call.signal.throwIfAborted();
    this.#tokens = 0; // until the model has answered again there is nothing to judge by
    this.#messages = [...after];
    this.#withModel = model.converse(setup);
    for (const message of after) this.#withModel.add(message);
    const kept = new Set(after);
    const dropped = before.filter((message) => !kept.has(message));
    onChange({ type: "transcript.replaced", messages: after });
    onChange({
      type: "context.compacted",
      messagesBefore: before.length,
      messagesAfter: after.length,
      dropped,
    });
  }
}

/** Reads a transcript that comes from outside. */
export function checkHistory(history: unknown): readonly TranscriptMessage[] {
  const wrong = Array.isArray(history) ? history.findIndex((message) => !isMessage(message)) : undefined;
  if (wrong !== -1)
    throw new LoophostError(
      "invalid_options",
      `${wrong === undefined ? "history is not the list of messages" : `history[${wrong}] is not a message`} of a transcript; ` +
        "pass an earlier result's `transcript` unchanged.",
    );
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary: transcripts are made here and come back as they were
  return history as readonly TranscriptMessage[];
}

/** Replaces content that no service accepts by text: refused once, it would be refused with every later request. */
function shown(result: ToolResult): ToolResult {
  return result.content.some((block) => refusedMedia(block) !== undefined)
    ? { ...result, content: result.content.map(shownOrTold) }
    : result;
}

const STOPPED =
  "This call was stopped before it had a result. It may have taken effect; check before repeating it.";

function isMessage(message: unknown): boolean {
  if (!isObject(message)) return false;
  const { role, content, results } = message;
  return role === "tool"
    ? Array.isArray(results)
    : (role === "user" || role === "assistant") && Array.isArray(content);
}

function contextOf(usage: Usage): number {
  return usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens + usage.outputTokens;
}

/** Arguments that are no JSON object become a problem the model is told about; they are never repaired. */
export function readCall({ id, name, arguments: text }: PendingCall): {
  id: string;
  name: string;
  input: unknown;
  problem?: string;
} {
  try {
    // Models send an empty string for a tool without parameters.
    const input: unknown = text.trim() === "" ? {} : JSON.parse(text);
    return isObject(input)
      ? { id, name, input }
      : { id, name, input, problem: "the arguments must be a JSON object" };
  } catch {
    return { id, name, input: text, problem: "the arguments are not valid JSON" };
  }
}
