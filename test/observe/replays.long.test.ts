// Recordings of each provider, played again: runs in which a person decides, that are interrupted, or that fail.

import type { Agent, Provider, Run, Session, SessionEvent } from "loophost";
import { defineAgent, defineTool, LoophostError, openSession } from "loophost";
import { recordTo } from "loophost/observe";
import { agentcore } from "loophost/providers/agentcore";
import { claude } from "loophost/providers/claude";
import type { ModelFunction } from "loophost/providers/local";
import { local } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { replayProvider } from "loophost/testing";
import { agentCoreStandIn } from "loophost/testing/agentcore";
import { describe, expect, it, onTestFinished } from "vitest";

import { anything } from "../support/host-events.ts";

const hosts: Record<string, (model: ModelFunction) => Promise<Provider>> = {
  local: async (model) => local({ model }),
  claude: async (model) => {
    const host = embeddedHost({ model });
    onTestFinished(() => host.close());
    return claude({ baseUrl: (await host.listen()).url });
  },
  agentcore: async (model) => {
    const standIn = await agentCoreStandIn({ model });
    onTestFinished(() => standIn.close());
    const { url, harnessArn } = standIn;
    return agentcore({ harnessArn, baseUrl: url, controlBaseUrl: url });
  },
};

const pay = defineTool({
  name: "pay",
  description: "Pays.",
  input: anything,
  needsApproval: true,
  execute: ({ id }) => `paid ${String(id)}`,
});
const stuck = defineTool({
  name: "stuck",
  description: "Takes long.",
  input: anything,
  execute: (_, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", reject)),
});

const used = { type: "usage", inputTokens: 10, outputTokens: 3 } as const;
const calling =
  (name: string, ...ids: number[]): ModelFunction =>
  ({ messages }) =>
    messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "Done." }, used]
      : [
          { type: "text", text: "One moment." },
          ...ids.map((id) => ({ type: "tool_call", id: `c${id}`, name, input: { id } }) as const),
          used,
        ];

/** How a run is held: the model, the tools, and what its user does meanwhile. */
interface Scene {
  readonly model: ModelFunction;
  readonly agent: Agent;
  readonly meanwhile?: (event: SessionEvent, session: Session) => unknown;
}

const agentWith = (...tools: (typeof pay)[]) =>
  defineAgent({ name: "clerk", instructions: "x", model: "m", tools, limits: { runTimeoutMs: 5_000 } });

const scenes: Record<string, Scene> = {
  "in which a person allows one call and denies another": {
    model: calling("pay", 1, 2),
    agent: agentWith(pay),
    meanwhile: (event, session) => {
      if (event.type !== "approval.requested") return undefined;
      const { id } = event.input as { readonly id: number };
      return id === 1 ? session.approve(event.id) : session.deny(event.id, "no");
    },
  },
  "that is interrupted with a tool under way": {
    model: calling("stuck", 1),
    agent: agentWith(stuck),
    meanwhile: (event, session) => (event.type === "tool.started" ? session.interrupt() : undefined),
  },
  "that fails": {
    model: () => {
      throw new LoophostError("host_rejected", "the model said no");
    },
    agent: agentWith(),
  },
};

/** A run, and all it told, but for what is never the same twice: how long things took, and in which order tools finished. */
async function hold({ agent, meanwhile }: Scene, provider: Provider, observer = {}): Promise<object> {
  const told: SessionEvent[] = [];
  await using session = await openSession(agent, { provider, observers: [observer] });
  const started: Run = session.send("go");
  const ended = started.result().catch((thrown: unknown) => thrown);
  try {
    for await (const event of started) {
      told.push(event);
      await meanwhile?.(event, session);
    }
  } catch {
    // It is the error of the result.
  }
  const result = await ended;
  const words = (event: SessionEvent) => JSON.stringify({ ...event, durationMs: undefined });
  const shown =
    result instanceof LoophostError
      ? { code: result.code, message: result.message }
      : { ...(result as object), events: undefined, transcript: undefined };
  return { told: told.map(words).toSorted(), result: JSON.parse(JSON.stringify(shown)) };
}

describe.each(Object.keys(hosts))("a recording of %s", (host) => {
  it.each(Object.entries(scenes))("of a run %s replays to the same events and result", async (_, scene) => {
    const lines: string[] = [];
    const recorder = recordTo((line) => lines.push(line), { deltas: "all" });
    const first = await hold(scene, (await hosts[host]?.(scene.model))!, recorder);
    const again = await hold(scene, replayProvider(`${lines.join("\n")}\n`));
    expect(again).toEqual(first);
  });
});
