// The agent of the campaign's workers, and the model behind it: it does what its last message says.

import { appendFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

import type { Agent, IfCrashed } from "loophost";
import { defineAgent, defineTool } from "loophost";
import type { ModelFunction } from "loophost/providers/local";

/** How an agent is made. */
export interface AgentOptions {
  /** A file to which each tool adds a line when it begins. */
  readonly ledger: string;
  /** "answer": the default, the model is told that the call may have taken effect. */
  readonly ifCrashed: "answer" | "rerun";
  /** The next release of the agent has a tool and a sentence more. */
  readonly release?: "old" | "new" | undefined;
}

/** "go N": so many steps, one after another. "call TOOL {json}": that one. "say X": X. "long N M": N words, M at a time. */
export const model: ModelFunction = async function* play({ messages }) {
  const asked = messages.findLastIndex(({ role }) => role === "user");
  const done = messages.slice(asked).filter(({ role }) => role === "tool").length;
  const text = wordsOf(messages[asked]);
  const [verb = "", what = "", json = "{}"] = text.split(" ");
  const id = `call_${messages.length}`;
  if (verb === "go" && done < Number(what))
    yield { type: "tool_call", id, name: "step", input: { of: done + 1 } };
  else if (verb === "call" && done === 0)
    yield { type: "tool_call", id, name: what, input: JSON.parse(json) };
  else if (verb === "long")
    for (let word = 0; word < Number(what); word += 1) {
      if (word % (Number(json) || 1) === 0) await setTimeout(1);
      yield { type: "text", text: `word${word}.${process.pid} ` };
    }
  else yield { type: "text", text: verb === "say" ? text.slice(4) : `done ${text}` };
};

function wordsOf(message: Parameters<ModelFunction>[0]["messages"][number] | undefined): string {
  if (message?.role !== "user") return "";
  return message.content.map((block) => ("text" in block ? block.text : "")).join("");
}

/** Makes the agent. */
export function fleetAgent({ ledger, ifCrashed, release = "old" }: AgentOptions): Agent {
  const note = (name: string, { sessionId, callId }: { sessionId: string; callId: string }) =>
    appendFileSync(
      ledger,
      `${JSON.stringify({ name, sessionId, callId, pid: process.pid, at: Date.now() })}\n`,
    );
  const tool = (
    name: string,
    work: (input: Readonly<Record<string, unknown>>) => Promise<string>,
    more: { readonly needsApproval?: boolean } = {},
  ) =>
    defineTool({
      name,
      description: name,
      input: { type: "object" },
      timeoutMs: 600_000,
      ...(ifCrashed === "rerun" && { ifCrashed: "rerun" satisfies IfCrashed }),
      ...more,
      async execute(input, context) {
        note(name, context);
        return work(input);
      },
    });
  const tools = [
    tool("step", async () => {
      await setTimeout(5 + Math.random() * 20);
      return "stepped";
    }),
    tool("take", async ({ ms }) => {
      await setTimeout(Number(ms));
      return "taken";
    }),
    tool("refund", () => Promise.resolve("refunded"), { needsApproval: true }),
    tool("deadly", () => {
      process.kill(process.pid, "SIGKILL");
      return setTimeout(60_000, "alive");
    }),
    ...(release === "new" ? [tool("more", () => Promise.resolve("more"))] : []),
  ];
  const instructions = release === "new" ? "Step, and do it well." : "Step.";
  return defineAgent({ name: "stepper", model: "scripted", instructions, tools, limits: { maxTurns: 100 } });
}
