/** What every contender does: the same instructions, prompt and tool, and a count of what came of it. */

import type { Script } from "./script.ts";
import { filler } from "./script.ts";

/** A contender, set up for a script: each call holds one session from prompt to closing text. */
export type Converse = (onText?: (text: string) => void) => Promise<Outcome>;

/** What a contender is set up with. */
export interface Setting {
  readonly url: string;
  readonly script: Script;
  /** Whether the host holds the conversation, as a thread. */
  readonly threads: boolean;
  /** Whether the caller reads every event, or awaits the result alone. */
  readonly read: "result" | "events";
  /** Who watches ours: nobody, or openTelemetry() with no SDK registered or with one that keeps nothing. */
  readonly watchedBy: "nobody" | "openTelemetry, no SDK" | "openTelemetry, SDK";
}

/** What came of a session. Both contenders must arrive at the same. */
export interface Outcome {
  readonly turns: number;
  readonly toolCalls: number;
  /** Characters of tool input, as the tool got it. */
  readonly inputChars: number;
  /** Characters of the closing text. */
  readonly textChars: number;
}

/** What a script must come to. */
export function expectedOutcome({ toolTurns, args, text }: Script): Outcome {
  const frame = JSON.stringify({ query: "" }).length;
  return {
    turns: toolTurns + 1,
    toolCalls: toolTurns,
    inputChars: toolTurns * (args - frame),
    textChars: text,
  };
}

/** The system prompt. */
export const INSTRUCTIONS: string = `You look after orders. ${filler(400)}`;

/** The first message. */
export const PROMPT = "Where is order 42?";

/** The one tool, as a model is shown it. */
export const LOOK_UP = {
  name: "look_up",
  description: "Finds what is known about an order",
  inputSchema: { type: "object", properties: { query: { type: "string" } }, required: ["query"] },
} as const;

/** The one tool, at work: answers with so many characters, and counts. */
export class Orders {
  readonly #answer: string;
  toolCalls = 0;
  inputChars = 0;

  constructor(script: Script) {
    this.#answer = filler(script.result);
  }

  lookUp(query: string): string {
    this.toolCalls += 1;
    this.inputChars += query.length;
    return this.#answer;
  }
}

/** Checks that the tool was called as a script says. */
export function checkOrders({ toolCalls, inputChars }: Orders, script: Script): void {
  const expected = expectedOutcome(script);
  if (toolCalls === expected.toolCalls && inputChars === expected.inputChars) return;
  throw new Error(
    `${toolCalls} calls with ${inputChars} characters of input, not ${expected.toolCalls} with ${expected.inputChars}.`,
  );
}
