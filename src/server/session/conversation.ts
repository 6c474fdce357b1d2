/**
 * Derives the conversation for a model from a session's log.
 *
 *   C1  every call has its result, in the order of the calls; one that was never answered is reported as stopped
 *   C2  messages that came while calls were open follow their results
 */

import type { Json } from "../../core/json.ts";
import type { ContentBlock, ToolResult } from "../../core/results.ts";
import { textResult } from "../../core/results.ts";
import type { AssistantMessage, TranscriptMessage, UserMessage } from "../../core/transcript.ts";
import type { ReadFile } from "../wire/content.ts";
import { filesIn, readContent, readResult, readRubric, withFiles } from "../wire/content.ts";
import type { WireEvent } from "../wire/wire-events.ts";
import { INTERRUPTED } from "../wire/wire-events.ts";
import { callIdOf } from "./open-work.ts";

interface Call {
  /** The model's own id for it. */
  readonly id: string;
  readonly name: string;
  /** The event that told it. */
  readonly toldAs: string;
}

/** A conversation as it is kept. */
interface State {
  readonly chars: number;
  readonly messages: TranscriptMessage[];
  readonly told: string[];
  readonly open: readonly Call[];
  readonly results: readonly (readonly [string, ToolResult])[];
  readonly held: TranscriptMessage[];
}

/** A fold over the events of a session; it can be read at any time, and goes on with the events after that. */
export class Conversation {
  #messages: TranscriptMessage[] = [];
  #chars = 0;
  /** The call events of the reply that is being read. */
  #told: string[] = [];
  /** The calls of the last reply, until all have a result. */
  #open: readonly Call[] = [];
  #results = new Map<string, ToolResult>();
  /** Messages that came while calls were open. */
  #held: TranscriptMessage[] = [];

  /** What `toText` gave. */
  static from(kept: string): Conversation {
    const { chars, messages, told, open, results, held }: State = JSON.parse(kept);
    const conversation = new Conversation();
    conversation.#chars = chars;
    conversation.#messages = messages;
    conversation.#told = told;
    conversation.#open = open;
    conversation.#results = new Map(results);
    conversation.#held = held;
    return conversation;
  }

  /** All of it, as text. */
  toText(): string {
    const state: State = {
      chars: this.#chars,
      messages: this.#messages,
      told: this.#told,
      open: this.#open,
      results: [...this.#results],
      held: this.#held,
    };
    return JSON.stringify(state);
  }

  /** How large it is, in characters of JSON: about what it takes in memory. */
  get chars(): number {
    return this.#chars;
  }

  /** Takes in the next event, with what the model said in its own words. */
  hear(event: WireEvent, said: AssistantMessage | undefined): void {
    switch (event.type) {
      case "user.message":
      case "user.define_outcome":
      case "system.message":
        // A queued message is logged again when it is taken.
        if (event.processed_at !== null) this.#say(messageOf(event));
        return;
      case "span.model_request_start":
        this.#told = [];
        return;
      case "agent.custom_tool_use":
      case "agent.tool_use":
        this.#told.push(event.id);
        return;
      case "user.custom_tool_result":
      case "user.tool_result":
      case "agent.tool_result":
        this.#results.set(callIdOf(event), resultOf(event));
        if (this.#open.every(({ toldAs }) => this.#results.has(toldAs))) this.#close();
        return;
      case "span.model_request_end":
        if (said !== undefined) this.#answer(said);
        return;
      case "span.outcome_evaluation_end":
        if (event["result"] === "needs_revision")
          this.#say({ role: "user", content: [{ type: "text", text: revisionOf(event) }] });
    }
  }

  /** What was said so far, as a model is to have it: calls without a result were stopped. */
  messages(): readonly TranscriptMessage[] {
    return [...this.#messages, ...this.#rest()];
  }

  #say(message: UserMessage): void {
    if (this.#open.length > 0) this.#held.push(message);
    else this.#add(message);
  }

  #add(...messages: readonly TranscriptMessage[]): void {
    for (const message of messages) this.#chars += JSON.stringify(message).length;
    this.#messages.push(...messages);
  }

  #answer(said: AssistantMessage): void {
    this.#close();
    this.#add(said);
    const told = this.#told;
    this.#told = [];
    this.#open = said.content
      .filter((block) => block.type === "tool_call")
      .map(({ id, name }, index) => ({ id, name, toldAs: told[index] ?? "" }));
  }

  #close(): void {
    this.#add(...this.#rest());
    this.#open = [];
    this.#results.clear();
    this.#held = [];
  }

  /** The results of the open calls, and what was said while they were open. */
  #rest(): TranscriptMessage[] {
    if (this.#open.length === 0) return this.#held;
    const results = this.#open.map(({ id, name, toldAs }) => ({
      callId: id,
      name,
      result: this.#results.get(toldAs) ?? STOPPED,
    }));
    return [{ role: "tool", results }, ...this.#held];
  }
}

const STOPPED = textResult(
  "This call was stopped before it had a result. It may have taken effect; check before repeating it.",
  true,
);

function messageOf(event: WireEvent): UserMessage {
  if (event.type === "user.define_outcome") return { role: "user", content: taskOf(event) };
  const content = readContent(event["content"], event.id);
  return event.type === "system.message"
    ? { role: "user", from: "operator", content }
    : { role: "user", content };
}

function resultOf(event: WireEvent): ToolResult {
  const result = readResult(event, event.id);
  const [block] = result.content;
  // The text for clients is the service's own, which invites the model to repeat the call; the model gets another.
  const wasInterrupted =
    event.type === "agent.tool_result" && block?.type === "text" && block.text === INTERRUPTED;
  return wasInterrupted ? STOPPED : result;
}

function taskOf({ description, rubric }: WireEvent): readonly ContentBlock[] {
  const task = `${text(description)}\n\nThe work will be graded by this rubric:`;
  return [{ type: "text", text: task }, readRubric(rubric)];
}

function revisionOf({ explanation }: WireEvent): string {
  return `A grader looked at the work and asks for a revision:\n${text(explanation)}\n\nRevise it.`;
}

/** A conversation with the contents of the files it speaks of. */
export async function withItsFiles(
  messages: readonly TranscriptMessage[],
  readFile: ReadFile,
): Promise<readonly TranscriptMessage[]> {
  const filled = [...messages];
  for (const [index, message] of messages.entries())
    if (hasFiles(message)) filled[index] = await filledIn(message, readFile);
  return filled;
}

function hasFiles(message: TranscriptMessage): boolean {
  if (message.role === "user") return filesIn(message.content).length > 0;
  return message.role === "tool" && message.results.some(({ result }) => filesIn(result.content).length > 0);
}

async function filledIn(message: TranscriptMessage, readFile: ReadFile): Promise<TranscriptMessage> {
  if (message.role === "user") return { ...message, content: await withFiles(message.content, readFile) };
  if (message.role !== "tool") return message;
  const results = message.results.map(async (one) => ({
    ...one,
    result: { ...one.result, content: await withFiles(one.result.content, readFile) },
  }));
  return { ...message, results: await Promise.all(results) };
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
