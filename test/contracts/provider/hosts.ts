// The hosts that the provider contract is held against: in process, over real HTTP, and scripted.

import type { AgentCoreOptions } from "loophost/providers/agentcore";
import { agentcore } from "loophost/providers/agentcore";
import { claude } from "loophost/providers/claude";
import type { ModelFunction, ModelPart } from "loophost/providers/local";
import { local } from "loophost/providers/local";
import { embeddedHost } from "loophost/server";
import { memoryStore } from "loophost/stores/memory";
import type { ContractFaults, ContractHost, ContractTurn, Heard, MakeHost } from "loophost/testing";
import type { Fault } from "loophost/testing/agentcore";
import { agentCoreStandIn } from "loophost/testing/agentcore";

/** A model that plays turns, and what it was told. */
function playing(turns: readonly ContractTurn[]): { model: ModelFunction; heard: Heard[] } {
  const heard: Heard[] = [];
  let asked = 0;
  let seen = 0;
  const model: ModelFunction = async ({ messages }, { signal }) => {
    for (const message of messages.slice(seen)) {
      if (message.role === "user")
        heard.push({
          what: "message",
          text: message.content.map((block) => (block.type === "text" ? block.text : "")).join(""),
        });
      if (message.role === "tool")
        for (const { callId: id, result } of message.results) {
          const text = result.content.map((block) => ("text" in block ? block.text : "")).join("");
          heard.push({ what: "result", id, text, isError: result.isError });
        }
    }
    seen = messages.length;
    const turn = turns[asked];
    asked += 1;
    if (turn === undefined) throw new Error(`the model was asked ${asked} times, of ${turns.length}`);
    const stopped = new Promise((resolve) => signal.addEventListener("abort", resolve));
    await Promise.race([turn.after, stopped]);
    signal.throwIfAborted();
    const parts: ModelPart[] = turn.text === undefined ? [] : [{ type: "text", text: turn.text }];
    return [...parts, ...(turn.calls ?? []).map((call): ModelPart => ({ type: "tool_call", ...call }))];
  };
  return { model, heard };
}

/** The loop in this process. */
export const localHost: MakeHost = async (turns) => {
  const { model, heard } = playing(turns);
  return { provider: () => local({ model }), heard, store: memoryStore(), close: async () => undefined };
};

/** The stand-in for AgentCore over real HTTP, and the official SDK. */
export const agentcoreHost: MakeHost = (turns) => agentcoreWith({}, turns);

/** The same, where an interrupt stops the session's machine. */
export const stoppingAgentcoreHost: MakeHost = (turns) => agentcoreWith({ onInterrupt: "stop" }, turns);

async function agentcoreWith(
  options: Partial<AgentCoreOptions>,
  turns: readonly ContractTurn[],
): Promise<ContractHost> {
  const { model, heard } = playing(turns);
  const due: Fault[] = [];
  const host = await agentCoreStandIn({
    // What a result suffers is due once the model was asked for the turn that calls.
    model(request, context) {
      host.fail(...due.splice(0));
      return model(request, context);
    },
  });
  const { url, harnessArn } = host;
  return {
    provider: () => agentcore({ harnessArn, baseUrl: url, controlBaseUrl: url, ...options }),
    heard,
    store: memoryStore(),
    faults: {
      refuseOnce(what) {
        const refusal = { is: "refusal", status: 429, type: "ThrottlingException" } as const;
        if (what === "message") host.fail(refusal);
        else due.push(refusal);
      },
    },
    close: () => host.close(),
  };
}

/** The embedded host over real HTTP, with a wire that can be broken. */
export const claudeHost: MakeHost = async (turns): Promise<ContractHost> => {
  const { model, heard } = playing(turns);
  const host = embeddedHost({ model });
  const { url } = await host.listen();
  const wire = breakableWire();
  return {
    provider: () => claude({ baseUrl: url, fetch: wire.fetch }),
    heard,
    faults: wire.faults,
    close: () => host.close(),
  };
};

function breakableWire(): { fetch: typeof fetch; faults: ContractFaults } {
  const due: { how: "lose" | "refuse"; type: string }[] = [];
  const streams = new Set<AbortController>();
  const typeOf = (what: "message" | "result") =>
    what === "message" ? '"user.message"' : '"user.custom_tool_result"';
  const throughWire: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const isStream = request.headers.get("accept")?.includes("event-stream") ?? false;
    if (isStream) {
      const cut = new AbortController();
      streams.add(cut);
      return fetch(request, { signal: AbortSignal.any([request.signal, cut.signal]) });
    }
    const body = request.method === "POST" ? await request.clone().text() : "";
    const index = due.findIndex(({ type }) => body.includes(type));
    const [fault] = index < 0 ? [] : due.splice(index, 1);
    if (fault?.how === "refuse")
      return Response.json(
        { type: "error", error: { type: "overloaded_error", message: "later" } },
        { status: 529 },
      );
    const response = await fetch(request);
    if (fault === undefined) return response;
    await response.arrayBuffer();
    throw new TypeError("fetch failed");
  };
  return {
    fetch: throughWire,
    faults: {
      loseReply: (to) => void due.push({ how: "lose", type: typeOf(to) }),
      refuseOnce: (what) => void due.push({ how: "refuse", type: typeOf(what) }),
      cut() {
        for (const stream of streams) stream.abort();
        streams.clear();
      },
    },
  };
}
