/**
 * One reply of the service, as host events: what it says, what its own tools do, and at its end whether a call of ours waits.
 *
 *   T1  the last `messageStop` decides; a reply that ends without one, or inside a message, is an error and no success
 *   T2  a call is ours only when the reply ends with `tool_use` and it is the oldest without a result: any other was run over
 *       there, or never will be, and running it here would be a second time or for nobody
 *   T3  calls are followed by their id over all replies of a run, since what is open is not told again
 */

import { LoophostError } from "../../../core/errors.ts";
import { isObject } from "../../../core/json.ts";
import type { Json } from "../../../core/json.ts";
import type { HostEvent } from "../../../core/provider.ts";
import type { Ending, EndingDetails } from "../../../core/results.ts";
import { endingOf, TOOL_USE } from "./endings.ts";
import type { HarnessEvent } from "./events.ts";
import { rawOf } from "./events.ts";
import type { Block, ToolUse } from "./message.ts";
import { MessageFold, readInput, toWireBlocks } from "./message.ts";

/** A call the service waits for, and what it is resumed with. */
export interface Handoff {
  /** The message that made the call, as the service's older rules want it back. */
  readonly assistant: readonly Json[];
  /** Calls without a result, the one handed off first. */
  readonly open: readonly OpenUse[];
}

/** A call without a result; its input is the text the model wrote. */
export interface OpenUse extends Readonly<Pick<ToolUse, "id" | "name" | "input">> {
  /** The id it is known by on this side, where it differs. */
  readonly as?: string | undefined;
}

/** How a reply ended. */
export interface ReplyEnd {
  readonly stopReason: string;
  readonly ending: Ending;
  readonly details: EndingDetails | undefined;
  readonly handoff: Handoff | undefined;
}

/** Reads the replies of one run. */
export class TurnReader {
  readonly #isOurs: (name: string) => boolean;
  readonly #emit: (event: HostEvent) => void;
  /** Calls without a result, oldest first. */
  readonly #open = new Map<string, ToolUse>();
  #assistant: readonly Json[] = [];
  #message: MessageFold | undefined;
  #stopReason: string | undefined;
  #denied: string | undefined;

  /** @param before what was open when an earlier process held the session */
  constructor(
    isOurs: (name: string) => boolean,
    emit: (event: HostEvent) => void,
    before: Handoff | undefined,
  ) {
    this.#isOurs = isOurs;
    this.#emit = emit;
    this.#assistant = before?.assistant ?? [];
    for (const use of before?.open ?? []) this.#open.set(use.id, { ...use, kind: undefined });
  }

  /** Forgets how the last reply ended: the next begins. */
  begin(): void {
    this.#message = undefined;
    this.#stopReason = undefined;
    this.#denied = undefined;
  }

  /** Forgets every open call: nobody will be answered any more. */
  forget(): void {
    this.begin();
    this.#open.clear();
  }

  /** Takes the next event of a reply. */
  take(event: HarnessEvent): void {
    const { type, value } = event;
    switch (type) {
      case "messageStart":
        this.#endMessage();
        this.#message = new MessageFold(value["role"] === "user" ? "user" : "assistant");
        return;
      case "contentBlockStart":
        return this.#piece(this.#current().start(value), event);
      case "contentBlockDelta":
        return this.#piece(this.#current().delta(value), event);
      case "contentBlockStop":
        return this.#piece(this.#message?.stop(value), event);
      case "messageStop":
        this.#endMessage();
        this.#stopReason = typeof value["stopReason"] === "string" ? value["stopReason"] : undefined;
        return;
      case "metadata":
        return this.#emit({ type: "usage", usage: usageOf(value["usage"]), raw: rawOf(event) });
      default:
        if (type === "hookEvent" && value["decision"] === "deny")
          this.#denied = typeof value["reason"] === "string" ? value["reason"] : undefined;
        return this.#emit({ type: "provider", raw: rawOf(event) });
    }
  }

  /**
   * The reply is over.
   *
   * @throws LoophostError `host_protocol` when it is not whole, or waits for a call that nobody here may answer
   */
  end(): ReplyEnd {
    const stopReason = this.#stopReason;
    if (stopReason === undefined || this.#message !== undefined) throw unfinished();
    if (stopReason !== TOOL_USE) {
      this.#open.clear();
      return { stopReason, ...endingOf(stopReason, this.#denied), handoff: undefined };
    }
    const open = [...this.#open.values()].map(({ id, name, input }) => ({ id, name, input }));
    const [first] = open;
    if (first === undefined || first.id === "") throw waitsForOthers(undefined);
    if (!this.#isOwn(this.#open.get(first.id))) throw waitsForOthers(first.name);
    const handoff = { assistant: this.#assistant, open: open.filter(({ name }) => this.#isOurs(name)) };
    return { stopReason, ending: "requires_action", details: undefined, handoff };
  }

  #piece(piece: ReturnType<MessageFold["delta"]>, event: HarnessEvent): void {
    const isSaid = this.#message?.role === "assistant";
    if (piece === undefined) return;
    if (piece.is === "unknown") this.#emit({ type: "provider", raw: rawOf(event) });
    else if (piece.is === "closed") this.#close(piece.block);
    else if (isSaid)
      this.#emit({
        type: piece.is === "text" ? "text.delta" : "thinking.delta",
        text: piece.text,
        raw: rawOf(event),
      });
  }

  #close(block: Block): void {
    if (block.is === "use") this.#called(block.use);
    else if (block.is === "result") {
      const { id, isError, content } = block.result;
      const use = this.#open.get(id);
      this.#open.delete(id);
      // Our own results are told back; a call of ours that a hook refused comes back so too, and never reaches us.
      if (use !== undefined && this.#isOwn(use)) return;
      const raw = { toolResult: { toolUseId: id, status: isError ? "error" : "success", content } };
      this.#emit({ type: "server_tool.finished", id, isError, raw });
    }
  }

  #called(use: ToolUse): void {
    // Told again after an answer: the same call, and the text of its input is not added to what is known.
    this.#open.set(use.id, use);
    if (this.#isOwn(use)) return;
    const { input } = readInput(use);
    const raw = { toolUse: { toolUseId: use.id, name: use.name, input, type: use.kind } };
    this.#emit({ type: "server_tool.called", id: use.id, name: use.name, input, raw });
  }

  #endMessage(): void {
    const message = this.#message;
    if (message === undefined) return;
    this.#message = undefined;
    for (const block of message.end()) this.#close(block);
    if (message.role !== "assistant") return;
    const content = toWireBlocks(message.blocks);
    if (message.blocks.some((block) => block.is === "use")) this.#assistant = content;
    const { text } = message;
    if (text !== "") this.#emit({ type: "message", text, raw: { role: message.role, content } });
  }

  /** Content outside a message has been seen: it begins one. */
  #current(): MessageFold {
    return (this.#message ??= new MessageFold("assistant"));
  }

  #isOwn(use: ToolUse | undefined): boolean {
    return use !== undefined && this.#isOurs(use.name) && (use.kind ?? TOOL_USE) === TOOL_USE;
  }
}

function usageOf(usage: unknown): Extract<HostEvent, { type: "usage" }>["usage"] {
  const count = (name: string) => {
    const value = isObject(usage) ? usage[name] : undefined;
    return typeof value === "number" && value >= 0 ? value : 0;
  };
  return {
    inputTokens: count("inputTokens"),
    outputTokens: count("outputTokens"),
    cacheReadTokens: count("cacheReadInputTokens"),
    cacheWriteTokens: count("cacheWriteInputTokens"),
  };
}

function unfinished(): LoophostError {
  return new LoophostError(
    "host_protocol",
    "The reply of AgentCore ended before its turn did. The agent may have gone on working; it was not asked again.",
    { mayRetry: false },
  );
}

function waitsForOthers(name: string | undefined): LoophostError {
  const what = name === undefined ? "a call, and names none" : `"${name}", which is not a tool of this agent`;
  return new LoophostError("host_protocol", `AgentCore ended its turn to wait for ${what}.`, {
    mayRetry: false,
  });
}
