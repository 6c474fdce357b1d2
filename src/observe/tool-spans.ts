/** The spans of calls: executions here, waits for people, and what the host runs itself, which is only looked on. */

import type { Context } from "@opentelemetry/api";

import type { SessionEvent } from "../core/events.ts";
import type { About } from "../core/observer.ts";
import type { ToolOrigin } from "../core/tool-origin.ts";
import { originOf } from "../core/tool-origin.ts";
import type { Attributes } from "./names.ts";
import type { TraceKit } from "./trace-span.ts";
import { TraceSpan } from "./trace-span.ts";

/** What the spans in a run have of it. */
export interface RunStart {
  readonly about: About;
  /** The context of the run. */
  readonly parent: Context;
  /** What stands on every span. */
  readonly base: () => Attributes;
}

interface Wait {
  readonly span: TraceSpan | undefined;
  readonly what: "approval" | "answer";
}

/** The calls of one run. */
export class ToolSpans {
  readonly #kit: TraceKit;
  readonly #run: RunStart;
  readonly #tools = new Map<
    string,
    { readonly span: TraceSpan; readonly name: string; readonly type: string; readonly isMcp: boolean }
  >();
  readonly #waits = new Map<string, Wait>();
  /** What calls were made with, for those whose tool has yet to start. */
  readonly #inputs = new Map<string, unknown>();

  constructor(kit: TraceKit, run: RunStart) {
    this.#kit = kit;
    this.#run = run;
  }

  /** The context of a call that executes. */
  contextOf(id: string | undefined): Context | undefined {
    return id === undefined ? undefined : this.#tools.get(id)?.span.context;
  }

  event(event: SessionEvent, turn: number): void {
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the other events are of others
    switch (event.type) {
      case "tool.called":
        if (this.#kit.content.level !== "off") this.#inputs.set(event.id, event.input);
        return;
      case "approval.requested":
        return this.#wait(event.id, "approval", event.name);
      case "run.waiting":
        for (const call of event.on) {
          if (call.what === "answer")
            this.#begin(call.id, call.name, turn, { "loophost.call.external": true });
          this.#wait(call.id, call.what, call.name);
        }
        return;
      case "tool.started":
        this.#decided(event.id, "allowed");
        return this.#begin(event.id, event.name, turn);
      case "tool.finished": {
        const { id, name, result, replayed } = event;
        this.#decided(id, "denied");
        this.#begin(id, name, turn, { "loophost.call.replayed": replayed || undefined });
        this.#tools.get(id)?.span.content(result.content, "gen_ai.tool.call.result", "result");
        return this.#end(id, result.isError, !replayed);
      }
      case "tool.posted":
        return this.#decided(event.id, undefined);
      case "server_tool.called":
        if (this.#kit.content.level !== "off") this.#inputs.set(event.id, event.input);
        return this.#begin(event.id, event.name, turn, {
          "gen_ai.tool.type": "extension",
          "loophost.thread": event.thread,
        });
      case "server_tool.finished":
        this.#decided(event.id, undefined);
        return this.#end(event.id, event.isError, true);
    }
  }

  /** Ends what is under way: it was cancelled, or waits on. */
  endAll(isParked: boolean): void {
    for (const id of this.#waits.keys()) this.#decided(id, isParked ? "pending" : undefined);
    for (const [id, { span }] of this.#tools) {
      if (!isParked) span.set({ "loophost.call.cancelled": true });
      this.#tools.delete(id);
      span.end();
    }
    this.#inputs.clear();
  }

  #begin(id: string, name: string, turn: number, more: Attributes = {}): void {
    if (this.#tools.has(id)) return this.#tools.get(id)?.span.set(more);
    const { about, parent, base } = this.#run;
    const type = more["gen_ai.tool.type"] ?? "function";
    const tool = type === "function" ? about.agent.tools.find((one) => one.name === name) : undefined;
    const origin = tool === undefined ? undefined : originOf(tool);
    const span = new TraceSpan(this.#kit, {
      kind: "tool",
      name: `execute_tool ${name}`,
      parent,
      metadata: about.metadata,
      attributes: {
        ...base(),
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.type": type,
        "gen_ai.tool.call.id": id,
        "loophost.turn": turn === 0 ? undefined : turn,
        ...(origin === undefined ? {} : mcpOf(origin)),
        ...more,
      },
    });
    if (this.#inputs.has(id)) span.content(this.#inputs.get(id), "gen_ai.tool.call.arguments", "input");
    this.#inputs.delete(id);
    this.#tools.set(id, { span, name, type, isMcp: origin !== undefined });
  }

  #end(id: string, isError: boolean, isMeasured: boolean): void {
    const found = this.#tools.get(id);
    if (found === undefined) return;
    this.#tools.delete(id);
    if (isError) found.span.fail("tool_error");
    const seconds = found.span.end();
    if (!isMeasured) return;
    const failure = isError ? "tool_error" : undefined;
    this.#kit.meters.record("gen_ai.execute_tool.duration", seconds, {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": found.name,
      "gen_ai.tool.type": found.type,
      "gen_ai.agent.name": this.#run.about.agent.name,
      "error.type": failure,
    });
    if (found.isMcp)
      this.#kit.meters.record("mcp.client.operation.duration", seconds, {
        "mcp.method.name": CALL,
        "gen_ai.tool.name": found.name,
        "error.type": failure,
      });
  }

  #wait(id: string, what: Wait["what"], name: string): void {
    if (this.#waits.has(id)) return;
    const { about, parent, base } = this.#run;
    const attributes = {
      ...base(),
      "gen_ai.operation.name": "approval",
      "loophost.approval.tool": name,
      "loophost.approval.call_id": id,
    };
    const { metadata } = about;
    const start = { kind: "approval", name: `approval ${name}`, parent, metadata, attributes } as const;
    this.#waits.set(id, { what, span: what === "approval" ? new TraceSpan(this.#kit, start) : undefined });
    this.#kit.meters.record("loophost.calls.waiting", 1, { "loophost.waiting_for": what });
  }

  #decided(id: string, decision: string | undefined): void {
    const wait = this.#waits.get(id);
    if (wait === undefined) return;
    this.#waits.delete(id);
    this.#kit.meters.record("loophost.calls.waiting", -1, { "loophost.waiting_for": wait.what });
    if (wait.span === undefined) return;
    wait.span.set({ "loophost.approval.decision": decision });
    const seconds = wait.span.end();
    this.#kit.meters.record("loophost.approval.duration", seconds, {
      "loophost.approval.decision": decision,
    });
  }
}

/** What an MCP client calls a tool by. */
const CALL = "tools/call";

/** By the conventions a call over MCP has no span of its own where there is one of the tool. */
function mcpOf({ mcpServer, transport }: ToolOrigin): Attributes {
  return { "mcp.method.name": CALL, "network.transport": transport, "loophost.mcp.server": mcpServer };
}
