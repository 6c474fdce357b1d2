/**
 * The tool calls of a session: which run here, which wait for a verdict, and with which event each is answered.
 *
 *   what the host tells                              awaits          answered by
 *   agent.custom_tool_use                            custom result   user.custom_tool_result
 *   a host's tool that is allowed, and runs here     result          user.tool_result
 *   a host's tool, neither allowed nor denied        verdict         user.tool_confirmation; then, if it runs here: result
 *   any other tool of the host's                     others          the host; user.tool_result once an idle asks us for it
 *
 *   K1  a call is answered by its id, whichever thread it came from; a thread that ends takes its calls along
 *   K2  a tool of the host's runs here only where the host leaves that to us, and only once nobody objects (I9)
 *   K3  such a call, where it had to be allowed first, runs under an id of its own: on record, the host's is its verdict's
 *   K4  what is known of calls is forgotten when the next work begins (I10)
 */

import type { HostEvent, HostInput } from "../../../core/provider.ts";
import type { ClaudeWireEvent } from "./wire.ts";
import { callOf, text, toWire, toWireContent } from "./wire.ts";

interface OpenCall {
  /** What it waits for: a result of a custom tool, a result of a built-in tool that runs here, a verdict, or others. */
  readonly awaits: "custom result" | "result" | "verdict" | "others";
  readonly hostId: string;
  readonly thread: string | undefined;
  readonly event: ClaudeWireEvent;
  /** Whether the host would have a worker run it. */
  readonly isOthers?: boolean;
}

/** The calls of one session. */
export class Calls {
  /** Tools of the host's that run here, by name. */
  readonly #runHere: ReadonlySet<string>;
  /** By the id we know them by. */
  readonly #open = new Map<string, OpenCall>();
  readonly #answered = new Set<string>();
  /** The ids under which allowed calls run here, by the host's. */
  readonly #allowed = new Map<string, string>();

  constructor(runHere: ReadonlySet<string>) {
    this.#runHere = runHere;
  }

  /** What an event says of a call; undefined when it says nothing of calls. */
  read(event: ClaudeWireEvent, thread: string | undefined): HostEvent[] | undefined {
    switch (event.type) {
      case "agent.custom_tool_use":
        return [this.#begin("custom result", event, thread)];
      case "agent.tool_use":
      case "agent.mcp_tool_use":
        return this.#hostTool(event, thread);
      case "agent.tool_result":
      case "agent.mcp_tool_result":
        return this.#hostResult(event, thread);
      case "user.tool_confirmation":
        return this.#verdict(event);
      case "user.custom_tool_result":
      case "user.tool_result":
        return answeredBy(event) === "" ? undefined : [this.#settle(this.#idOf(answeredBy(event)), event)];
      default:
        return undefined;
    }
  }

  /** Cancels the open calls of a sub-agent that ended: the host no longer waits for their results. */
  end(thread: string): HostEvent[] {
    const ended = [...this.#open].filter(([, call]) => call.thread === thread && call.awaits !== "others");
    return ended.map(([id]) => this.#settle(id));
  }

  /** Forgets all calls: new work begins, and no earlier call matters any more. */
  forget(): void {
    for (const known of [this.#open, this.#answered, this.#allowed]) known.clear();
  }

  /** What the host waits for: the ids, and those among them that a worker would execute. */
  awaited(hostIds: readonly string[]): { readonly ids: readonly string[]; readonly told: HostEvent[] } {
    const ids = hostIds.map((id) => this.#idOf(id));
    const told = ids.flatMap((id) => {
      const call = this.#open.get(id);
      return call?.awaits === "others" ? [this.#begin("result", call.event, call.thread, true)] : [];
    });
    return { ids, told };
  }

  /** Whether the host has the answer to a call, or wants none any more. */
  isAnswered(id: string): boolean {
    return this.#answered.has(id);
  }

  /** The child thread a call came from. */
  threadOf(id: string): string | undefined {
    return this.#open.get(id)?.thread;
  }

  /** The wire's form of an answer: it depends on whose tool was called. */
  toWire(answer: Extract<HostInput, { callId: string }>): unknown {
    const call = this.#open.get(answer.callId);
    if (answer.type === "verdict" || call?.awaits !== "result") return toWire(answer);
    const { content, isError } = answer.result;
    const result = { content: toWireContent(content), is_error: isError };
    return { type: "user.tool_result", tool_use_id: call.hostId, ...result };
  }

  #hostTool(event: ClaudeWireEvent, thread: string | undefined): HostEvent[] {
    const permission = event["evaluated_permission"] ?? "allow";
    const runsHere = this.#runsHere(event);
    if (permission === "allow" && runsHere) return [this.#begin("result", event, thread)];
    // A denied call is answered by the host itself. Fails closed: an unknown permission needs approval.
    const mustAsk = permission !== "allow" && permission !== "deny";
    const asked = mustAsk ? [this.#begin("verdict", event, thread)] : [];
    // A call that runs here is emitted as a call of ours, once it may run.
    if (mustAsk && runsHere) return asked;
    const call = callOf(event);
    if (!mustAsk) this.#open.set(call.id, { awaits: "others", hostId: call.id, thread, event });
    return [{ type: "server_tool.called", ...call, raw: event, thread }, ...asked];
  }

  #hostResult(event: ClaudeWireEvent, thread: string | undefined): HostEvent[] {
    const id = this.#idOf(answeredBy(event));
    const call = this.#open.get(id);
    const isError = event["is_error"] === true;
    const finished: HostEvent = { type: "server_tool.finished", id, isError, raw: event, thread };
    if (call === undefined || call.awaits === "others") {
      this.#open.delete(id);
      return [finished];
    }
    // Stopped or denied: the host has answered for us.
    const isTheirs = call.awaits === "verdict" || call.isOthers === true;
    return isTheirs ? [finished, this.#settle(id)] : [this.#settle(id, event)];
  }

  #verdict(event: ClaudeWireEvent): HostEvent[] {
    const hostId = answeredBy(event);
    const call = this.#open.get(hostId);
    const settled = this.#settle(hostId, event);
    if (call === undefined || event["result"] !== "allow" || !this.#runsHere(call.event)) return [settled];
    this.#allowed.set(hostId, `${hostId}:allowed`);
    return [settled, this.#begin("result", call.event, call.thread)];
  }

  #begin(
    awaits: OpenCall["awaits"],
    event: ClaudeWireEvent,
    thread: string | undefined,
    isOthers = false,
  ): HostEvent {
    const call = callOf(event);
    const id = this.#idOf(call.id);
    this.#open.set(id, { awaits, hostId: call.id, thread, event, isOthers });
    const shown = { ...call, id, raw: event, thread };
    if (awaits === "verdict") return { type: "verdict.needed", ...shown };
    return { type: "call", ...shown, ...(isOthers && { isOthers }) };
  }

  #settle(id: string, raw?: ClaudeWireEvent): HostEvent {
    this.#open.delete(id);
    this.#answered.add(id);
    return { type: "call.answered", id, ...(raw && { raw }) };
  }

  #runsHere(event: ClaudeWireEvent): boolean {
    return event.type === "agent.tool_use" && this.#runHere.has(callOf(event).name);
  }

  #idOf(hostId: string): string {
    return this.#allowed.get(hostId) ?? hostId;
  }
}

/** The call an answer is to. */
function answeredBy(event: ClaudeWireEvent): string {
  const { tool_use_id, mcp_tool_use_id, custom_tool_use_id } = event;
  return text(tool_use_id) ?? text(mcp_tool_use_id) ?? text(custom_tool_use_id) ?? "";
}
