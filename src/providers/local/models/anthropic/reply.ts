/**
 * The Anthropic Messages wire, the service's side: the events of a stream, or a message in one piece, become a reply.
 *
 * Blocks of kinds unknown here are kept as they are.
 */

import { LoophostError } from "../../../../core/errors.ts";
import { isObject } from "../../../../core/json.ts";
import type { Usage } from "../../../../core/results.ts";
import type { AssistantBlock } from "../../../../core/transcript.ts";
import { parseObject } from "../../../../core/wire/http.ts";
import { toStreamError } from "../../../../core/wire/refusal.ts";
import type { ModelCall, ModelEvent, ModelReply } from "../../model.ts";
import type { ReplyReader } from "../ask.ts";
import { ANTHROPIC_WIRE } from "./wire.ts";

/** How errors call the service. */
export const ANTHROPIC: string = "Anthropic Messages";

/** Reads one reply. */
export class AnthropicReply implements ReplyReader {
  hasEmitted = false;
  isWhole = false;
  readonly #emit: ModelCall["emit"];
  readonly #onBegin: () => void;
  readonly #blocks: OpenBlock[] = [];
  #message: WireMessage | undefined;

  /** @param onBegin called when the service begins to answer: from then on it may hold the reply, whatever we get of it */
  constructor(emit: ModelCall["emit"], onBegin: () => void) {
    this.#emit = emit;
    this.#onBegin = onBegin;
  }

  take(data: string): boolean {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary
    const event = parseObject(data, ANTHROPIC) as unknown as WireEvent;
    const open = event.index === undefined ? undefined : this.#blocks[event.index];
    switch (event.type) {
      case "content_block_delta":
        if (open !== undefined && event.delta !== undefined) this.#grow(open, event.delta);
        return false;
      case "content_block_start":
        this.#open(event.content_block ?? { type: "" });
        return false;
      case "content_block_stop":
        if (open !== undefined) this.#close(open);
        return false;
      case "message_start":
        this.#message = event.message ?? {};
        this.#onBegin();
        return false;
      case "message_delta":
        this.#end(event);
        return false;
      case "message_stop":
        this.isWhole = this.#message !== undefined;
        return true;
      case "error":
        throw toStreamError(event.error, ANTHROPIC);
      case "ping":
        return false;
      default:
        this.#emit({ type: "provider", raw: event });
        return false;
    }
  }

  takeWhole(body: Record<string, unknown>): void {
    if (body["error"] !== undefined) throw toStreamError(body["error"], ANTHROPIC);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary
    const message = body as WireMessage;
    if (!Array.isArray(message.content))
      throw new LoophostError("host_protocol", `${ANTHROPIC} sent JSON that is no message. Check baseUrl.`);
    this.#message = message;
    this.#onBegin();
    for (const block of message.content) this.#close(this.#open(block));
    this.isWhole = true;
  }

  finish(): ModelReply {
    for (const open of this.#blocks) this.#close(open); // should a server not have said so
    const message = { ...this.#message, content: this.#blocks.map(({ block }) => block) };
    const stopReason = message.stop_reason ?? null;
    const ending = stopReason === null ? "completed" : (ENDINGS[stopReason] ?? "terminated");
    const content = this.#blocks.flatMap(({ said }) => said ?? []);
    return {
      message: {
        role: "assistant",
        // What a refused reply had begun is void, its calls too.
        content: ending === "refusal" ? content.filter((block) => block.type !== "tool_call") : content,
        native: { wire: ANTHROPIC_WIRE, message },
      },
      ending,
      stopReason,
      usage: toUsage(message.usage),
    };
  }

  #open(block: WireBlock): OpenBlock {
    const open = { block, text: "", said: undefined, isClosed: false };
    this.#blocks.push(open);
    if (block.type === "text") this.#tell("text.delta", block.text);
    else if (block.type === "thinking") this.#tell("thinking.delta", block.thinking);
    return open;
  }

  #grow(open: OpenBlock, delta: WireDelta): void {
    const { block } = open;
    switch (delta.type) {
      case "text_delta":
        open.text += delta.text ?? "";
        return this.#tell("text.delta", delta.text);
      case "thinking_delta":
        open.text += delta.thinking ?? "";
        return this.#tell("thinking.delta", delta.thinking);
      case "input_json_delta":
        open.text += delta.partial_json ?? "";
        return;
      case "signature_delta":
        block["signature"] = delta["signature"];
        return;
      case "citations_delta":
        if (Array.isArray(block["citations"])) block["citations"].push(delta["citation"]);
        else block["citations"] = [delta["citation"]];
        return;
      case "compaction_delta": {
        const { type: _, ...values } = delta;
        Object.assign(block, values); // not pieces: the block's final values
        return;
      }
      default:
        this.#emit({ type: "provider", raw: delta });
    }
  }

  #close(open: OpenBlock): void {
    if (open.isClosed) return;
    open.isClosed = true;
    const { block, text } = open;
    if (block.type === "text") block.text = (block.text ?? "") + text;
    else if (block.type === "thinking") block.thinking = (block.thinking ?? "") + text;
    else if (text !== "") block["input"] = parseInput(text);
    open.said = toSaid(block, text);
    const event = toServerToolEvent(block);
    if (event !== undefined) this.#emit(event);
  }

  #end({ delta, usage }: WireEvent): void {
    const message = { ...this.#message, ...delta };
    this.#message = message;
    if (usage === undefined) return;
    // Usage here counts the whole message; what does not apply is null.
    const counts = { ...message.usage };
    for (const [name, count] of Object.entries(usage)) if (count !== null) counts[name] = count;
    message.usage = counts;
  }

  #tell(type: "text.delta" | "thinking.delta", text: string | undefined): void {
    if (text === undefined || text === "") return;
    this.hasEmitted = true;
    this.#emit({ type, text });
  }
}

interface OpenBlock {
  readonly block: WireBlock;
  /** What its deltas brought so far. */
  text: string;
  isClosed: boolean;
  /** What the block says in a neutral message, once it is closed; nothing for kinds that are the wire's own. */
  said: AssistantBlock | undefined;
}

interface WireEvent {
  readonly type: string;
  readonly index?: number;
  readonly message?: WireMessage;
  readonly content_block?: WireBlock;
  readonly delta?: WireDelta;
  readonly usage?: WireUsage;
  readonly error?: unknown;
}

interface WireMessage {
  readonly content?: readonly WireBlock[];
  readonly stop_reason?: string | null;
  usage?: WireUsage;
}

interface WireBlock {
  readonly type: string;
  readonly id?: string;
  readonly name?: string;
  text?: string;
  thinking?: string;
  [field: string]: unknown;
}

interface WireDelta {
  readonly type: string;
  readonly text?: string;
  readonly thinking?: string;
  readonly partial_json?: string;
  readonly [field: string]: unknown;
}

interface WireUsage {
  readonly input_tokens?: number | null;
  readonly output_tokens?: number | null;
  readonly cache_read_input_tokens?: number | null;
  readonly cache_creation_input_tokens?: number | null;
  [field: string]: unknown;
}

const ENDINGS: Readonly<Record<string, ModelReply["ending"]>> = {
  end_turn: "completed",
  stop_sequence: "completed",
  tool_use: "completed",
  max_tokens: "max_tokens",
  model_context_window_exceeded: "max_tokens",
  refusal: "refusal",
  // Unfinished: asked again with nothing new, the service goes on.
  pause_turn: "paused",
  compaction: "paused",
};

function toUsage(usage: WireUsage | undefined): Usage | undefined {
  if (usage === undefined) return undefined;
  return {
    inputTokens: usage.input_tokens ?? 0,
    outputTokens: usage.output_tokens ?? 0,
    cacheReadTokens: usage.cache_read_input_tokens ?? 0,
    cacheWriteTokens: usage.cache_creation_input_tokens ?? 0,
  };
}

function toSaid(block: WireBlock, written: string): AssistantBlock | undefined {
  const { type, id = "", name = "" } = block;
  if (type === "text") return { type, text: block.text ?? "" };
  if (type === "thinking") return { type, text: block.thinking ?? "" };
  if (type !== "tool_use") return undefined;
  return {
    type: "tool_call",
    id,
    name,
    arguments: written === "" ? JSON.stringify(block["input"] ?? {}) : written,
  };
}

/** Tools the service runs itself come as a block of the call, and a block of the result that names it. */
function toServerToolEvent(block: WireBlock): ModelEvent | undefined {
  const { type, id = "", name = "", tool_use_id: callId, content } = block;
  if (type === "server_tool_use" || type === "mcp_tool_use")
    return { type: "server_tool.called", id, name, input: block["input"], raw: block };
  if (!type.endsWith("_tool_result") || typeof callId !== "string") return undefined;
  const problem = isObject(content) ? String(content["type"]) : "";
  const isError = block["is_error"] === true || problem.endsWith("_error");
  return { type: "server_tool.finished", id: callId, isError, raw: block };
}

/** Input that is no JSON stays the text it is: the model is told, and nothing is repaired. */
function parseInput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
