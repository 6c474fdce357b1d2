/** One choice of a chat completion, as its deltas add up; or its message, when it came in one piece. */

import { isObject } from "../../../../core/json.ts";
import { ChatCalls } from "./calls.ts";

/** What a piece of a choice shows at once. */
export type ShowPiece = (type: "text.delta" | "thinking.delta", text: string) => void;

/** A choice. */
export class ChatChoice {
  readonly calls: ChatCalls;
  text = "";
  thinking = "";
  hasRefused = false;
  finishReason: string | undefined;
  /** Fields of the service's own in the message: they go back with it. */
  readonly extra: Map<string, unknown> = new Map();

  constructor(service: string) {
    this.calls = new ChatCalls(service);
  }

  /** Whether anything was said. */
  get isEmpty(): boolean {
    return this.text === "" && this.thinking === "" && this.calls.count === 0 && !this.hasRefused;
  }

  /** Takes a delta, or a whole message, in. What is not as the wire has it is passed over; null means absent. */
  take(delta: Record<string, unknown>, isWhole: boolean, show: ShowPiece): void {
    const { role: _, content, refusal, tool_calls: calls, function_call: old, ...own } = delta;
    this.#keep(own);
    const thought = stringOf(own["reasoning_content"]) || stringOf(own["reasoning"]);
    if (thought !== "") {
      this.thinking += thought;
      show("thinking.delta", thought);
    }
    const refused = stringOf(refusal);
    if (refused !== "") this.hasRefused = true;
    const said = textIn(content) + refused;
    if (said !== "") {
      this.text += said;
      show("text.delta", said);
    }
    const listed = (Array.isArray(calls) ? calls : [calls]).filter(isObject);
    // The deprecated `function_call`: passed over, a call would be lost without a word.
    if (listed.length === 0 && isObject(old)) listed.push({ function: old });
    for (const call of listed)
      if (isWhole) this.calls.addWhole(call);
      else this.calls.add(call);
  }

  /** Accumulates unknown fields: strings and lists are concatenated, anything else is replaced. */
  #keep(own: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(own)) {
      if (value === null || value === undefined) continue;
      const before = this.extra.get(name);
      if (typeof value === "string" && typeof before === "string") this.extra.set(name, before + value);
      else if (Array.isArray(value) && Array.isArray(before)) this.extra.set(name, [...before, ...value]);
      else this.extra.set(name, value);
    }
  }
}

/** The text of a content, which some servers give in parts, or as an object. */
function textIn(content: unknown): string {
  if (Array.isArray(content)) return content.map(textIn).join("");
  return isObject(content) ? stringOf(content["text"]) : stringOf(content);
}

function stringOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
