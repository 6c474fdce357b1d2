/**
 * One message of a reply, folded out of its events. Blocks are known by what they are, and tool blocks by their own id: the
 * service reuses an index within a message, and text mostly begins without a start.
 */

import { LoophostError } from "../../../core/errors.ts";
import type { Json, JsonObject } from "../../../core/json.ts";
import { isObject } from "../../../core/json.ts";

/** A call the model made, its input as the text it wrote. */
export interface ToolUse {
  readonly id: string;
  readonly name: string;
  /** Whose tool it is, as far as the service says: absent or "tool_use" for a function of ours. */
  readonly kind: string | undefined;
  input: string;
}

/** What a tool gave back, as the service tells it. */
interface ToolOutcome {
  readonly id: string;
  readonly isError: boolean;
  readonly content: unknown[];
}

/** A block of a message. */
export type Block =
  | { readonly is: "text"; text: string }
  | { readonly is: "reasoning"; text: string; signature: string; redacted: string }
  | { readonly is: "use"; readonly use: ToolUse }
  | { readonly is: "result"; readonly result: ToolOutcome };

/** What a piece of a message was, for whoever reads along. */
export type Piece =
  | { readonly is: "text" | "thinking"; readonly text: string }
  | { readonly is: "closed"; readonly block: Block }
  | { readonly is: "unknown" }
  | undefined;

/** More than any reply holds: what goes on beyond it would fill the memory of this process. */
const MAX_CHARS = 64 * 1024 * 1024;

/** A message that is being told. */
export class MessageFold {
  readonly role: string;
  readonly blocks: Block[] = [];
  readonly #active = new Map<unknown, Block>();
  #chars = 0;

  constructor(role: string) {
    this.role = role;
  }

  /** The text of the message, without what it thought. */
  get text(): string {
    return this.blocks.map((block) => (block.is === "text" ? block.text : "")).join("");
  }

  /** A block begins; `known` finds a call that was told before. */
  start({ contentBlockIndex: index, start }: Record<string, unknown>): Piece {
    const { toolUse, toolResult, ...others } = isObject(start) ? start : {};
    this.#active.delete(index);
    if (isObject(toolUse)) this.#open(index, { is: "use", use: this.#useOf(toolUse) });
    else if (isObject(toolResult)) this.#open(index, { is: "result", result: outcomeOf(toolResult) });
    else if (Object.keys(others).length > 0) return { is: "unknown" };
    return undefined;
  }

  /** A block goes on. */
  delta({ contentBlockIndex: index, delta }: Record<string, unknown>): Piece {
    const { text, toolUse, toolResult, toolResultMetadata, reasoningContent } = isObject(delta) ? delta : {};
    if (typeof text === "string") {
      this.#textAt(index).text += this.#counted(text);
      return text === "" ? undefined : { is: "text", text };
    }
    if (isObject(reasoningContent)) return this.#think(index, reasoningContent);
    const block = this.#active.get(index);
    if (isObject(toolUse)) {
      // A fragment without its block belongs to nothing that could be named.
      if (block?.is === "use") block.use.input += this.#counted(inputText(toolUse["input"]));
      return undefined;
    }
    if (Array.isArray(toolResult)) {
      if (block?.is === "result") {
        this.#counted(JSON.stringify(toolResult));
        block.result.content.push(...toolResult);
      }
      return undefined;
    }
    return toolResultMetadata === undefined ? { is: "unknown" } : undefined;
  }

  /** A block ends. */
  stop({ contentBlockIndex: index }: Record<string, unknown>): Piece {
    const block = this.#active.get(index);
    this.#active.delete(index);
    return block && { is: "closed", block };
  }

  /** The message ends, and with it every block that was never stopped. */
  end(): readonly Block[] {
    const left = [...this.#active.values()];
    this.#active.clear();
    return left;
  }

  #think(index: unknown, { text, signature, redactedContent }: Record<string, unknown>): Piece {
    const found = this.#active.get(index);
    const block = found?.is === "reasoning" ? found : newReasoning();
    if (block !== found) this.#open(index, block);
    if (typeof signature === "string") block.signature += this.#counted(signature);
    if (redactedContent !== undefined) block.redacted += this.#counted(toBase64(redactedContent));
    if (typeof text !== "string" || text === "") return undefined;
    block.text += this.#counted(text);
    return { is: "thinking", text };
  }

  #textAt(index: unknown): Extract<Block, { is: "text" }> {
    const found = this.#active.get(index);
    if (found?.is === "text") return found;
    const block = { is: "text" as const, text: "" };
    this.#open(index, block);
    return block;
  }

  #open(index: unknown, block: Block): void {
    this.#active.set(index, block);
    if (!this.blocks.includes(block) && !(block.is === "use" && this.#has(block.use)))
      this.blocks.push(block);
  }

  /** A call that is opened twice in one message is one call. */
  #useOf({ toolUseId, name, type }: Record<string, unknown>): ToolUse {
    const id = textOf(toolUseId);
    for (const block of this.blocks) if (block.is === "use" && block.use.id === id) return block.use;
    return { id, name: textOf(name), kind: typeof type === "string" ? type : undefined, input: "" };
  }

  #has(use: ToolUse): boolean {
    return this.blocks.some((block) => block.is === "use" && block.use === use);
  }

  #counted(text: string): string {
    this.#chars += text.length;
    if (this.#chars <= MAX_CHARS) return text;
    throw new LoophostError("host_protocol", "A message of AgentCore is longer than this process holds.", {
      mayRetry: false,
    });
  }
}

/** A message's blocks in the form the service takes them in. What it would refuse, empty text, is left out. */
export function toWireBlocks(blocks: readonly Block[]): Json[] {
  return blocks.flatMap((block): JsonObject[] => {
    switch (block.is) {
      case "text":
        return block.text === "" ? [] : [{ text: block.text }];
      case "reasoning":
        return reasoningBlocks(block);
      case "use":
        return [
          { toolUse: { toolUseId: block.use.id, name: block.use.name, input: readInput(block.use).input } },
        ];
      case "result":
        return [];
    }
  });
}

/** The input of a call: a JSON object, or a problem for the model to mend. No text at all is an empty object. */
export function readInput({ input }: Pick<ToolUse, "input">): {
  readonly input: JsonObject;
  readonly problem?: string;
} {
  if (input.trim() === "") return { input: {} };
  try {
    const value: unknown = JSON.parse(input);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- parsed from JSON, and an object
    if (isObject(value)) return { input: value as JsonObject };
    return { input: {}, problem: "the arguments must be a JSON object" };
  } catch {
    return { input: {}, problem: "the arguments are not valid JSON" };
  }
}

function reasoningBlocks({ text, signature, redacted }: Extract<Block, { is: "reasoning" }>): JsonObject[] {
  const said = { text, ...(signature !== "" && { signature }) };
  return [
    ...(text === "" ? [] : [{ reasoningContent: { reasoningText: said } }]),
    ...(redacted === "" ? [] : [{ reasoningContent: { redactedContent: redacted } }]),
  ];
}

function newReasoning(): Extract<Block, { is: "reasoning" }> {
  return { is: "reasoning", text: "", signature: "", redacted: "" };
}

function outcomeOf({ toolUseId, status }: Record<string, unknown>): ToolOutcome {
  return { id: textOf(toolUseId), isError: status === "error", content: [] };
}

/** Bytes come as base64 off the wire, and as bytes out of the SDK. */
function toBase64(value: unknown): string {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array ? btoa(String.fromCodePoint(...value)) : "";
}

/** A piece of a call's input: left out, it would be a call without it. */
function inputText(input: unknown): string {
  return typeof input === "string"
    ? input
    : input === undefined || input === null
      ? ""
      : JSON.stringify(input);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
