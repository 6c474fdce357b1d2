/**
 * The conversation of a session, as a model is to have it: what its log says was said.
 *
 *   C1  every call has its result, in the order of the calls; one that was never answered is said to have been stopped
 *   C2  what is said while calls are open comes after their results
 */

import type { Json } from "../../core/json.ts";
import type { ContentBlock, ToolResult } from "../../core/results.ts";
import { textResult } from "../../core/results.ts";
import type { AssistantMessage, TranscriptMessage, UserMessage } from "../../core/transcript.ts";
import type { LoggedEvent } from "../log/event-log.ts";
import type { ReadFile } from "../wire/content.ts";
import { filesIn, readContent, readResult, readRubric, withFiles } from "../wire/content.ts";
import type { WireEvent } from "../wire/wire-events.ts";
import { INTERRUPTED } from "../wire/wire-events.ts";
import { callIdOf } from "./open-work.ts";

/** Reads the conversation out of a log. */
export async function readConversation(
  events: AsyncIterable<LoggedEvent>,
  readFile: ReadFile,
): Promise<readonly TranscriptMessage[]> {
  const conversation = new Conversation();
  for await (const { event, said } of events) conversation.hear(event, said);
  return Promise.all(conversation.end().map((message) => withItsFiles(message, readFile)));
}

interface Call {
  /** The model's own id for it. */
  readonly id: string;
  readonly name: string;
  /** The event that told it. */
  readonly toldAs: string;
}

class Conversation {
  readonly #messages: TranscriptMessage[] = [];
  /** The events that told calls of the reply that is being told. */
  #told: string[] = [];
  /** The calls of the last reply, until all have a result. */
  #open: readonly Call[] = [];
  readonly #results = new Map<string, ToolResult>();
  /** What was said while calls were open. */
  #held: TranscriptMessage[] = [];

  hear(event: WireEvent, said: AssistantMessage | undefined): void {
    switch (event.type) {
      case "user.message":
      case "user.define_outcome":
      case "system.message":
        // One that had to wait is told again when it is taken.
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

  end(): readonly TranscriptMessage[] {
    this.#close();
    return this.#messages;
  }

  #say(message: UserMessage): void {
    if (this.#open.length > 0) this.#held.push(message);
    else this.#messages.push(message);
  }

  #answer(said: AssistantMessage): void {
    this.#close();
    this.#messages.push(said);
    const told = this.#told;
    this.#told = [];
    this.#open = said.content
      .filter((block) => block.type === "tool_call")
      .map(({ id, name }, index) => ({ id, name, toldAs: told[index] ?? "" }));
  }

  #close(): void {
    if (this.#open.length > 0)
      this.#messages.push({
        role: "tool",
        results: this.#open.map(({ id, name, toldAs }) => ({
          callId: id,
          name,
          result: this.#results.get(toldAs) ?? STOPPED,
        })),
      });
    this.#open = [];
    this.#results.clear();
    this.#messages.push(...this.#held);
    this.#held = [];
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
  // Clients are told in the words of the service, which invite to repeat the call; a model must not be.
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

async function withItsFiles(message: TranscriptMessage, readFile: ReadFile): Promise<TranscriptMessage> {
  if (message.role === "user" && filesIn(message.content).length > 0)
    return { ...message, content: await withFiles(message.content, readFile) };
  if (message.role !== "tool") return message;
  const results = message.results.map(async (one) => {
    if (filesIn(one.result.content).length === 0) return one;
    return { ...one, result: { ...one.result, content: await withFiles(one.result.content, readFile) } };
  });
  return { ...message, results: await Promise.all(results) };
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
