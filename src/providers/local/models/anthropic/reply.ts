/**
 * The Anthropic Messages wire, the service's side: the events of a stream, or a message in one piece, become a reply.
 *
 * Blocks of kinds unknown here are kept as they are. The index of an event says which block it means; it is no position:
 * servers leave numbers out, begin at 1 or number every block 0. A piece of a block that never began makes the reply worthless.
 */

import { LoophostError } from "../../../../core/errors.ts";
import { isObject } from "../../../../core/json.ts";
import type { AssistantBlock } from "../../../../core/transcript.ts";
import { parseObject } from "../../../../core/wire/http.ts";
import { errorIn, toStreamError } from "../../../../core/wire/refusal.ts";
import type { ModelCall, ModelReply } from "../../model.ts";
import type { ReplyReader } from "../ask.ts";
import type { WireBlock, WireDelta, WireEvent, WireMessage } from "./events.ts";
import {
  ENDINGS,
  isBlock,
  isEmpty,
  parseInput,
  textOf,
  toSaid,
  toServerToolEvent,
  toUsage,
} from "./events.ts";
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
  /** The block begun last under each index. */
  readonly #open = new Map<unknown, OpenBlock>();
  #message: WireMessage | undefined;

  /** @param onBegin called when the service begins to answer: from then on it may hold the reply, whatever we get of it */
  constructor(emit: ModelCall["emit"], onBegin: () => void) {
    this.#emit = emit;
    this.#onBegin = onBegin;
  }

  take(data: string, name: string): boolean {
    const sent = parseObject(data, ANTHROPIC);
    if (name === "error" && sent["type"] !== "error") throw toStreamError(sent["error"] ?? sent, ANTHROPIC);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary
    const event = sent as unknown as WireEvent;
    switch (event.type) {
      case "content_block_delta":
        if (isObject(event.delta)) this.#grow(this.#blockOf(event), event.delta);
        return false;
      case "content_block_start":
        this.#open.set(
          event.index,
          this.#begin(isBlock(event.content_block) ? event.content_block : { type: "" }),
        );
        return false;
      case "content_block_stop":
        this.#close(this.#blockOf(event));
        return false;
      case "message_start":
        this.#message = isObject(event.message) ? event.message : {};
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
      default: {
        const error = errorIn(sent, typeof event.type === "string");
        if (error !== undefined) throw toStreamError(error, ANTHROPIC);
        this.#emit({ type: "provider", raw: event });
        return false;
      }
    }
  }

  takeWhole(body: Record<string, unknown>): void {
    const error = errorIn(body, Array.isArray(body["content"]));
    if (error !== undefined) throw toStreamError(error, ANTHROPIC);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a parse boundary
    const message = body as WireMessage;
    if (!Array.isArray(message.content))
      throw new LoophostError("host_protocol", `${ANTHROPIC} sent JSON that is no message. Check baseUrl.`);
    this.#message = message;
    this.#onBegin();
    for (const block of message.content.filter(isBlock)) this.#close(this.#begin(block));
    this.isWhole = true;
  }

  finish(): ModelReply {
    const stopReason = this.#message?.stop_reason ?? null;
    const ending = stopReason === null ? "completed" : (ENDINGS.get(stopReason) ?? "terminated");
    // One that was cut off says so, and its calls are void: nothing of it is missing.
    const mayLack = ending === "max_tokens" || ending === "refusal";
    for (const open of this.#blocks) {
      if (!mayLack) this.#mustHaveInput(open);
      this.#close(open);
    }
    const message = { ...this.#message, content: this.#blocks.map(({ block }) => block) };
    const isSilent = this.#blocks.length === 0 && stopReason === null;
    if (isSilent)
      throw new LoophostError(
        "host_protocol",
        `${ANTHROPIC} ended its reply without saying anything, not even why.`,
      );
    const content = this.#blocks.flatMap(({ said }) => said ?? []);
    return {
      message: {
        role: "assistant",
        // Void a refused reply, its calls too.
        content: ending === "refusal" ? content.filter((block) => block.type !== "tool_call") : content,
        native: { wire: ANTHROPIC_WIRE, message },
      },
      ending,
      stopReason,
      usage: toUsage(message.usage),
    };
  }

  /** The block that an event means, by its index; without one, the block begun last. */
  #blockOf({ index }: WireEvent): OpenBlock {
    const open =
      this.#open.get(index) ?? (index === undefined || index === null ? this.#blocks.at(-1) : undefined);
    if (open !== undefined) return open;
    throw new LoophostError("host_protocol", `${ANTHROPIC} sent a piece of a block that never began.`, {
      mayRetry: true,
    });
  }

  /** A block the server left open: a call whose input never came must not run. */
  #mustHaveInput(open: OpenBlock): void {
    if (!open.isClosed && open.block.type === "tool_use" && open.text === "" && isEmpty(open.block["input"]))
      throw new LoophostError("host_protocol", `${ANTHROPIC} ended its reply before the input of a call.`, {
        mayRetry: true,
      });
  }

  #begin(sent: WireBlock): OpenBlock {
    const block = sent.type === "tool_use" ? { ...sent, id: this.#idOf(sent) } : sent;
    const open = { block, text: "", said: undefined, isClosed: false };
    this.#blocks.push(open);
    if (block.type === "text") this.#tell("text.delta", block.text);
    else if (block.type === "thinking") this.#tell("thinking.delta", block.thinking);
    return open;
  }

  /** A call's id, one of its own: results find their calls by it, and some servers leave it out or repeat it. */
  #idOf({ id: sent }: WireBlock): string {
    const id = textOf(sent);
    const isTaken = this.#blocks.some(({ block }) => block.type === "tool_use" && block.id === id);
    return id === "" || isTaken ? `toolu_${crypto.randomUUID()}` : id;
  }

  #grow(open: OpenBlock, delta: WireDelta): void {
    const { block } = open;
    switch (delta.type) {
      case "text_delta":
        open.text += textOf(delta.text);
        return this.#tell("text.delta", delta.text);
      case "thinking_delta":
        open.text += textOf(delta.thinking);
        return this.#tell("thinking.delta", delta.thinking);
      case "input_json_delta":
        open.text += textOf(delta.partial_json);
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
    if (block.type === "text") block.text = textOf(block.text) + text;
    else if (block.type === "thinking") block.thinking = textOf(block.thinking) + text;
    else if (text !== "") block["input"] = parseInput(text);
    open.said = toSaid(block, text);
    const event = toServerToolEvent(block);
    if (event !== undefined) this.#emit(event);
  }

  #end({ delta, usage }: WireEvent): void {
    const message = { ...this.#message, ...delta };
    this.#message = message;
    if (!isObject(usage)) return;
    // Usage here counts the whole message; what does not apply is null.
    const counts = { ...message.usage };
    for (const [name, count] of Object.entries(usage)) if (count !== null) counts[name] = count;
    message.usage = counts;
  }

  #tell(type: "text.delta" | "thinking.delta", text: unknown): void {
    if (typeof text !== "string" || text === "") return;
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
